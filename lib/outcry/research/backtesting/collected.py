"""The collector of a backtest: books, bars and descriptions as a tape tells of them, published as the live one does."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from outcry.domain.market import Market, Status
from outcry.domain.order import Side
from outcry.domain.view import Quote
from outcry.research.backtesting.books import Book
from outcry.research.backtesting.venue import Venue
from outcry.research.tape import Fact
from outcry.signals.second_bars import SecondBars
from outcry.store.bars import EXCHANGE
from outcry.store.quotes import LEVELS
from outcry.store.tape_rows import NO_LAG, UNKNOWN
from outcry.trading.events import Bars, Event, Quotes
from outcry.venue.indices import index_id

HEARD_MS = 2_000  # a quiet book is published again this often, as the collector does

Levels = tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Time:
    """Simulated time. now_ms: what happens, happens now; heard_ms: how far the tape was taken in."""

    now_ms: int = 0
    heard_ms: int = 0

    def reach(self, at_ms: int) -> None:
        self.now_ms = max(self.now_ms, at_ms)


class Collected:
    """
    books     that are known now, by the tape's symbol
    known     the same by ticker
    markets   as described last
    unbooked  markets of which no book was ever known
    news      whether a market is to be published
    """

    def __init__(self, time: Time, venue: Venue, only: frozenset[str] | None, moved: Callable[[], None]) -> None:
        """`only`: markets that may be traded, None for all; `moved` is called when `news` becomes true."""
        self._time, self._venue, self._only, self._moved = time, venue, only, moved
        self.books: dict[int, Book] = {}
        self.known: dict[str, Book] = {}
        self.markets: dict[str, Market] = {}
        self.unbooked: set[str] = set()
        self.news: set[str] = set()
        self._all: dict[str, Book] = {}
        self._numbers: dict[str, tuple[int | None, int, int, int]] = {}
        self._shown_heard_ms: dict[str, int] = {}
        self._described: dict[str, Market] = {}
        self._series: dict[str, deque[str]] = {}
        self._bars = SecondBars()
        self._symbols: dict[str, str] = {}
        self._publish = 0

    # ---- what the tape tells: see `rare.Listener` --------------------------------------------------------------------

    def lose_all(self) -> None:
        """No book is known from here on."""
        for ticker in self.known:
            self.mark(ticker)
        self.known.clear()
        self.books.clear()

    def lose(self, symbol: int, book: Book) -> None:
        del self.books[symbol]
        del self.known[book.ticker]
        self.mark(book.ticker)

    def mark(self, ticker: str) -> None:
        """Publish a market soon."""
        if ticker not in self.news and ticker in self.markets:
            self.news.add(ticker)
            self._moved()

    def _may_trade(self, ticker: str) -> bool:
        return self._only is None or ticker in self._only

    def describe(self, fact: Fact) -> None:
        """What is known of a market from now on."""
        market = fact.market
        if market.ticker not in self.markets:
            self._symbols[index_id(market.underlying)] = market.underlying
            self._series.setdefault(market.series_ticker, deque(maxlen=64)).append(market.ticker)
            self.unbooked.add(market.ticker)
        self.markets[market.ticker] = market
        if self._may_trade(market.ticker):
            self._described[market.ticker] = market
            self._venue.describe(market, fact.at_ms)
            self.mark(market.ticker)

    def replace(self, ticker: str, symbol: int, bids: dict[int, int], asks: dict[int, int], at_ms: int) -> None:
        """A whole book."""
        if not self._may_trade(ticker):
            return
        book = self._book(ticker)
        book.replace(bids, asks)
        book.changed_at_ms = at_ms
        self.books[symbol] = self.known[ticker] = book
        self.unbooked.discard(ticker)
        if book.engaged:
            self._venue.replaced(book, at_ms)
        self.mark(ticker)

    def _book(self, ticker: str) -> Book:
        """A market's book, the one that orders of ours may still rest in."""
        book = self._all.get(ticker)
        if book is None:
            market = self.markets.get(ticker)
            grid = [n for band in market.price_ranges for n in (band.start_cc, band.step_cc)] if market else [1]
            book = self._all[ticker] = Book(ticker, math.gcd(*grid))
        return book

    def ticker(self, ticker: str, symbol: int, at_ms: int, values: Sequence[int]) -> None:
        """Public numbers; where nobody recorded the book (`symbol` is not 0) their touch is all of it."""
        last_cc, volume_ch, interest_ch, bid_cc, bid_ch, ask_cc, ask_ch = values
        last = None if last_cc == UNKNOWN else last_cc
        self._numbers[ticker] = last, max(0, volume_ch), max(0, interest_ch), at_ms
        if symbol:
            bids = {bid_cc: bid_ch} if bid_cc > 0 and bid_ch > 0 else {}
            asks = {ask_cc: ask_ch} if ask_cc > 0 and ask_ch > 0 else {}
            self.replace(ticker, symbol, bids, asks, at_ms)
        self.mark(ticker)

    def print(self, ticker: str, at_ms: int, values: Sequence[int]) -> None:
        """A public trade."""
        lag_ms, price_cc, count_ch, taker, inferred = values
        side = {1: Side.BID, -1: Side.ASK}.get(taker)
        happened_ms = at_ms if lag_ms == NO_LAG else at_ms - lag_ms
        self._bars.add(ticker, EXCHANGE, price_cc, happened_ms, count_ch, side)
        book = self.known.get(ticker)
        if book is not None and book.engaged:
            self._time.reach(at_ms)
            self._venue.printed(book, price_cc, count_ch, taker, bool(inferred), at_ms)
            self.mark(ticker)

    def index(self, name: str, value_micros: int, at_ms: int) -> None:
        """A value of an index, under the exchange's name for it, or of another source (`BTC-USD@coinbase`)."""
        symbol, _, source = name.partition("@")
        self._bars.add(self._symbols.get(symbol, symbol), source or EXCHANGE, value_micros, at_ms)

    # ---- what it publishes ------------------------------------------------------------------------------------------

    def published(self) -> list[Event]:
        """What a trader reads now: bars that are whole, and a publish where there is anything to tell."""
        now_ms = self._time.now_ms
        events: list[Event] = []
        if due := self._bars.due(now_ms):
            self._bars.published(due)
            events.append(Bars(now_ms, tuple(due)))
        if self.news or self._described:
            self._publish += 1
            quotes = tuple(self._quote(ticker, now_ms) for ticker in sorted(self.news))
            events.append(Quotes(now_ms, self._publish, quotes, tuple(self._described.values())))
            self.news.clear()
            self._described.clear()
        return events

    def quiet(self) -> None:
        """Books that did not move are published again, so that their stream is seen to live."""
        for ticker, heard_ms in list(self._shown_heard_ms.items()):
            if self.markets[ticker].close_at_ms <= self._time.now_ms:
                del self._shown_heard_ms[ticker]
            elif self._time.heard_ms - heard_ms >= HEARD_MS:
                self.news.add(ticker)

    def _quote(self, ticker: str, now_ms: int) -> Quote:
        book, heard_ms = self.known.get(ticker), self._time.heard_ms
        last_cc, volume_ch, interest_ch, moved_ms = self._numbers.get(ticker, (None, 0, 0, 0))
        bids, asks = self._levels(book) if book is not None else ((), ())
        status = self.markets[ticker].status
        distrust = "" if book is not None else "no book on the tape"
        if status is not Status.ACTIVE:
            distrust = f"market is {status}"
        elif bids and asks and bids[0][0] >= asks[0][0]:
            distrust = "crossed"
        self._shown_heard_ms[ticker] = heard_ms
        return Quote(
            ticker, self._publish, now_ms, bids, asks, last_cc, volume_ch, interest_ch, heard_ms,
            book.changed_at_ms if book is not None else 0, moved_ms, 1, not distrust, distrust,
        )  # fmt: skip

    def _levels(self, book: Book) -> tuple[Levels, Levels]:
        return self._venue.shown(book, LEVELS) if book.engaged else book.levels(LEVELS)

    # ---- what the others ask ----------------------------------------------------------------------------------------

    def priced(self, ticker: str) -> tuple[int | None, int | None, bool]:
        """Best bid and ask in centicents, and whether the book is known."""
        book = self.known.get(ticker)
        if book is None:
            return None, None, False
        bid_cc, ask_cc = self._venue.touch(book) if book.engaged else (book.bid_cc, book.ask_cc)
        return bid_cc, ask_cc, True

    def middle(self, ticker: str) -> float | None:
        bid_cc, ask_cc, _ = self.priced(ticker)
        return None if bid_cc is None or ask_cc is None else (bid_cc + ask_cc) / 2

    def predecessor_ch(self, market: Market) -> int:
        """What the market of the series that closed last before this one opened traded, as far as anybody told."""
        earlier = [self.markets[ticker] for ticker in self._series.get(market.series_ticker, ())]
        closed = [one for one in earlier if one.close_at_ms <= market.open_at_ms and one.ticker != market.ticker]
        if not closed:
            return 0
        before = max(closed, key=lambda one: one.close_at_ms)
        return max(before.volume_ch, self._numbers.get(before.ticker, (None, 0, 0, 0))[1])
