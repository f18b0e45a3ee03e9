"""The world of a backtest: a tape played to one trader, in simulated time.

Everything is heard in the tape's order. The collector's part (books, bars, publishes) is done here as it does it; what
the exchange does by itself, what the trader waits for, publishes and seconds each come at their own time in between.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from outcry.domain.market import Market, Status
from outcry.domain.order import Side
from outcry.domain.view import Quote
from outcry.paper.events import EngineEvent
from outcry.research.backtesting import own
from outcry.research.backtesting.account import Account
from outcry.research.backtesting.books import NEVER, Book, Told, merged, play
from outcry.research.backtesting.marks import Marks
from outcry.research.backtesting.recorded import Recorded
from outcry.research.backtesting.terms import Result, Terms
from outcry.research.backtesting.trader import Trader, World
from outcry.research.backtesting.venue import PROPORTIONAL, Venue
from outcry.research.tape import Fact, Settlement
from outcry.signals.second_bars import SecondBars
from outcry.store.bars import EXCHANGE
from outcry.store.quotes import LEVELS
from outcry.store.tape_reader import Snapshot, Table
from outcry.store.tape_rows import NO_LAG, UNKNOWN
from outcry.strategies.strategy import Strategy
from outcry.trading.events import Bars, Clock, Control, Event, Quotes, Restored
from outcry.trading.tempo import Tempo
from outcry.venue.indices import index_id

CLOCK_MS = 1_000
HEARD_MS = 2_000  # a quiet book is published again this often, as the collector does
SAMPLE_MS = 60_000  # of the equity curve, while something is held
HOLE_MS = 60_000  # of a tape: nothing is known in it, and nobody looks


class Simulation:
    """One agent in the world of a tape. A `Stage` of the hot loop: see there for books, due_ms, wake, moved, …"""

    def __init__(self, strategy: Strategy, terms: Terms, progress: Callable[[int, int], None]) -> None:
        self.books: dict[int, Book] = {}
        self.due_ms = 0
        self._terms, self._progress = terms, progress
        self._now_ms = self._heard_ms = self._published_ms = self._clock_ms = self._sampled_ms = 0
        self._known: dict[str, Book] = {}
        self._all: dict[str, Book] = {}
        self._numbers: dict[str, tuple[int | None, int, int, int]] = {}
        self._shown_heard_ms: dict[str, int] = {}
        self._markets: dict[str, Market] = {}
        self._described: dict[str, Market] = {}
        self._series: dict[str, deque[str]] = {}
        self._dirty: set[str] = set()
        self._bars = SecondBars()
        self._symbols: dict[str, str] = {}
        self._publish = 0
        self._midnight_ms = 0
        self.account = Account(terms.capital_micros, terms.allocation_micros, self._priced, self._markets.__getitem__)
        world = World(lambda: self._now_ms, self._known.get, self._markets.__getitem__, self._predecessor_ch)
        tempo = Tempo.of(terms.time_factor, terms.expire_s)
        self.trader = Trader(
            strategy, tempo, terms.time_factor, terms.seed, terms.limits, terms.latency_ms, self.account, world
        )
        share = PROPORTIONAL if terms.proportional else 0
        self.venue = Venue(terms.capital_micros, share, self._hear)
        self.trader.trades_at(self.venue)
        self.result = Result(terms, self.trader, self.account, self._markets, Marks(self._middle))

    def play(self, session: Recorded) -> None:
        """One session; what was known of books before it is not known any more."""
        numbers = {name: symbol for symbol, name in session.names.items()}
        self._lose_all()
        touch_only = _touch_only(session)
        handlers = (
            ((it.arrival, 0, it.at_ms, _bound(self._lose_all)) for it in session.losses() if it.books),
            ((it.arrival, 1, it.at_ms, _bound(self._describe, it)) for it in session.markets()),
            ((it.arrival, 2, it.at_ms, _bound(self._whole, it, numbers)) for it in session.snapshots()),
            self._tickers(session, touch_only),
            self._prints(session),
            self._index(session),
            ((it.arrival, 6, it.at_ms, _bound(self._settle, it)) for it in session.settlements()),
        )
        play(self._counted(session), merged(*handlers), self, own.resting(session))

    def _counted(self, session: Recorded) -> Iterator[Table]:
        for table in session.deltas():
            yield table
            self.result.changes += len(table)
            self._progress(self._heard_ms, self.result.changes)

    def end(self) -> Result:
        """The tape is over: what is owed by now happens, and nothing else."""
        self.wake(self._heard_ms + 1)
        result = self.result
        result.last_ms = self._heard_ms
        self._sample()
        self._end_day()
        return result

    # ---- time -------------------------------------------------------------------------------------------------------

    def wake(self, at_ms: int) -> None:
        """Everything that is due before the tape goes on at `at_ms`."""
        if not self._now_ms:
            self._begin(at_ms)
        if at_ms - self._clock_ms > HOLE_MS:
            self._clock_ms = at_ms - CLOCK_MS
        while (due_ms := self._next_ms()) <= at_ms:
            self._now_ms = max(self._now_ms, due_ms)
            self._do(due_ms)
        self._now_ms, self._heard_ms = max(self._now_ms, at_ms), max(self._heard_ms, at_ms)
        self._plan()

    def _next_ms(self) -> int:
        venue_ms = self.venue.due_ms
        own_ms = NEVER
        if self.trader.idle:
            own_ms = self._clock_ms + CLOCK_MS
            if self._dirty or self.trader.has_mail:
                own_ms = min(own_ms, max(self._published_ms + self._terms.publish_ms, self._now_ms))
        return min(self.trader.due_ms, own_ms, self.result.marks.due_ms, NEVER if venue_ms is None else venue_ms)

    def _plan(self) -> None:
        self.due_ms = self._next_ms()

    def _do(self, due_ms: int) -> None:
        """The first thing that is due."""
        venue_ms = self.venue.due_ms
        if self.result.marks.due_ms <= due_ms:
            self.result.marks.take(due_ms)
        elif venue_ms is not None and venue_ms <= due_ms:
            self.venue.tick(self._now_ms)
        elif self.trader.due_ms <= due_ms:
            self.trader.go_on()
        else:
            self._consume()

    def _begin(self, at_ms: int) -> None:
        self._now_ms = self._heard_ms = self._clock_ms = self.result.first_ms = at_ms
        self._next_midnight(at_ms)
        self.trader.consume([Restored(at_ms), Control(at_ms)])

    def _consume(self) -> None:
        """What a turn of the live trader reads: its own news, then a publish, then perhaps the second."""
        now_ms = self._now_ms
        if now_ms >= self._midnight_ms:
            self._end_day()
            self._next_midnight(now_ms)
            self.account.roll()
            self.trader.new_day()
        clock = now_ms - self._clock_ms >= CLOCK_MS
        if clock:
            self._quiet(now_ms)
        events = self._news(now_ms)
        if clock:
            self._clock_ms = now_ms
            events.append(Clock(now_ms))
            if self.account.open_tickers() and now_ms - self._sampled_ms >= SAMPLE_MS:
                self._sample()
        self._published_ms = now_ms
        self.trader.consume(events)

    def _news(self, now_ms: int) -> list[Event]:
        events: list[Event] = []
        if due := self._bars.due(now_ms):
            self._bars.published(due)
            events.append(Bars(now_ms, tuple(due)))
        if self._dirty or self._described:
            self._publish += 1
            quotes = tuple(self._quote(ticker, now_ms) for ticker in sorted(self._dirty))
            events.append(Quotes(now_ms, self._publish, quotes, tuple(self._described.values())))
            self._dirty.clear()
            self._described.clear()
        return events

    def _quiet(self, now_ms: int) -> None:
        """Books that did not move are published again, so that their stream is seen to live."""
        for ticker, heard_ms in list(self._shown_heard_ms.items()):
            if self._markets[ticker].close_at_ms <= now_ms:
                del self._shown_heard_ms[ticker]
            elif self._heard_ms - heard_ms >= HEARD_MS:
                self._dirty.add(ticker)

    def _quote(self, ticker: str, now_ms: int) -> Quote:
        book = self._known.get(ticker)
        last_cc, volume_ch, interest_ch, moved_ms = self._numbers.get(ticker, (None, 0, 0, 0))
        bids, asks = self._levels(book) if book is not None else ((), ())
        status = self._markets[ticker].status
        distrust = "" if book is not None else "no book on the tape"
        if status is not Status.ACTIVE:
            distrust = f"market is {status}"
        elif bids and asks and bids[0][0] >= asks[0][0]:
            distrust = "crossed"
        self._shown_heard_ms[ticker] = self._heard_ms
        return Quote(
            ticker, self._publish, now_ms, bids, asks, last_cc, volume_ch, interest_ch, self._heard_ms,
            book.changed_at_ms if book is not None else 0, moved_ms, 1, not distrust, distrust,
        )  # fmt: skip

    def _levels(self, book: Book) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
        return self.venue.shown(book, LEVELS) if book.engaged else book.levels(LEVELS)

    # ---- the tape ---------------------------------------------------------------------------------------------------

    def moved(self, book: Book, at_ms: int) -> None:
        self._mark(book.ticker)

    def changed(self, book: Book, at_ms: int, signed_price_cc: int, change_ch: int) -> None:
        self._now_ms = max(self._now_ms, at_ms)
        self.venue.changed(book, at_ms, signed_price_cc, change_ch)
        self._mark(book.ticker)

    def broken(self, symbol: int, book: Book, at_ms: int) -> None:
        del self.books[symbol]
        del self._known[book.ticker]
        self._mark(book.ticker)

    def _mark(self, ticker: str) -> None:
        """Publish a market soon."""
        if ticker not in self._dirty and ticker in self._markets:
            self._dirty.add(ticker)
            self._plan()

    def _lose_all(self) -> None:
        for ticker in self._known:
            self._mark(ticker)
        self._known.clear()
        self.books.clear()

    def _describe(self, fact: Fact) -> None:
        market = fact.market
        known = self._markets.get(market.ticker)
        self._markets[market.ticker] = market
        if known is None:
            self._symbols[index_id(market.underlying)] = market.underlying
            self._series.setdefault(market.series_ticker, deque(maxlen=64)).append(market.ticker)
            self.result.unbooked.add(market.ticker)
        only = self._terms.only
        if only is not None and market.ticker not in only:
            return
        self._described[market.ticker] = market
        self.venue.describe(market, fact.at_ms)
        self._mark(market.ticker)

    def _whole(self, snapshot: Snapshot, numbers: dict[str, int]) -> None:
        if snapshot.ticker in numbers:
            self._replace(snapshot.ticker, numbers[snapshot.ticker], snapshot.bids, snapshot.asks, snapshot.at_ms)

    def _replace(self, ticker: str, symbol: int, bids: dict[int, int], asks: dict[int, int], at_ms: int) -> None:
        only = self._terms.only
        if only is not None and ticker not in only:
            return
        book = self._book(ticker)
        book.replace(bids, asks)
        book.changed_at_ms = at_ms
        self.books[symbol] = self._known[ticker] = book
        self.result.unbooked.discard(ticker)
        if book.engaged:
            self.venue.replaced(book, at_ms)
        self._mark(ticker)

    def _book(self, ticker: str) -> Book:
        """A market's book, the one that orders of ours may still rest in."""
        book = self._all.get(ticker)
        if book is None:
            market = self._markets.get(ticker)
            step = (
                math.gcd(*(n for band in market.price_ranges for n in (band.start_cc, band.step_cc))) if market else 1
            )
            book = self._all[ticker] = Book(ticker, step)
        return book

    def _tickers(self, session: Recorded, touch_only: set[int]) -> Iterator[Told]:
        names = session.names
        for table in session.tickers():
            columns = ("arrival", "at_ms", "symbol", "last_cc", "volume_ch", "open_interest_ch", "bid_cc", "bid_ch",
                       "ask_cc", "ask_ch")  # fmt: skip
            for arrival, at_ms, symbol, *values in zip(*table.columns(*columns), strict=True):
                whole = symbol if symbol in touch_only else 0
                yield arrival, 3, at_ms, _bound(self._ticker, names[symbol], whole, at_ms, values)

    def _ticker(self, ticker: str, symbol: int, at_ms: int, values: Sequence[int]) -> None:
        last_cc, volume_ch, interest_ch, bid_cc, bid_ch, ask_cc, ask_ch = values
        last = None if last_cc == UNKNOWN else last_cc
        self._numbers[ticker] = last, max(0, volume_ch), max(0, interest_ch), at_ms
        if symbol:
            bids = {bid_cc: bid_ch} if bid_cc > 0 and bid_ch > 0 else {}
            asks = {ask_cc: ask_ch} if ask_cc > 0 and ask_ch > 0 else {}
            self._replace(ticker, symbol, bids, asks, at_ms)
        self._mark(ticker)

    def _prints(self, session: Recorded) -> Iterator[Told]:
        names = session.names
        for table in session.prints():
            columns = ("arrival", "at_ms", "symbol", "lag_ms", "price_cc", "count_ch", "taker", "inferred")
            for arrival, at_ms, symbol, *values in zip(*table.columns(*columns), strict=True):
                yield arrival, 4, at_ms, _bound(self._print, names[symbol], at_ms, values)

    def _print(self, ticker: str, at_ms: int, values: Sequence[int]) -> None:
        lag_ms, price_cc, count_ch, taker, inferred = values
        side = {1: Side.BID, -1: Side.ASK}.get(taker)
        happened_ms = at_ms if lag_ms == NO_LAG else at_ms - lag_ms
        self._bars.add(ticker, EXCHANGE, price_cc, happened_ms, count_ch, side)
        book = self._known.get(ticker)
        if book is not None and book.engaged:
            self._now_ms = max(self._now_ms, at_ms)
            self.venue.printed(book, price_cc, count_ch, taker, bool(inferred), at_ms)
            self._mark(ticker)

    def _index(self, session: Recorded) -> Iterator[Told]:
        names = session.names
        for table in session.index():
            for arrival, at_ms, symbol, value, value_at_ms in zip(
                *table.columns("arrival", "at_ms", "symbol", "value_micros", "value_at_ms"), strict=True
            ):
                yield arrival, 5, at_ms, _bound(self._indexed, names[symbol], value, value_at_ms)

    def _indexed(self, name: str, value_micros: int, at_ms: int) -> None:
        """A value of an index, under the exchange's name for it, or of another source (`BTC-USD@coinbase`)."""
        symbol, _, source = name.partition("@")
        self._bars.add(self._symbols.get(symbol, symbol), source or EXCHANGE, value_micros, at_ms)

    def _settle(self, told: Settlement) -> None:
        self.result.results.setdefault(told.ticker, told)
        self._now_ms = max(self._now_ms, told.at_ms)
        self.venue.settled(told.ticker, told.result, told.value_cc, told.expiration_micros, told.at_ms)
        self._plan()

    # ---- what the others ask ----------------------------------------------------------------------------------------

    def _hear(self, events: Sequence[EngineEvent]) -> None:
        fills = len(self.trader.fills)
        self.trader.hear(events)
        for fill in self.trader.fills[fills:]:
            self.result.marks.filled(fill)
            self._dirty.add(fill.ticker)

    def _priced(self, ticker: str) -> tuple[int | None, int | None, bool]:
        book = self._known.get(ticker)
        if book is None:
            return None, None, False
        bid_cc, ask_cc = self.venue.touch(book) if book.engaged else (book.bid_cc, book.ask_cc)
        return bid_cc, ask_cc, True

    def _middle(self, ticker: str) -> float | None:
        bid_cc, ask_cc, _ = self._priced(ticker)
        return None if bid_cc is None or ask_cc is None else (bid_cc + ask_cc) / 2

    def _predecessor_ch(self, market: Market) -> int:
        """What the market of the series that closed last before this one opened traded, as far as anybody told."""
        earlier = [self._markets[ticker] for ticker in self._series.get(market.series_ticker, ())]
        closed = [one for one in earlier if one.close_at_ms <= market.open_at_ms and one.ticker != market.ticker]
        if not closed:
            return 0
        before = max(closed, key=lambda one: one.close_at_ms)
        return max(before.volume_ch, self._numbers.get(before.ticker, (None, 0, 0, 0))[1])

    def _sample(self) -> None:
        self._sampled_ms = self._now_ms
        self.result.equity.append((self._now_ms, self.account.equity_micros(), self.account.at_risk_micros()))

    def _next_midnight(self, at_ms: int) -> None:
        local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self._terms.zone)
        self._day = f"{local:%Y-%m-%d}"
        following = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        self._midnight_ms = int(following.timestamp() * 1000)

    def _end_day(self) -> None:
        before = sum(self.result.days.values())
        self.result.days[self._day] = self.result.days.get(self._day, 0) + self.account.equity_micros() - before


def _touch_only(session: Recorded) -> set[int]:
    """Markets of which a recording has tickers only: their book is the touch that those tell."""
    whole = {snapshot.ticker for snapshot in session.snapshots()}
    told = {symbol for table in session.tickers() for symbol in set(table.column("symbol"))}
    return {symbol for symbol in told if session.names[symbol] not in whole}


def _bound(call: Callable[..., None], *values: object) -> Callable[[], None]:
    return lambda: call(*values)
