"""Request rates: the writes that our orders' events testify to, against the token bucket of the account's tier.

A bucket of capacity C that refills at R tokens a second lets through at most C + R x t in any t seconds. A program may
wait for its share of the budget after it has marked an order sent, so that much time is allowed for.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from outcry.review.checks.records import WARNING, Finding, OrderEvent

CHECK = "rates"
WAIT_MS = 2_000  # a request leaves at most so long after its event
SPAN_MS = 60_000
PLACE, AMEND, CANCEL = 10, 10, 2  # tokens


class Tier(NamedTuple):
    """Write tokens a second, and how many a full bucket holds."""

    per_s: int
    capacity: int


BASIC = Tier(100, 100)


def tokens(event: OrderEvent) -> int:
    """What the request behind an event cost; 0 when there was none of ours."""
    if event.state == "sent" and event.source == "trader":
        return PLACE
    if event.source == "answer" and event.detail.startswith("expires_at_ms="):
        return AMEND
    if event.source == "answer" and event.state == "canceled" and event.detail:
        return CANCEL
    return 0


class Rates:
    """Fed with every order event in order; keeps a minute."""

    def __init__(self) -> None:
        self._spent: dict[int, deque[tuple[int, int]]] = {}

    def spend(self, shard: int, event: OrderEvent, tier: Tier) -> Iterator[Finding]:
        """Count one event; a finding when some stretch of time up to it holds more than any bucket lets through."""
        cost = tokens(event)
        if not cost:
            return
        spent = self._spent.setdefault(shard, deque())
        spent.append((event.at_ms, cost))
        while spent and spent[0][0] < event.at_ms - SPAN_MS:
            spent.popleft()
        total = 0
        for at_ms, paid in reversed(spent):
            total += paid
            allowed = tier.capacity + tier.per_s * (max(0, event.at_ms - at_ms) + WAIT_MS) // 1_000
            if total > allowed:
                yield Finding(
                    CHECK,
                    f"shard {shard} minute {event.at_ms // 60_000}",
                    WARNING,
                    f"{total} write tokens on shard {shard} within {event.at_ms - at_ms} ms, the tier allows {allowed}",
                    "look at budget.db: a program does not draw on it",
                    {"tokens": total, "allowed": allowed},
                )
                return
