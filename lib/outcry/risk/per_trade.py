"""One order costs at most its share of capital, at worst."""

from outcry.domain.view import Verdict
from outcry.risk.case import Case, fit

RULE = "per_trade"


def check(case: Case, count_ch: int) -> Verdict | None:
    limit_micros = case.limits.share_micros("per_trade_millionths", case.exposure.capital_micros)
    return fit(case, RULE, count_ch, ("per trade", limit_micros), 0)
