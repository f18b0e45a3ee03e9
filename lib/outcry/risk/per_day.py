"""One agent's orders and trades in a trading day. Exits count among the orders, and are never refused."""

from outcry.domain.view import Verdict
from outcry.risk.case import Case, refused

RULE = "per_day"


def check(case: Case, count_ch: int) -> Verdict | None:
    exposure, limits = case.exposure, case.limits
    for what, count, limit in (
        ("orders", exposure.orders_today, limits.orders_per_day),
        ("trades", exposure.trades_today, limits.trades_per_day),
    ):
        if count >= limit:
            return refused(RULE, f"{count} {what} today, limit {limit}", what=what, count=count, limit=limit)
    return None
