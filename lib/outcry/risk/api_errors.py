"""The exchange's API fails too often: entries stop until it is good again.

Calls are counted in slices of time, by every program that makes them. A call failed when nothing came back (a timeout,
a broken connection), or the exchange could not do it (429, 5xx, a key refused); a definite no is an answer.

reset  while entries are stopped, reads, cancels and exits go on: they are the probe. When `api_calls` of them were made
       since it tripped, and no more of them failed than may, entries go on.
"""

from collections.abc import Iterable

from outcry.domain.limits import ALL, Limits
from outcry.risk.breaker import Trip, trip

CAUSE = "api_errors"
Slice = tuple[int, int, int]  # (began_at_ms, calls, failed)


def check(calls: int, failed: int, limits: Limits) -> Trip | None:
    if calls < limits.api_calls or failed * ALL <= limits.api_errors_millionths * calls:
        return None
    return trip(
        f"{failed} of {calls} calls to the exchange failed within {limits.api_window_ms // 1000} s,"
        f" limit {limits.api_errors_millionths / 10_000:.0f} %",
        calls=calls,
        failed=failed,
        limit_millionths=limits.api_errors_millionths,
    )


def good(calls: int, failed: int, limits: Limits) -> bool:
    """Whether the calls since it tripped are enough, and good enough."""
    return calls >= limits.api_calls and check(calls, failed, limits) is None


def counted(slices: Iterable[Slice], since_ms: int, now_ms: int, limits: Limits) -> tuple[int, int]:
    """Calls and failures in slices that began within the window, and after `since_ms`; none from the future."""
    begin_ms = max(since_ms + 1, now_ms - limits.api_window_ms)
    within = [(calls, failed) for at_ms, calls, failed in slices if begin_ms <= at_ms <= now_ms]
    return sum(calls for calls, _ in within), sum(failed for _, failed in within)
