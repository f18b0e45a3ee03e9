"""Every ailment is found and its mend told; a healthy floor is quiet; nothing secret is printed, nothing written."""

import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from beside import BIN, Desk
from local_exchange import now_ms
from outcry.desk import doctor, migrate
from outcry.desk.care import doctor_settings
from outcry.desk.doctor import CHECKS
from outcry.domain.errors import Unavailable
from outcry.ops import disk
from outcry.ops.disk import Room
from outcry.ops.floor import Addresses, Floor
from outcry.ops.installed import Place
from outcry.ops.program import Sources
from outcry.ops.settings import Settings, parse
from outcry.store import database, jobs, spool, system
from outcry.store.spool import Spool
from outcry.venue import probe, sign


@pytest.fixture
def floor(tmp_path):
    floor = Floor(Settings(), tmp_path / "embedded")
    migrate.prepare(floor, now_ms())
    return floor


def found(floor, name):
    """What one check says, without the exchange."""
    return [(trouble.what, trouble.mend) for trouble in CHECKS[name](floor)]


def sole(floor, name):
    ((what, mend),) = found(floor, name)
    assert mend and "\n" not in what + mend
    return what, mend


@pytest.mark.parametrize("name", [name for name in CHECKS if name != "exchange"])
def test_a_new_floor_is_well(floor, name):
    assert found(floor, name) == []


def test_a_corrupt_database_is_found(floor):
    db = database.connect(floor.database, checkpoints=True)
    db.execute("PRAGMA journal_mode = DELETE")
    page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'fills'").fetchone()[0]
    size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    with floor.database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 200)
    what, mend = sole(floor, "database")
    assert "is corrupt" in what and ".recover" in mend


def test_a_file_that_is_no_database_is_found(floor):
    floor.database.write_bytes(b"not a database" * 100)
    assert "not a database" in sole(floor, "database")[0]
    floor.budget_file.write_bytes(b"nor is this" * 100)
    assert "remove" in sole(floor, "other databases")[1]


def test_no_database_a_missing_migration_and_one_too_many(floor, tmp_path):
    assert sole(Floor(Settings(), tmp_path), "database")[1] == "bin/migrate"
    db = database.connect(floor.database)
    last = db.execute("SELECT max(name) FROM migrations").fetchone()[0]
    db.execute("DELETE FROM migrations WHERE name = ?", (last,))
    what, mend = sole(floor, "database")
    assert last in what and "bin/migrate" in mend
    db.execute("INSERT INTO migrations VALUES (?, ''), ('9999_newer.sql', '')", (last,))
    what, mend = sole(floor, "database")
    assert "9999_newer.sql" in what and "newer build" in mend
    db.close()


def test_books_of_another_environment_are_found(floor):
    demo = Floor(msgspec.structs.replace(floor.settings, environment="demo"), floor.folder)
    assert sole(demo, "database")[0] == "these are the books of 'embedded', the settings say 'demo'"


def test_a_stranger_that_holds_the_lock_is_named(floor, monkeypatch):
    monkeypatch.setattr(doctor, "LONG_HELD_S", 0.01)
    stranger = sqlite3.connect(floor.database, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    what, mend = sole(floor, "database")
    assert f"is locked by pid {os.getpid()} (" in what and mend == "let it finish, or end it"
    stranger.close()


def test_owner_and_mode(floor):
    (floor.folder / "kalshi.pem").chmod(0o640)
    floor.database.chmod(0o666)
    assert "others may read" in sole(floor, "key")[0] and "chmod 600" in sole(floor, "key")[1]
    assert sole(floor, "files") == (f"anybody may write {floor.database}", f"chmod o-w {floor.database}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_somebody_else(floor):
    os.chown(floor.database, 4_711, -1)
    what, mend = sole(floor, "files")
    assert "belongs to uid 4711" in what and mend.startswith("chown")
    os.chown(floor.key_file, 4_711, -1)
    assert "not to the floor" in sole(floor, "key")[0]


def test_a_key_that_is_missing_or_is_none(floor):
    floor.key_file.write_bytes(b"-----BEGIN NOTHING-----")
    assert found(floor, "key")
    floor.key_file.unlink()
    assert found(floor, "key")


@pytest.mark.parametrize(
    ("free", "inodes", "said"),
    [
        (disk.TAPE_BYTES, 50, []),
        (disk.TAPE_BYTES - 1, 50, ["the tape stops"]),
        (disk.ENTRIES_BYTES - 1, 50, ["entries stop"]),
        (disk.TAPE_BYTES, 0, ["less than 1 % of the disk's inodes are free"]),
    ],
)
def test_low_disk(floor, monkeypatch, free, inodes, said):
    monkeypatch.setattr(disk, "room", lambda _folder: Room(free, 10**12, inodes))
    assert [what.rpartition(": ")[2] for what, _ in found(floor, "disk")] == said


def test_a_spool_that_nobody_empties(floor):
    file = spool.file_of(floor.folder, "trader@momentum")
    left = Spool(file)
    left.append({"type": "lost"})
    left.close()
    assert found(floor, "spools") == [], "just now"
    os.utime(file, (time.time() - 600,) * 2)
    what, mend = sole(floor, "spools")
    assert what == "1 records of trader@momentum wait for the database" and "bin/clerk" in mend


@pytest.mark.parametrize(
    ("state", "version", "alive", "age_ms", "said"),
    [
        ("READY", None, True, 0, None),
        ("STOPPED", None, False, 10**9, None),
        ("READY", None, False, 5_000, "gave no sign of life"),
        ("READY", None, True, 91_000, "gave no sign of life for 91 s"),
        ("READY", "0.0.1", True, 0, "runs version 0.0.1"),
    ],
)
def test_programs_that_died_hang_or_are_old(floor, state, version, alive, age_ms, said):
    db = database.connect(floor.database)
    pid, at_ms = os.getpid() if alive else 4_194_999, now_ms() - age_ms
    how = {"pid": pid, "started_at_ms": 1, "state": state, "state_since_ms": 1, "detail": {}, "now_ms": at_ms}
    system.beat(db, "trader@momentum", version=version or doctor.place().build, **how)
    db.close()
    troubles = found(floor, "programs")
    assert [said in what for what, _ in troubles] == ([True] if said else [])
    if said and "sign" in said:
        assert "start bin/trader momentum" in troubles[0][1]


@pytest.mark.parametrize(
    ("ahead", "said"),
    [((-1_500, 400), []), ((2_001, 3_001), ["+2.0"]), ((-9_000, -2_001), ["-2.0"]), ((-2_001, 1), [])],
)
def test_a_clock_that_is_off(floor, monkeypatch, ahead, said):
    monkeypatch.setattr(Floor, "addresses", lambda _floor: Addresses("", "", ""))
    monkeypatch.setattr(probe, "clock_ahead_ms", lambda _url: ahead)
    monkeypatch.setattr(doctor, "_account", lambda _floor, _rest: [])
    assert [what.split()[-2] for what, _ in found(floor, "exchange")] == said


def test_an_exchange_that_is_not_there(floor, monkeypatch, capsys):
    assert sole(floor, "exchange") == ("the local exchange is not running", "start bin/exchange")
    floor.exchange_file.write_text('{"rest_url": "http://127.0.0.1:9/x", "stream_url": "", "spot_url": ""}')
    assert "does not answer" in sole(floor, "exchange")[0]
    assert doctor.run(floor) == 1
    said = capsys.readouterr().out
    assert "TROUBLE exchange: " in said and "mend: start bin/exchange" in said and "ok      key" in said
    assert doctor.run(replace(floor, quiet=True)) == 1
    assert "ok" not in capsys.readouterr().out


def test_settings_are_printed_with_their_sources_and_without_secrets(floor, tmp_path, capsys, monkeypatch):
    file = tmp_path / "floor.toml"
    file.write_text("time_factor = 2.0\n[risk]\nmax_positions = 2\n[discovery.underlying]\nKXBTC15M = 'BTC-USD'\n")
    chosen = Floor(parse({"time_factor": 2.0, "risk": {"max_positions": 2}}), floor.folder)
    monkeypatch.setenv("OUTCRY_KEY_ID", "a-secret-id")
    doctor_settings.run(chosen, Sources(file, "command line", "default", True))
    lines = capsys.readouterr().out.splitlines()
    assert f"time_factor = 2.0  # {file}" in lines and f"risk.max_positions = 2  # {file}" in lines
    assert 'environment = "embedded"  # default' in lines and "local.seed = 1  # default" in lines
    assert f"# key       {floor.key_file}  # state folder" in lines
    assert not any("a-secret-id" in line or "PRIVATE" in line for line in lines)


# ---- beside a running exchange --------------------------------------------------------------------------------------


def run(desk, *arguments, **environment):
    options = ["--state", desk.floor.folder.parent, *arguments]
    done = subprocess.run(
        [sys.executable, BIN / "doctor", *options], capture_output=True, text=True, check=False,
        env={**os.environ, "OUTCRY_SETTINGS": str(desk.settings), **environment},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    desk.exchange.engine.set_netting("floor", 0, False)
    yield desk
    desk.close()


@pytest.mark.floor
def test_a_running_floor_is_well_within_seconds_and_nothing_is_written(desk):
    before = sorted(desk.floor.folder.rglob("*"))
    began = time.monotonic()
    code, said = run(desk)
    assert (code, said.count("ok ")) == (0, len(CHECKS)), said
    assert time.monotonic() - began < 5
    assert {file.name for file in set(desk.floor.folder.rglob("*")) - set(before)} <= {"budget.db"} | {
        "budget.db-wal", "budget.db-shm",
    }  # fmt: skip


@pytest.mark.floor
def test_collateral_return_a_stranger_s_key_and_the_settings(desk):
    desk.exchange.engine.set_netting("floor", 0, True)
    code, said = run(desk)
    assert code == 1 and "collateral return is on (subaccount 0" in said and "switch it off" in said
    private, _public = sign.generate("ed25519")
    desk.floor.key_file.write_bytes(private)
    code, said = run(desk)
    assert code == 1 and "the key does not match the environment 'embedded'" in said
    assert "PRIVATE" not in said and (desk.floor.folder / "kalshi.key-id").read_text().strip() not in said
    code, said = run(desk, "--settings")
    assert code == 0 and "# OUTCRY_SETTINGS" in said and "# exchange  http://127.0.0.1" in said
    code, said = run(desk, "--settings", str(desk.settings))
    assert code == 1, "with a file it looks at everything, as every program takes that option"


def test_nobody_who_answers_with_a_date_cannot_be_asked_the_time(monkeypatch):
    with pytest.raises(Unavailable, match="does not answer"):
        probe.clock_ahead_ms("http://127.0.0.1:9/trade-api/v2")


def test_an_installed_floor_whose_cron_does_nothing_is_told_so(floor, monkeypatch):
    assert found(floor, "cron") == [], "a checkout has no cron"
    monkeypatch.setattr(doctor, "place", lambda: Place("kalshi", Path(), Path(), "1"))
    assert found(floor, "cron") == [], "it is new"
    monkeypatch.setattr(doctor, "now_ms", lambda: now_ms() + 700_000)
    assert "cron has started nothing" in found(floor, "cron")[0][0]
    db = database.connect(floor.database)
    jobs.begin(db, "alert", 1, 1)
    db.close()
    assert found(floor, "cron") == []
