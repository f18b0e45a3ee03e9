"""The local exchange's own books, in a file of their own: written whole, one transaction a step, before it is answered.

Rows travel as plain tuples in the order of the columns named here: what they mean is the exchange's business.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from outcry.store import database

FOLDER = database.PROJECT / "sql" / "exchange"
Row = tuple[object, ...]

ORDER_COLUMNS = (
    "order_id", "account", "client_order_id", "ticker", "exchange_index", "side", "price_cc", "initial_ch",
    "remaining_ch", "time_in_force", "self_trade", "number", "created_at_ms", "updated_at_ms", "status", "reason",
    "filled_ch", "taker_filled_ch", "taker_value_micros", "maker_value_micros", "taker_fees_micros",
    "maker_fees_micros", "accumulator_micros", "expires_at_ms", "post_only", "reduce_only", "cancel_on_pause",
)  # fmt: skip
POSITION_COLUMNS = (
    "account", "ticker", "exchange_index", "position_ch", "basis_micros", "realized_micros", "traded_micros",
    "fees_micros", "yes_count_ch", "yes_cost_micros", "no_count_ch", "no_cost_micros", "updated_at_ms", "settled",
)  # fmt: skip
FILL_COLUMNS = (
    "account", "trade_id", "order_id", "client_order_id", "ticker", "exchange_index", "side", "price_cc", "count_ch",
    "fee_micros", "is_taker", "at_ms", "post_position_ch",
)  # fmt: skip
SETTLEMENT_COLUMNS = (
    "account", "ticker", "event_ticker", "exchange_index", "result", "value_cc", "yes_count_ch", "yes_cost_micros",
    "no_count_ch", "no_cost_micros", "revenue_micros", "fee_micros", "at_ms",
)  # fmt: skip
MARKET_COLUMNS = (
    "ticker", "event_ticker", "series_ticker", "exchange_index", "status", "open_at_ms", "close_at_ms", "price_ranges",
    "fee_type", "fee_multiplier_millionths", "title", "underlying", "strike_type", "strike_micros", "result",
    "settlement_value_cc", "expiration_value_micros", "created_at_ms", "updated_at_ms", "determined_at_ms",
    "settled_at_ms", "last_price_cc", "last_count_ch", "foreign_volume_ch", "foreign_interest_ch", "own_volume_ch",
    "own_interest_ch", "foreign_position_ch",
)  # fmt: skip


@dataclass(slots=True)
class Rows:
    """Rows to write, per table. accounts: (name, tier); cash: (account, shard, cash, deposited); house: (shard,
    foreign cash, fees); the rest in the order of their columns above."""

    accounts: Sequence[Row] = ()
    cash: Sequence[Row] = ()
    house: Sequence[Row] = ()
    markets: Sequence[Row] = ()
    orders: Sequence[Row] = ()
    positions: Sequence[Row] = ()
    fills: Sequence[Row] = ()
    settlements: Sequence[Row] = ()


@dataclass(slots=True)
class Books:
    """Everything in the file, oldest first."""

    accounts: list[sqlite3.Row] = field(default_factory=list)
    cash: list[sqlite3.Row] = field(default_factory=list)
    house: list[sqlite3.Row] = field(default_factory=list)
    markets: list[sqlite3.Row] = field(default_factory=list)
    orders: list[sqlite3.Row] = field(default_factory=list)
    positions: list[sqlite3.Row] = field(default_factory=list)
    fills: list[sqlite3.Row] = field(default_factory=list)
    settlements: list[sqlite3.Row] = field(default_factory=list)


def open_file(path: Path) -> sqlite3.Connection:
    """The exchange's connection, made and migrated if need be. It alone uses the file, so it checkpoints the WAL."""
    db = database.connect(path, checkpoints=True)
    database.migrate(db, FOLDER)
    return db


def save(db: sqlite3.Connection, rows: Rows) -> None:
    """Write one step of the exchange: all of it, or nothing.

    raises  Unavailable when the file refuses; sqlite3.IntegrityError when a check of the schema fails
    """
    with database.write(db):
        db.executemany(_ACCOUNT, rows.accounts)
        db.executemany(_CASH, rows.cash)
        db.executemany(_HOUSE, rows.house)
        db.executemany(_MARKET, rows.markets)
        db.executemany(_ORDER, rows.orders)
        db.executemany(_POSITION, rows.positions)
        db.executemany(_FILL, rows.fills)
        db.executemany(_SETTLEMENT, rows.settlements)


def load(db: sqlite3.Connection) -> Books:
    """Everything that was ever saved."""
    return Books(
        accounts=db.execute("SELECT * FROM accounts ORDER BY name").fetchall(),
        cash=db.execute("SELECT * FROM cash ORDER BY account, exchange_index").fetchall(),
        house=db.execute("SELECT * FROM house ORDER BY exchange_index").fetchall(),
        markets=db.execute("SELECT * FROM markets ORDER BY created_at_ms, ticker").fetchall(),
        orders=db.execute("SELECT * FROM orders ORDER BY created_at_ms, number").fetchall(),
        positions=db.execute("SELECT * FROM positions ORDER BY account, ticker").fetchall(),
        fills=db.execute("SELECT * FROM fills ORDER BY id").fetchall(),
        settlements=db.execute("SELECT * FROM settlements ORDER BY id").fetchall(),
    )


def note(db: sqlite3.Connection, name: str, value: str) -> None:
    """Remember something about the exchange itself (its source's seed and start, say)."""
    with database.write(db):
        db.execute(
            "INSERT INTO notes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
        )


def noted(db: sqlite3.Connection, name: str) -> str | None:
    """What was remembered under a name; None when nothing was."""
    row = db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]


_ACCOUNT = "INSERT INTO accounts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET tier = excluded.tier"
_CASH = """
INSERT INTO cash VALUES (?, ?, ?, ?) ON CONFLICT (account, exchange_index) DO UPDATE SET
    cash_micros = excluded.cash_micros, deposited_micros = excluded.deposited_micros
"""
_HOUSE = """
INSERT INTO house VALUES (?, ?, ?) ON CONFLICT (exchange_index) DO UPDATE SET
    foreign_micros = excluded.foreign_micros, fees_micros = excluded.fees_micros
"""
_MARKET = """
INSERT INTO markets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (ticker) DO UPDATE SET
    status = excluded.status, open_at_ms = excluded.open_at_ms, close_at_ms = excluded.close_at_ms,
    price_ranges = excluded.price_ranges, fee_type = excluded.fee_type,
    fee_multiplier_millionths = excluded.fee_multiplier_millionths, title = excluded.title,
    underlying = excluded.underlying, strike_type = excluded.strike_type, strike_micros = excluded.strike_micros,
    result = excluded.result, settlement_value_cc = excluded.settlement_value_cc,
    expiration_value_micros = excluded.expiration_value_micros, updated_at_ms = excluded.updated_at_ms,
    determined_at_ms = excluded.determined_at_ms, settled_at_ms = excluded.settled_at_ms,
    last_price_cc = excluded.last_price_cc, last_count_ch = excluded.last_count_ch,
    foreign_volume_ch = excluded.foreign_volume_ch, foreign_interest_ch = excluded.foreign_interest_ch,
    own_volume_ch = excluded.own_volume_ch, own_interest_ch = excluded.own_interest_ch,
    foreign_position_ch = excluded.foreign_position_ch
"""
_ORDER = """
INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (order_id) DO UPDATE SET
    client_order_id = excluded.client_order_id, price_cc = excluded.price_cc, initial_ch = excluded.initial_ch,
    remaining_ch = excluded.remaining_ch, number = excluded.number, updated_at_ms = excluded.updated_at_ms,
    status = excluded.status, reason = excluded.reason, filled_ch = excluded.filled_ch,
    taker_filled_ch = excluded.taker_filled_ch, taker_value_micros = excluded.taker_value_micros,
    maker_value_micros = excluded.maker_value_micros, taker_fees_micros = excluded.taker_fees_micros,
    maker_fees_micros = excluded.maker_fees_micros, accumulator_micros = excluded.accumulator_micros,
    expires_at_ms = excluded.expires_at_ms
"""
_POSITION = """
INSERT INTO positions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, ticker) DO UPDATE SET
    position_ch = excluded.position_ch, basis_micros = excluded.basis_micros,
    realized_micros = excluded.realized_micros, traded_micros = excluded.traded_micros,
    fees_micros = excluded.fees_micros, yes_count_ch = excluded.yes_count_ch,
    yes_cost_micros = excluded.yes_cost_micros, no_count_ch = excluded.no_count_ch,
    no_cost_micros = excluded.no_cost_micros, updated_at_ms = excluded.updated_at_ms, settled = excluded.settled
"""
_FILL = """
INSERT INTO fills (account, trade_id, order_id, client_order_id, ticker, exchange_index, side, price_cc, count_ch,
                   fee_micros, is_taker, at_ms, post_position_ch)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_SETTLEMENT = """
INSERT INTO settlements (account, ticker, event_ticker, exchange_index, result, value_cc, yes_count_ch, yes_cost_micros,
                         no_count_ch, no_cost_micros, revenue_micros, fee_micros, at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
