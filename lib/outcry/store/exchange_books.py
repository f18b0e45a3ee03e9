"""The local exchange's own books, in a file of their own: written whole, one transaction a step, before it is answered.

Rows travel as plain tuples in the order of the columns of `exchange_tables`: what they mean is the exchange's business.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from outcry import failpoints
from outcry.store import database
from outcry.store.exchange_tables import TABLES

FOLDER = database.PROJECT / "sql" / "exchange"
Row = tuple[object, ...]


@dataclass(slots=True)
class Rows:
    """Rows to write, per table, in the order of its columns."""

    accounts: Sequence[Row] = ()
    purses: Sequence[Row] = ()
    cash: Sequence[Row] = ()
    house: Sequence[Row] = ()
    markets: Sequence[Row] = ()
    order_groups: Sequence[Row] = ()
    orders: Sequence[Row] = ()
    positions: Sequence[Row] = ()
    fills: Sequence[Row] = ()
    settlements: Sequence[Row] = ()
    transfers: Sequence[Row] = ()
    subaccount_transfers: Sequence[Row] = ()
    moves: Sequence[Row] = ()


@dataclass(slots=True)
class Books:
    """Everything in the file, per table, oldest first."""

    accounts: list[sqlite3.Row] = field(default_factory=list)
    purses: list[sqlite3.Row] = field(default_factory=list)
    cash: list[sqlite3.Row] = field(default_factory=list)
    house: list[sqlite3.Row] = field(default_factory=list)
    markets: list[sqlite3.Row] = field(default_factory=list)
    order_groups: list[sqlite3.Row] = field(default_factory=list)
    orders: list[sqlite3.Row] = field(default_factory=list)
    positions: list[sqlite3.Row] = field(default_factory=list)
    fills: list[sqlite3.Row] = field(default_factory=list)
    settlements: list[sqlite3.Row] = field(default_factory=list)
    transfers: list[sqlite3.Row] = field(default_factory=list)
    subaccount_transfers: list[sqlite3.Row] = field(default_factory=list)
    moves: list[sqlite3.Row] = field(default_factory=list)


def open_file(path: Path) -> sqlite3.Connection:
    """The exchange's connection, made and migrated if need be. It alone uses the file, so it checkpoints the WAL."""
    db = database.connect(path, checkpoints=True)
    database.migrate(db, FOLDER)
    return db


_INSERTS = [(table.name, table.insert) for table in TABLES]


def save(db: sqlite3.Connection, rows: Rows) -> None:
    """Write one step of the exchange: all of it, or nothing.

    raises  Unavailable when the file refuses; sqlite3.IntegrityError when a check of the schema fails
    """
    with database.write(db):
        for name, statement in _INSERTS:
            if given := getattr(rows, name):
                db.executemany(statement, given)
        failpoints.reached("books.commit")


def load(db: sqlite3.Connection) -> Books:
    """Everything that was ever saved."""
    return Books(**{table.name: db.execute(table.select).fetchall() for table in TABLES})


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
