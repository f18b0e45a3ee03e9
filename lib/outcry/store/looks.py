"""Looks that led to no intent: per-minute counters by agent, market and first failed condition. bin/why reads them."""

import sqlite3
from collections.abc import Mapping

from outcry.store.database import quick

MINUTE_MS = 60_000


def add(db: sqlite3.Connection, agent: str, counts: Mapping[tuple[str, int, str, str], int]) -> None:
    """Raise the counters; one short transaction that may be lost in a power cut.

    counts  {(ticker, start of the minute in ms, condition, the step at which it failed): looks}
    """
    rows = [(agent, *key, looks) for key, looks in counts.items()]
    with quick(db):
        db.executemany(
            "INSERT INTO looks (agent, ticker, minute_ms, condition, step, looks) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (minute_ms, agent, ticker, condition) DO UPDATE SET looks = looks + excluded.looks",
            rows,
        )


def since(db: sqlite3.Connection, agent: str, minute_ms: int) -> list[tuple[str, str, int]]:
    """What kept an agent from acting since a minute: (ticker, condition, looks), the most frequent first."""
    rows = db.execute(
        "SELECT ticker, condition, sum(looks) AS looks FROM looks WHERE agent = ? AND minute_ms >= ?"
        " GROUP BY ticker, condition ORDER BY looks DESC, ticker, condition",
        (agent, minute_ms),
    )
    return [(row["ticker"], row["condition"], row["looks"]) for row in rows]


def by_condition(db: sqlite3.Connection, since_ms: int, lately_ms: int) -> list[tuple[str, str, str, int, int]]:
    """What kept agents from acting: (agent, step, condition, looks since a minute, those since a later one)."""
    rows = db.execute(
        "SELECT agent, step, condition, sum(looks), sum(looks * (minute_ms >= ?)) FROM looks WHERE minute_ms >= ?"
        " GROUP BY agent, step, condition",
        (lately_ms, since_ms),
    )
    return [tuple(row) for row in rows]


def forget(db: sqlite3.Connection, before_ms: int) -> int:
    """Drop counters of minutes before a time; how many rows went."""
    with quick(db):
        return db.execute("DELETE FROM looks WHERE minute_ms < ?", (before_ms,)).rowcount
