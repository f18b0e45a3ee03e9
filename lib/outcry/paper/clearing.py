"""Matches become fills: fees, money, positions, order states, public trades. And orders leave the book."""

from collections.abc import Iterable

from outcry.domain.errors import InvariantBroken
from outcry.domain.order import Side
from outcry.paper.events import AccountFill, Traded
from outcry.paper.queue import Match, Plan
from outcry.paper.records import MarketRecord, OrderRecord, OrderStatus, Reason
from outcry.paper.state import State
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
    state.accounts[order.account].hold(order, buffer)


def take(state: State, record: MarketRecord, order: OrderRecord, plan: Plan) -> None:
    """Do what an incoming order's plan said; what is left of it stays with the order, neither resting nor reserved."""
    record.book.execute(plan, order.is_bid)
    makers = set()
    for price_cc, count_ch, resting in plan.matches:
        trade = publish(state, record, price_cc, count_ch, order.side)
        record.own_volume_ch += count_ch
        _book_fill(state, record, order, trade, is_taker=True)
        if resting is None:
            state.house.book(order.exchange_index, order.ticker, order.side.opposite, price_cc, count_ch)
        else:
            maker = state.orders[resting.key]
            _book_fill(state, record, maker, trade, is_taker=False)
            makers.add(maker.account)
    _count_interest(state, record)
    _cancel_for_margin(state, makers, order.exchange_index)


def fill_resting(state: State, record: MarketRecord, matches: list[Match], *, inferred: bool = False) -> int:
    """Foreign takers met accounts' resting orders; returns the hundredths filled."""
    filled_ch, accounts, cause = 0, set(), state.outbox.cause
    for price_cc, count_ch, resting in matches:
        if resting is None:
            raise InvariantBroken(f"a match in {record.market.ticker} has no order of an account")
        order = state.orders[resting.key]
        trade = publish(state, record, price_cc, count_ch, order.side.opposite, inferred=inferred)
        _book_fill(state, record, order, trade, is_taker=False)
        state.house.book(order.exchange_index, order.ticker, order.side.opposite, price_cc, count_ch)
        filled_ch += count_ch
        accounts.add(order.account)
    if matches:
        _count_interest(state, record)
        _cancel_for_margin(state, accounts, record.market.exchange_index)
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
    state.outbox.cause = (order.account, order.client_order_id)
    record.book.withdraw(order.order_id)
    state.outbox.cause = ("", "")
    state.unrest(order)
    left_ch, order.remaining_ch = order.remaining_ch, 0
    order.status = OrderStatus.CANCELED
    if reason:
        order.reason = reason
    hold(state, order)
    state.changed(order, reason)
    return left_ch


def _book_fill(state: State, record: MarketRecord, order: OrderRecord, trade: Traded, *, is_taker: bool) -> None:
    """One side of a trade: fee, money, position, order, and the fill record."""
    account = state.accounts[order.account]
    fee_micros, order.accumulator_micros = fees.charge(
        order.accumulator_micros,
        record.market.fee,
        order.side,
        is_taker,
        trade.price_cc,
        trade.count_ch,
        state.precision_micros,
    )
    held = account.position(order.ticker, order.exchange_index)
    account.book(held, order.side, trade.price_cc, trade.count_ch, fee_micros)
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
    )
    state.fills_of.setdefault(order.account, []).append(fill)
    state.unsaved.fills.append(fill)
    state.unsaved.positions[order.account, order.ticker] = held
    state.unsaved.markets.add(order.ticker)
    state.outbox.fill(fill)
    state.changed(order, Reason.TRADE)


def _count_interest(state: State, record: MarketRecord) -> None:
    """Contracts the accounts hold here: each long of theirs needs a short, ours or foreign."""
    positions = [account.position_ch(record.market.ticker) for account in state.accounts.values()]
    longs, shorts = sum(max(0, held) for held in positions), sum(max(0, -held) for held in positions)
    record.own_interest_ch = max(longs, shorts)


def _cancel_for_margin(state: State, accounts: Iterable[str], exchange_index: int) -> None:
    """Rounding fees of small fills may eat a resting order's buffer: the newest orders go until cash suffices."""
    for name in sorted(accounts):
        account = state.accounts[name]
        while account.free_micros(exchange_index) < 0:
            resting = [order for order in state.resting_of(name) if order.exchange_index == exchange_index]
            if not resting:
                short = -account.free_micros(exchange_index)
                raise InvariantBroken(f"account {name} is short of {short} micro-dollars on shard {exchange_index}")
            cancel(state, resting[-1], Reason.MARGIN)
