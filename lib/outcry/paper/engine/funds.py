"""Whether a purse can bear an order: at its limit price, and by what it would exactly do now, fees included; and
whether the position it may lead to is not too large."""

from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.engine import clearing
from outcry.paper.engine.purse import Purse
from outcry.paper.engine.queue import Plan
from outcry.paper.engine.records import MarketRecord, OrderRecord, Reject
from outcry.paper.engine.state import State
from outcry.venue import fees


def check(
    state: State,
    purse: Purse,
    record: MarketRecord,
    side: Side,
    price_cc: int,
    plan: Plan,
    *,
    rests: bool,
    accumulator_micros: int,
    replaced: OrderRecord | None = None,
) -> None:
    """Whether the free cash of the shard bears the order.

    raises  Reject available_balance_too_low (or what the exchange's manners call it)
    """
    ticker, shard = record.market.ticker, record.market.exchange_index
    position_ch, now = purse.position_ch(ticker), purse.open_in(ticker)
    budget = purse.free_micros(shard) + now.collateral_micros(position_ch) + now.buffer_micros
    others = now
    for gone in [state.orders[order.key] for order in plan.displaced] + ([replaced] if replaced else []):
        risk, buffer = purse.held(gone.order_id)
        others = others.plus(gone.side, -risk, -buffer)
    risk_cc = price_cc if side is Side.BID else ONE_DOLLAR_CC - price_cc
    filled_ch = sum(match.count_ch for match in plan.matches)
    at_limit = others.plus(side, risk_cc * (filled_ch + plan.left_ch), 0)
    after, after_ch = others, position_ch + side.sign * filled_ch
    if rests and plan.left_ch:
        buffer = clearing.buffer_micros(state, record, price_cc, plan.left_ch)
        after = others.plus(side, risk_cc * plan.left_ch, buffer)
    locked = ONE_DOLLAR_CC * (max(0, -after_ch) - max(0, -position_ch))
    spent = locked + _taker_cost(state, record, side, plan, accumulator_micros)
    if budget < max(at_limit.needed_micros(position_ch), spent + after.needed_micros(after_ch)):
        raise Reject(400, state.manners.poor_code, "insufficient balance", f"exchange {shard}")


def check_position(
    state: State, account: str, ticker: str, side: Side, count_ch: int, replaced: OrderRecord | None = None
) -> None:
    """Whether an account's position stays within the limit of one market if all that rests on this side fills.

    count_ch  what the order may fill
    raises    Reject exceeded_per_market_risk_limit
    """
    most_ch = state.manners.most_per_market_ch
    if most_ch is None:
        return
    held_ch = side.sign * sum(purse.position_ch(ticker) for purse in state.account(account).purses.values())
    for order in state.resting_of(account):
        if order.ticker == ticker and order.side is side and order is not replaced:
            held_ch += order.remaining_ch
    if count_ch and held_ch + count_ch > most_ch:
        raise Reject(400, "exceeded_per_market_risk_limit", "position limit exceeded", ticker)


def _taker_cost(state: State, record: MarketRecord, side: Side, plan: Plan, accumulator_micros: int) -> int:
    """What a plan's matches take from cash, fees included; negative when they bring more."""
    cost = 0
    for price_cc, count_ch, _ in plan.matches:
        fee, accumulator_micros = fees.charge(
            accumulator_micros, record.market.fee, side, True, price_cc, count_ch, state.precision_micros
        )
        cost += side.sign * price_cc * count_ch + fee
    return cost
