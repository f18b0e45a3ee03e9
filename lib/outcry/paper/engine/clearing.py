"""Matches become fills: fees, money, positions, order states, groups, public trades. And orders leave the book."""

from collections.abc import Collection, Iterable

from outcry.domain.errors import InvariantBroken
from outcry.domain.order import Side
from outcry.paper.engine.accounts import purses_of
from outcry.paper.engine.groups import OrderGroup
from outcry.paper.engine.outbox import NOBODY
from outcry.paper.engine.queue import Match, Plan
from outcry.paper.engine.records import MarketRecord, OrderRecord, OrderStatus, Reason
from outcry.paper.engine.state import State
from outcry.paper.events import AccountFill, GroupChanged, Traded
from outcry.venue import fees


def buffer_micros(state: State, record: MarketRecord, price_cc: int, count_ch: int) -> int:
    """What a resting order's fees may still take: the maker fee of all of it, and rounding for the next fill.

    Rounding of many small fills can cost more than this; then the order goes (MarginCancel) before cash is short.
    """
    return fees.trade_fee_micros(record.market.fee, False, price_cc, count_ch) + 2 * state.precision_micros


def hold(state: State, order: OrderRecord) -> None:
    """Reserve collateral and fee buffer for what is left of an order."""
    record = state.markets[order.ticker]
    buffer = buffer_micros(state, record, order.price_cc, order.remaining_ch) if order.remaining_ch else 0
    state.purse(order.account, order.subaccount).hold(order, buffer)


def cause_of(order: OrderRecord) -> tuple[str, str, int]:
    """Whose doing the next changes of the book are."""
    return order.account, order.client_order_id, order.subaccount


def take(state: State, record: MarketRecord, order: OrderRecord, plan: Plan) -> None:
    """Do what an incoming order's plan said; what is left of it stays with the order, neither resting nor reserved."""
    record.book.execute(plan, order.is_bid)
    orders = {order.order_id: order}
    for price_cc, count_ch, resting in plan.matches:
        trade = publish(state, record, price_cc, count_ch, order.side)
        record.own_volume_ch += count_ch
        _book_fill(state, record, order, trade, is_taker=True)
        if resting is None:
            state.house.book(order.exchange_index, order.ticker, order.side.opposite, price_cc, count_ch)
        else:
            maker = state.orders[resting.key]
            _book_fill(state, record, maker, trade, is_taker=False)
            orders[maker.order_id] = maker
    _after(state, record, orders.values())


def fill_resting(state: State, record: MarketRecord, matches: list[Match], *, inferred: bool = False) -> int:
    """Foreign takers met accounts' resting orders; returns the hundredths filled."""
    filled_ch, orders, cause = 0, dict[str, OrderRecord](), state.outbox.cause
    for price_cc, count_ch, resting in matches:
        if resting is None:
            raise InvariantBroken(f"a match in {record.market.ticker} has no order of an account")
        order = state.orders[resting.key]
        trade = publish(state, record, price_cc, count_ch, order.side.opposite, inferred=inferred)
        _book_fill(state, record, order, trade, is_taker=False)
        state.house.book(order.exchange_index, order.ticker, order.side.opposite, price_cc, count_ch)
        filled_ch += count_ch
        orders[order.order_id] = order
    if matches:
        _after(state, record, orders.values())
        state.outbox.cause = cause
    return filled_ch


def publish(
    state: State,
    record: MarketRecord,
    price_cc: int,
    count_ch: int,
    taker_side: Side | None,
    *,
    inferred: bool = False,
) -> Traded:
    """Tell the public of a trade."""
    ticker = record.market.ticker
    trade = Traded(state.new_id(), ticker, price_cc, count_ch, taker_side, state.outbox.at_ms, inferred)
    record.last_price_cc, record.last_count_ch = price_cc, count_ch
    record.trades.append(trade)
    state.outbox.traded(trade)
    state.outbox.ticker(ticker)
    return trade


def cancel(state: State, order: OrderRecord, reason: Reason = Reason.NONE) -> int:
    """Take an order from the book, or end one that never rested; returns the hundredths taken away."""
    record = state.markets[order.ticker]
    state.outbox.cause = cause_of(order)
    record.book.withdraw(order.order_id)
    state.outbox.cause = NOBODY
    state.unrest(order)
    left_ch, order.remaining_ch = order.remaining_ch, 0
    order.status = OrderStatus.CANCELED
    if reason:
        order.reason = reason
    hold(state, order)
    state.changed(order, reason)
    return left_ch


def _book_fill(state: State, record: MarketRecord, order: OrderRecord, trade: Traded, *, is_taker: bool) -> None:
    """One side of a trade: fee, money, position, order, its group's count, and the fill record."""
    purse = state.purse(order.account, order.subaccount)
    fee_micros, order.accumulator_micros = fees.charge(
        order.accumulator_micros,
        record.market.fee,
        order.side,
        is_taker,
        trade.price_cc,
        trade.count_ch,
        state.precision_micros,
    )
    held = purse.position(order.ticker, order.exchange_index)
    purse.book(held, order.side, trade.price_cc, trade.count_ch, fee_micros)
    held.updated_at_ms = trade.at_ms
    state.house.earn(order.exchange_index, fee_micros)
    order.filled_ch += trade.count_ch
    order.remaining_ch -= trade.count_ch
    if is_taker:
        order.taker_filled_ch += trade.count_ch
        order.taker_value_micros += trade.price_cc * trade.count_ch
        order.taker_fees_micros += fee_micros
    else:
        order.maker_value_micros += trade.price_cc * trade.count_ch
        order.maker_fees_micros += fee_micros
        hold(state, order)
    order.reason = Reason.TRADE
    if not order.remaining_ch:
        order.status = OrderStatus.EXECUTED
        state.unrest(order)
    if order.order_group_id and (state.manners.group_counts_takers or not is_taker):
        group = state.groups[order.order_group_id]
        group.count(trade.count_ch, trade.at_ms)
        state.unsaved.groups[group.group_id] = group
    fill = AccountFill(
        order.account,
        trade.trade_id,
        order.order_id,
        order.client_order_id,
        order.ticker,
        order.exchange_index,
        order.side,
        trade.price_cc,
        trade.count_ch,
        fee_micros,
        is_taker,
        trade.at_ms,
        held.position_ch,
        order.subaccount,
    )
    state.fills_of.setdefault(order.account, []).append(fill)
    state.unsaved.fills.append(fill)
    state.unsaved.positions[order.account, order.subaccount, order.ticker] = held
    state.unsaved.markets.add(order.ticker)
    state.outbox.fill(fill)
    state.changed(order, Reason.TRADE)


def _after(state: State, record: MarketRecord, matched: Collection[OrderRecord]) -> None:
    """What matches of these orders bring about: open interest, groups that trigger, orders whose margin is gone."""
    _count_interest(state, record)
    for group_id in sorted({order.order_group_id for order in matched} - {""}):
        check_group(state, state.groups[group_id])
    _cancel_for_margin(state, {(order.account, order.subaccount) for order in matched}, record.market.exchange_index)


def check_group(state: State, group: OrderGroup) -> None:
    """Trigger a group whose limit is reached."""
    if group.full(state.outbox.at_ms, at_limit=state.manners.group_triggers_at_limit):
        trigger(state, group)


def trigger(state: State, group: OrderGroup) -> None:
    """Cancel a group's orders and take no new ones until it is reset. Once triggered, nothing more happens."""
    if group.triggered:
        return
    group.triggered = True
    cancel_group(state, group)
    tell_group(state, group, "triggered")


def cancel_group(state: State, group: OrderGroup) -> None:
    for order in list(group.resting.values()):
        cancel(state, order)


def tell_group(state: State, group: OrderGroup, kind: str, limit_ch: int | None = None) -> None:
    """Tell of a group, and note that it changed."""
    state.unsaved.groups[group.group_id] = group
    state.outbox.say(GroupChanged(group.account, group.group_id, kind, state.outbox.at_ms, limit_ch, group.subaccount))


def _count_interest(state: State, record: MarketRecord) -> None:
    """Contracts the accounts hold here: each long of theirs needs a short, ours or foreign."""
    positions = [purse.position_ch(record.market.ticker) for purse in purses_of(state.accounts.values())]
    longs, shorts = sum(max(0, held) for held in positions), sum(max(0, -held) for held in positions)
    record.own_interest_ch = max(longs, shorts)


def _cancel_for_margin(state: State, purses: Iterable[tuple[str, int]], exchange_index: int) -> None:
    """Rounding fees of small fills may eat a resting order's buffer: the newest orders go until cash suffices."""
    for name, number in sorted(purses):
        purse = state.purse(name, number)
        while purse.free_micros(exchange_index) < 0:
            resting = [order for order in state.resting_of(name, number) if order.exchange_index == exchange_index]
            if not resting:
                short = -purse.free_micros(exchange_index)
                raise InvariantBroken(f"account {name} is short of {short} micro-dollars on shard {exchange_index}")
            cancel(state, resting[-1], Reason.MARGIN)
