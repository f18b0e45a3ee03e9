"""One order costs at most its share of the floor's capital, and of its agent's own, at worst.

The agent's share lets a newborn lose a few bets before it has nothing left to show anything with. A single contract may
cost more than that share: it is the least there is, and the agent's allocation bounds it all the same.
"""

from outcry.domain.units import ONE_CONTRACT_CH
from outcry.domain.view import Verdict
from outcry.risk.case import Case, fit

RULE = "per_trade"


def check(case: Case, count_ch: int) -> Verdict | None:
    floor_micros = case.limits.share_micros("per_trade_millionths", case.exposure.capital_micros)
    share_micros = case.limits.share_micros("per_trade_own_millionths", case.exposure.allocation_micros)
    own_micros = max(share_micros, case.cost_micros(ONE_CONTRACT_CH))
    if own_micros < floor_micros:
        return fit(case, RULE, count_ch, ("a trade of this agent's", own_micros), 0)
    return fit(case, RULE, count_ch, ("per trade", floor_micros), 0)
