"""The widest spread on which anybody enters; a one-sided or crossed book has none."""

from outcry.domain.units import format_decimal
from outcry.domain.view import Verdict
from outcry.risk.case import Case, refused

RULE = "spread"


def check(case: Case) -> Verdict | None:
    spread_cc, limit_cc = case.facts.quote.spread_cc, case.limits.max_spread_cc
    if spread_cc is None:
        return refused(RULE, "the book has one side or none")
    if spread_cc <= 0:
        return refused(RULE, "the book is locked or crossed", spread_cc=spread_cc)
    if spread_cc > limit_cc:
        shown = f"spread {format_decimal(spread_cc, 4)} > max {format_decimal(limit_cc, 4)}"
        return refused(RULE, shown, spread_cc=spread_cc, limit_cc=limit_cc)
    return None
