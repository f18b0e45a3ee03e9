"""Copies: whole, verified, without keys, rotated; damaged, foreign and newer ones are refused; a restore puts aside."""

import io
import sqlite3
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outcry.desk import backup, migrate
from outcry.desk.care import copies
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops.floor import Floor, open_floor
from outcry.ops.lock import one_instance
from outcry.ops.settings import Backup, Settings
from outcry.store import agents, database, exchange_books
from outcry.store import backup as rows
from outcry.store import jobs as job_rows

NOW_MS = 1_795_176_000_000


@pytest.fixture
def floor(tmp_path):
    made = open_floor(Settings(), tmp_path / "state", quiet=True)
    migrate.prepare(made, NOW_MS)
    exchange_books.open_file(made.exchange_books).close()
    made.checkpoints.mkdir()
    (made.checkpoints / "clerk.json").write_text('{"warm": 1}')
    return made


@pytest.fixture
def settings(tmp_path):
    file = tmp_path / "floor.toml"
    file.write_text('environment = "embedded"\n')
    return file


def make(floor: Floor, settings: Path, at_ms: int = NOW_MS) -> Path:
    return copies.make(floor, settings, copies.folder_of(floor), at_ms)


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as opened:
        return opened.getnames()


def events(floor: Floor) -> list[str]:
    db = database.read_only(floor.database)
    try:
        return [row[0] for row in db.execute("SELECT event FROM system_events ORDER BY id")]
    finally:
        db.close()


# ---- making ---------------------------------------------------------------------------------------------------------


def test_a_copy_holds_everything_but_keys_and_no_log_of_its_own(floor, settings):
    archive = make(floor, settings)
    assert names(archive) == ["MANIFEST.json", "checkpoints/clerk.json", "exchange.db", "floor.toml", "kalshi.db"]
    assert archive.name.startswith("embedded-") and archive.name.endswith("-20261120T120000Z.tar.gz")
    assert sorted(file.name for file in archive.parent.iterdir()) == [archive.name]
    secret = (floor.folder / "kalshi.pem").read_bytes()
    with tarfile.open(archive) as opened:
        assert not any(secret in opened.extractfile(member).read() for member in opened if member.isfile())


def test_it_is_made_while_somebody_holds_the_write_lock(floor, settings):
    stranger = database.connect(floor.database)
    stranger.execute("BEGIN IMMEDIATE")
    stranger.execute("UPDATE agents SET pause_reason = 'half done'")
    archive = make(floor, settings)
    stranger.execute("ROLLBACK")
    stranger.close()
    assert archive.exists()


def test_one_that_is_not_sound_is_not_kept(floor, settings):
    db = database.connect(floor.database)
    db.execute("INSERT INTO agent_cash VALUES ('momentum', 2, 1000000, 0)")  # money that no fill explains
    db.close()
    with pytest.raises(Unavailable, match="totals differ from the fills: momentum"):
        make(floor, settings)
    assert list(copies.folder_of(floor).iterdir()) == []


def test_a_ledger_that_moved_without_a_booking_is_noticed(floor, tmp_path):
    db = database.connect(floor.database)
    from outcry.store import accounts

    accounts.open_shard(db, 2, 1_000_000_000, NOW_MS)
    look = accounts.Reconciliation(NOW_MS + 1, 2, 1_000_000_000, 0, 1_000_000_000, True, True)
    accounts.record_reconciliation(db, look)
    db.close()
    rows.copy(floor.database, tmp_path / "copy.db")
    assert rows.ledger_faults(tmp_path / "copy.db") == []
    spoilt = sqlite3.connect(tmp_path / "copy.db")
    spoilt.execute("DROP TRIGGER cash_events_no_update")
    spoilt.execute("UPDATE cash_events SET amount_micros = amount_micros + 1")
    spoilt.commit()
    spoilt.close()
    assert rows.ledger_faults(tmp_path / "copy.db") == ["shard 2: 1000000001 micro-dollars, and 1000000000 were seen"]


def test_a_disk_without_room_gets_no_copy(floor, settings, monkeypatch):
    monkeypatch.setattr("outcry.ops.disk.ENTRIES_BYTES", 10**18)
    monkeypatch.setattr("outcry.ops.disk.ENTRIES_PERCENT", 100)
    with pytest.raises(Unavailable, match=r"no room for a copy .*another disk"):
        make(floor, settings)


def test_what_a_killed_run_left_goes_with_the_next(floor, settings):
    folder = copies.folder_of(floor)
    (folder / ".making-abc").mkdir(parents=True)
    (folder / ".making-abc" / "kalshi.db").write_bytes(b"half")
    (folder / ".making-def.tar.gz").write_bytes(b"half")
    archive = make(floor, settings)
    assert sorted(file.name for file in folder.iterdir()) == [archive.name]


def test_cron_makes_one_a_turn_and_a_row_of_it(floor, settings):
    backup.make(floor, settings, None, if_due=True)
    backup.make(floor, settings, None, if_due=True)
    assert len(copies.existing(copies.folder_of(floor), "embedded")) == 1
    db = database.read_only(floor.database)
    assert (job_rows.last(db)["backup"].result, "kB" in job_rows.last(db)["backup"].detail) == ("done", True)
    db.close()


def test_rotation_keeps_days_then_the_first_of_each_week():
    now = datetime(2026, 11, 20, 4, tzinfo=UTC)
    made = [Path(f"embedded-abcdef-{now - timedelta(days=back):{copies.STAMP}}.tar.gz") for back in range(100)]
    gone = copies.rotate(made, 14, 8, now)
    kept = [now - copies.made_at(file) for file in made if file not in gone]
    assert [age.days for age in kept[:15]] == list(range(15))
    weekly = [copies.made_at(file) for file in made if file not in gone and (now - copies.made_at(file)).days > 14]
    assert 7 <= len(weekly) <= 9
    assert len({made.isocalendar()[:2] for made in weekly}) == len(weekly)
    assert max(kept) <= timedelta(days=14, weeks=8)


def test_old_copies_go_and_other_files_in_the_folder_stay(floor, settings, tmp_path):
    folder = tmp_path / "elsewhere"
    kept = open_floor(Settings(backup=Backup(str(folder), keep_days=1, keep_weeks=0)), tmp_path / "state", quiet=True)
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "paper-abcdef-20200101T000000Z.tar.gz").write_bytes(b"of another floor")
    copies.make(kept, settings, folder, 1_500_000_000_000)
    backup.make(kept, settings, None, if_due=False)
    assert len(copies.existing(folder, "embedded")) == 1
    assert (folder / "notes.txt").exists() and len(list(folder.iterdir())) == 3


# ---- bringing back --------------------------------------------------------------------------------------------------


def test_a_restore_puts_what_is_there_aside_and_halts(floor, settings):
    archive = make(floor, settings)
    db = database.connect(floor.database)
    agents.set_paused(db, "momentum", True, reason="later", now_ms=NOW_MS)
    db.close()
    (floor.checkpoints / "clerk.json").write_text('{"warm": 2}')
    backup.restore(floor, archive)
    (aside,) = floor.folder.glob("replaced-*")
    assert {"kalshi.db", "exchange.db", "checkpoints"} <= {file.name for file in aside.iterdir()}
    assert (floor.checkpoints / "clerk.json").read_text() == '{"warm": 1}'
    assert (floor.folder / "floor.toml.restored").read_text() == settings.read_text()
    db = database.read_only(floor.database)
    assert not agents.get(db, "momentum").paused
    db.close()
    assert events(floor)[-1] == "restored"
    assert "restored from" in floor.halt_file.read_text()
    backup.restore(floor, archive)  # again, over a restored one
    assert rows.ledger_faults(floor.database) == []


def test_on_an_empty_machine_it_is_a_whole_floor_again(floor, settings, tmp_path):
    archive = make(floor, settings)
    there = open_floor(Settings(), tmp_path / "another", quiet=True)
    backup.restore(there, archive)
    assert (there.folder / "kalshi.pem").exists(), "an embedded floor gets a new key"
    assert rows.facts(there.database)["floor_id"] == rows.facts(floor.database)["floor_id"]
    assert list(there.folder.glob("replaced-*")) == []


def test_no_restore_under_a_running_program(floor, settings):
    archive, before = make(floor, settings), floor.database.read_bytes()
    with one_instance(floor.folder, "trader@momentum"), pytest.raises(Unavailable, match="stop the floor first"):
        backup.restore(floor, archive)
    assert floor.database.read_bytes() == before
    assert not floor.halt_file.exists()


def test_a_copy_of_another_environment_is_refused(floor, settings, tmp_path):
    archive = make(floor, settings)
    paper = open_floor(Settings(environment="paper"), tmp_path / "state", quiet=True)
    with pytest.raises(Misconfigured, match="never mix"):
        backup.restore(paper, archive)


def test_a_copy_from_a_newer_build_is_refused(floor, settings):
    db = database.connect(floor.database)
    db.execute("INSERT INTO migrations VALUES ('9999_later.sql', datetime('now'))")
    db.close()
    with pytest.raises(Misconfigured, match=r"9999_later\.sql, which this build lacks"):
        backup.restore(floor, make(floor, settings))


def spoilt(archive: Path, name: str, change) -> Path:
    """The same archive with one file changed, or added."""
    target = archive.with_name(archive.name.replace("T12", "T13"))
    with tarfile.open(archive) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            content = old.extractfile(member).read()
            if member.name == name:
                content = change(content)
                member.size = len(content)
            new.addfile(member, io.BytesIO(content))
        if name not in old.getnames():
            member = tarfile.TarInfo(name)
            new.addfile(member, io.BytesIO())
    return target


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda archive: archive.write_bytes(archive.read_bytes()[:5_000]), "no backup that can be read"),
        (lambda archive: archive.write_bytes(b"nonsense"), "no backup that can be read"),
        (lambda archive: spoilt(archive, "kalshi.db", lambda content: content[:-4096]), "damaged: kalshi.db"),
        (lambda archive: spoilt(archive, "floor.toml", lambda _: b"live = true"), "damaged: floor.toml"),
        (lambda archive: spoilt(archive, "MANIFEST.json", lambda _: b"{}"), "no backup that can be read"),
        (lambda archive: spoilt(archive, "../../outside", lambda _: b""), "does not belong into a backup"),
    ],
)
def test_a_damaged_copy_is_refused_before_anything_is_touched(floor, settings, spoil, words):
    archive, before = make(floor, settings), floor.database.read_bytes()
    made = spoil(archive)
    with pytest.raises(Misconfigured, match=words):
        backup.restore(floor, made if isinstance(made, Path) else archive)
    assert floor.database.read_bytes() == before
    assert not floor.halt_file.exists() and not list(floor.folder.glob("replaced-*"))
