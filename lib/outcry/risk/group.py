"""Bets that win and lose together: less of each the more there are, and together a share of capital.

n bets of correlation rho with one another move like one bet of 1 + rho (n - 1) times their size. So with `held` bets in
the group already, the next one is made smaller by 1 / (1 + rho x held).
"""

from outcry.domain.limits import ALL
from outcry.domain.units import ONE_CONTRACT_CH
from outcry.domain.view import Verdict
from outcry.risk.case import Case, cut, fit

RULE = "group"


def check(case: Case, count_ch: int) -> Verdict | None:
    held, rho = case.exposure.group_held, case.limits.group_correlation_millionths
    room_ch = shrunk_ch(count_ch, held, rho)
    objection = None
    if room_ch < count_ch:
        reason = f"{held} held in the group, correlation {rho / ALL:.2f}: {count_ch / 100:.2f} contracts shrink"
        objection = cut(RULE, room_ch, reason, held=held, correlation_millionths=rho, asked_ch=count_ch)
        if room_ch <= 0:
            return objection
    limit_micros = case.limits.share_micros("per_group_millionths", case.exposure.capital_micros)
    return fit(case, RULE, room_ch, ("per group", limit_micros), case.exposure.group_micros) or objection


def shrunk_ch(count_ch: int, held: int, rho_millionths: int) -> int:
    """Whole contracts of a size after the shrinking, rounded down.

    >>> shrunk_ch(1_000, 0, 500_000), shrunk_ch(1_000, 1, 500_000), shrunk_ch(1_000, 2, 500_000)
    (1000, 600, 500)
    """
    if not held or not rho_millionths:
        return count_ch
    return count_ch * ALL // (ALL + rho_millionths * held) // ONE_CONTRACT_CH * ONE_CONTRACT_CH
