"""Upkeep: what is old goes, what the books stand on stays, today's tape is never touched."""

import os
import sqlite3
from pathlib import Path

import pytest

from outcry.desk import migrate, upkeep
from outcry.domain.view import Bar
from outcry.ops.floor import open_floor
from outcry.ops.settings import Settings, Upkeep
from outcry.store import accounts, bars, database, jobs, looks

NOW_MS = 1_795_176_000_000  # 2026-11-20T12:00:00Z
DAY_MS = 86_400_000


@pytest.fixture
def floor(tmp_path):
    made = open_floor(Settings(upkeep=Upkeep(quotes_days=7, tape_days=30, tape_megabytes=10)), tmp_path, quiet=True)
    migrate.prepare(made, NOW_MS)
    return made


@pytest.fixture
def db(floor):
    connection = database.connect(floor.database)
    yield connection
    connection.close()


def market(db: sqlite3.Connection, ticker: str, closed_days_ago: float, *, held_ch: int = 0, settled: int = 0) -> None:
    at_ms = NOW_MS - int(closed_days_ago * DAY_MS)
    db.execute(
        "INSERT INTO markets (ticker, event_ticker, series_ticker, exchange_index, status, open_at_ms, close_at_ms,"
        " price_ranges, fee_type, fee_multiplier_millionths, updated_at_ms) VALUES (?, 'e', 's', 2, 'x', 0, ?, '[]',"
        " 'quadratic', 1, 0)",
        (ticker, at_ms),
    )
    db.execute(
        "INSERT INTO quotes VALUES (?, 1, ?, NULL, NULL, NULL, NULL, '[]', '[]', NULL, 0, 0, 0, 0, 0, 0, 1, '', 's')",
        (ticker, at_ms),
    )
    if held_ch:
        db.execute(
            "INSERT INTO holdings VALUES ('momentum', ?, 2, ?, 0, 0, 0, 0, 1, ?, ?)", (ticker, held_ch, at_ms, settled)
        )


def left(db: sqlite3.Connection, table: str, column: str) -> list[object]:
    return [row[0] for row in db.execute(f"SELECT {column} FROM {table} ORDER BY 1")]


def test_quotes_of_old_markets_go_unless_somebody_holds_them(floor, db):
    market(db, "old", 8)
    market(db, "new", 6)
    market(db, "held", 8, held_ch=100)
    market(db, "paid", 8, held_ch=100, settled=1)
    assert upkeep.prune(floor, NOW_MS) == ["2 quotes"]
    assert left(db, "quotes", "ticker") == ["held", "new"]
    assert left(db, "markets", "ticker") == ["held", "new", "old", "paid"], "what a market was, orders still need"
    assert upkeep.prune(floor, NOW_MS) == []


def test_counters_bars_and_agreeing_looks_go_and_what_differed_stays(floor, db):
    old_ms, new_ms = NOW_MS - 8 * DAY_MS, NOW_MS - 3_600_000
    for at_ms in (old_ms, new_ms):
        looks.add(db, "momentum", {("T", at_ms, "quiet", "signal"): 3})
        with database.write(db):
            bars.write(db, 1, [Bar("BTC-USD", at_ms, 1, 1, 1, 1)])
    for at_ms, agreed in ((old_ms, True), (old_ms + 1, False), (old_ms + 2, True), (new_ms, True)):
        accounts.record_reconciliation(db, accounts.Reconciliation(at_ms, 2, 0, 0, 0, True, agreed))
    accounts.record_reconciliation(db, accounts.Reconciliation(old_ms, 3, 0, 0, 0, True, True))
    said = upkeep.prune(floor, NOW_MS)
    assert said == ["1 counters of looks", "1 bars", "2 reconciliations"]
    assert left(db, "looks", "minute_ms") == left(db, "bars", "at_ms") == [new_ms]
    assert left(db, "reconciliations", "at_ms") == [old_ms, old_ms + 1, new_ms], "a shard's newest is its state"


def test_many_rows_go_in_many_short_transactions(floor, db, monkeypatch):
    monkeypatch.setattr(upkeep, "REST_S", 0)
    looks.add(db, "momentum", {(f"T{number}", NOW_MS - 9 * DAY_MS, "quiet", "signal"): 1 for number in range(1_700)})
    assert upkeep.prune(floor, NOW_MS) == ["1700 counters of looks"]


def test_no_first_record_can_go(floor, db):
    """Whoever adds to the list of what is pruned meets the triggers."""
    for table in ("system_events", "fills", "settlements", "decisions", "order_events", "findings", "happenings",
                  "audit_chain", "cash_events", "evolution_events", "controls"):  # fmt: skip
        assert db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (f"{table}_no_delete",)).fetchone(), table


def test_runs_of_jobs_go_and_the_first_one_stays(floor, db):
    for back in (200, 150, 100, 10):
        number = jobs.begin(db, "backup", NOW_MS - back * DAY_MS, NOW_MS - back * DAY_MS)
        jobs.end(db, number, "done", "", NOW_MS)
    assert upkeep.prune(floor, NOW_MS) == ["2 runs of jobs"]
    assert jobs.first_at_ms(db) == NOW_MS - 200 * DAY_MS


def tape(floor, day: str, size: int) -> None:
    floor.tape.mkdir(exist_ok=True)
    (floor.tape / f"{day}.db").write_bytes(bytes(size))


def test_tape_goes_by_days_and_by_bytes_the_oldest_first_and_never_todays(floor):
    for day, megabytes in (
        ("2026-10-01", 1),
        ("2026-11-17", 4),
        ("2026-11-18", 4),
        ("2026-11-19", 4),
        ("2026-11-20", 3),
    ):
        tape(floor, day, megabytes * 1_000_000)
    (floor.tape / "2026-10-01.db-wal").write_bytes(b"x")
    (floor.tape / "notes.db").write_bytes(b"mine")
    assert upkeep.prune(floor, NOW_MS) == ["3 files of tape"]
    assert sorted(file.name for file in floor.tape.iterdir()) == ["2026-11-19.db", "2026-11-20.db", "notes.db"]
    tape(floor, "2026-11-20", 60_000_000)
    assert upkeep.prune(floor, NOW_MS) == ["1 files of tape"]
    assert (floor.tape / "2026-11-20.db").exists()


def test_what_is_compiled_too_goes_first_and_a_day_goes_whole(floor):
    (floor.tape / "compiled").mkdir(parents=True)
    for day in ("2026-10-01", "2026-11-17", "2026-11-18"):
        tape(floor, day, 3_000_000)
        (floor.tape / "compiled" / f"{day}.db").write_bytes(bytes(2_000_000))
    tape(floor, "2026-11-16", 3_000_000)
    assert upkeep.prune(floor, NOW_MS) == ["3 files of tape"]  # two by age, and one of 13 MB that are too many
    assert sorted(str(file.relative_to(floor.tape)) for file in floor.tape.rglob("*.db")) == [
        "2026-11-16.db", "2026-11-18.db", "compiled/2026-11-17.db", "compiled/2026-11-18.db",
    ]  # fmt: skip


def old(file: Path, days: float) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text("x")
    os.utime(file, (NOW_MS / 1000 - days * 86_400,) * 2)
    return file


def test_journals_and_hourly_reports_go_and_daily_ones_stay(floor):
    old(floor.folder / "journal" / "momentum-2026-10-01-1.journal", 31)
    old(floor.folder / "journal" / "momentum-2026-11-01-1.journal", 19)
    old(floor.folder / "reports" / "2026-11-01T10.txt", 19)
    old(floor.folder / "reports" / "2026-11-01.txt", 19)
    assert upkeep.prune(floor, NOW_MS) == ["1 journals", "1 hourly reports"]
    assert [file.name for file in (floor.folder / "reports").iterdir()] == ["2026-11-01.txt"]


def test_a_large_log_begins_anew(floor, monkeypatch):
    monkeypatch.setattr(upkeep, "LOG_BYTES", 3)
    log = floor.folder / "log" / "kalshi.log"
    log.parent.mkdir()
    for number in range(8):
        log.write_text(f"life {number}")
        upkeep.prune(floor, NOW_MS)
    assert sorted(file.name for file in log.parent.iterdir()) == [f"kalshi.log.{number}" for number in range(1, 6)]
    assert (log.parent / "kalshi.log.1").read_text() == "life 7"
