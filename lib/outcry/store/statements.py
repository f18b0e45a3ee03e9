"""Statements of account for the proof: ours from the ledger, the exchange's from its own file. Reading only."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from outcry.domain.statement import FillLine, OrderLine, PaidLine, Statement
from outcry.store import accounts, database, fills

NEVER_THERE = ("planned", "abandoned", "rejected", "absent", "presumed_absent")
_FILL = "ticker, exchange_index, side, price_cc, count_ch, fee_micros, is_taker"


def both(ledger: Path, books: Path, account: str) -> tuple[Statement, Statement]:
    """Our statement and the exchange's as of one moment, as nearly as two files allow.

    account  whose, at the exchange
    raises   Unavailable or sqlite3.Error when one of them cannot be read
    """
    with closing(database.read_only(ledger)) as here, closing(database.read_only(books)) as there:
        for db in (here, there):  # both are pinned before either is read
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return ours(here), theirs(there, account)


def ours(db: sqlite3.Connection) -> Statement:
    """What our ledger says. Orders that nobody knows the outcome of are in it, under their state."""
    marks = ", ".join("?" * len(NEVER_THERE))
    placed = db.execute(
        "SELECT client_order_id, order_id, ticker, side, price_cc, count_ch, filled_ch, state, booked_ch FROM orders"  # noqa: S608
        f" WHERE state NOT IN ({marks})",
        NEVER_THERE,
    ).fetchall()
    booked = db.execute(f"SELECT trade_id, order_id, {_FILL} FROM fills").fetchall()  # noqa: S608
    net_ch = accounts.traded_positions(db)
    paid = db.execute("SELECT ticker, result, value_cc FROM market_values").fetchall()
    shards = accounts.shards(db)
    return Statement(
        orders={row[0]: OrderLine(*tuple(row)[1:8]) for row in placed},
        fills={(row[0], row[1]): FillLine(*tuple(row)[2:]) for row in booked},
        paid={row[0]: PaidLine(row[1], row[2], net_ch.get(row[0], 0)) for row in paid},
        positions_ch=accounts.net_positions(db),
        cash_micros={shard: accounts.expected_micros(db, shard) for shard in shards},
        unsound=tuple(_unsound(db, placed)),
    )


def theirs(db: sqlite3.Connection, account: str) -> Statement:
    """What the exchange's own file says of an account."""
    placed = db.execute(
        "SELECT client_order_id, order_id, ticker, side, price_cc, initial_ch, filled_ch, status FROM orders"
        " WHERE account = ?",
        (account,),
    ).fetchall()
    given = db.execute(f"SELECT trade_id, order_id, {_FILL} FROM fills WHERE account = ?", (account,)).fetchall()  # noqa: S608
    paid = db.execute(
        "SELECT ticker, result, value_cc, yes_count_ch - no_count_ch FROM settlements WHERE account = ? ORDER BY id",
        (account,),
    ).fetchall()
    held = db.execute(
        "SELECT ticker, sum(position_ch) FROM positions WHERE account = ? AND settled = 0 GROUP BY ticker"
        " HAVING sum(position_ch) <> 0",
        (account,),
    ).fetchall()
    cash = db.execute(
        "SELECT exchange_index, sum(cash_micros) FROM cash WHERE account = ? GROUP BY exchange_index", (account,)
    ).fetchall()
    times = Counter(row[0] for row in placed)
    return Statement(
        orders={row[0]: OrderLine(*tuple(row)[1:]) for row in placed},
        fills={(row[0], row[1]): FillLine(*tuple(row)[2:]) for row in given},
        paid={row[0]: PaidLine(*tuple(row)[1:]) for row in paid},
        positions_ch=dict(map(tuple, held)),
        cash_micros=dict(map(tuple, cash)),
        unsound=tuple(f"order {name} was placed {count} times" for name, count in times.items() if count > 1),
    )


def _unsound(db: sqlite3.Connection, placed: list[sqlite3.Row]) -> list[str]:
    """What our own records contradict each other in."""
    twice = db.execute("SELECT decision_id, count(*) FROM orders GROUP BY decision_id HAVING count(*) > 1").fetchall()
    return [
        *(f"decision {row[0]} has {row[1]} orders" for row in twice),
        *(f"order {row[0]}: {row[8]} booked of {row[6]} filled" for row in placed if row[8] != row[6]),
        *(f"fill {kept.fill.trade_id} is nobody's yet" for kept in fills.parked(db)),
        *(f"the total of {name} is not what its fills add up to" for name in fills.misbooked(db)),
    ]
