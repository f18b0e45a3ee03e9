"""One market holds at most its share of capital and its number of contracts, of all agents and of one."""

from outcry.domain.units import ONE_CONTRACT_CH
from outcry.domain.view import Verdict
from outcry.risk.case import Case, cut, fit

RULE = "per_market"


def check(case: Case, count_ch: int) -> Verdict | None:
    exposure, limits = case.exposure, case.limits
    objection, room_ch = None, count_ch
    for whose, held_ch, limit_ch in (
        ("all agents", exposure.market_count_ch, limits.per_market_ch),
        ("this agent", exposure.agent_market_count_ch, limits.per_agent_market_ch),
    ):
        fits_ch = (limit_ch - held_ch) // ONE_CONTRACT_CH * ONE_CONTRACT_CH
        if fits_ch < room_ch:
            reason = f"{held_ch / 100:.2f} contracts of {whose} and {count_ch / 100:.2f} asked > {limit_ch / 100:.2f}"
            room_ch = fits_ch
            objection = cut(RULE, fits_ch, reason, held_ch=held_ch, asked_ch=count_ch, limit_ch=limit_ch)
            if room_ch <= 0:
                return objection
    limit_micros = limits.share_micros("per_market_millionths", exposure.capital_micros)
    return fit(case, RULE, room_ch, ("per market", limit_micros), exposure.market_micros) or objection
