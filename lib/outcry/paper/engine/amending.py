"""Changes of resting orders: what keeps its place in the queue, and what has to join it again.

A Reject is raised before anything changes.
"""

from outcry.paper.engine import clearing, funds, placing
from outcry.paper.engine.purse import Purse
from outcry.paper.engine.records import AmendRequest, MarketRecord, OrderRecord, OrderStatus, Reason, Reject, SelfTrade
from outcry.paper.engine.state import State


def amend(state: State, account_name: str, order_id: str, request: AmendRequest) -> OrderRecord:
    """Change a resting order; see `Engine.amend`."""
    purse = state.purse(account_name, request.subaccount)
    order = state.order(account_name, order_id, request.subaccount)
    _check_amend(state, order, request)
    record = placing.route(state, request.ticker, request.exchange_index)
    placing.check_trading(state, record)
    remaining_ch = request.count_ch - order.filled_ch
    keeps_place = request.price_cc == order.price_cc and remaining_ch <= order.remaining_ch
    if not keeps_place:
        _requeue(state, purse, record, order, request, remaining_ch)
    elif remaining_ch < order.remaining_ch:
        _shrink(state, record, order, remaining_ch)
    if request.updated_client_order_id:
        order.client_order_id = request.updated_client_order_id
        state.claim(order)
    if request.expires_at_ms is not None:
        order.expires_at_ms = request.expires_at_ms or None
        state.set_expiry(order)
    if order.status is OrderStatus.RESTING:
        order.reason = Reason.AMEND
    state.changed(order, order.reason)
    return order


def decrease(state: State, order: OrderRecord, left_ch: int) -> None:
    """Leave so much of a resting order, in its place in the queue; nothing left ends it. See `Engine.decrease`."""
    record = state.markets[order.ticker]
    placing.check_trading(state, record)
    if left_ch <= 0:
        clearing.cancel(state, order, Reason.DECREASE)
    elif left_ch < order.remaining_ch:
        _shrink(state, record, order, left_ch)
        order.reason = Reason.DECREASE
        state.changed(order, Reason.DECREASE)


def _shrink(state: State, record: MarketRecord, order: OrderRecord, left_ch: int) -> None:
    by_ch = order.remaining_ch - left_ch
    state.outbox.cause = clearing.cause_of(order)
    record.book.shrink(order.order_id, by_ch)
    order.initial_ch, order.remaining_ch = order.initial_ch - by_ch, left_ch
    clearing.hold(state, order)


def _check_amend(state: State, order: OrderRecord, request: AmendRequest) -> None:
    if request.ticker != order.ticker:
        raise Reject(400, "order_ticker_mismatch")
    if request.side is not order.side:
        raise Reject(400, "order_side_mismatch")
    if request.client_order_id and request.client_order_id != order.client_order_id:
        raise Reject(400, "order_id_and_client_order_id_mismatch")
    if order.status is OrderStatus.EXECUTED:
        raise Reject(400, "cannot_update_filled_order")
    if order.status is not OrderStatus.RESTING:
        raise Reject(404, "not_found", "order not found")
    grows = request.count_ch - order.filled_ch > order.remaining_ch
    if grows or request.price_cc != order.price_cc:  # what keeps its place may stand off a grid that changed under it
        placing.check_price(state.markets[order.ticker], request.price_cc)
    if request.count_ch <= order.filled_ch:
        raise Reject(400, "invalid_amend_qty_for_order", details="count must exceed what has filled")
    if request.expires_at_ms and request.expires_at_ms <= state.outbox.at_ms:
        raise Reject(400, "invalid_order", "invalid order", "expiration must be in the future")
    new_id = request.updated_client_order_id
    if new_id != order.client_order_id and state.claimed(order.account, new_id):
        raise Reject(409, state.manners.twice_code, "client_order_id was used before")


def _requeue(
    state: State, purse: Purse, record: MarketRecord, order: OrderRecord, request: AmendRequest, remaining_ch: int
) -> None:
    """A new price or a larger size: leave the queue, match at the new terms, join at the back."""
    displace = order.self_trade is SelfTrade.MAKER
    plan = record.book.plan(order.account, order.is_bid, request.price_cc, remaining_ch, displace_own=displace)
    if order.post_only and (plan.matches or plan.met_own):
        raise Reject(400, "invalid_order", "invalid order", "post only cross")
    funds.check_position(state, order.account, order.ticker, order.side, remaining_ch, order)
    funds.check(
        state,
        purse,
        record,
        order.side,
        request.price_cc,
        plan,
        rests=True,
        accumulator_micros=order.accumulator_micros,
        replaced=order,
    )
    state.outbox.cause = clearing.cause_of(order)
    record.book.withdraw(order.order_id)
    state.unrest(order)
    order.price_cc, order.initial_ch, order.remaining_ch = request.price_cc, request.count_ch, 0
    clearing.hold(state, order)
    order.remaining_ch, order.number = remaining_ch, state.next_number
    state.next_number += 1
    placing.enter(state, record, order, plan)
