"""The file in which all programs share the account's request budget (`budget.db`), apart from the floor's database.

It is small, asked before every call to the exchange, and never waited for longer than 50 ms. Losing it loses nothing
but a second of thrift: it is made anew. It survives restarts, so that restarting a program refills no bucket.
"""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from outcry.domain.errors import Unavailable
from outcry.store import database
from outcry.store.database import DatabaseRefused

TIMEOUT_MS = 50

State = tuple[int, int]  # (thousandths of a token, Unix ms)
Rate = tuple[int, int]  # (tokens a second, tokens when full)

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS rates"
    " (kind TEXT PRIMARY KEY, per_s INTEGER NOT NULL, capacity INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS buckets"
    " (name TEXT PRIMARY KEY, level_millis INTEGER NOT NULL, at_ms INTEGER NOT NULL) STRICT",
)


class BudgetFile:
    """Opened at the first use and again after any trouble: a program starts, and goes on, without it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None

    def update(self, bucket: str, kind: str, change: Callable[[State | None, Rate | None], State]) -> None:
        """Replace a bucket by what `change` makes of it and of its kind's rate, in one transaction.

        raises  Unavailable when the file is locked for longer than 50 ms, or broken; whatever `change` raises
        """
        try:
            with database.write(self._open()) as db:
                state = db.execute("SELECT level_millis, at_ms FROM buckets WHERE name = ?", (bucket,)).fetchone()
                rate = db.execute("SELECT per_s, capacity FROM rates WHERE kind = ?", (kind,)).fetchone()
                after = change(tuple(state) if state else None, tuple(rate) if rate else None)
                db.execute("INSERT OR REPLACE INTO buckets VALUES (?, ?, ?)", (bucket, *after))
        except (sqlite3.Error, DatabaseRefused) as error:
            raise self._lost(error) from error

    def rate(self, kind: str) -> Rate | None:
        """The rate of a kind, if any was kept. Raises Unavailable as `update` does."""
        try:
            row = self._open().execute("SELECT per_s, capacity FROM rates WHERE kind = ?", (kind,)).fetchone()
        except (sqlite3.Error, DatabaseRefused) as error:
            raise self._lost(error) from error
        return tuple(row) if row else None

    def set_rates(self, rates: Mapping[str, Rate]) -> None:
        """Keep the rate of each kind. Raises Unavailable as `update` does."""
        try:
            with database.write(self._open()) as db:
                for kind, rate in rates.items():
                    db.execute("INSERT OR REPLACE INTO rates VALUES (?, ?, ?)", (kind, *rate))
        except (sqlite3.Error, DatabaseRefused) as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            db = database.connect(self._path, timeout_ms=TIMEOUT_MS, checkpoints=True)
            try:
                db.execute("PRAGMA synchronous = NORMAL")
                for statement in _SCHEMA:
                    db.execute(statement)
            except sqlite3.Error:
                db.close()
                raise
            self._db = db
        return self._db

    def _lost(self, error: Exception) -> Unavailable:
        self.close()
        return Unavailable(f"budget file {self._path} is of no use: {error}")
