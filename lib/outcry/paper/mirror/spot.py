"""The index of a mirror where the exchange's own index stream is not to be had: the last price of a spot venue.

An index has a value each second; a spot venue has one when somebody trades. So the last match stands until the next,
is told once a second while the venue's feed lives, and no more than five times a second when it trades often.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from outcry.domain.errors import OutcryError
from outcry.paper.events import IndexTick
from outcry.paper.mirror.seen import PastSeen, Seen
from outcry.venue.spot.coinbase import Coinbase

PAST_MS, PAST_STEP_S = 4 * 3_600_000, 60
PAST_RETRY_S = 30.0
AT_MOST_EVERY_MS, AT_LEAST_EVERY_MS = 200, 1_000
ALIVE_S = 3.0  # a feed (of ours or the exchange's own) that said nothing for so long no longer counts

_log = logging.getLogger(__name__)


class SpotIndex:
    """Reads a spot venue. Call `step` in a loop; it waits for news there.

    better  when the exchange's own index stream last gave each symbol (monotonic s): as long as it does, it is told
            instead of this
    """

    def __init__(
        self,
        venue: Coinbase,
        symbols: Sequence[str],
        tell: Callable[[Seen], object],
        *,
        better: Mapping[str, float],
        now_ms: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._venue, self._symbols, self._tell, self._better = venue, list(symbols), tell, better
        self._now_ms, self._monotonic = now_ms, monotonic
        self._feed = venue.stream(symbols)
        self._heard_s = -ALIVE_S
        self._tried = False
        self._prices: dict[str, int] = {}
        self._told_ms: dict[str, int] = {}
        self._past_due_s = monotonic()
        self._past_missing = list(symbols)

    @property
    def trouble(self) -> str:
        """Why no prices come, "" while they do."""
        return self._feed.why_not if self._tried else ""

    def step(self, timeout_s: float) -> None:
        """Wait up to `timeout_s` for prices, and tell what is due."""
        try:
            ticks = self._feed.ticks(timeout_s)
            self._tried = True
        except OutcryError as error:
            _log.warning("failed_to_read_spot", extra={"fields": {"cause": str(error)}})
            return
        now_s = self._monotonic()
        for tick in ticks:
            self._prices[tick.symbol] = tick.price_micros
        if ticks:
            self._heard_s = now_s
        if now_s - self._heard_s < ALIVE_S and not self._feed.why_not:
            for symbol in self._prices:
                self._offer(symbol, any(tick.symbol == symbol for tick in ticks))

    def preload(self) -> None:
        """Once: what the prices were before we came. Tried again, much later, where it failed."""
        now_s = self._monotonic()
        if not self._past_missing or now_s < self._past_due_s:
            return
        symbol, now_ms = self._past_missing[0], self._now_ms()
        try:
            bars = self._venue.history(symbol, now_ms - PAST_MS, now_ms, PAST_STEP_S)
        except OutcryError as error:
            self._past_due_s = now_s + PAST_RETRY_S
            _log.warning("failed_to_read_past", extra={"fields": {"symbol": symbol, "cause": str(error)}})
            return
        self._past_missing.pop(0)
        ticks = tuple(IndexTick(symbol, bar.close, bar.at_ms) for bar in bars if bar.at_ms < now_ms)
        self._tell(PastSeen(ticks, now_ms))

    def close(self) -> None:
        self._feed.close()

    def _offer(self, symbol: str, is_new: bool) -> None:
        now_ms = self._now_ms()
        since_ms = now_ms - self._told_ms.get(symbol, 0)
        if since_ms < (AT_MOST_EVERY_MS if is_new else AT_LEAST_EVERY_MS):
            return
        if self._monotonic() - self._better.get(symbol, -ALIVE_S) < ALIVE_S:
            return
        self._told_ms[symbol] = now_ms
        self._tell(IndexTick(symbol, self._prices[symbol], now_ms))
