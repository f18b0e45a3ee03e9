"""The publishes of a tape, made again: whatever a collector heard and did, the same rows as in its database."""

import random
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from outcry.desk.collecting.books import Books
from outcry.desk.collecting.pen import Pen
from outcry.desk.collecting.publisher import Publisher
from outcry.desk.collecting.scribe import Scribe
from outcry.desk.reliving.published import Published, publishes
from outcry.domain.book import Book
from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.order import Side
from outcry.domain.view import Bar, Quote
from outcry.research.tape import Day
from outcry.signals.second_bars import SecondBars
from outcry.store import bars, quotes
from outcry.venue.messages import Delta, EventListed, IndexValue, Message, Ok, Snapshot, Ticker, Trade
from outcry.venue.spot.coinbase import Tick
from outcry.venue.stream import Connected, Disconnected

NOON_MS = 1_795_176_000_000  # 2026-11-20 12:00 UTC
MARKETS = [
    Market(f"KX-{name}", f"E{name}", "KX", 2, Status.ACTIVE, 0, 1 << 43, (PriceRange(0, 10_000, 100),))
    for name in "ABCD"
]


class Stream:
    """As much of a stream as is asked for."""

    epoch, heard_at_ms = 0, NOON_MS


class Played:
    """A collector's parts, with everything that can happen to them by lot; and what went to the database."""

    def __init__(self, db: sqlite3.Connection, folder: Path, seed: int) -> None:
        self.db, self.draw, self.at_ms = db, random.Random(seed), NOON_MS
        self.stream, self.books, self.bars = Stream(), Books(), SecondBars()
        self.scribe = Scribe(folder, lambda: NOON_MS * 1_000_000)
        self.pen = Pen(self.scribe, self.stream, {"BRTI": "BTC-USD"}, lambda: self.at_ms * 1_000_000)
        self.publisher = Publisher(db, self.books, self.bars, self.scribe)
        self.seq, self.seen = 0, self.publisher.number
        self.published: list[Published] = []

    def run(self, turns: int) -> None:
        happenings = [self.messages] * 12 + [
            self.ping, self.follow, self.pause, self.past, self.ticks, self.reconnect, self.poll, self.gap,
        ]  # fmt: skip
        self.follow()
        self.reconnect()
        for _ in range(turns):
            self.at_ms += self.draw.choice([0, 1, 7, 20, 900])
            self.draw.choice(happenings)()
            if self.draw.random() < 0.6:
                self.publish()
        self.pen.left()
        self.books.disconnected()
        self.publish()
        assert self.scribe.close(5)

    def publish(self) -> None:
        self.books.heard(self.stream.heard_at_ms)
        self.pen.alive()
        self.pen.new_day(self.at_ms, self.publisher.showing)
        self.publisher.publish(self.at_ms)
        while self.seen < self.publisher.number:
            self.seen += 1
            rows = [quote for quote in quotes.since(self.db, self.seen - 1) if quote.publish == self.seen]
            if rows or self.seen == self.publisher.number:
                self.published.append(Published(self.seen, self.at_ms, tuple(rows), tuple(self.written())))

    def written(self) -> list[Bar]:
        rows = self.db.execute(f"SELECT {bars._COLUMNS} FROM bars WHERE publish = ?", (self.seen,))
        return [Bar(*row) for row in rows]

    def hear(self, messages: list[Message]) -> None:
        self.stream.heard_at_ms = self.at_ms
        self.pen.heard(self.at_ms, messages)
        for message in self.books.take(messages, self.at_ms):
            if isinstance(message, Trade) and not message.is_block:
                self.bars.add(message.ticker, "exchange", message.price_cc, message.at_ms, message.count_ch,
                              message.taker_side)  # fmt: skip
            elif isinstance(message, IndexValue) and message.index_id == "BRTI":
                self.bars.add("BTC-USD", "exchange", message.value_micros, message.at_ms)
        self.books.resync.clear()
        self.books.lost.clear()
        self.books.restart = ""

    # ---- what can happen --------------------------------------------------------------------------------------------

    def messages(self) -> None:
        if self.books.connection:
            self.hear([self.message() for _ in range(self.draw.randint(1, 6))])

    def message(self) -> Message:
        draw, ticker = self.draw, self.draw.choice(MARKETS).ticker
        late_ms = draw.choice([0, 3, 5_000])
        self.seq += 1
        kind = draw.randrange(12)
        if kind < 6:
            side = draw.random() < 0.5
            price = draw.randrange(3_900, 4_300, 100) + (0 if side else 200)
            return Delta(3, self.seq, ticker, side, price, draw.choice([100, 50, -50]), self.at_ms - late_ms)
        if kind == 6:
            bids, asks = {draw.randrange(3_900, 4_400, 100): 500}, {draw.randrange(4_200, 4_700, 100): 400}
            return Snapshot(3, self.seq, ticker, bids, asks)
        if kind == 7:
            return EventListed(3, self.seq, "E", "KX", 2)
        self.seq -= 1
        if kind == 8:
            return Ticker(4, ticker, 4_100, 4_000, None, 100, 0, draw.randrange(99), 7, self.at_ms - late_ms)
        if kind == 9:
            side = draw.choice([Side.BID, Side.ASK, None])
            return Trade(5, None, f"t{self.at_ms}", ticker, 4_100, 300, side, draw.random() < 0.2, self.at_ms - late_ms)
        if kind == 10:
            return Ok(1, 4, None, (ticker,))
        return IndexValue(2, draw.randrange(9), draw.choice(["BRTI", "OTHER"]), 97_000 + draw.randrange(99),
                          self.at_ms - late_ms, self.at_ms)  # fmt: skip

    def gap(self) -> None:
        self.seq += 5

    def ping(self) -> None:
        self.stream.heard_at_ms = self.at_ms

    def follow(self) -> None:
        chosen = self.draw.sample(MARKETS, self.draw.randint(1, 4))
        told = [
            replace(market, status=self.draw.choice([Status.ACTIVE, Status.ACTIVE, Status.INACTIVE]),
                    volume_ch=self.draw.randrange(3)) for market in chosen
        ]  # fmt: skip
        self.pen.followed(self.books.follow(told))

    def pause(self) -> None:
        shards = frozenset(self.draw.sample([1, 2], self.draw.randint(0, 1)))
        if self.books.pause(shards):
            self.pen.paused(shards)

    def past(self) -> None:
        seconds = [Bar("BTC-USD", self.at_ms - at * 1_000, 1, 2, 1, 2, source="coinbase") for at in range(600, 100, -1)]
        self.publisher.history(seconds)
        self.pen.past(seconds)

    def ticks(self) -> None:
        tick = Tick("BTC-USD", 96_000 + self.draw.randrange(99), self.at_ms)
        self.bars.add(tick.symbol, "coinbase", tick.price_micros, tick.at_ms)
        self.scribe.heard(self.at_ms * 1_000_000, 0, [tick])

    def reconnect(self) -> None:
        at_ns = self.at_ms * 1_000_000
        self.pen.connection(at_ns, Disconnected("gone", 1.0))
        if self.books.connection:
            self.books.disconnected()
        if self.draw.random() < 0.3:
            return
        self.stream.epoch += 1
        self.seq = 0
        self.pen.connection(at_ns, Connected(self.stream.epoch))
        self.books.connected(self.stream.epoch, self.at_ms)
        self.hear([Snapshot(3, self.seq + 1 + number, market.ticker, {4_000: 100}, {4_500: 7})
                   for number, market in enumerate(MARKETS)])  # fmt: skip
        self.seq = len(MARKETS)

    def poll(self) -> None:
        """Polled while the stream is away; the books as they stand, which a new tape asks for, at any time."""
        if self.draw.random() < 0.5:
            self.pen.books(self.books.whole())
            return
        found = {}
        for market in MARKETS[:2]:
            found[market.ticker] = Book()
            found[market.ticker].replace({self.draw.choice([3_900, 4_000]): 10}, {4_400: 20})
        self.pen.polled(self.at_ms, found)
        self.books.polled(found, self.at_ms)


def by_name(quoted: tuple[Quote, ...]) -> list[Quote]:
    return sorted(quoted, key=lambda quote: quote.ticker)


def by_second(seconds: tuple[Bar, ...]) -> list[Bar]:
    return sorted(seconds, key=lambda bar: (bar.symbol, bar.at_ms, bar.source))


@pytest.mark.parametrize("seed", range(4))
def test_every_publish_comes_out_as_it_went_to_the_database(db: sqlite3.Connection, tmp_path: Path, seed: int):
    played = Played(db, tmp_path, seed)
    played.run(400)
    with Day(tmp_path / "2026-11-20.db") as day:
        first, *made = publishes(day.sessions)
    assert first == Published(1, first.at_ms, taken_back="collector begins anew")
    wanted = [one for one in played.published if one.number > 1]
    assert len(made) == len(wanted) > 100
    for one, other in zip(made, wanted, strict=True):
        assert (one.number, one.at_ms, by_name(one.quotes)) == (other.number, other.at_ms, by_name(other.quotes))
        assert dict.fromkeys(by_second(one.bars)) == dict.fromkeys(by_second(other.bars))


@pytest.mark.parametrize("seed", range(4))
def test_the_tape_of_a_new_day_is_read_without_those_before(db: sqlite3.Connection, tmp_path: Path, seed: int):
    played = Played(db, tmp_path, seed)
    played.run(150)
    played.at_ms = NOON_MS + 43_200_000
    played.scribe = played.pen._scribe = played.publisher._scribe = Scribe(tmp_path, lambda: played.at_ms * 1_000_000)
    before = len(played.published)
    played.run(150)
    wanted = played.published[before:]
    with Day(tmp_path / "2026-11-21.db") as day:
        made = list(publishes(day.sessions))
    assert len(made) == len(wanted) > 30
    for one, other in zip(made, wanted, strict=True):
        assert (one.number, by_name(one.quotes)) == (other.number, by_name(other.quotes))
        assert dict.fromkeys(by_second(one.bars)) == dict.fromkeys(by_second(other.bars))


def test_after_something_was_dropped_nothing_is_made_up(db: sqlite3.Connection, tmp_path: Path):
    played = Played(db, tmp_path, 1)
    played.run(40)
    scribe = Scribe(tmp_path, lambda: NOON_MS * 1_000_000)
    scribe.note(played.at_ms * 1_000_000, 0, "dropped", {"messages": 3})
    scribe.published(played.at_ms * 1_000_000, 99_999)
    assert scribe.close(5)
    with Day(tmp_path / "2026-11-20.db") as day:
        numbers = [one.number for one in publishes(day.sessions)]
    assert numbers and 99_999 not in numbers
