"""The world of a backtest: a tape played to one trader, in simulated time.

Everything is heard in the tape's order. What the exchange does by itself, what the trader waits for, publishes of the
collector and seconds each come at their own time in between.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from outcry.paper.events import EngineEvent
from outcry.research.backtesting import own, rare
from outcry.research.backtesting.account import Account
from outcry.research.backtesting.asking import World
from outcry.research.backtesting.books import NEVER, Book, play
from outcry.research.backtesting.collected import Collected, Time
from outcry.research.backtesting.marks import Marks
from outcry.research.backtesting.recorded import Recorded
from outcry.research.backtesting.terms import Result, Terms
from outcry.research.backtesting.trader import Trader
from outcry.research.backtesting.venue import PROPORTIONAL, Venue
from outcry.research.tape import Settlement
from outcry.store.tape_reader import Table
from outcry.strategies.strategy import Strategy
from outcry.trading.events import Clock, Control, Restored
from outcry.trading.tempo import Tempo

CLOCK_MS = 1_000
SAMPLE_MS = 60_000  # of the equity curve, while something is held
HOLE_MS = 60_000  # of a tape: nothing is known in it, and nobody looks


class Simulation:
    """One agent in the world of a tape. A `Stage` of the hot loop: see there for books, due_ms, wake, moved, …"""

    def __init__(self, strategy: Strategy, terms: Terms, progress: Callable[[int, int], None]) -> None:
        self.due_ms = 0
        self._terms, self._progress = terms, progress
        self._time = Time()
        self._published_ms = self._clock_ms = self._sampled_ms = self._midnight_ms = 0
        self._day = ""
        self.venue = Venue(terms.capital_micros, PROPORTIONAL if terms.proportional else 0, self._hear)
        self._collected = collected = Collected(self._time, self.venue, terms.only, self._plan)
        self.books = collected.books
        described = collected.markets.__getitem__
        self.account = Account(terms.capital_micros, terms.allocation_micros, collected.priced, described)
        world = World(lambda: self._time.now_ms, collected.known.get, described, collected.predecessor_ch)
        tempo = Tempo.of(terms.time_factor, terms.expire_s)
        self.trader = Trader(
            strategy,
            tempo,
            terms.time_factor,
            terms.seed,
            terms.limits,
            terms.latency_ms,
            self.account,
            self.venue,
            world,
        )
        marks = Marks(collected.middle)
        self.result = Result(terms, self.trader, self.account, collected.markets, marks, unbooked=collected.unbooked)

    def play(self, session: Recorded) -> None:
        """One session; what was known of books before it is not known any more."""
        self._collected.lose_all()
        play(self._counted(session), rare.told(session, self._collected, self._settle), self, own.resting(session))

    def _counted(self, session: Recorded) -> Iterator[Table]:
        for table in session.deltas():
            yield table
            self.result.changes += len(table)
            self._progress(self._time.heard_ms, self.result.changes)

    def end(self) -> Result:
        """The tape is over: what is owed by now happens, and nothing else."""
        self.wake(self._time.heard_ms + 1)
        result = self.result
        result.last_ms = self._time.heard_ms
        self._sample()
        self._end_day()
        return result

    # ---- time -------------------------------------------------------------------------------------------------------

    def wake(self, at_ms: int) -> None:
        """Everything that is due before the tape goes on at `at_ms`."""
        time = self._time
        if not time.now_ms:
            self._begin(at_ms)
        if at_ms - self._clock_ms > HOLE_MS:
            self._clock_ms = at_ms - CLOCK_MS
        while (due_ms := self._next_ms()) <= at_ms:
            time.reach(due_ms)
            self._do(due_ms)
        time.reach(at_ms)
        time.heard_ms = max(time.heard_ms, at_ms)
        self._plan()

    def _next_ms(self) -> int:
        venue_ms = self.venue.due_ms
        own_ms = NEVER
        if self.trader.idle:
            own_ms = self._clock_ms + CLOCK_MS
            if self._collected.news or self.trader.has_mail:
                own_ms = min(own_ms, max(self._published_ms + self._terms.publish_ms, self._time.now_ms))
        return min(self.trader.due_ms, own_ms, self.result.marks.due_ms, NEVER if venue_ms is None else venue_ms)

    def _plan(self) -> None:
        self.due_ms = self._next_ms()

    def _do(self, due_ms: int) -> None:
        """The first thing that is due."""
        venue_ms = self.venue.due_ms
        if self.result.marks.due_ms <= due_ms:
            self.result.marks.take(due_ms)
        elif venue_ms is not None and venue_ms <= due_ms:
            self.venue.tick(self._time.now_ms)
        elif self.trader.due_ms <= due_ms:
            self.trader.go_on()
        else:
            self._consume()

    def _begin(self, at_ms: int) -> None:
        self._time.now_ms = self._time.heard_ms = self._clock_ms = self.result.first_ms = at_ms
        self._next_midnight(at_ms)
        self.trader.consume([Restored(at_ms), Control(at_ms)])

    def _consume(self) -> None:
        """What a turn of the live trader reads: its own news, then a publish, then perhaps the second."""
        now_ms = self._time.now_ms
        if now_ms >= self._midnight_ms:
            self._end_day()
            self._next_midnight(now_ms)
            self.account.roll()
            self.trader.new_day()
        clock = now_ms - self._clock_ms >= CLOCK_MS
        if clock:
            self._collected.quiet()
        events = self._collected.published()
        if clock:
            self._clock_ms = now_ms
            events.append(Clock(now_ms))
            if self.account.open_tickers() and now_ms - self._sampled_ms >= SAMPLE_MS:
                self._sample()
        self._published_ms = now_ms
        self.trader.consume(events)

    # ---- the hot loop tells -----------------------------------------------------------------------------------------

    def moved(self, book: Book, at_ms: int) -> None:
        self._collected.mark(book.ticker)

    def changed(self, book: Book, at_ms: int, signed_price_cc: int, change_ch: int) -> None:
        self._time.reach(at_ms)
        self.venue.changed(book, at_ms, signed_price_cc, change_ch)
        self._collected.mark(book.ticker)

    def passed(self, book: Book, at_ms: int, moved: bool) -> None:
        self._time.reach(at_ms)
        self._collected.mark(book.ticker)

    def broken(self, symbol: int, book: Book, at_ms: int) -> None:
        self._collected.lose(symbol, book)

    def _settle(self, told: Settlement) -> None:
        self.result.results.setdefault(told.ticker, told)
        self._time.reach(told.at_ms)
        self.venue.settled(told.ticker, told.result, told.value_cc, told.expiration_micros, told.at_ms)
        self._plan()

    # ---- what comes of it -------------------------------------------------------------------------------------------

    def _hear(self, events: Sequence[EngineEvent]) -> None:
        fills = len(self.trader.fills)
        self.trader.hear(events)
        for fill in self.trader.fills[fills:]:
            self.result.marks.filled(fill)
            self._collected.news.add(fill.ticker)

    def _sample(self) -> None:
        self._sampled_ms = self._time.now_ms
        self.result.equity.append((self._sampled_ms, self.account.equity_micros(), self.account.at_risk_micros()))

    def _next_midnight(self, at_ms: int) -> None:
        local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self._terms.zone)
        self._day = f"{local:%Y-%m-%d}"
        following = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        self._midnight_ms = int(following.timestamp() * 1000)

    def _end_day(self) -> None:
        before = sum(self.result.days.values())
        self.result.days[self._day] = self.result.days.get(self._day, 0) + self.account.equity_micros() - before
