"""No more than was asked for: a leg of a basket is no larger than what the other legs can have."""

from outcry.domain.units import ONE_CONTRACT_CH
from outcry.domain.view import Verdict
from outcry.risk.case import Case, cut

RULE = "asked"


def check(case: Case, count_ch: int) -> Verdict | None:
    most_ch = case.most_ch
    if most_ch is None or count_ch <= most_ch:
        return None
    fits_ch = max(0, most_ch) // ONE_CONTRACT_CH * ONE_CONTRACT_CH
    reason = f"{count_ch / 100:.2f} contracts would do, {most_ch / 100:.2f} were asked for at most"
    return cut(RULE, fits_ch, reason, most_ch=most_ch)
