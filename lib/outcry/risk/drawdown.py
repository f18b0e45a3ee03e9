"""Fallen too far from the highest equity: the floor within a day is halted, an agent is paused.

Equity is what positions could be closed at; one that nobody prices just now counts at cost, so an emptied book is no
fall. The floor's is measured in the day's result, so that deposits and withdrawals are neither gain nor loss.

An agent is judged against its own highest equity (allocation and all it made). But a small agent gets the room of what
the floor lets one order cost, at most its allocation: each of its bets is a large part of it, and a few say nothing.

reset  the floor: a person resumes, and the day's highest begins anew from there; so does the next trading day.
       An agent: a person resumes it, or `agent_drawdown_pause_ms` pass; its highest begins anew from there.
"""

from outcry.domain.limits import Limits
from outcry.risk.breaker import Trip, trip
from outcry.risk.case import dollars

CAUSE = "drawdown"


def floor(peak_micros: int, result_micros: int, capital_micros: int, limits: Limits) -> Trip | None:
    """peak_micros, result_micros: the day's highest and present result, against the capital it began with."""
    limit_micros = limits.share_micros("floor_drawdown_millionths", capital_micros)
    fell_micros = peak_micros - result_micros
    if capital_micros <= 0 or fell_micros < limit_micros:
        return None
    return trip(
        f"the floor fell {dollars(fell_micros)} from the day's highest equity, limit {dollars(limit_micros)}",
        peak_micros=peak_micros,
        result_micros=result_micros,
        fell_micros=fell_micros,
        limit_micros=limit_micros,
    )


def agent(
    peak_micros: int, result_micros: int, allocation_micros: int, capital_micros: int, limits: Limits
) -> Trip | None:
    """peak_micros, result_micros: the agent's highest and present result, its allocation left out."""
    limit_micros = agent_limit_micros(peak_micros, allocation_micros, capital_micros, limits)
    fell_micros = peak_micros - result_micros
    if allocation_micros <= 0 or fell_micros < limit_micros:
        return None
    return trip(
        f"fell {dollars(fell_micros)} from its highest equity, limit {dollars(limit_micros)}",
        peak_micros=peak_micros,
        result_micros=result_micros,
        fell_micros=fell_micros,
        limit_micros=limit_micros,
    )


def agent_limit_micros(peak_micros: int, allocation_micros: int, capital_micros: int, limits: Limits) -> int:
    """How far an agent may fall."""
    share_micros = limits.share_micros("agent_drawdown_millionths", allocation_micros + peak_micros)
    one_order_micros = min(allocation_micros, limits.share_micros("per_trade_millionths", capital_micros))
    return max(share_micros, one_order_micros)


def agent_rested(paused_at_ms: int, now_ms: int, limits: Limits) -> bool:
    """Whether an agent's pause is over by itself."""
    return now_ms - paused_at_ms >= limits.agent_drawdown_pause_ms
