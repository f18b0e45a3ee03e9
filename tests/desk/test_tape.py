"""bin/tape on a floor's folder: what it prints, its exit codes, and what it leaves on the disk."""

import json
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from outcry.desk import migrate
from outcry.desk import tape as program
from outcry.desk.common import jobs
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops.disk import Room
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.research.tape import Day
from outcry.store import database
from taped import Recorder

NIGHT_MS = 1_795_150_200_000  # 2026-11-20T04:50:00Z
BIN = Path(__file__).resolve().parents[2] / "bin" / "tape"


@pytest.fixture
def floor(tmp_path: Path) -> Floor:
    return Floor(Settings(), tmp_path / "embedded")


def record(floor: Floor, day: str = "2026-05-13", *, hole: bool = False, place: str = "") -> Path:
    recorder = Recorder(floor.tape / place / f"{day}.db")
    recorder.whole("A", 1, {4300: 500}, {4500: 700})
    recorder.delta("A", 3 if hole else 2, 4300, 100)
    return recorder.close()


def test_days_are_listed_with_what_is_known_of_them(floor: Floor, capsys: pytest.CaptureFixture[str]):
    record(floor)
    record(floor, "2026-05-14", hole=True)
    program.compile_days(floor, ("2026-05-14",), remove=True)
    (floor.tape / "2026-05-15.db").write_text("no tape at all" * 100)
    capsys.readouterr()
    program.ls(floor, (), as_json=True)
    rows = {row["day"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["2026-05-13"]["rows"] == {"delta": 1, "snapshot": 1}
    assert (rows["2026-05-13"]["state"], rows["2026-05-13"]["digest"]) == ("recorded", None)
    assert rows["2026-05-14"]["file"] == "compiled/2026-05-14.db"
    assert rows["2026-05-14"]["state"] == "compiled, with defects"
    assert "2026-05-15.db" in rows["2026-05-15"]["state"]
    program.ls(floor, (), as_json=False)
    assert "compiled/2026-05-14.db" in capsys.readouterr().out


def test_verify_is_1_when_something_is_wrong(floor: Floor, capsys: pytest.CaptureFixture[str]):
    record(floor)
    assert program.verify(floor, (), as_json=False) == 0
    assert "2026-05-13.db: sound" in capsys.readouterr().out
    record(floor, "2026-05-14", hole=True)
    assert program.verify(floor, (), as_json=False) == 1
    out = capsys.readouterr().out
    assert "2026-05-14.db: DEFECTS" in out
    assert "1 missing after seq 1 of subscription 2" in out
    assert program.verify(floor, ("2026-05-13",), as_json=True) == 0
    (report,) = json.loads(capsys.readouterr().out).values()
    assert report["sound"] is True


def test_quiet_says_only_what_is_wrong(floor: Floor, capsys: pytest.CaptureFixture[str]):
    quiet = Floor(floor.settings, floor.folder, quiet=True)
    record(floor)
    assert program.verify(quiet, (), as_json=False) == 0
    assert program.compile_days(quiet, (), remove=False) == 0
    assert capsys.readouterr().out == ""
    record(floor, "2026-05-14", hole=True)
    assert program.verify(quiet, (), as_json=False) == 1
    assert "DEFECTS" in capsys.readouterr().out


def test_compile_takes_every_day_that_is_over_once(floor: Floor, capsys: pytest.CaptureFixture[str]):
    record(floor)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    record(floor, today)
    assert program.compile_days(floor, (), remove=False) == 0
    assert [file.stem for file in (floor.tape / "compiled").iterdir()] == ["2026-05-13"]
    assert "1 delta, 1 snapshot; sound; sha256:" in capsys.readouterr().out
    assert program.compile_days(floor, (), remove=False) == 0
    assert capsys.readouterr().out == ""
    assert program.compile_days(floor, (today,), remove=False) == 0  # its session is over


def test_a_day_that_is_still_recorded_is_not_closed(floor: Floor):
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    file = record(floor, today)
    with sqlite3.connect(file) as db:
        db.execute("UPDATE sessions SET ended_at_ns = NULL")
    db.close()
    with pytest.raises(Misconfigured, match="still being recorded"):
        program.compile_days(floor, (today,), remove=False)


def test_a_recording_is_removed_only_when_its_compiled_day_reads_back_the_same(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
):
    file = record(floor)
    monkeypatch.setattr("outcry.research.compiler.digest_of", lambda _file: "sha256:other")
    with pytest.raises(Misconfigured, match="is kept"):
        program.compile_days(floor, ("2026-05-13",), remove=True)
    assert file.exists()
    monkeypatch.undo()
    assert program.compile_days(floor, ("2026-05-13",), remove=True) == 0
    assert not file.exists()
    with Day(floor.tape / "compiled" / "2026-05-13.db") as day:
        assert day.manifest["rows"] == {"delta": 1, "snapshot": 1}


@pytest.fixture
def nightly(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """A quiet floor with books, at ten to five in the morning."""
    monkeypatch.setattr(jobs, "now_ms", lambda: NIGHT_MS)
    monkeypatch.setattr(program, "now_ms", lambda: NIGHT_MS)
    made = Floor(floor.settings, floor.folder, quiet=True)
    made.folder.mkdir(parents=True, exist_ok=True)
    migrate.prepare(made, NIGHT_MS)
    return made


def compiled(floor: Floor) -> list[str]:
    return sorted(file.stem for file in (floor.tape / "compiled").glob("*.db"))


def last_words(floor: Floor) -> list[tuple[str, str]]:
    db = database.read_only(floor.database)
    try:
        return [tuple(row) for row in db.execute("SELECT result, detail FROM jobs WHERE name = 'tape-compile'")]
    finally:
        db.close()


def test_cron_closes_each_night_what_is_over_and_says_nothing(
    nightly: Floor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for day in ("2026-11-18", "2026-11-19", "2026-11-20"):
        record(nightly, day)
    assert program.compile_due(nightly) == 0
    assert compiled(nightly) == ["2026-11-18", "2026-11-19"]
    (nightly.tape / "compiled" / "2026-11-18.db").unlink()
    assert program.compile_due(nightly) == 0  # this night it was done
    assert compiled(nightly) == ["2026-11-19"] and len(last_words(nightly)) == 1
    for clock in (jobs, program):
        monkeypatch.setattr(clock, "now_ms", lambda: NIGHT_MS + 86_400_000)
    assert program.compile_due(nightly) == 0
    assert compiled(nightly) == ["2026-11-18", "2026-11-19", "2026-11-20"]
    assert last_words(nightly) == [("done", "2 days closed"), ("done", "2 days closed")]
    assert capsys.readouterr().out == ""


def test_a_day_is_over_when_the_collector_has_turned_to_the_next_file(nightly: Floor, monkeypatch: pytest.MonkeyPatch):
    record(nightly, "2026-11-19")
    midnight_ms = NIGHT_MS - NIGHT_MS % 86_400_000
    monkeypatch.setattr(program, "now_ms", lambda: midnight_ms + 60_000)
    assert program.compile_days(nightly, (), remove=False) == 0 and compiled(nightly) == []
    monkeypatch.setattr(program, "now_ms", lambda: midnight_ms + 700_000)
    assert program.compile_days(nightly, (), remove=False) == 0 and compiled(nightly) == ["2026-11-19"]


def test_what_is_wrong_with_a_day_is_mailed_and_the_others_are_closed(
    nightly: Floor, capsys: pytest.CaptureFixture[str]
):
    record(nightly, "2026-11-17", hole=True)
    with sqlite3.connect(record(nightly, "2026-11-18")) as db:
        db.execute("UPDATE chunks SET crc = crc + 1")
    db.close()
    record(nightly, "2026-11-19")
    assert program.compile_due(nightly) == 1
    assert compiled(nightly) == ["2026-11-17", "2026-11-19"]
    defect, damage = capsys.readouterr().out.splitlines()
    assert "2026-11-17" in defect and "DEFECTS" in defect
    assert damage.startswith("2026-11-18.db cannot be closed: ")
    ((result, words),) = last_words(nightly)
    assert result == "done" and words.startswith("2 days closed; 2026-11-17") and damage in words


def test_a_full_disk_keeps_days_open_until_there_is_room(nightly: Floor, monkeypatch: pytest.MonkeyPatch):
    record(nightly, "2026-11-19")
    monkeypatch.setattr(program.disk, "room", lambda _folder: Room(80_000_000, 10_000_000_000, 50))
    with pytest.raises(Unavailable, match=r"no room to close 2026-11-19\.db: 80 of 10000 MB free"):
        program.compile_due(nightly)
    assert [result for result, _ in last_words(nightly)] == ["failed"]
    monkeypatch.undo()
    monkeypatch.setattr(jobs, "now_ms", lambda: NIGHT_MS + 900_000)
    assert program.compile_due(nightly) == 0 and compiled(nightly) == ["2026-11-19"]


def test_export_and_import_say_what_they_made(floor: Floor, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    record(floor)
    program.export(floor, (), tmp_path / "parquet")
    assert "2026-05-13: 1 deltas, 2 snapshots in" in capsys.readouterr().out
    assert (tmp_path / "parquet" / "deltas" / "day=2026-05-13" / "part-0.parquet").is_file()
    line = '{"ticker":"KXETH15M-26AUG170145-45","series":"KXETH15M","ts":1786945083.9,"yb":0.093,"ya":0.094}\n'
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "KXETH15M.jsonl").write_text(line)
    (tmp_path / "from" / "odd.csv").write_text("a\n1\n")
    assert program.import_(floor, (tmp_path / "from",), None) == 0
    out = capsys.readouterr().out
    assert "-> imported/2026-08-17.db" in out
    assert "odd.csv: a table of a" in out
    assert "nobody knows how 1 markets ended" in out


def run(*words: str, state: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OUTCRY_STATE": str(state)}
    return subprocess.run(
        [sys.executable, str(BIN), *words], capture_output=True, text=True, env=environment, check=False, timeout=120
    )


def test_a_mistake_is_one_line_and_its_exit_code(tmp_path: Path):
    for words, code, told in (
        (("verify", "2026-01-01"), 78, "no tape of 2026-01-01"),
        (("compile", "2026-01-01"), 78, "no recording of 2026-01-01"),
        (("import", str(tmp_path / "nowhere")), 78, "no recording at"),
        (("export", "2026-01-01"), 2, "--out"),
        (("compile", "2026-01-01", "--due"), 2, "it stands alone"),
    ):
        done = run(*words, state=tmp_path)
        assert (done.returncode, done.stdout) == (code, "")
        assert told in done.stderr
        assert "Traceback" not in done.stderr
