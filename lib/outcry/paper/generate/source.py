"""Generated markets: index walks, 15-minute windows on them, and a crowd that quotes and trades each.

Everything follows from the seed and the clock. Windows lie on multiples of their length; YES pays when the mean of the
index over the last `average_s` seconds reaches the same mean of the window before. That mean becomes the next window's
strike: until half a second after its opening a market has none.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

from outcry.domain.errors import Misconfigured
from outcry.domain.market import Market, Status
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.events import (
    BookSet,
    Closed,
    Determined,
    IndexTick,
    Listed,
    Opened,
    SeriesInfo,
    Settled,
    SourceEvent,
    Stats,
)
from outcry.paper.generate.crowd import STEP_MS, Crowd
from outcry.paper.generate.index_walk import Asset, Average, IndexWalk
from outcry.paper.generate.windows import Window, series_info, series_of, underlying_of, window_at

HISTORY_S = 6 * 3_600
STRIKE_MS = 500  # after the opening, when the strike is published and the old book is swept
DETERMINE_MS = 1_000  # after the close
SETTLE_MS = (2_000, 6_000)

_ASSETS = {
    "BTC-USD": Asset("BTC-USD", 97_000.0),
    "ETH-USD": Asset("ETH-USD", 3_300.0, 1.35),
    "SOL-USD": Asset("SOL-USD", 165.0, 1.6),
    "BNB-USD": Asset("BNB-USD", 900.0, 1.2),
    "XRP-USD": Asset("XRP-USD", 2.2, 1.5, tick_micros=100),
    "DOGE-USD": Asset("DOGE-USD", 0.17, 1.7, tick_micros=10),
}
_ALWAYS = ("BTC-USD", "ETH-USD")  # walked whichever series there are: one alone has the prices it has beside the other


@dataclass(slots=True)
class _Live:
    """An open market: its fair value and its crowd. `told_ch` is the volume last told."""

    window: Window
    average: Average
    crowd: Crowd
    told_ch: int = 0


class Generator:
    """A `Source` of made-up markets. Pure and seeded: the same seed and start give the same events.

    series          tickers of 15-minute crypto series whose index is known, like KXBTC15M (_ASSETS)
    window_s        length of a market; average_s of its settlement mean; both in seconds of the clock handed in
    volatility      of the index, annualised; jumps_per_hour on top
    crowd_lag_ms    how late the crowd sees the index: above 0, whoever looks at the index itself has an edge
    owed            markets of an earlier run that closed and were never settled: they are settled first thing
    raises          Misconfigured for an unknown series, or a mean longer than its window
    """

    def __init__(
        self,
        seed: int,
        series: Sequence[str],
        start_ms: int,
        *,
        window_s: int = 900,
        average_s: int = 60,
        volatility: float = 0.6,
        jumps_per_hour: float = 2.0,
        crowd_lag_ms: int = 0,
        owed: Iterable[Market] = (),
    ) -> None:
        unknown = [ticker for ticker in series if underlying_of(ticker) not in _ASSETS]
        if unknown:
            raise Misconfigured(
                f"no generated index for series {unknown[0]}", f"known: {', '.join(map(series_of, _ASSETS))}"
            )
        if not 0 < average_s <= window_s:
            raise Misconfigured(f"a mean over {average_s} s does not fit into a window of {window_s} s")
        self._seed, self._series = seed, tuple(series)
        self._window_ms, self._average_s = window_s * 1_000, average_s
        self._crowd_lag_ms = crowd_lag_ms
        listed = {*_ALWAYS, *map(underlying_of, series)}
        walked = [asset for symbol, asset in _ASSETS.items() if symbol in listed]
        self._walk = IndexWalk(seed, walked, volatility, jumps_per_hour)
        self._live: dict[str, _Live] = {}
        self._due: list[tuple[int, int, Callable[[int], list[SourceEvent]]]] = []
        self._order = count()
        self._told: deque[SourceEvent] = deque()
        self._start_ms = self._now_ms = start_ms
        self._step_ms = -(-start_ms // STEP_MS) * STEP_MS
        self._begin(owed)

    # ---- Source -----------------------------------------------------------------------------------------------------

    def series(self) -> list[SeriesInfo]:
        """The series whose windows are listed."""
        return [series_info(ticker) for ticker in self._series]

    def advance(self, now_ms: int) -> list[SourceEvent]:
        """Everything up to now that was not yet told, in time order."""
        self._now_ms = max(self._now_ms, now_ms)
        while self._step_ms <= now_ms:
            self._told.extend(self._step(self._step_ms))
            self._step_ms += STEP_MS
        told = []
        while self._told and self._told[0].at_ms <= now_ms:
            told.append(self._told.popleft())
        return told

    def next_at_ms(self) -> int | None:
        """The next event, or the next instant at which one may be made. A generator never ends."""
        return self._told[0].at_ms if self._told else self._step_ms

    def history(self, symbol: str, from_ms: int, to_ms: int) -> list[IndexTick]:
        """The index second by second, also from before the start, for at most six hours back."""
        if symbol not in {underlying_of(ticker) for ticker in self._series}:
            return []
        first = max(-(-from_ms // 1_000), self._now_ms // 1_000 - HISTORY_S)
        last = min(to_ms, self._now_ms) // 1_000
        return [IndexTick(symbol, self._walk.micros(symbol, s), s * 1_000) for s in range(first, last + 1)]

    # ---- calendar ---------------------------------------------------------------------------------------------------

    def _begin(self, owed: Iterable[Market]) -> None:
        """Settle what is owed, list the windows that are open now, and those that come next."""
        now = self._start_ms
        for market in owed:
            if market.series_ticker in self._series and market.close_at_ms <= now:
                strike = market.strike_micros
                if strike is None:
                    strike = self._mean(market.series_ticker, market.open_at_ms)
                self._told.append(
                    self._determined(market.ticker, market.series_ticker, market.close_at_ms, strike, now)
                )
                self._told.append(Settled(market.ticker, now))
        for series in self._series:
            window = window_at(series, now, self._window_ms)
            self._told.append(Listed(window.market(Status.ACTIVE, self._strike(window)), now))
            self._told.extend(self._opened(window, now))

    def _at(self, at_ms: int, what: Callable[[int], list[SourceEvent]]) -> None:
        heapq.heappush(self._due, (at_ms, next(self._order), what))

    def _opened(self, window: Window, at_ms: int) -> list[SourceEvent]:
        """The market opens with a full book; the one after it is listed."""
        rng = Random(f"{self._seed}/{window.ticker}/{at_ms}")
        close_s, symbol = window.close_at_ms // 1_000, underlying_of(window.series)
        average = Average(self._walk, symbol, close_s, self._average_s, self._strike(window))
        live = self._live[window.ticker] = _Live(window, average, Crowd(window.ticker, rng))
        following = window_at(window.series, window.close_at_ms, self._window_ms)
        self._at(window.close_at_ms, lambda at: self._closed(live, at))
        self._at(following.open_at_ms, lambda at: self._opened(following, at))
        self._at(following.open_at_ms + STRIKE_MS, lambda at: self._published(following, at))
        return [
            Opened(window.ticker, at_ms),
            live.crowd.open(average.fair(at_ms - self._crowd_lag_ms), at_ms),
            Listed(following.market(Status.INITIALIZED, None), at_ms),
        ]

    def _published(self, window: Window, at_ms: int) -> list[SourceEvent]:
        return [Listed(window.market(Status.ACTIVE, self._strike(window)), at_ms)]

    def _closed(self, live: _Live, at_ms: int) -> list[SourceEvent]:
        window = live.window
        del self._live[window.ticker]
        settle_ms = Random(f"{self._seed}/{window.ticker}/settled").randrange(*SETTLE_MS)
        self._at(at_ms + STRIKE_MS, lambda at: [BookSet(window.ticker, {}, {}, at)])
        facts = window.ticker, window.series, window.close_at_ms, self._strike(window)
        self._at(at_ms + DETERMINE_MS, lambda at: [self._determined(*facts, at)])
        self._at(at_ms + settle_ms, lambda at: [Settled(window.ticker, at)])
        return [*self._stats(live, at_ms), Closed(window.ticker, at_ms)]

    def _determined(self, ticker: str, series: str, close_at_ms: int, strike: int, at_ms: int) -> Determined:
        reached = self._mean(series, close_at_ms)
        won = reached >= strike
        return Determined(ticker, "yes" if won else "no", ONE_DOLLAR_CC if won else 0, at_ms, reached)

    def _strike(self, window: Window) -> int:
        return self._mean(window.series, window.open_at_ms)

    def _mean(self, series: str, at_ms: int) -> int:
        return self._walk.mean_micros(underlying_of(series), at_ms // 1_000, self._average_s)

    # ---- one step ---------------------------------------------------------------------------------------------------

    def _step(self, at_ms: int) -> list[SourceEvent]:
        """The index, then the calendar, then what the crowds do in the next STEP_MS."""
        told: list[SourceEvent] = []
        if at_ms % 1_000 == 0:
            for series in self._series:
                symbol = underlying_of(series)
                told.append(IndexTick(symbol, self._walk.micros(symbol, at_ms // 1_000), at_ms))
        while self._due and self._due[0][0] < at_ms + STEP_MS:
            due_ms, _, what = heapq.heappop(self._due)
            told += what(max(due_ms, at_ms))
        for live in self._live.values():
            if at_ms % 1_000 == 0:
                told += self._stats(live, at_ms)
            told += live.crowd.step(live.average.fair(at_ms - self._crowd_lag_ms), at_ms)
        told.sort(key=lambda event: event.at_ms)
        return told

    def _stats(self, live: _Live, at_ms: int) -> list[SourceEvent]:
        crowd = live.crowd
        if crowd.volume_ch == live.told_ch:
            return []
        live.told_ch = crowd.volume_ch
        return [Stats(live.window.ticker, crowd.last_price_cc, crowd.volume_ch, crowd.open_interest_ch, at_ms)]
