"""One agent: its share of capital or what is left of its allocation, how many markets at once, how much in a day."""

from outcry.domain.units import ONE_CONTRACT_CH, ONE_DOLLAR_CC
from outcry.domain.view import Exposure, Verdict
from outcry.risk.case import Case, cut, dollars, fit, refused

RULE = "per_agent"


def check(case: Case, count_ch: int) -> Verdict | None:
    exposure, limits = case.exposure, case.limits
    markets = exposure.agent_markets + (0 if _already_here(exposure) else 1)
    if markets > limits.max_positions:
        reason = f"this would be market {markets} at once, limit {limits.max_positions}"
        return refused(RULE, reason, markets=markets, limit=limits.max_positions)
    objection, room_ch = None, count_ch
    limit_micros = limits.share_micros("agent_notional_per_day_millionths", exposure.capital_micros)
    room_micros = limit_micros - exposure.agent_notional_today_micros
    fits_ch = room_micros // (ONE_CONTRACT_CH * ONE_DOLLAR_CC) * ONE_CONTRACT_CH
    if fits_ch < count_ch:
        ordered = dollars(exposure.agent_notional_today_micros)
        reason = f"{ordered} ordered today and {count_ch / 100:.2f} contracts asked > notional {dollars(limit_micros)}"
        objection = cut(
            RULE,
            fits_ch,
            reason,
            notional_today_micros=exposure.agent_notional_today_micros,
            asked_ch=count_ch,
            limit_micros=limit_micros,
        )
        room_ch = fits_ch
        if room_ch <= 0:
            return objection
    share_micros = limits.share_micros("per_agent_millionths", exposure.capital_micros)
    left_micros = max(0, exposure.allocation_micros - exposure.agent_lost_micros)  # what is lost is not staked again
    own_micros = min(share_micros, left_micros)
    return fit(case, RULE, room_ch, ("per agent", own_micros), exposure.agent_micros) or objection


def _already_here(exposure: Exposure) -> bool:
    """Whether this market is among those that the agent holds or orders something in."""
    return bool(exposure.position_ch or exposure.open_order_ch or exposure.exits_in_flight_ch)
