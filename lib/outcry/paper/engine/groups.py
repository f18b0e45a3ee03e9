"""Order groups: the exchange's kill switch. Contracts of a group's orders that match within any 15 seconds are counted;
at its limit the group triggers: its orders are canceled, and new ones are refused until it is reset.

What one incoming order matched stands, also beyond the limit. Times in Unix ms UTC, counts in hundredths of a contract.
"""

from collections import deque
from dataclasses import dataclass, field

from outcry.paper.engine.records import OrderRecord

WINDOW_MS = 15_000
LIMITS_CH = (100, 100_000_000)  # 1 to 1 000 000 contracts
MOST_GROUPS = 100_000  # for one account


@dataclass(slots=True)
class OrderGroup:
    """One group, on one shard, of one subaccount.

    matched    (at_ms, count_ch) of the matches that may still lie within the window, oldest first
    resting    its orders that rest now
    """

    group_id: str
    account: str
    subaccount: int
    exchange_index: int
    limit_ch: int
    created_at_ms: int
    triggered: bool = False
    deleted: bool = False
    matched: deque[tuple[int, int]] = field(default_factory=deque)
    resting: dict[str, OrderRecord] = field(default_factory=dict)

    def count(self, count_ch: int, now_ms: int) -> None:
        """A match of one of its orders."""
        self.matched.append((now_ms, count_ch))
        self.matched_ch(now_ms)

    def matched_ch(self, now_ms: int) -> int:
        """What matched within the last 15 seconds."""
        while self.matched and self.matched[0][0] <= now_ms - WINDOW_MS:
            self.matched.popleft()
        return sum(count_ch for _, count_ch in self.matched)

    def full(self, now_ms: int, *, at_limit: bool) -> bool:
        """Whether it has to trigger now; `at_limit` or only beyond it."""
        return self.matched_ch(now_ms) + (0 if at_limit else -1) >= self.limit_ch
