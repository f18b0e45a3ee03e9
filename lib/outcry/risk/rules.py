"""The gate: every entry passes here, inside the transaction that reserves it. Exits and cancels never come.

The rules are asked in one order. The first ones look at the floor and the market and say yes or no; then the order is
sized; the rest cut it or refuse it. A smaller size can pay more fee per contract, so a cut order is asked again
whether it is worth its cost.
"""

from dataclasses import replace

from outcry.domain.limits import Limits
from outcry.domain.units import ONE_CONTRACT_CH
from outcry.domain.view import Answer, Exposure, Intent, Verdict
from outcry.risk import (
    asked,
    close_time,
    controls,
    daily_loss,
    edge,
    floor,
    group,
    liquidity,
    losing_streak,
    per_agent,
    per_day,
    per_market,
    per_trade,
    sizing,
    sound,
    spread,
    spread_and_fee,
    stale,
)
from outcry.risk.case import Case, Facts, Fee, refused

__all__ = ["ENTRY_RULES", "SIZE_RULES", "WORTH_RULES", "Facts", "Fee", "gate"]

ENTRY_RULES = (controls.check, sound.check, stale.check, close_time.check, spread.check, liquidity.check)
WORTH_RULES = (edge.check, spread_and_fee.check)
SIZE_RULES = (
    per_trade.check,
    per_market.check,
    per_agent.check,
    group.check,
    floor.check,
    per_day.check,
    daily_loss.check,
    losing_streak.check,
    asked.check,
)


def gate(
    intent: Intent,
    facts: Facts,
    exposure: Exposure,
    limits: Limits,
    now_ms: int,
    fee: Fee,
    most_ch: int | None = None,
) -> Verdict:
    """Whether an entry may be sent, and how much of it.

    now_ms   the clock that `facts` were read at
    fee      estimate of one fill's fee, rounded upwards: (is_taker, price_cc, count_ch) -> micro-dollars
    most_ch  the most that is asked for, hundredths of a contract; None for no such bound
    returns  whole contracts; the rule that refused or cut most, and the figures; never more than any limit allows
    raises   InvariantBroken when the fee estimate is no whole number of micro-dollars
    """
    case = Case(intent, facts, exposure, limits, now_ms, fee, most_ch)
    for check in ENTRY_RULES:
        objection = check(case)
        if objection is not None:
            return objection
    size = sizing.size(case)
    if size.count_ch == 0:
        worthless = _first_objection(case, ONE_CONTRACT_CH)
        return worthless or refused("size", size.reason, **size.numbers)
    count_ch, most_cut_ch, spoke = size.count_ch, 0, Verdict(Answer.ALLOWED, size.count_ch)
    for rule in (*WORTH_RULES, *SIZE_RULES):
        objection = rule(case, count_ch)
        if objection is None:
            continue
        if objection.answer is Answer.REFUSED:
            return _with(objection, 0, ("wanted_ch", size.count_ch))
        if count_ch - objection.count_ch > most_cut_ch:
            most_cut_ch, spoke = count_ch - objection.count_ch, objection
        count_ch = objection.count_ch
    worthless = _first_objection(case, count_ch) if most_cut_ch else None
    if worthless is not None:
        return _with(worthless, 0, ("wanted_ch", size.count_ch))
    return _with(spoke, count_ch, *_figures(case, size, count_ch))


def _first_objection(case: Case, count_ch: int) -> Verdict | None:
    """Whether a size is worth its cost: None when it is."""
    objections = (rule(case, count_ch) for rule in WORTH_RULES)
    return next((objection for objection in objections if objection is not None), None)


def _with(verdict: Verdict, count_ch: int, *numbers: tuple[str, int | float | str]) -> Verdict:
    return replace(verdict, count_ch=count_ch, numbers=(*verdict.numbers, *numbers))


def _figures(case: Case, size: sizing.Size, count_ch: int) -> tuple[tuple[str, int | float | str], ...]:
    fee_micros, cost_micros = case.fee_micros(count_ch), case.cost_micros(count_ch)
    sized = tuple(size.numbers.items())
    return (*sized, ("wanted_ch", size.count_ch), ("fee_micros", fee_micros), ("cost_micros", cost_micros))
