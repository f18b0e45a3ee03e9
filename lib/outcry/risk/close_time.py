"""Exchange open, market active, and enough time left before the close to get out again."""

from outcry.domain.market import Status
from outcry.domain.view import Verdict
from outcry.risk.case import Case, refused

RULE = "close_time"


def check(case: Case) -> Verdict | None:
    market, limit_ms = case.facts.market, case.limits.min_time_to_close_ms
    if not case.facts.exchange_open:
        return refused(RULE, "the exchange is closed")
    if market.status is not Status.ACTIVE or case.now_ms < market.open_at_ms:
        status = str(market.status)
        return refused(RULE, f"the market is {status}, opens at {market.open_at_ms} ms", status=status)
    left_ms = market.close_at_ms - case.now_ms
    if left_ms < limit_ms:
        return refused(RULE, f"{left_ms} ms to close < min {limit_ms} ms", left_ms=left_ms, limit_ms=limit_ms)
    return None
