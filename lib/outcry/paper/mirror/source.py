"""A `Source` that mirrors another exchange: its markets, books, prints, outcomes, and the index they settle on.

Threads look (`mirror_look`) and fill a queue with what they saw (`mirror_seen`). `advance` empties it, without ever
touching the network, and the pure `Reflection` says what is to be told.
"""

import time
from collections.abc import Callable, Sequence

from outcry.domain.market import Market
from outcry.paper.events import IndexTick, SeriesInfo, SourceEvent
from outcry.paper.mirror.look import Looker, Scope, Upstream, read_series
from outcry.paper.mirror.reflection import Reflection

__all__ = ["Mirror", "Scope", "Upstream", "read_series"]

WAKE_MS = 10  # how often the exchange should look whether something was seen
STREAM_STALE_MS = 15_000  # a ping comes every 10 s


class Mirror:
    """The source. `start` it once, `close` it at the end; everything else is `Source`.

    series  as `read_series` gave them
    known   markets that the local exchange has from an earlier life, and has not paid
    """

    def __init__(
        self,
        upstream: Upstream,
        scope: Scope,
        series: Sequence[SeriesInfo],
        known: Sequence[Market] = (),
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        polled = upstream.signer is None
        stale_ms = scope.stale_ms if polled else STREAM_STALE_MS
        self._series = list(series)
        self._reflection = Reflection(polled=polled, stale_ms=stale_ms, gap_ms=scope.gap_ms, known=known)
        self._looker = Looker(upstream, scope, known, now_ms)
        self._introduced = False
        self._asked_ms = now_ms()

    def start(self) -> None:
        """Begin to look."""
        self._looker.start()

    def close(self) -> None:
        """Stop looking."""
        self._looker.close()

    @property
    def trouble(self) -> str:
        """What cannot be seen just now, in words; "" when all is well."""
        return self._looker.trouble

    # ---- Source -----------------------------------------------------------------------------------------------------

    def series(self) -> list[SeriesInfo]:
        """The mirrored series."""
        return self._series

    def advance(self, now_ms: int) -> list[SourceEvent]:
        """What was seen since the last call, as it is to be told, and what time brought."""
        self._asked_ms = max(self._asked_ms, now_ms)
        events: list[SourceEvent] = []
        if not self._introduced:
            self._introduced = True
            events += self._reflection.introduce(self._asked_ms)
        for _ in range(self._looker.seen.qsize()):
            events += self._reflection.see(self._looker.seen.get(), self._asked_ms)
        events += self._reflection.step(self._asked_ms)
        if self._reflection.broken:
            self._looker.mend(self._reflection.broken)
            self._reflection.broken.clear()
        return events

    def next_at_ms(self) -> int | None:
        """Soon: nobody can say when something will be seen."""
        return self._asked_ms + WAKE_MS

    def history(self, symbol: str, from_ms: int, to_ms: int) -> list[IndexTick]:
        """Index values told so far, and those that the spot venue had before we came."""
        return [tick for tick in self._reflection.past.get(symbol, ()) if from_ms <= tick.at_ms < to_ms]
