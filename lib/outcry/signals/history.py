"""Looking back: what a price was, and by how much it moved. Only what was complete at the time is ever read.

Windows and look-backs are shortened by one factor on floors whose markets are shorter than real ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from outcry.domain.errors import InvariantBroken
from outcry.domain.view import Bar

SECOND_MS = 1_000
GAP_MS = 3_000  # a price older than this at the moment asked about is a gap, not a price
MILLIONTHS = 1_000_000


def shortened_ms(span_ms: int, factor: float) -> int:
    """A look-back on a floor whose time runs `factor` times shorter; at least one second, the width of a bar.

    raises  InvariantBroken when the factor is no number above zero

    >>> shortened_ms(300_000, 15.0), shortened_ms(10_000, 30.0)
    (20000, 1000)
    """
    if not (math.isfinite(factor) and factor > 0):
        raise InvariantBroken(f"time cannot be shortened by {factor}")
    return max(SECOND_MS, round(span_ms / factor))


def complete(bars: Sequence[Bar], at_ms: int) -> int:
    """How many bars, oldest first, were complete at a moment: those that had ended by then."""
    low, high = 0, len(bars)
    while low < high:
        middle = (low + high) // 2
        if bars[middle].at_ms + SECOND_MS <= at_ms:
            low = middle + 1
        else:
            high = middle
    return low


def close_at(bars: Sequence[Bar], at_ms: int) -> int | None:
    """The last price known at a moment, in the bars' own unit; None where history has not begun or has a gap.

    bars  oldest first
    """
    count = complete(bars, at_ms)
    if count == 0 or at_ms - (bars[count - 1].at_ms + SECOND_MS) > GAP_MS:
        return None
    return bars[count - 1].close


@dataclass(frozen=True, slots=True)
class Move:
    """A price then and now, in one unit, both above zero. Compared exactly, in integers."""

    then: int
    now: int

    def exceeds(self, millionths: int) -> bool:
        """Whether it rose by more than a share (fell by more, for a negative one)."""
        change, needed = (self.now - self.then) * MILLIONTHS, millionths * self.then
        return change > needed if millionths >= 0 else change < needed

    def reaches(self, millionths: int) -> bool:
        """Whether it rose by at least a share (fell by at least, for a negative one)."""
        return self.exceeds(millionths) or (self.now - self.then) * MILLIONTHS == millionths * self.then

    def __str__(self) -> str:
        return f"{(self.now - self.then) / self.then * 100:+.4f} %"


def move(bars: Sequence[Bar], now_ms: int, lookback_ms: int) -> Move | None:
    """How far a price moved over the last `lookback_ms`; None where either end is unknown or not a price."""
    then, now = close_at(bars, now_ms - lookback_ms), close_at(bars, now_ms)
    return Move(then, now) if then and now and then > 0 and now > 0 else None
