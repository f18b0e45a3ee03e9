"""Markets as they were: recorded books, prints inferred, settlements as recorded, the index from recorded spot trades.

The exchange's clock runs over the recordings at a chosen speed. Where they have a hole of more than 5 s (between files,
or while the recorder looked for the next market) the clock jumps over it and comes in 5 s before it ends. A market
whose recording stops early keeps the time to its close that it had; at the hole its close date is moved to the present,
it closes there, and it settles as it really did.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from outcry.domain.errors import Misconfigured
from outcry.domain.market import Status
from outcry.domain.order import Side
from outcry.paper.events import (
    BookChange,
    BookSet,
    Closed,
    Determined,
    IndexTick,
    Listed,
    Print,
    SeriesInfo,
    Settled,
    SourceEvent,
    Stats,
)
from outcry.paper.generate.windows import QUARTER_HOUR_MS, Window, close_of, names, series_info, underlying_of
from outcry.paper.replay import outcomes, recorded_spot, recording
from outcry.paper.replay.infer import Match
from outcry.paper.replay.merge import index_in_order, recordings_in_order
from outcry.paper.replay.recorded import Change, Item, Tick, Watched, Whole
from outcry.paper.replay.recording import Recording
from outcry.paper.replay.timeline import Speed, Timeline
from outcry.paper.replay.verify import Verifier

HOLE_US = 5_000_000
HISTORY_US = 7_200_000_000
HISTORY_TICKS = 20_000
BATCH = 200  # events an `advance` tells at most when played as fast as possible
DETERMINE_MS, SETTLE_MS = 1_000, 4_000  # after the close


@dataclass(slots=True)
class _Playing:
    """A market from its first frame to its payment. Times on the recording's clock (us) and in played ms."""

    window: Window
    close_us: int
    close_ms: int
    strike_micros: int | None
    session: str
    last_price_cc: int | None = None
    closed: bool = False
    cut: bool = False  # the recording stopped before its close


class Replay:
    """A `Source` over recordings. Pure but for reading its files: the clock is handed in.

    files             recordings or folders of them, in any order; one market may span several
    settlements_file  recorded results; found beside the recordings (`../markets/*_settlements.jsonl*`) when not given
    spot_files        recorded spot trades, or their folder; `../spot` when not given
    speed             1.0 as it was, 60.0 an hour a minute, "max" as fast as asked
    raises            Misconfigured when a named file is missing, SchemaDrift (while playing) when one cannot be read
    """

    def __init__(
        self,
        files: Iterable[str | Path],
        settlements_file: str | Path | None = None,
        spot_files: Iterable[str | Path] | None = None,
        *,
        start_ms: int,
        speed: Speed = 1.0,
    ) -> None:
        if speed != "max" and speed <= 0:
            raise Misconfigured(f"replay speed {speed} is not above 0")
        paths = recording.find(files)
        beside = paths[0].parent.parent
        self.verifier = Verifier()
        self._recordings = sorted((Recording(path) for path in paths), key=lambda one: one.first_us)
        self._outcomes = outcomes.Outcomes(
            outcomes.find(beside / "markets") if settlements_file is None else [Path(settlements_file)]
        )
        self._fastest = speed == "max"
        self._line = Timeline(start_ms, speed)
        self._markets: dict[str, _Playing] = {}
        self._paid: set[str] = set()
        self._watched: dict[str, Watched] = {}
        self._timers: list[tuple[int, int, str, str]] = []
        self._order = count()
        self._past: dict[str, deque[IndexTick]] = {}
        spot = recorded_spot.find(beside / "spot") if spot_files is None else [Path(file) for file in spot_files]
        self._spot = index_in_order(spot, {underlying_of(info.ticker) for info in self.series()})
        self._next_spot = next(self._spot, None)
        self._at_us, self._session = 0, ""
        self._playing = self._play()
        self._next = next(self._playing, None)

    # ---- Source -----------------------------------------------------------------------------------------------------

    def series(self) -> list[SeriesInfo]:
        """All series recorded."""
        return [series_info(ticker) for ticker in sorted(set().union(*(one.series for one in self._recordings)))]

    def advance(self, now_ms: int) -> list[SourceEvent]:
        """Everything up to now that was not yet told; as fast as possible, the next BATCH events."""
        self._line.ask(now_ms)
        told: list[SourceEvent] = []
        while self._next is not None and (len(told) < BATCH if self._fastest else self._next.at_ms <= now_ms):
            if isinstance(self._next, IndexTick):
                self._past.setdefault(self._next.symbol, deque(maxlen=HISTORY_TICKS)).append(self._next)
            told.append(self._next)
            self._next = next(self._playing, None)
        return told

    def next_at_ms(self) -> int | None:
        """When the next event is due; None at the end of the recordings."""
        return None if self._next is None else self._next.at_ms

    def history(self, symbol: str, from_ms: int, to_ms: int) -> list[IndexTick]:
        """Index values told so far, and those recorded in the two hours before the start."""
        return [tick for tick in self._past.get(symbol, ()) if from_ms <= tick.at_ms <= to_ms]

    # ---- playing ----------------------------------------------------------------------------------------------------

    def _play(self) -> Iterator[SourceEvent]:
        for item in recordings_in_order(self._recordings, self.verifier):
            if isinstance(item, Watched):
                self._watched[item.ticker] = item
                if item.strike_micros is not None:
                    self._outcomes.learn_strike(item.ticker, item.strike_micros)
                continue
            at_us = max(self._at_us, item.at_us)
            if not self._at_us:
                self._begin(at_us)
            elif at_us - self._at_us > HOLE_US and item.session != self._session:  # else the market was just quiet
                yield from self._skip_to(at_us - HOLE_US)
                self.verifier.holes += 1
            yield from self._until(self._line.played_ms(at_us))
            self._at_us, self._session = at_us, item.session
            self._line.reach(self._line.played_ms(at_us))
            yield from self._tell(item)
        yield from self._finish()

    def _begin(self, at_us: int) -> None:
        """The first frame is the start; the index before it becomes history."""
        self._at_us = at_us
        self._line.begin(at_us)
        while self._next_spot is not None and self._next_spot[0] < at_us:
            spot_us, symbol, value = self._next_spot
            if spot_us >= at_us - HISTORY_US:
                at_ms = self._line.exchange_ms(self._line.played_ms(spot_us))
                self._past.setdefault(symbol, deque(maxlen=HISTORY_TICKS)).append(IndexTick(symbol, value, at_ms))
            self._next_spot = next(self._spot, None)

    def _skip_to(self, resume_us: int) -> Iterator[SourceEvent]:
        """Jump over a hole. Markets that close in it close now; those that outlast it are told their new close."""
        now_ms = self._line.reach(self._line.played_ms(self._at_us))
        self._line.skip(self._at_us, resume_us)
        for ticker, market in self._markets.items():
            if market.closed:
                continue
            market.cut = market.close_us <= resume_us
            market.close_ms = self._line.played_ms(max(market.close_us, resume_us))
            market.window = self._window(ticker, market)
            self._set_timer(market.close_ms, ticker, "close")
            yield Listed(market.window.market(Status.ACTIVE, market.strike_micros), now_ms)
        self._at_us = resume_us
        while self._next_spot is not None and self._next_spot[0] < resume_us:
            self._next_spot = next(self._spot, None)

    def _finish(self) -> Iterator[SourceEvent]:
        """No frame is left: what is still open closes as at a hole, and everything is paid."""
        if any(market.close_us - self._at_us > HOLE_US for market in self._markets.values() if not market.closed):
            yield from self._skip_to(max(market.close_us for market in self._markets.values()))
        while self._timers:
            yield from self._until(self._timers[0][0] + 1)

    def _until(self, played_ms: int) -> Iterator[SourceEvent]:
        """Index ticks and timers due before this instant."""
        while True:
            spot_ms = None if self._next_spot is None else self._line.played_ms(self._next_spot[0])
            timer_ms = self._timers[0][0] if self._timers else None
            if spot_ms is not None and spot_ms < played_ms and (timer_ms is None or spot_ms <= timer_ms):
                _, symbol, value = self._next_spot or (0, "", 0)
                self._next_spot = next(self._spot, None)
                yield IndexTick(symbol, value, self._line.reach(spot_ms))
            elif timer_ms is not None and timer_ms < played_ms:
                _, _, ticker, what = heapq.heappop(self._timers)
                yield from self._fire(ticker, what, timer_ms)
            else:
                return

    def _set_timer(self, played_ms: int, ticker: str, what: str) -> None:
        heapq.heappush(self._timers, (played_ms, next(self._order), ticker, what))

    def _fire(self, ticker: str, what: str, played_ms: int) -> Iterator[SourceEvent]:
        market = self._markets.get(ticker)
        if market is None or (what == "close" and (market.closed or market.close_ms != played_ms)):
            return  # its close was moved, and it has closed then
        at_ms = self._line.reach(played_ms)
        if what == "close":
            market.closed = True
            self._set_timer(played_ms + DETERMINE_MS, ticker, "determine")
            if self._fastest:  # its close was only guessed
                market.window = self._window(ticker, market)
                yield Listed(market.window.market(Status.ACTIVE, market.strike_micros), at_ms)
            yield Closed(ticker, at_ms)
            if market.cut:
                yield BookSet(ticker, {}, {}, at_ms)  # nothing recorded will empty it
        elif what == "determine":
            self._set_timer(played_ms + SETTLE_MS - DETERMINE_MS, ticker, "settle")
            outcome = self._outcomes.of(ticker, market.last_price_cc)
            self.verifier.outcome(ticker, outcome.source)
            yield Determined(ticker, outcome.result, outcome.value_cc, at_ms, outcome.expiration_micros)
        else:
            del self._markets[ticker]
            self._paid.add(ticker)
            yield Settled(ticker, at_ms)

    # ---- frames to events -------------------------------------------------------------------------------------------

    def _tell(self, item: Item) -> Iterator[SourceEvent]:
        ticker = item.ticker
        if ticker in self._paid or not ticker:
            return
        market = self._markets.get(ticker)
        if market is None:
            market = self._markets[ticker] = self._listed(item)
            yield Listed(market.window.market(Status.ACTIVE, market.strike_micros), self._now_ms())
        if isinstance(item, Whole) and item.first:
            market.session = item.session
        if item.session != market.session:
            return  # an older connection that a newer one replaced
        if isinstance(item, Tick):
            market.last_price_cc = item.last_price_cc
        yield self._event(item)

    def _event(self, item: Item) -> SourceEvent:
        at_ms = self._now_ms()
        if isinstance(item, Change):
            self.verifier.changes += 1
            side = Side.BID if item.is_bid else Side.ASK
            return BookChange(item.ticker, side, item.price_cc, item.change_ch, at_ms)
        if isinstance(item, Match):
            return Print(item.ticker, item.price_cc, item.count_ch, item.taker_side, at_ms, inferred=True)
        if isinstance(item, Tick):
            return Stats(item.ticker, item.last_price_cc, item.volume_ch, item.open_interest_ch, at_ms)
        if isinstance(item, Whole):
            return BookSet(item.ticker, item.bids, item.asks, at_ms)
        return BookSet(item.ticker, {}, {}, at_ms)  # frames were lost: unknown until the next snapshot

    def _now_ms(self) -> int:
        return self._line.reach(self._line.played_ms(self._at_us))

    def _listed(self, item: Item) -> _Playing:
        """A market from what the recorder noted of it, else from its ticker and the settlements."""
        ticker, note = item.ticker, self._watched.get(item.ticker)
        close_us = (close_of(ticker) if note is None else note.close_at_ms) * 1_000
        noted = None if note is None else note.strike_micros
        strike = self._outcomes.strike_micros(ticker) if noted is None else noted
        close_ms = self._line.played_ms(close_us)
        market = _Playing(Window("", "", "", 0, 0), close_us, close_ms, strike, item.session)
        market.window = self._window(ticker, market)
        self._set_timer(close_ms, ticker, "close")
        return market

    def _window(self, ticker: str, market: _Playing) -> Window:
        """The market's span on the exchange's clock, as it looks from here."""
        series = ticker.split("-", maxsplit=1)[0]
        open_ms = self._line.exchange_ms(market.close_ms - QUARTER_HOUR_MS)
        event, _ = names(series, close_of(ticker))
        return Window(series, event, ticker, open_ms, self._line.exchange_ms(market.close_ms))
