"""The exchange's books on disk: every step written before it is answered, everything there again after a kill.

Foreign books are not kept: the source has to show them again. Until it does, restored orders rest in an empty book, and
then stand at the back of the queue.
"""

import json
import sqlite3
from collections.abc import Callable
from operator import attrgetter

from outcry.domain.errors import InvariantBroken
from outcry.paper.engine import restoring, treasury
from outcry.paper.engine.accounts import Account, imbalance_micros, purses_of
from outcry.paper.engine.engine import Engine
from outcry.paper.engine.groups import OrderGroup
from outcry.paper.engine.manners import Manners
from outcry.paper.engine.purse import Purse
from outcry.paper.engine.records import MarketRecord
from outcry.paper.engine.state import State, Unsaved
from outcry.store import exchange_books, exchange_tables
from outcry.store.exchange_books import Books, Row, Rows
from outcry.venue import fees

_order_row = attrgetter(*exchange_tables.ORDER_COLUMNS)
_position_row = attrgetter(*exchange_tables.POSITION_COLUMNS)
_fill_row = attrgetter(*exchange_tables.FILL_COLUMNS)
_settlement_row = attrgetter(*exchange_tables.SETTLEMENT_COLUMNS)
_transfer_row = attrgetter(*exchange_tables.TRANSFER_COLUMNS)
_subaccount_transfer_row = attrgetter(*exchange_tables.SUBACCOUNT_TRANSFER_COLUMNS)
_move_row = attrgetter(*exchange_tables.MOVE_COLUMNS)


def save(db: sqlite3.Connection, engine: Engine) -> bool:
    """Write down what changed since the last save, durably, in one transaction; False when nothing had.

    Call it before anything of a step is answered or pushed.
    raises  Unavailable when the file refuses: then nothing was written, and the next save will try all of it again
    """
    state, unsaved = engine.state, engine.state.unsaved
    if not unsaved:
        return False
    accounts = [state.accounts[name] for name in sorted(unsaved.accounts)]
    several: dict[str, list[Row]] = {
        "accounts": [_account_row(account) for account in accounts],
        "purses": [_purse_row(purse) for purse in purses_of(accounts)],
        "cash": [
            (purse.account, purse.number, shard, cash, purse.moved_in.get(shard, 0))
            for purse in purses_of(accounts)
            for shard, cash in purse.cash.items()
        ],
        "house": _house_rows(state),
    }
    fresh = {table: [row for row in rows if not state.written.same(table, row)] for table, rows in several.items()}
    exchange_books.save(
        db,
        Rows(
            **fresh,
            markets=[_market_row(state, state.markets[ticker]) for ticker in sorted(unsaved.markets)],
            order_groups=[_group_row(group) for group in unsaved.groups.values()],
            orders=[_order_row(order) for order in unsaved.orders.values()],
            positions=[_position_row(held) for held in unsaved.positions.values()],
            fills=[_fill_row(fill) for fill in unsaved.fills],
            settlements=[_settlement_row(paid) for paid in unsaved.settlements],
            transfers=[_transfer_row(transfer) for transfer in unsaved.transfers.values()],
            subaccount_transfers=[_subaccount_transfer_row(moved) for moved in unsaved.subaccount_transfers],
            moves=[_move_row(move) for move in unsaved.moves],
        ),
    )
    state.unsaved = Unsaved()
    for table, rows in fresh.items():
        state.written.note(table, rows)
    return True


def load(
    db: sqlite3.Connection,
    new_id: Callable[[], str],
    manners: Manners | None = None,
    *,
    precision_micros: int = fees.DIRECT_MICROS,
    cancel_share_millionths: int = 0,
    close_cancel_ms: int = 500,
) -> Engine:
    """An engine with everything the file knows: a new one when it knows nothing. What fell due meanwhile (expiries,
    money under way) happens at `tick`.

    raises  InvariantBroken when the books do not add up to the deposits
    """
    engine = Engine(
        new_id,
        manners,
        precision_micros=precision_micros,
        cancel_share_millionths=cancel_share_millionths,
        close_cancel_ms=close_cancel_ms,
    )
    books = exchange_books.load(db)
    restoring.restore(engine.state, books)
    _check(engine.state, books)
    return engine


def _check(state: State, books: Books) -> None:
    for shard in sorted({row["exchange_index"] for row in [*books.house, *books.cash]}):
        if missing := imbalance_micros(purses_of(state.accounts.values()), state.house, shard):
            raise InvariantBroken(f"the exchange's books are off by {missing} micro-dollars on shard {shard}")
    for name in state.accounts:
        if missing := treasury.missing_micros(state, name):
            raise InvariantBroken(f"the exchange's books miss {missing} micro-dollars that {name} put in")


def _account_row(account: Account) -> Row:
    target = account.target
    told = target and json.dumps([list(target.percents.items()), target.reservation, target.next_at_ms])
    return account.name, account.tier, told


def _purse_row(purse: Purse) -> Row:
    return purse.account, purse.number, purse.exchange_index, purse.netting, purse.swept_until_ms


def _house_rows(state: State) -> list[Row]:
    shards = sorted({*state.house.foreign, *state.house.fees})
    return [(shard, state.house.foreign.get(shard, 0), state.house.fees.get(shard, 0)) for shard in shards]


def _group_row(group: OrderGroup) -> Row:
    return (
        group.group_id,
        group.account,
        group.subaccount,
        group.exchange_index,
        group.limit_ch,
        group.created_at_ms,
        group.triggered,
        group.deleted,
        json.dumps(list(group.matched)),
    )


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
        record.pays_at_ms,
    )
