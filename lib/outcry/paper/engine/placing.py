"""Orders as they arrive: every check in the exchange's order, then matching, then resting or ending.

A Reject is raised before anything changes (but for a refused post-only order, which some say stays visible).
An order never trades with its own account, whichever of its subaccounts the two belong to.
"""

from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine import clearing, funds
from outcry.paper.engine.purse import Purse
from outcry.paper.engine.queue import Plan
from outcry.paper.engine.records import (
    MarketRecord,
    NewOrderRequest,
    OrderRecord,
    OrderStatus,
    Reason,
    Reject,
    SelfTrade,
)
from outcry.paper.engine.state import ANY_SHARD, State
from outcry.venue import fees


def create(state: State, account_name: str, request: NewOrderRequest) -> OrderRecord:
    """Place an order; see `Engine.create`."""
    purse = state.purse(account_name, request.subaccount)
    record = route(state, request.ticker, request.exchange_index)
    check_trading(state, record)
    _check_order(state, record, request)
    if state.claimed(account_name, request.client_order_id):
        raise Reject(409, state.manners.twice_code, "client_order_id was used before")
    if request.order_group_id:
        _check_group(state, account_name, record, request)
    wanted_ch = _reducible(purse, request) if request.reduce_only else request.count_ch
    is_bid = request.side is Side.BID
    displace = request.self_trade is SelfTrade.MAKER
    plan = record.book.plan(account_name, is_bid, request.price_cc, wanted_ch, displace_own=displace)
    if request.post_only and (plan.matches or plan.met_own):
        if state.manners.post_only_cross_is_kept:
            _end_unplaced(state, account_name, record, request, Reason.POST_ONLY)
        raise Reject(400, "invalid_order", "invalid order", "post only cross")
    if request.time_in_force is TimeInForce.FOK and plan.left_ch and not plan.met_own:
        if state.manners.fok_kill_is_refused:
            raise Reject(400, "fok_insufficient_volume", "fill or kill order cannot be filled")
        return _end_unplaced(state, account_name, record, request, Reason.NONE)
    unfilled = not plan.matches and not plan.met_own
    if request.time_in_force is TimeInForce.IOC and unfilled and state.manners.ioc_unfilled_is_refused:
        raise Reject(400, "ioc_insufficient_volume", "immediate or cancel order cannot be filled")
    rests = request.time_in_force is TimeInForce.GTC
    most_ch = wanted_ch if rests else sum(match.count_ch for match in plan.matches)
    funds.check_position(state, account_name, request.ticker, request.side, most_ch)
    funds.check(state, purse, record, request.side, request.price_cc, plan, rests=rests, accumulator_micros=0)
    order = _new_order(state, account_name, record, request)
    state.add_order(order)
    enter(state, record, order, plan)
    if order.status is OrderStatus.RESTING and state.outbox.at_ms < purse.swept_until_ms:
        clearing.cancel(state, order)
    return order


def route(state: State, ticker: str, exchange_index: int | None) -> MarketRecord:
    """The market an order is for; naming the wrong shard finds nothing there."""
    record = state.market(ticker)
    if exchange_index not in (None, ANY_SHARD, record.market.exchange_index):
        raise Reject(404, "not_found", "market not found", f"{ticker} is not on exchange {exchange_index}")
    return record


def check_trading(state: State, record: MarketRecord) -> None:
    """Whether orders may be placed and amended here now."""
    shard = record.market.exchange_index
    if state.pauses.get(shard):
        raise Reject(400, "exchange_paused")
    if shard in state.pauses:
        raise Reject(400, "trading_paused")
    if not record.trading:
        code = state.manners.closed_code
        raise Reject(400, code, "market is not active", f"status {record.market.status}")


def _check_order(state: State, record: MarketRecord, request: NewOrderRequest) -> None:
    if not fees.known(record.market.fee):
        raise Reject(400, "invalid_order", "invalid order", f"no fee formula for {record.market.fee.fee_type}")
    check_price(record, request.price_cc)
    if request.count_ch <= 0:
        raise Reject(400, "invalid_order_size", "count must be above zero")
    rests = request.time_in_force is TimeInForce.GTC
    if request.expires_at_ms is not None:
        if not rests:
            raise Reject(400, "invalid_order", "invalid order", "expiration needs good_till_canceled")
        if request.expires_at_ms <= state.outbox.at_ms:
            raise Reject(400, "invalid_order", "invalid order", "expiration must be in the future")
    if request.reduce_only and request.time_in_force is not TimeInForce.IOC:
        raise Reject(400, "invalid_order", "invalid order", "reduce_only needs immediate_or_cancel")


def check_price(record: MarketRecord, price_cc: int) -> None:
    if not record.market.on_grid(price_cc):
        raise Reject(400, "invalid_price", "price is not on the market's grid")


def _check_group(state: State, account: str, record: MarketRecord, request: NewOrderRequest) -> None:
    shard = record.market.exchange_index
    group = state.group(account, request.order_group_id, request.subaccount, shard)
    if group.triggered:
        raise Reject(400, "exceeded_order_group_risk_limit", "the order group triggered: reset it first")


def _reducible(purse: Purse, request: NewOrderRequest) -> int:
    """How much of an order only reduces the position."""
    against_ch = -request.side.sign * purse.position_ch(request.ticker)
    return max(0, min(request.count_ch, against_ch))


def _new_order(state: State, account: str, record: MarketRecord, request: NewOrderRequest) -> OrderRecord:
    return OrderRecord(
        order_id=state.new_id(),
        account=account,
        client_order_id=request.client_order_id,
        ticker=request.ticker,
        exchange_index=record.market.exchange_index,
        side=request.side,
        price_cc=request.price_cc,
        initial_ch=request.count_ch,
        remaining_ch=request.count_ch,
        time_in_force=request.time_in_force,
        self_trade=request.self_trade,
        number=state.next_number,
        created_at_ms=state.outbox.at_ms,
        updated_at_ms=state.outbox.at_ms,
        expires_at_ms=request.expires_at_ms,
        post_only=request.post_only,
        reduce_only=request.reduce_only,
        cancel_on_pause=request.cancel_on_pause,
        subaccount=request.subaccount,
        order_group_id=request.order_group_id,
    )


def _end_unplaced(
    state: State, account: str, record: MarketRecord, request: NewOrderRequest, reason: Reason
) -> OrderRecord:
    """Keep an order that ends before it reaches the book."""
    order = _new_order(state, account, record, request)
    state.add_order(order)
    clearing.cancel(state, order, reason)
    return order


def enter(state: State, record: MarketRecord, order: OrderRecord, plan: Plan) -> None:
    """Match an accepted order as planned, then rest or end what is left of it."""
    for displaced in plan.displaced:
        clearing.cancel(state, state.orders[displaced.key], Reason.SELF_TRADE)
    state.outbox.cause = clearing.cause_of(order)
    state.changed(order, order.reason)
    clearing.take(state, record, order, plan)
    state.outbox.cause = clearing.cause_of(order)
    if not order.remaining_ch:
        return
    if plan.met_own and not plan.displaced:
        clearing.cancel(state, order, Reason.SELF_TRADE)
    elif order.order_group_id and state.groups[order.order_group_id].triggered:
        clearing.cancel(state, order)
    elif order.time_in_force is TimeInForce.GTC:
        state.rest(order)
        clearing.hold(state, order)
    else:
        short = order.reduce_only and plan.left_ch == 0
        clearing.cancel(state, order, Reason.REDUCE_ONLY if short else Reason.NONE)
