"""The collector's own rules, without its socket: what it does with what it cannot read, loses, or is refused."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from outcry.desk import collector as program
from outcry.desk.collecting import unreadable
from outcry.desk.collector import Collector
from outcry.desk.common.errands import Done
from outcry.domain.book import Book
from outcry.domain.errors import Misconfigured, SchemaDrift, Unavailable
from outcry.domain.market import Market, PriceRange, Status
from outcry.ops.floor import Floor
from outcry.ops.settings import Settings
from outcry.store import quotes, shards, system
from outcry.venue import sign
from outcry.venue.messages import Delta, Lifecycle, Snapshot
from outcry.venue.stream import Connected, Disconnected, Garbled

TICKER = "KXBTC15M-26NOV201215-15"


class FakeSupervisor:
    stopping = False

    def status(self, _text: str) -> None: ...

    def beat(self) -> None: ...


def market() -> Market:
    at_ms = time.time_ns() // 1_000_000
    bands = (PriceRange(0, 10_000, 100),)
    return Market(TICKER, "E", "KXBTC15M", 2, Status.ACTIVE, at_ms - 1_000, at_ms + 600_000, bands)


@pytest.fixture
def collector(tmp_path: Path, db: sqlite3.Connection) -> Iterator[Collector]:
    private, _ = sign.generate()
    (tmp_path / "kalshi.pem").touch(0o600)
    (tmp_path / "kalshi.pem").write_bytes(private)
    (tmp_path / "kalshi.key-id").write_text("key")
    made = Collector(Floor(Settings(), tmp_path), db, FakeSupervisor())
    made._watch.listed([market()], time.time_ns() // 1_000_000)
    made._each_second()
    yield made
    made._leave()


def heard(collector: Collector, *events: object) -> None:
    collector._stream.heard_at_ms = time.time_ns() // 1_000_000
    collector._hear(list(events))


def test_a_frame_nobody_can_read_stops_entries_until_frames_are_read_for_a_while(
    collector: Collector, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
):
    heard(collector, Garbled("ticker: odd", b'{"type":"ticker"}'))
    (control,) = system.controls_now(db)
    assert (control.scope, control.kind, control.cause) == ("floor", "stop_entries", "stream_schema")
    collector._each_second()
    assert collector._standing.state == "ERROR"
    monkeypatch.setattr(unreadable, "LATCH_S", -1.0)
    collector._each_second()
    assert system.controls_now(db) == []
    assert collector._standing.state == "CONNECTING"


def test_a_list_nobody_can_read_stops_entries_too(collector: Collector, db: sqlite3.Connection):
    collector._finish(Done("discover", error=SchemaDrift("price ranges make no grid", b"{}")))
    assert [control.cause for control in system.controls_now(db)] == ["stream_schema"]


def test_a_refused_key_ends_the_program_and_an_absent_answer_does_not(collector: Collector):
    collector._finish(Done("discover", error=Unavailable("no answer")))
    with pytest.raises(Misconfigured):
        collector._finish(Done("discover", error=Misconfigured("key refused")))


def test_without_a_stream_books_are_polled_and_marked(
    collector: Collector, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(program, "FALLBACK_AFTER_S", -1.0)
    asked: list[str] = []
    monkeypatch.setattr(collector._errands, "start", lambda name, work: asked.append(name))
    collector._each_second()
    assert "books" in asked
    polled = Book()
    polled.replace({4300: 100}, {4500: 100})
    collector._finish(Done("books", {TICKER: polled}))
    collector._publish()
    collector._each_second()
    quote = quotes.load(db, TICKER)
    assert (quote.trusted, quote.source, quote.bids) == (True, "rest", ((4300, 100),))
    assert collector._standing.state == "FALLBACK"


def test_a_shard_that_does_not_trade_is_kept_for_the_gate_and_its_books_are_marked(
    collector: Collector, db: sqlite3.Connection
):
    collector._books.connected(1, 1)
    heard(collector, Snapshot(3, 1, TICKER, {4300: 100}, {4500: 100}))
    for trades in (True, False, True):
        collector._finish(Done("status", {0: True, 2: trades}))
        collector._publish()
        assert (shards.trading(db, 0), shards.trading(db, 2)) == (True, trades)
        assert quotes.load(db, TICKER).distrust == ("" if trades else "trading is paused")


def test_a_lost_connection_is_published_as_distrust_at_once(collector: Collector, db: sqlite3.Connection):
    collector._books.connected(1, 1)
    heard(collector, Snapshot(3, 1, TICKER, {4300: 100}, {4500: 100}))
    collector._publish()
    assert quotes.load(db, TICKER).trusted
    heard(collector, Disconnected("gone", 1.0))
    collector._publish()
    assert quotes.load(db, TICKER).distrust == "stream is disconnected"
    heard(collector, Disconnected("still gone", 1.0))
    assert collector._counters.reconnects == 1


def test_what_is_lost_is_counted_asked_for_and_kept_on_the_tape(collector: Collector, tmp_path: Path):
    collector._books.connected(1, 1)
    heard(collector, Snapshot(3, 1, TICKER, {4300: 100}, {4500: 100}), Delta(3, 5, TICKER, True, 4300, 1, None))
    assert collector._counters.gaps == 1
    assert collector._books.lost == collector._books.resync == []
    assert collector._books.missing == [TICKER]
    assert collector._figures()["untrusted"] == {TICKER: "gap of 3 at seq 5"}


def test_what_a_book_becomes_does_not_change_the_snapshot_that_the_tape_still_holds(collector: Collector):
    snapshot = Snapshot(2, 1, TICKER, {4300: 100}, {4500: 7})
    collector._books.connected(1, 0)
    heard(collector, snapshot, Delta(2, 2, TICKER, True, 4300, -40, None))
    assert collector._books.books[TICKER].book.bids == {4300: 60}
    assert snapshot.bids == {4300: 100}


def test_an_unknown_market_of_our_series_is_looked_up_and_others_are_not(collector: Collector):
    for ticker, due in (("KXBTC15M-26NOV201230-30", True), ("KXNFLGAME-26NOV20", False)):
        collector._due["discover"] = time.monotonic() + 100
        heard(collector, Lifecycle(1, 1 if due else 2, "created", ticker))
        assert ("discover" not in collector._due) == due


def test_a_connection_begins_its_subscriptions(collector: Collector, monkeypatch: pytest.MonkeyPatch):
    sent: list[str] = []
    monkeypatch.setattr(collector._stream, "subscribe", lambda channels, *rest, **more: sent.append(channels[0]) or 1)
    heard(collector, Connected(1))
    assert sent == ["market_lifecycle_v2", "cfbenchmarks_value", "orderbook_delta", "ticker", "trade"]


def test_counters_outlive_the_program_and_a_disk_that_refuses_does_not_end_it(
    collector: Collector, tmp_path: Path, db: sqlite3.Connection
):
    collector._counters.gaps, collector._books.deltas = 3, 70
    collector._checkpoint(1_000)
    again = Collector(Floor(Settings(), tmp_path), db, FakeSupervisor())
    assert (again._counters.gaps, again._counters.deltas_before) == (3, 70)
    assert again._figures()["deltas"] == 70
    again._leave()
    (tmp_path / "checkpoints" / "collector.json").unlink()
    (tmp_path / "checkpoints").rmdir()
    (tmp_path / "checkpoints").write_text("in the way")
    collector._standing.checkpoint_ms = None
    collector._checkpoint(2_000)
    assert collector._standing.checkpoint_ms is None
