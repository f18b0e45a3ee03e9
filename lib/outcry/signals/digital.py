"""What a market is worth that pays $1 if the average of an index over its last seconds reaches a strike.

The index is taken for a Brownian motion without drift: over a quarter of an hour, drift is far below what spread and
fee cost. The average of its next values is then normal, and a digital option on it is one value of the normal
distribution. Before the last minute all values of the average are unknown; inside it those that were seen are known
exactly, and only the rest is uncertain. One formula holds for both.

source   Black and Scholes (1973) for the digital payoff; Kemna and Vorst (1990), "A pricing method for options based on
         average asset values", Journal of Banking and Finance 14(1), for the average
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt

from outcry.domain.view import Bar
from outcry.signals.history import SECOND_MS, close_at


@dataclass(frozen=True, slots=True)
class Average:
    """The average that settles a market, as far as it is known.

    seen       sum of the values that are known already
    count      how many values the average has
    ahead_s    seconds until each value that is still to come, ascending
    last       the newest price: what each of those is expected to be
    """

    seen: int
    count: int
    ahead_s: tuple[float, ...]
    last: int

    @property
    def expected(self) -> float:
        return (self.seen + self.last * len(self.ahead_s)) / self.count

    def deviation(self, volatility: float) -> float:
        """Standard deviation of the average, in the price's unit.

        Two values of a Brownian motion have the variance of the earlier one in common; so the i-th of r values that are
        to come counts with itself and with the r - i after it, twice.

        volatility  relative standard deviation over one second

        >>> round(Average(0, 1, (100.0,), 1_000).deviation(0.001), 6)
        10.0
        """
        r = len(self.ahead_s)
        variance = sum(ahead_s * (2 * (r - place) - 1) for place, ahead_s in enumerate(self.ahead_s))
        return self.last * volatility * sqrt(variance) / self.count


def average(bars: Sequence[Bar], now_ms: int, close_ms: int, window_ms: int) -> Average | None:
    """The one-second values in the window before the close, those of the past as they were.

    A second that brought no price has the one before it, unless that is too old to be a price.

    bars     one-second bars of the index, oldest first
    returns  None when the newest price, or one that the average has seen, is missing
    """
    last = close_at(bars, now_ms)
    if last is None or last <= 0:
        return None
    count = max(1, window_ms // SECOND_MS)
    ends_ms = range(close_ms - (count - 1) * SECOND_MS, close_ms + 1, SECOND_MS)
    seen = 0
    for end_ms in ends_ms:
        if end_ms > now_ms:
            break
        price = close_at(bars, end_ms)
        if price is None:
            return None
        seen += price
    return Average(seen, count, tuple((end_ms - now_ms) / SECOND_MS for end_ms in ends_ms if end_ms > now_ms), last)


def chance_at_least(strike: float, expected: float, deviation: float) -> float:
    """The chance that a normal number is at least a strike; all or nothing when it is certain.

    >>> chance_at_least(100, 100, 5), chance_at_least(100, 101, 0), round(chance_at_least(100, 110, 10), 4)
    (0.5, 1.0, 0.8413)
    """
    if deviation <= 0:
        return 1.0 if expected >= strike else 0.0
    return erfc((strike - expected) / (deviation * sqrt(2))) / 2
