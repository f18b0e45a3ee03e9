"""The exchange's books on disk: every step written before it is answered, everything there again after a kill.

Foreign books are not kept: the source has to show them again. Until it does, restored orders rest in an empty book, and
then stand at the back of the queue.
"""

import heapq
import json
import sqlite3
from collections.abc import Callable
from operator import attrgetter

from outcry.domain.errors import InvariantBroken
from outcry.domain.market import FeeTerms, Market, PriceRange, Status
from outcry.domain.order import Side, TimeInForce
from outcry.paper import clearing
from outcry.paper.accounts import Account, imbalance_micros
from outcry.paper.engine import Engine
from outcry.paper.events import AccountFill, AccountSettled
from outcry.paper.records import MarketRecord, OrderRecord, OrderStatus, PositionRecord, Reason, SelfTrade
from outcry.paper.state import State, Unsaved
from outcry.store import exchange_books
from outcry.store.exchange_books import Books, Row, Rows
from outcry.venue import fees

VOID_AFTER_MS = 60_000  # how long after its close a restored market waits for a source that knows its outcome

_order_row = attrgetter(*exchange_books.ORDER_COLUMNS)
_position_row = attrgetter(*exchange_books.POSITION_COLUMNS)
_fill_row = attrgetter(*exchange_books.FILL_COLUMNS)
_settlement_row = attrgetter(*exchange_books.SETTLEMENT_COLUMNS)


def save(db: sqlite3.Connection, engine: Engine) -> bool:
    """Write down what changed since the last save, durably, in one transaction; False when nothing had.

    Call it before anything of a step is answered or pushed.
    raises  Unavailable when the file refuses: then nothing was written, and the next save will try all of it again
    """
    state, unsaved = engine.state, engine.state.unsaved
    if not unsaved:
        return False
    names = sorted(unsaved.accounts)
    exchange_books.save(
        db,
        Rows(
            accounts=[(name, state.accounts[name].tier) for name in names],
            cash=[row for name in names for row in _cash_rows(state.accounts[name])],
            house=_house_rows(state),
            markets=[_market_row(state, state.markets[ticker]) for ticker in sorted(unsaved.markets)],
            orders=[_order_row(order) for order in unsaved.orders.values()],
            positions=[_position_row(held) for held in unsaved.positions.values()],
            fills=[_fill_row(fill) for fill in unsaved.fills],
            settlements=[_settlement_row(paid) for paid in unsaved.settlements],
        ),
    )
    state.unsaved = Unsaved()
    return True


def load(
    db: sqlite3.Connection,
    new_id: Callable[[], str],
    *,
    precision_micros: int = fees.DIRECT_MICROS,
    cancel_share_millionths: int = 0,
    close_cancel_ms: int = 500,
) -> Engine:
    """An engine with everything the file knows: a new one when it knows nothing. Expiries due meanwhile run at `tick`.

    raises  InvariantBroken when the books do not add up to the deposits
    """
    engine = Engine(
        new_id,
        precision_micros=precision_micros,
        cancel_share_millionths=cancel_share_millionths,
        close_cancel_ms=close_cancel_ms,
    )
    state, books = engine.state, exchange_books.load(db)
    _restore_accounts(state, books)
    for row in books.markets:
        _restore_market(state, row)
    for row in books.fills:
        values = {name: row[name] for name in exchange_books.FILL_COLUMNS}
        fill = AccountFill(**values | {"side": Side(row["side"]), "is_taker": bool(row["is_taker"])})
        state.fills_of.setdefault(fill.account, []).append(fill)
    for row in books.settlements:
        paid = AccountSettled(**{name: row[name] for name in exchange_books.SETTLEMENT_COLUMNS})
        state.settlements_of.setdefault(paid.account, []).append(paid)
    orders = [_order(row) for row in books.orders]
    for order in orders:
        state.add_order(order)
    for order in sorted(orders, key=lambda order: order.number):
        if order.status is OrderStatus.RESTING:
            state.rest(order)
            clearing.hold(state, order)
    state.outbox.drain()
    state.unsaved = Unsaved()
    for shard in sorted({row["exchange_index"] for row in [*books.house, *books.cash]}):
        if missing := imbalance_micros(state.accounts, state.house, shard):
            raise InvariantBroken(f"the exchange's books are off by {missing} micro-dollars on shard {shard}")
    return engine


def _cash_rows(account: Account) -> list[Row]:
    return [(account.name, shard, cash, account.deposited.get(shard, 0)) for shard, cash in account.cash.items()]


def _house_rows(state: State) -> list[Row]:
    shards = sorted({*state.house.foreign, *state.house.fees})
    return [(shard, state.house.foreign.get(shard, 0), state.house.fees.get(shard, 0)) for shard in shards]


def _market_row(state: State, record: MarketRecord) -> Row:
    market = record.market
    bands = json.dumps([[band.start_cc, band.end_cc, band.step_cc] for band in market.price_ranges])
    return (
        market.ticker,
        market.event_ticker,
        market.series_ticker,
        market.exchange_index,
        market.status,
        market.open_at_ms,
        market.close_at_ms,
        bands,
        market.fee.fee_type,
        market.fee.multiplier_millionths,
        market.title,
        market.underlying,
        market.strike_type,
        market.strike_micros,
        market.result,
        market.settlement_value_cc,
        record.expiration_value_micros,
        record.created_at_ms,
        record.updated_at_ms,
        record.determined_at_ms,
        record.settled_at_ms,
        record.last_price_cc,
        record.last_count_ch,
        record.foreign_volume_ch,
        record.foreign_interest_ch,
        record.own_volume_ch,
        record.own_interest_ch,
        state.house.positions.get(market.ticker, 0),
    )


def _restore_accounts(state: State, books: Books) -> None:
    for row in books.accounts:
        state.accounts[row["name"]] = Account(row["name"], row["tier"])
    for row in books.cash:
        account = state.accounts[row["account"]]
        account.cash[row["exchange_index"]] = row["cash_micros"]
        account.deposited[row["exchange_index"]] = row["deposited_micros"]
    for row in books.house:
        state.house.foreign[row["exchange_index"]] = row["foreign_micros"]
        state.house.fees[row["exchange_index"]] = row["fees_micros"]
    for row in books.positions:
        values = {name: row[name] for name in exchange_books.POSITION_COLUMNS}
        held = PositionRecord(**values | {"settled": bool(row["settled"])})
        state.accounts[held.account].positions[held.ticker] = held


def _restore_market(state: State, row: sqlite3.Row) -> None:
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
    if market.status is not Status.FINALIZED:
        heapq.heappush(state.timers, (market.close_at_ms + VOID_AFTER_MS, "void", market.ticker))
    if row["foreign_position_ch"]:
        state.house.positions[market.ticker] = row["foreign_position_ch"]


def _order(row: sqlite3.Row) -> OrderRecord:
    values = {name: row[name] for name in exchange_books.ORDER_COLUMNS}
    return OrderRecord(
        **values
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
