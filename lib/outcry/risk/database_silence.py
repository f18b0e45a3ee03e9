"""The database was out of reach for too long: what this program knows is old, so entries wait.

While it is out of reach no entry can pass the gate anyway. When it is back, the ledger has to catch up first.

reset  the database answered without a break for as long as it may be silent.
"""

from outcry.domain.limits import Limits
from outcry.risk.breaker import Trip, trip

CAUSE = "database"


def check(silent_ms: int, limits: Limits) -> Trip | None:
    """silent_ms: since it last took a write."""
    if silent_ms <= limits.database_silence_ms:
        return None
    limit_ms = limits.database_silence_ms
    reason = f"the database was out of reach for {silent_ms // 1000} s, limit {limit_ms // 1000} s"
    return trip(reason, silent_ms=silent_ms, limit_ms=limit_ms)


def good(answering_ms: int, limits: Limits) -> bool:
    """answering_ms: for how long it has taken every write."""
    return answering_ms >= limits.database_silence_ms
