"""Mark-outs: where the middle of the book was so long after each fill. A price picked off shows at once."""

import heapq
from collections.abc import Callable

from outcry.domain.fill import Fill
from outcry.research.backtesting.books import NEVER

HORIZONS_MS = (1_000, 10_000, 60_000)


class Marks:
    """
    middle  the middle of a market's book now, in centicents; None without two sides
    found   (fill, horizon_ms, how far the price went our way, in centicents), as they come
    """

    def __init__(self, middle: Callable[[str], float | None]) -> None:
        self._middle = middle
        self._waiting: list[tuple[int, int, int, Fill]] = []
        self._count = 0
        self.found: list[tuple[Fill, int, float]] = []

    @property
    def due_ms(self) -> int:
        return self._waiting[0][0] if self._waiting else NEVER

    def filled(self, fill: Fill) -> None:
        for horizon_ms in HORIZONS_MS:
            self._count += 1
            heapq.heappush(self._waiting, (fill.filled_at_ms + horizon_ms, self._count, horizon_ms, fill))

    def take(self, now_ms: int) -> None:
        """Look at everything that is due. A book that is not known says nothing."""
        while self._waiting and self._waiting[0][0] <= now_ms:
            _, _, horizon_ms, fill = heapq.heappop(self._waiting)
            middle_cc = self._middle(fill.ticker)
            if middle_cc is not None:
                self.found.append((fill, horizon_ms, fill.side.sign * (middle_cc - fill.price_cc)))
