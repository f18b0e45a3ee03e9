"""The tape's thread: everything heard, in order, in the right day's file; drops are counted, told and mended."""

import json
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from outcry.desk.collecting import scribe as scribes
from outcry.desk.collecting.scribe import Scribe
from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.order import Side
from outcry.store.tape_reader import Reader
from outcry.store.tape_rows import NO_LAG, STANDING
from outcry.venue.messages import Delta, IndexValue, Lifecycle, Message, Snapshot, Ticker, Trade
from outcry.venue.spot.coinbase import Tick
from outcry.venue.stream import Connected, Disconnected, Garbled
from taped import rows_of, snapshots_of

NOON_NS = 1_795_176_000_000_000_000  # 2026-11-20 12:00 UTC
DAY_NS = 86_400_000_000_000


def deltas(first: int, count: int, ticker: str = "A") -> list[Message]:
    return [Delta(3, seq, ticker, seq % 2 == 0, 4300, 50, None) for seq in range(first, first + count)]


def made(folder: Path) -> Scribe:
    return Scribe(folder, lambda: NOON_NS)


def read(folder: Path, day: str = "2026-11-20") -> Reader:
    return Reader(folder / f"{day}.db")


def test_everything_is_there_in_order_of_arrival(tmp_path: Path):
    scribe = made(tmp_path)
    scribe.connection(NOON_NS, 1, Connected(1))
    scribe.heard(NOON_NS, 1, [Snapshot(3, 1, "A", {4300: 100}, {4500: 7}), *deltas(2, 3)])
    scribe.published(NOON_NS + 1_000_000, 17)
    rare: list[Message] = [
        Ticker(4, "A", None, 4300, None, 100, 0, 9, 8, 5),
        Trade(5, 1, "t-1", "A", 4400, 300, Side.ASK, False, 77),
        Trade(5, 2, "block", "A", 4400, 300, None, True, 78),
        IndexValue(2, 1, "BRTI", 97_130_110_000, 1_000, 1_001, 97_000_000_000, 33),
        Lifecycle(1, 1, "determined", "A", result="yes", value_cc=10_000),
    ]
    scribe.heard(NOON_NS + 2_000_000, 1, [*rare, *deltas(5, 1, "B")])
    scribe.heard(NOON_NS + 2_500_000, 0, [Tick("BTC-USD", 97_000_000_000, 42)])
    scribe.connection(NOON_NS + 3_000_000, 1, Garbled("ticker: odd", b"\xff{"))
    scribe.connection(NOON_NS + 3_000_000, 1, Disconnected("gone", 1.0))
    assert scribe.close(5)
    reader = read(tmp_path)
    names = reader.symbols
    rows = rows_of(reader, "delta")
    assert [(row.seq, names[row.symbol], row.signed_price_cc, row.change_ch) for row in rows] == [
        (2, "A", 4300, 50), (3, "A", -4300, 50), (4, "A", 4300, 50), (5, "B", -4300, 50),
    ]  # fmt: skip
    assert {(row.epoch, row.sid, row.lag_ms) for row in rows} == {(1, 3, NO_LAG)}
    (publish,) = rows_of(reader, "publish")
    assert publish.number == 17
    assert rows[2].arrival < publish.arrival < rows[3].arrival
    (snapshot,) = snapshots_of(reader)
    assert (snapshot.ticker, snapshot.seq, snapshot.bids, snapshot.asks) == ("A", 1, {4300: 100}, {4500: 7})
    assert snapshot.arrival < rows[0].arrival
    (ticker,) = rows_of(reader, "ticker")
    assert ticker[6:] == (-1, 4300, -1, 100, 0, 9, 8)
    assert ticker.at_ms - ticker.lag_ms == 5
    (prints,) = reader.tables("print", 1)
    assert (prints.ids, [row[7:] for row in prints.rows()]) == (("t-1",), [(4400, 300, -1, 0)])
    assert prints.column("at_ms")[0] - prints.column("lag_ms")[0] == 77
    values = [(names[row.symbol], *row[6:]) for row in rows_of(reader, "index")]
    assert values == [
        ("BRTI", 97_130_110_000, 1_000, 97_000_000_000, 33),
        ("BTC-USD@coinbase", 97_000_000_000, 42, -1, 0),
    ]
    notes = [(note.kind, note.name) for note in reader.notes()]
    assert notes == [
        ("connected", ""), ("trade", "A"), ("lifecycle", "A"), ("garbled", "ticker: odd"), ("disconnected", ""),
    ]  # fmt: skip
    assert next(reader.notes("garbled")).body == b"\xff{"
    reader.close()


def test_changes_that_our_orders_caused_are_named(tmp_path: Path):
    scribe = made(tmp_path)
    own = Delta(3, 2, "A", True, 4300, 50, NOON_NS // 1_000_000 - 40, "oc-floor-agent-1")
    scribe.heard(NOON_NS, 1, [Snapshot(3, 1, "A", {}, {}), own, *deltas(3, 1)])
    assert scribe.close(5)
    reader = read(tmp_path)
    first, _ = rows_of(reader, "delta")
    (note,) = reader.notes("own")
    assert (note.arrival, note.name, note.seq) == (first.arrival, "A", 2)
    assert json.loads(note.body) == {"client_order_id": "oc-floor-agent-1"}
    assert first.lag_ms == 40
    reader.close()


def test_facts_of_markets_are_noted_when_they_change_and_again_in_a_new_file(tmp_path: Path):
    known = Market("A", "E", "S", 2, Status.ACTIVE, 0, 900_000, (PriceRange(0, 10_000, 100),), strike_micros=5)
    settled = replace(known, status=Status.FINALIZED, result="yes", settlement_value_cc=10_000)
    scribe = made(tmp_path)
    scribe.markets(NOON_NS, [known])
    scribe.markets(NOON_NS + 1, [replace(known, volume_ch=77)])
    scribe.markets(NOON_NS + 2, [settled])
    scribe.markets(NOON_NS + DAY_NS, [settled])
    assert scribe.close(5)
    for day, facts in (("2026-11-20", [known, settled]), ("2026-11-21", [settled])):
        reader = read(tmp_path, day)
        assert [msgspec.json.decode(note.body, type=Market) for note in reader.notes("market")] == facts
        reader.close()


def test_a_new_day_is_a_new_file_and_asks_for_whole_books(tmp_path: Path):
    scribe = made(tmp_path)
    scribe.heard(NOON_NS, 1, deltas(1, 2))
    wait(lambda: not scribe._turns)
    scribe.books(NOON_NS, 1, [], STANDING)
    assert scribe.wants_books is False
    scribe.heard(NOON_NS + DAY_NS, 1, deltas(3, 2))
    wait(lambda: scribe.wants_books)
    scribe.books(NOON_NS + DAY_NS, 1, [Snapshot(3, 4, "A", {4300: 5}, {})], STANDING)
    assert scribe.close(5)
    for day, seqs in (("2026-11-20", [1, 2]), ("2026-11-21", [3, 4])):
        reader = read(tmp_path, day)
        assert [row.seq for row in rows_of(reader, "delta")] == seqs
        reader.close()
    reader = read(tmp_path, "2026-11-21")
    assert [snapshot.seq for snapshot in snapshots_of(reader)] == [4]
    reader.close()


def test_a_disk_that_refuses_costs_tape_but_is_counted_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scribes, "WAITING_MESSAGES", 1_000)
    monkeypatch.setattr(scribes, "FLUSH_S", 0.05)
    folder = tmp_path / "tape"
    folder.write_text("a file where the folder should be")
    scribe = made(folder)
    for first in range(0, 3_000, 100):
        scribe.heard(NOON_NS, 1, deltas(first + 1, 100))
    wait(lambda: scribe.failing != "")
    dropped = scribe.dropped
    assert dropped == 1_900
    assert scribe.wants_books
    folder.unlink()
    wait(lambda: not scribe._turns)
    scribe.heard(NOON_NS, 1, deltas(3_001, 10))
    assert scribe.close(5)
    assert scribe.failing == ""
    reader = read(folder)
    seqs = [row.seq for row in rows_of(reader, "delta")]
    assert seqs == [*range(1, 1_101), *range(3_001, 3_011)]
    (note,) = reader.notes("dropped")
    assert note.body == b'{"messages": 1900}'
    reader.close()


def test_a_locked_file_holds_nobody_up_and_loses_nothing(tmp_path: Path):
    scribe = made(tmp_path)
    scribe.heard(NOON_NS, 1, deltas(1, 600))
    wait(lambda: (tmp_path / "2026-11-20.db").exists() and not scribe._turns)
    stranger = sqlite3.connect(tmp_path / "2026-11-20.db", isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    for first in range(601, 5_601, 100):
        scribe.heard(NOON_NS, 1, deltas(first, 100))
    assert time.monotonic() - started < 0.5
    stranger.execute("ROLLBACK")
    stranger.close()
    assert scribe.close(8)
    reader = read(tmp_path)
    assert [row.seq for row in rows_of(reader, "delta")] == list(range(1, 5_601))
    reader.close()


def test_a_bug_in_the_thread_is_raised_in_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scribes, "FLUSH_S", 0.01)
    scribe = made(tmp_path)
    scribe.heard(NOON_NS, 1, [Delta(3, 1, "A", True, None, 5, None)])
    wait(lambda: not scribe._thread.is_alive())
    with pytest.raises(TypeError):
        scribe.check()


def test_ending_never_takes_longer_than_asked(tmp_path: Path):
    folder = tmp_path / "tape"
    folder.write_text("a file where the folder should be")
    scribe = made(folder)
    scribe.heard(NOON_NS, 1, deltas(1, 10))
    started = time.monotonic()
    scribe.close(2)
    assert time.monotonic() - started < 2


def wait(ready) -> None:
    end = time.monotonic() + 8
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.01)
