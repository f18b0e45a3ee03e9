"""Lost enough today: the agent is done for the day, or the whole floor is.

Losses are measured from the roll of the trading day, open positions at the price they could be closed at. A mark can
recover, and a restart forgets; so the refusal latches until the next roll. But a book that is emptied at the close, or
is not known just now, makes a position look worthless for a moment: such a loss refuses, and does not latch.
An agent that lost its whole allocation today is done too, however small a part of capital that is.
"""

from outcry.domain.view import Verdict
from outcry.risk.case import Case, dollars, refused

RULE = "daily_loss"


def check(case: Case, count_ch: int) -> Verdict | None:
    exposure, limits = case.exposure, case.limits
    share_micros = limits.share_micros("agent_daily_loss_millionths", exposure.capital_micros)
    floor_micros = limits.share_micros("floor_daily_loss_millionths", exposure.capital_micros)
    agent_micros = min(share_micros, exposure.allocation_micros)
    for scope, pnl_micros, doubt_micros, limit_micros in (
        ("floor", exposure.floor_day_pnl_micros, exposure.floor_day_doubt_micros, floor_micros),
        ("agent", exposure.agent_day_pnl_micros, exposure.agent_day_doubt_micros, agent_micros),
    ):
        if -pnl_micros >= limit_micros:
            certain_micros = pnl_micros + doubt_micros
            return refused(
                RULE,
                f"the {scope} made {dollars(pnl_micros)} today, limit -{dollars(limit_micros)}",
                scope=scope,
                pnl_micros=pnl_micros,
                certain_micros=certain_micros,
                limit_micros=limit_micros,
                latch=scope if certain_micros < 0 and -certain_micros >= limit_micros else "",
            )
    return None
