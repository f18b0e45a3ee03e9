"""Orders as they arrive: every check in the exchange's order, then matching, then resting or ending.

A Reject is raised before anything changes.
"""

from outcry.domain.order import Side, TimeInForce
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper import clearing
from outcry.paper.accounts import Account
from outcry.paper.queue import Plan
from outcry.paper.records import (
    AmendRequest,
    MarketRecord,
    NewOrderRequest,
    OrderRecord,
    OrderStatus,
    Reason,
    Reject,
    SelfTrade,
)
from outcry.paper.state import ANY_SHARD, State
from outcry.venue import fees


def create(state: State, account_name: str, request: NewOrderRequest) -> OrderRecord:
    """Place an order; see `Engine.create`."""
    account = state.account(account_name)
    record = route(state, request.ticker, request.exchange_index)
    check_trading(state, record)
    _check_order(state, record, request)
    if request.client_order_id and (account_name, request.client_order_id) in state.client_ids:
        raise Reject(409, "order_already_exists", "client_order_id was used before")
    wanted_ch = _reducible(account, request) if request.reduce_only else request.count_ch
    is_bid = request.side is Side.BID
    displace = request.self_trade is SelfTrade.MAKER
    plan = record.book.plan(account_name, is_bid, request.price_cc, wanted_ch, displace_own=displace)
    if request.post_only and (plan.matches or plan.met_own):
        raise Reject(400, "invalid_order", "invalid order", "post only cross")
    if request.time_in_force is TimeInForce.FOK and plan.left_ch and not plan.met_own:
        raise Reject(400, "fok_insufficient_volume", "fill or kill order cannot be filled")
    rests = request.time_in_force is TimeInForce.GTC
    _check_funds(state, account, record, request.side, request.price_cc, plan, rests=rests, accumulator_micros=0)
    order = _new_order(state, account_name, record, request)
    state.add_order(order)
    _enter(state, record, order, plan)
    return order


def amend(state: State, account_name: str, order_id: str, request: AmendRequest) -> OrderRecord:
    """Change a resting order; see `Engine.amend`."""
    account = state.account(account_name)
    order = state.order(account_name, order_id)
    _check_amend(state, order, request)
    record = route(state, request.ticker, request.exchange_index)
    check_trading(state, record)
    remaining_ch = request.count_ch - order.filled_ch
    keeps_place = request.price_cc == order.price_cc and remaining_ch <= order.remaining_ch
    if not keeps_place:
        _requeue(state, account, record, order, request, remaining_ch)
    elif remaining_ch < order.remaining_ch:
        state.outbox.cause = (order.account, order.client_order_id)
        record.book.shrink(order.order_id, order.remaining_ch - remaining_ch)
        order.initial_ch, order.remaining_ch = request.count_ch, remaining_ch
        clearing.hold(state, order)
    if request.updated_client_order_id:
        order.client_order_id = request.updated_client_order_id
        state.client_ids.add((account_name, order.client_order_id))
    if request.expires_at_ms is not None:
        order.expires_at_ms = request.expires_at_ms or None
        state.set_expiry(order)
    if order.status is OrderStatus.RESTING:
        order.reason = Reason.AMEND
    state.changed(order, order.reason)
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
        raise Reject(400, "market_inactive", "market is not active", f"status {record.market.status}")


def _check_order(state: State, record: MarketRecord, request: NewOrderRequest) -> None:
    if not fees.known(record.market.fee):
        raise Reject(400, "invalid_order", "invalid order", f"no fee formula for {record.market.fee.fee_type}")
    _check_grid(record, request.price_cc, request.count_ch)
    rests = request.time_in_force is TimeInForce.GTC
    if request.expires_at_ms is not None:
        if not rests:
            raise Reject(400, "invalid_order", "invalid order", "expiration needs good_till_canceled")
        if request.expires_at_ms <= state.outbox.at_ms:
            raise Reject(400, "invalid_order", "invalid order", "expiration must be in the future")
    if request.reduce_only and request.time_in_force is not TimeInForce.IOC:
        raise Reject(400, "invalid_order", "invalid order", "reduce_only needs immediate_or_cancel")


def _check_grid(record: MarketRecord, price_cc: int, count_ch: int) -> None:
    if not record.market.on_grid(price_cc):
        raise Reject(400, "invalid_price", "price is not on the market's grid")
    if count_ch <= 0:
        raise Reject(400, "invalid_order_size", "count must be above zero")


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
    _check_grid(state.markets[order.ticker], request.price_cc, request.count_ch)
    if request.count_ch <= order.filled_ch:
        raise Reject(400, "invalid_amend_qty_for_order", details="count must exceed what has filled")
    if request.expires_at_ms and request.expires_at_ms <= state.outbox.at_ms:
        raise Reject(400, "invalid_order", "invalid order", "expiration must be in the future")
    new_id = request.updated_client_order_id
    if new_id and new_id != order.client_order_id and (order.account, new_id) in state.client_ids:
        raise Reject(409, "order_already_exists", "client_order_id was used before")


def _reducible(account: Account, request: NewOrderRequest) -> int:
    """How much of an order only reduces the position."""
    against_ch = -request.side.sign * account.position_ch(request.ticker)
    return max(0, min(request.count_ch, against_ch))


def _check_funds(
    state: State,
    account: Account,
    record: MarketRecord,
    side: Side,
    price_cc: int,
    plan: Plan,
    *,
    rests: bool,
    accumulator_micros: int,
    replaced: OrderRecord | None = None,
) -> None:
    """Whether the shard's free cash bears the order at its limit, and what it would exactly do now, fees included.

    raises  Reject available_balance_too_low
    """
    ticker, shard = record.market.ticker, record.market.exchange_index
    position_ch, now = account.position_ch(ticker), account.open_in(ticker)
    budget = account.free_micros(shard) + now.collateral_micros(position_ch) + now.buffer_micros
    others = now
    for gone in [state.orders[order.key] for order in plan.displaced] + ([replaced] if replaced else []):
        risk, buffer = account.held(gone.order_id)
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
        raise Reject(400, "available_balance_too_low", "insufficient balance", f"exchange {shard}")


def _taker_cost(state: State, record: MarketRecord, side: Side, plan: Plan, accumulator_micros: int) -> int:
    """What a plan's matches take from cash, fees included; negative when they bring more."""
    cost = 0
    for price_cc, count_ch, _ in plan.matches:
        fee, accumulator_micros = fees.charge(
            accumulator_micros, record.market.fee, side, True, price_cc, count_ch, state.precision_micros
        )
        cost += side.sign * price_cc * count_ch + fee
    return cost


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
    )


def _enter(state: State, record: MarketRecord, order: OrderRecord, plan: Plan) -> None:
    """Match an accepted order as planned, then rest or end what is left of it."""
    for displaced in plan.displaced:
        clearing.cancel(state, state.orders[displaced.key], Reason.SELF_TRADE)
    state.outbox.cause = (order.account, order.client_order_id)
    state.changed(order, order.reason)
    clearing.take(state, record, order, plan)
    state.outbox.cause = (order.account, order.client_order_id)
    if not order.remaining_ch:
        return
    if plan.met_own and not plan.displaced:
        clearing.cancel(state, order, Reason.SELF_TRADE)
    elif order.time_in_force is TimeInForce.GTC:
        state.rest(order)
        clearing.hold(state, order)
    else:
        short = order.reduce_only and plan.left_ch == 0
        clearing.cancel(state, order, Reason.REDUCE_ONLY if short else Reason.NONE)


def _requeue(
    state: State, account: Account, record: MarketRecord, order: OrderRecord, request: AmendRequest, remaining_ch: int
) -> None:
    """A new price or a larger size: leave the queue, match at the new terms, join at the back."""
    displace = order.self_trade is SelfTrade.MAKER
    plan = record.book.plan(order.account, order.is_bid, request.price_cc, remaining_ch, displace_own=displace)
    if order.post_only and (plan.matches or plan.met_own):
        raise Reject(400, "invalid_order", "invalid order", "post only cross")
    _check_funds(
        state,
        account,
        record,
        order.side,
        request.price_cc,
        plan,
        rests=True,
        accumulator_micros=order.accumulator_micros,
        replaced=order,
    )
    state.outbox.cause = (order.account, order.client_order_id)
    record.book.withdraw(order.order_id)
    state.unrest(order)
    order.price_cc, order.initial_ch, order.remaining_ch = request.price_cc, request.count_ch, 0
    clearing.hold(state, order)
    order.remaining_ch, order.number = remaining_ch, state.next_number
    state.next_number += 1
    _enter(state, record, order, plan)
