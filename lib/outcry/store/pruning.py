"""What goes when it is old: figures that can be had again, or that no book needs. Never a first record.

Each call takes a few rows in a short transaction, so that nobody waits for it.
"""

import sqlite3

from outcry.store import jobs
from outcry.store.database import quick

ROWS = 500


def quotes(db: sqlite3.Connection, before_ms: int) -> int:
    """Quotes of markets that closed before a time, where nobody holds anything that has not paid."""
    with quick(db):
        return db.execute(
            "DELETE FROM quotes WHERE ticker IN (SELECT q.ticker FROM quotes q LEFT JOIN markets m USING (ticker)"
            " WHERE coalesce(m.close_at_ms, q.published_at_ms) < ?1 AND q.published_at_ms < ?1 AND NOT EXISTS"
            " (SELECT 1 FROM holdings h WHERE h.ticker = q.ticker AND h.settled = 0 AND h.position_ch <> 0)"
            " AND NOT EXISTS (SELECT 1 FROM open_orders o WHERE o.ticker = q.ticker) LIMIT ?2)",
            (before_ms, ROWS),
        ).rowcount


def looks(db: sqlite3.Connection, before_ms: int) -> int:
    """Counters of looks that led to nothing, of minutes before a time."""
    with quick(db):
        return db.execute(
            "DELETE FROM looks WHERE (minute_ms, agent, ticker, condition) IN"
            " (SELECT minute_ms, agent, ticker, condition FROM looks WHERE minute_ms < ? LIMIT ?)",
            (before_ms, ROWS),
        ).rowcount


def reconciliations(db: sqlite3.Connection, before_ms: int) -> int:
    """Looks at the exchange identity that agreed, before a time: what differed stays, and each shard's newest."""
    with quick(db):
        return db.execute(
            "DELETE FROM reconciliations WHERE id IN (SELECT id FROM reconciliations r WHERE at_ms < ? AND agreed = 1"
            " AND id < (SELECT max(id) FROM reconciliations WHERE exchange_index = r.exchange_index) LIMIT ?)",
            (before_ms, ROWS),
        ).rowcount


def runs(db: sqlite3.Connection, before_ms: int) -> int:
    """Runs of jobs, but never the first."""
    return jobs.prune(db, before_ms, ROWS)
