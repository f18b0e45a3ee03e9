"""Whether each shard of the exchange trades, as the exchange last said."""

import sqlite3
from collections.abc import Mapping

from outcry.store.database import write


def keep(db: sqlite3.Connection, trading: Mapping[int, bool], now_ms: int) -> None:
    """Write what was said of each shard."""
    with write(db):
        db.executemany(
            "INSERT OR REPLACE INTO shards (exchange_index, trading, said_at_ms) VALUES (?, ?, ?)",
            [(shard, trades, now_ms) for shard, trades in trading.items()],
        )


def trading(db: sqlite3.Connection, exchange_index: int) -> bool:
    """False while the exchange says that nobody can trade there; a shard it was never asked about is thought open."""
    row = db.execute("SELECT trading FROM shards WHERE exchange_index = ?", (exchange_index,)).fetchone()
    return row is None or bool(row["trading"])
