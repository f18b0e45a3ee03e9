"""The exchange's state from its rows on disk."""

import heapq
import json
import sqlite3
from collections import deque

from outcry.domain.market import FeeTerms, Market, PriceRange, Status
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine import clearing, paying, treasury
from outcry.paper.engine.accounts import Account
from outcry.paper.engine.groups import OrderGroup
from outcry.paper.engine.money_records import (
    CashMove,
    MoveKind,
    Reservation,
    SubaccountTransfer,
    Target,
    Transfer,
    TransferStatus,
)
from outcry.paper.engine.purse import Purse
from outcry.paper.engine.records import OrderRecord, OrderStatus, PositionRecord, Reason, SelfTrade
from outcry.paper.engine.state import State, Unsaved
from outcry.paper.events import AccountFill, AccountSettled
from outcry.store import exchange_tables
from outcry.store.exchange_books import Books

VOID_AFTER_MS = 60_000  # how long after its close a restored market waits for a source that knows its outcome


def restore(state: State, books: Books) -> None:
    """Fill an empty state with everything the file knows."""
    _accounts(state, books)
    for row in books.markets:
        _market(state, row)
    for row in books.order_groups:
        _group(state, row)
    _records(state, books)
    _money(state, books)
    orders = [_order(row) for row in books.orders]
    for order in orders:
        state.add_order(order)
    for order in sorted(orders, key=lambda order: order.number):
        if order.status is OrderStatus.RESTING:
            state.rest(order)
            clearing.hold(state, order)
    state.outbox.drain()
    state.unsaved = Unsaved()


def _accounts(state: State, books: Books) -> None:
    for row in books.accounts:
        account = state.accounts[row["name"]] = Account(row["name"], row["tier"])
        if row["target"] is not None:
            percents, reservation, next_at_ms = json.loads(row["target"])
            account.target = Target(dict(percents), Reservation(reservation), next_at_ms)
            treasury.set_rebalance(state, account.name, account.target)
    for row in books.purses:
        purse = Purse(row["account"], row["subaccount"], row["exchange_index"])
        purse.netting, purse.swept_until_ms = bool(row["netting"]), row["swept_until_ms"]
        state.accounts[purse.account].purses[purse.number] = purse
    for row in books.cash:
        purse = state.purse(row["account"], row["subaccount"])
        purse.cash[row["exchange_index"]] = row["cash_micros"]
        purse.moved_in[row["exchange_index"]] = row["moved_in_micros"]
    for row in books.house:
        state.house.foreign[row["exchange_index"]] = row["foreign_micros"]
        state.house.fees[row["exchange_index"]] = row["fees_micros"]
    for row in books.positions:
        held = PositionRecord(**_values(row, exchange_tables.POSITION_COLUMNS) | {"settled": bool(row["settled"])})
        state.purse(held.account, held.subaccount).positions[held.ticker] = held


def _records(state: State, books: Books) -> None:
    for row in books.fills:
        values = _values(row, exchange_tables.FILL_COLUMNS)
        fill = AccountFill(**values | {"side": Side(row["side"]), "is_taker": bool(row["is_taker"])})
        state.fills_of.setdefault(fill.account, []).append(fill)
    for row in books.settlements:
        paid = AccountSettled(**_values(row, exchange_tables.SETTLEMENT_COLUMNS))
        state.settlements_of.setdefault(paid.account, []).append(paid)


def _money(state: State, books: Books) -> None:
    for row in books.moves:
        values = _values(row, exchange_tables.MOVE_COLUMNS)
        state.moves.append(CashMove(**values | {"kind": MoveKind(row["kind"])}))
    for row in books.transfers:
        values = _values(row, exchange_tables.TRANSFER_COLUMNS)
        status = TransferStatus(row["status"])
        treasury.expect(state, Transfer(**values | {"status": status, "automatic": bool(row["automatic"])}))
    for row in books.subaccount_transfers:
        moved = SubaccountTransfer(**_values(row, exchange_tables.SUBACCOUNT_TRANSFER_COLUMNS))
        state.subaccount_transfers[moved.account, moved.client_transfer_id] = moved


def _values(row: sqlite3.Row, columns: tuple[str, ...]) -> dict:
    return {name: row[name] for name in columns}


def _group(state: State, row: sqlite3.Row) -> None:
    facts = _values(row, exchange_tables.GROUP_COLUMNS)
    facts |= {"triggered": bool(row["triggered"]), "deleted": bool(row["deleted"])}
    matched = deque((at_ms, count_ch) for at_ms, count_ch in json.loads(row["matched"]))
    state.groups[row["group_id"]] = OrderGroup(**facts | {"matched": matched})


def _market(state: State, row: sqlite3.Row) -> None:
    market = Market(
        ticker=row["ticker"],
        event_ticker=row["event_ticker"],
        series_ticker=row["series_ticker"],
        exchange_index=row["exchange_index"],
        status=Status(row["status"]),
        open_at_ms=row["open_at_ms"],
        close_at_ms=row["close_at_ms"],
        price_ranges=tuple(PriceRange(*band) for band in json.loads(row["price_ranges"])),
        fee=FeeTerms(row["fee_type"], row["fee_multiplier_millionths"]),
        title=row["title"],
        underlying=row["underlying"],
        strike_type=row["strike_type"],
        strike_micros=row["strike_micros"],
        result=row["result"],
        settlement_value_cc=row["settlement_value_cc"],
    )
    record = state.add_market(market, row["created_at_ms"])
    record.updated_at_ms = row["updated_at_ms"]
    record.determined_at_ms, record.settled_at_ms = row["determined_at_ms"], row["settled_at_ms"]
    record.expiration_value_micros = row["expiration_value_micros"]
    record.last_price_cc, record.last_count_ch = row["last_price_cc"], row["last_count_ch"]
    record.foreign_volume_ch, record.own_volume_ch = row["foreign_volume_ch"], row["own_volume_ch"]
    record.foreign_interest_ch, record.own_interest_ch = row["foreign_interest_ch"], row["own_interest_ch"]
    record.restored = True
    record.pays_at_ms = row["pays_at_ms"]
    paying.set_timer(state, record)
    if market.status is not Status.FINALIZED:
        heapq.heappush(state.timers, (market.close_at_ms + VOID_AFTER_MS, "forget", market.ticker))
    if row["foreign_position_ch"]:
        state.house.positions[market.ticker] = row["foreign_position_ch"]


def _order(row: sqlite3.Row) -> OrderRecord:
    return OrderRecord(
        **_values(row, exchange_tables.ORDER_COLUMNS)
        | {
            "side": Side(row["side"]),
            "time_in_force": TimeInForce(row["time_in_force"]),
            "self_trade": SelfTrade(row["self_trade"]),
            "status": OrderStatus(row["status"]),
            "reason": Reason(row["reason"]),
            "post_only": bool(row["post_only"]),
            "reduce_only": bool(row["reduce_only"]),
            "cancel_on_pause": bool(row["cancel_on_pause"]),
        }
    )
