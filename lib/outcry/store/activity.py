"""How much an agent did: its orders and trades of a day, and since it was paused for losing.

A trade is an entry that was filled, at least in part, or still may be: counted so, orders that are out at the same time
cannot together become more trades than are allowed.
"""

import sqlite3

from outcry.domain.units import ONE_DOLLAR_CC

STREAK_TRADES = 1_000  # of the trades since a losing streak no more are counted


def today(db: sqlite3.Connection, agent: str, rolled_at_ms: int) -> tuple[int, int, int]:
    """Orders since the roll of the day, trades among them, and $1 for each contract of the entries.

    As sent while they count, as filled afterwards.
    """
    row = db.execute(
        "SELECT count(*) AS orders,"
        " coalesce(sum(purpose = 'entry' AND (filled_ch > 0 OR NOT over)), 0) AS trades,"
        " coalesce(sum(CASE WHEN purpose <> 'entry' THEN 0 WHEN over AND booked_ch >= filled_ch THEN filled_ch"
        "   ELSE count_ch END), 0) AS count_ch"
        " FROM (SELECT *, state IN ('abandoned', 'executed', 'canceled', 'rejected', 'absent') AS over FROM orders)"
        " WHERE agent = ? AND created_at_ms >= ?",
        (agent, rolled_at_ms),
    ).fetchone()
    return row["orders"], row["trades"], row["count_ch"] * ONE_DOLLAR_CC


def since_streak(db: sqlite3.Connection, agent: str) -> tuple[int, int]:
    """How often a losing streak paused an agent, and its trades since the last time."""
    pauses, paused_at_ms = streak_pauses(db, agent)
    if not pauses:
        return 0, 0
    trades = db.execute(
        "SELECT count(*) FROM (SELECT 1 FROM orders WHERE agent = ? AND created_at_ms > ? AND purpose = 'entry'"
        "  AND (filled_ch > 0 OR state NOT IN ('abandoned', 'executed', 'canceled', 'rejected', 'absent')) LIMIT ?)",
        (agent, paused_at_ms, STREAK_TRADES),
    ).fetchone()[0]
    return pauses, trades


def streak_pauses(db: sqlite3.Connection, agent: str) -> tuple[int, int]:
    """How often a losing streak paused an agent, and when it did last; (0, 0) for never."""
    row = db.execute(
        "SELECT count(*) AS pauses, coalesce(max(at_ms), 0) AS at_ms FROM controls WHERE scope = 'agent' AND name = ?"
        " AND kind = 'stop_entries' AND cause = 'losing_streak' AND active = 1",
        (agent,),
    ).fetchone()
    return row["pauses"], row["at_ms"]
