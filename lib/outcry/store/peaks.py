"""The highest result of the floor's day, and of each agent: what a drawdown is measured from. Survives restarts."""

import sqlite3

from outcry.store.database import quick


def highest_micros(
    db: sqlite3.Connection, scope: str, name: str, result_micros: int, *, since_ms: int, begin_micros: int, now_ms: int
) -> int:
    """The highest result since a time, the present one included; kept when it is a new one.

    scope, name   'floor' and '', or 'agent' and its name
    since_ms      when it began to count; a later time than the kept one begins it anew
    begin_micros  what it begins with
    """
    row = db.execute("SELECT since_ms, result_micros FROM peaks WHERE scope = ? AND name = ?", (scope, name)).fetchone()
    begun = row is not None and row["since_ms"] >= since_ms
    before_micros = row["result_micros"] if begun else begin_micros
    if begun and result_micros <= before_micros:
        return before_micros
    peak_micros = max(before_micros, result_micros)
    with quick(db):
        db.execute(
            "INSERT OR REPLACE INTO peaks (scope, name, since_ms, result_micros, reached_at_ms) VALUES (?, ?, ?, ?, ?)",
            (scope, name, since_ms, peak_micros, now_ms),
        )
    return peak_micros


def kept_micros(db: sqlite3.Connection, scope: str, name: str) -> int | None:
    """The highest result as it was last seen; None before anybody looked."""
    row = db.execute("SELECT result_micros FROM peaks WHERE scope = ? AND name = ?", (scope, name)).fetchone()
    return row["result_micros"] if row else None
