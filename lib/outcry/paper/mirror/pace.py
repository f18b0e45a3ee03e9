"""How often a mirror asks: evenly, and more slowly for a while when it is told that it asks too often.

The limits for requests without a key are undocumented (429 has been seen at about 4 a second), so the pace is found by
trying: every 429 halves it, every answer brings it a little back up to where it began.
"""

import time
from collections.abc import Callable

from outcry.domain.errors import RateLimited
from outcry.venue.budget import BASIC, Kind, Rates, most

SLOWEST_PER_S = 0.25
RECOVERY = 0.02  # of the full pace, with each request


class Pacer:
    """A `venue.budget.Budget` that spaces requests evenly, whatever they cost.

    per_s  the full pace
    idle   waits; called with seconds, it may use the time for something else
    """

    def __init__(
        self,
        per_s: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        idle: Callable[[float], object] = time.sleep,
    ) -> None:
        self.full_per_s = self.per_s = per_s
        self._monotonic, self._idle = monotonic, idle
        self._next_s = monotonic()

    @property
    def wait_s(self) -> float:
        """How long until the next request may go."""
        return max(0.0, self._next_s - self._monotonic())

    def take(
        self, kind: Kind, tokens: int, *, urgent: bool = False, wait_s: float = 0.0, exchange_index: int = 0
    ) -> None:
        """See `Budget.take`. What it costs and who asks make no difference here."""
        if self.wait_s > wait_s:
            raise RateLimited(f"our own pace asks for {self.wait_s:.1f} s of patience", "nothing was sent; try again")
        while (left_s := self.wait_s) > 0:
            self._idle(left_s)
        self._next_s = self._monotonic() + 1 / self.per_s
        self.per_s = min(self.full_per_s, self.per_s + RECOVERY * self.full_per_s)

    def most(self, kind: Kind, *, urgent: bool = False) -> int:
        """See `Budget.most`. Requests are counted, not tokens: what fits in a basic account's bucket fits."""
        return most(BASIC.ours(kind), urgent)

    def emptied(self, kind: Kind, exchange_index: int = 0) -> None:
        """A 429: half the pace from now on."""
        self.per_s = max(SLOWEST_PER_S, self.per_s / 2)
        self._next_s = self._monotonic() + 1 / self.per_s

    def learn(self, rates: Rates) -> None:
        """Never faster than an account may read, at the usual ten tokens a request."""
        self.full_per_s = min(self.full_per_s, rates.ours("read")[0] / 10)
        self.per_s = min(self.per_s, self.full_per_s)
