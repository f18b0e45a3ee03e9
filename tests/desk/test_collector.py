"""The collector as a process beside the local exchange, fed by hand; killed, locked out, its tape read back."""

import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from beside import BIN, Desk
from local_exchange import OTHER, TICKER, market, now_ms
from outcry.domain.order import Side
from outcry.paper.engine.manners import Manners
from outcry.paper.events import BookChange, BookSet, Determined, IndexTick, Listed, Print, Settled
from outcry.paper.server.server import Server
from outcry.research.tape import Day
from outcry.research.verify import verify
from outcry.store import bars, markets, quotes, system
from outcry.store.tape_reader import Reader
from taped import books_of, rows_of

pytestmark = pytest.mark.floor


class Watched(Desk):
    """A desk with a collector instead of a clerk."""

    def announce(self) -> None:
        here = f"{self.exchange.host}:{self.exchange.port}"
        urls = {
            "rest_url": f"http://{here}/trade-api/v2",
            "stream_url": f"ws://{here}/trade-api/ws/v2",
            "spot_url": f"http://{here}/spot",
        }
        self.floor.exchange_file.write_text(json.dumps({**urls, "pid": os.getpid()}))

    def collector(self) -> subprocess.Popen[bytes]:
        options = ["--state", self.floor.folder.parent, "--settings", self.settings]
        with (self.floor.folder / "clerk.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, BIN / "collector", *options], stderr=log)
        self.processes.append(process)
        return process

    def state(self) -> str:
        return next((beat.state for beat in system.heartbeats(self.db) if beat.program == "collector"), "")

    def shown(self, ticker: str = TICKER) -> quotes.Quote | None:
        return quotes.load(self.db, ticker)

    def as_displayed(self, ticker: str = TICKER) -> bool:
        """Whether the published levels are those of the exchange, and trusted."""
        quote, (bids, asks) = self.shown(ticker), self.exchange.engine.displayed(ticker)
        best_bids = tuple(sorted(bids.items(), reverse=True)[:10])
        best_asks = tuple(sorted(asks.items())[:10])
        return quote is not None and quote.trusted and (quote.bids, quote.asks) == (best_bids, best_asks)

    def reopen(self) -> None:
        """The same exchange answers again, somewhere else."""
        running = self.exchange
        running.server = Server(running.exchange, now_ms)
        running.host, running.port = running.server.address
        running._stopping.clear()
        running._thread = threading.Thread(target=running._run)
        running._thread.start()
        self.announce()

    def stir(self, changes: int) -> None:
        """Many small changes at many levels."""
        for number in range(changes):
            side, price = (Side.BID, 3_900 - number % 13 * 100) if number % 2 else (Side.ASK, 4_100 + number % 13 * 100)
            self.exchange.feed(BookChange(TICKER, side, price, 100 + number, now_ms()))


@pytest.fixture
def desk(tmp_path, request) -> Iterator[Watched]:
    made = Watched(tmp_path, getattr(request, "param", None))
    yield made
    for process in made.processes:
        process.kill()
        process.wait()
    made.exchange.stop()
    made.db.close()


counted = pytest.mark.parametrize(
    "desk",
    [Manners(seq_per_connection=False), Manners(seq_per_connection=True)],
    indirect=True,
    ids=["counted by subscription", "counted by connection"],
)


@counted
def test_a_market_comes_through_exactly_and_the_tape_says_the_same(desk: Watched):
    process = desk.collector()
    desk.wait(desk.as_displayed, "the first book")
    desk.stir(500)
    second_ms = now_ms() // 1_000 * 1_000
    for offset_ms, price in ((0, 97_000), (400, 97_500)):
        desk.exchange.feed(IndexTick("BTC-USD", price * 1_000_000, second_ms + offset_ms))
    desk.exchange.feed(Print(TICKER, 4_100, 300, Side.BID, second_ms + 10))
    desk.wait(desk.as_displayed, "all changes")
    desk.wait(lambda: len(bars.since(desk.db, 0)) >= 2, "bars of the index and of prints")
    found = {bar.symbol: bar for bar in bars.since(desk.db, 0)}
    assert (found["BTC-USD"].open, found["BTC-USD"].source) == (97_000_000_000, "exchange")
    assert (found[TICKER].close, found[TICKER].volume_ch, found[TICKER].buy_ch) == (4_100, 300, 300)
    assert desk.shown().volume_ch >= 300
    desk.wait(lambda: desk.state() == "LIVE", "LIVE")
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    assert time.monotonic() - started < 2
    last = desk.shown()
    assert (last.trusted, last.distrust) == (False, "stream is disconnected")
    assert desk.state() == "STOPPED"
    (file,) = (desk.floor.folder / "tape").glob("*.db")
    reader = Reader(file)
    book = books_of(reader)[TICKER]
    assert (book.bids, book.asks) == desk.exchange.engine.displayed(TICKER)
    assert book.top() == (last.bids, last.asks)
    numbers = [row.number for row in rows_of(reader, "publish")]
    assert numbers[-1] == quotes.last(desk.db).number
    assert all(after == before + 1 for before, after in itertools.pairwise(numbers))
    assert not list(reader.notes("gap"))
    reader.close()
    with Day(file) as day:
        report = verify(day)
    assert report.defects == []
    assert report.checked["deltas"] >= 500


@counted
def test_markets_come_go_and_are_settled(desk: Watched):
    desk.collector()
    desk.wait(desk.as_displayed, "the first book")
    desk.exchange.feed(Listed(market(OTHER, opens_in_ms=1_500, strike_micros=None), now_ms()))
    desk.wait(lambda: markets.load(desk.db, OTHER) is not None, "the new market")
    desk.wait(lambda: desk.shown(OTHER) is not None, "its book")
    assert (desk.shown(OTHER).trusted, desk.shown(OTHER).distrust) == (False, "market is initialized")
    assert {held.ticker for held in markets.subscribed(desk.db)} == {TICKER, OTHER}
    desk.exchange.feed(BookSet(OTHER, {3_000: 100}, {7_000: 100}, now_ms()))
    desk.wait(lambda: desk.as_displayed(OTHER), "its opening, which nobody announces")
    known = markets.load(desk.db, TICKER)
    desk.exchange.feed(Listed(market(OTHER, strike_micros=3_000_000_000), now_ms()))
    desk.wait(lambda: markets.load(desk.db, OTHER).strike_micros == 3_000_000_000, "its strike")
    desk.exchange.feed(Determined(TICKER, "yes", 10_000, now_ms()), Settled(TICKER, now_ms()))
    desk.wait(lambda: markets.load(desk.db, TICKER).status == "finalized", "its settlement")
    settled = markets.load(desk.db, TICKER)
    assert (settled.result, settled.settlement_value_cc, settled.strike_micros) == ("yes", 10_000, known.strike_micros)
    desk.wait(lambda: not desk.shown().trusted, "nobody enters a settled market")


def test_killed_it_begins_anew_and_takes_back_what_it_trusted(desk: Watched):
    process = desk.collector()
    desk.wait(desk.as_displayed, "the first book")
    process.kill()
    process.wait()
    before = quotes.last(desk.db).number
    assert desk.shown().trusted
    desk.stir(50)
    started = time.monotonic()
    desk.collector()
    desk.wait(desk.as_displayed, "the book again", seconds=5)
    assert time.monotonic() - started < 5
    taken_back = quotes.since(desk.db, before)
    assert [quote.ticker for quote in taken_back] == [TICKER]
    assert desk.shown().publish > before + 1
    second = desk.collector()
    assert second.wait(5) == 75  # one collector a floor


def test_a_database_that_refuses_stops_publishes_and_nothing_else(desk: Watched):
    process = desk.collector()
    desk.wait(lambda: desk.as_displayed() and desk.state() == "LIVE", "the first book")
    stranger = sqlite3.connect(desk.floor.database, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    number = quotes.last(desk.db).number
    desk.stir(100)
    time.sleep(1.5)
    assert quotes.last(desk.db).number == number
    assert process.poll() is None
    stranger.execute("ROLLBACK")
    stranger.close()
    desk.wait(desk.as_displayed, "everything that was missed")
    desk.wait(lambda: desk.state() == "LIVE", "LIVE again")


@counted
def test_an_exchange_that_goes_away_is_said_and_waited_for(desk: Watched):
    desk.collector()
    desk.wait(desk.as_displayed, "the first book")
    desk.exchange.stop()
    desk.floor.exchange_file.unlink()
    desk.wait(lambda: not desk.shown().trusted, "distrust")
    assert desk.shown().distrust == "stream is disconnected"
    desk.reopen()
    desk.stir(10)
    desk.wait(desk.as_displayed, "the book again, at another address")
    assert desk.shown().epoch == 2
