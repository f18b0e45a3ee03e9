"""Token buckets: what each account may ask of the exchange, by usage tier. Pure; the time is handed in.

Read and write have their own buckets, refilled continuously. Each shard above 0 has a write bucket of its own for
single writes that name the shard; a write that leaves the routing to the exchange is charged to every shard's bucket;
batches and shard 0 use the unscoped bucket. A request that does not fit is refused and costs nothing.
Tokens are kept in thousandths, so that a refill of `rate` tokens a second is exactly `rate` thousandths a millisecond.
Source: Kalshi's rate limit page, September 2026.
"""

from dataclasses import dataclass

SHARDS = (0, 1, 2, 3)
DEFAULT_COST = 10
CANCEL_COST = 2
LOWEST = "basic"

# What differs from the default, in the exchange's own notation (GET /account/endpoint_costs).
COSTS: dict[tuple[str, str], int] = {
    ("DELETE", "/trade-api/v2/portfolio/events/orders"): CANCEL_COST,
    ("DELETE", "/trade-api/v2/portfolio/events/orders/:order_id"): CANCEL_COST,
    ("DELETE", "/trade-api/v2/portfolio/events/orders/batched"): CANCEL_COST,
    ("GET", "/trade-api/v2/portfolio/orders/:order_id"): CANCEL_COST,
    ("POST", "/trade-api/v2/account/api_usage_level/upgrade"): 30,
}


@dataclass(frozen=True, slots=True)
class Tier:
    """Tokens a second, and how many seconds of them a bucket holds."""

    read_rate: int
    read_s: int
    write_rate: int
    write_s: int


TIERS = {
    "basic": Tier(200, 3, 100, 1),
    "advanced": Tier(300, 3, 300, 3),
    "expert": Tier(600, 1, 600, 3),
    "premier": Tier(1_200, 1, 1_200, 3),
    "paragon": Tier(2_400, 1, 2_400, 3),
    "prime": Tier(4_800, 1, 4_800, 3),
    "prestige": Tier(12_000, 1, 9_600, 3),
}


class Bucket:
    """A level that rises with time up to its capacity. `rate` in tokens a second, `capacity` in tokens."""

    __slots__ = ("_at_ms", "_level", "capacity", "rate")

    def __init__(self, rate: int, capacity: int, now_ms: int) -> None:
        self.rate, self.capacity = rate, capacity
        self._level, self._at_ms = capacity * 1000, now_ms

    def has(self, tokens: int, now_ms: int) -> bool:
        """Whether it holds that many now. A clock that steps back refills nothing."""
        gained = max(0, now_ms - self._at_ms) * self.rate
        self._level, self._at_ms = min(self.capacity * 1000, self._level + gained), now_ms
        return self._level >= tokens * 1000

    def take(self, tokens: int) -> None:
        """Call after `has` said yes."""
        self._level -= tokens * 1000


class Meter:
    """The buckets of one account."""

    def __init__(self, tier: str, now_ms: int) -> None:
        self.tier = tier
        terms = TIERS[tier]
        self.read = Bucket(terms.read_rate, terms.read_rate * terms.read_s, now_ms)
        capacity = terms.write_rate * terms.write_s
        self.writes = {shard: Bucket(terms.write_rate, capacity, now_ms) for shard in SHARDS}

    def may_read(self, tokens: int, now_ms: int) -> bool:
        return _charge((self.read,), tokens, now_ms)

    def may_write(self, tokens: int, shard: int | None, now_ms: int) -> bool:
        """Charge a write to its shard's bucket; to all of them when the shard is None (auto-routed)."""
        buckets = tuple(self.writes.values()) if shard is None else (self.writes.get(shard, self.writes[0]),)
        return _charge(buckets, tokens, now_ms)


def _charge(buckets: tuple[Bucket, ...], tokens: int, now_ms: int) -> bool:
    if not all(bucket.has(tokens, now_ms) for bucket in buckets):
        return False
    for bucket in buckets:
        bucket.take(tokens)
    return True
