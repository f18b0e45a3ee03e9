"""The whole floor: its share of capital at risk, and never more than the cash that is there."""

from outcry.domain.view import Verdict
from outcry.risk.case import Case, fit

RULE = "floor"


def check(case: Case, count_ch: int) -> Verdict | None:
    exposure = case.exposure
    limit_micros = case.limits.share_micros("per_floor_millionths", exposure.capital_micros)
    over = fit(case, RULE, count_ch, ("floor", limit_micros), exposure.floor_micros)
    room_ch = over.count_ch if over else count_ch
    if room_ch == 0:
        return over
    return fit(case, RULE, room_ch, ("cash", exposure.available_cash_micros), 0) or over
