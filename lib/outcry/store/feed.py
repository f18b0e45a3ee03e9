"""What one trader reads: how far everything has come, and what became (or stopped being) its own since."""

import sqlite3
from typing import NamedTuple

from outcry.domain.fill import Fill
from outcry.store.fills import fill_of


class Marks(NamedTuple):
    """The newest number of everything a trader follows; each only grows. Kept in its journal at every step.

    publish       the collector's last publish
    order_event   the last change of any order
    attribution   the last booking of a fill to somebody
    settlement    the last market that paid
    control       the last thing forbidden or allowed again
    evolution     the last change of any agent's row
    capital       trading days whose capital is fixed
    """

    publish: int = 0
    order_event: int = 0
    attribution: int = 0
    settlement: int = 0
    control: int = 0
    evolution: int = 0
    capital: int = 0


class Attributed(NamedTuple):
    """A fill that became this agent's, or (`undone`) that a later attribution took away from it."""

    fill: Fill
    undone: bool


def marks(db: sqlite3.Connection) -> Marks:
    """How far everything has come: one statement, a few microseconds."""
    row = db.execute(
        "SELECT coalesce((SELECT number FROM publishes), 0), coalesce((SELECT max(id) FROM order_events), 0),"
        " coalesce((SELECT max(id) FROM attributions), 0), coalesce((SELECT max(id) FROM settlements), 0),"
        " coalesce((SELECT max(id) FROM controls), 0), coalesce((SELECT max(id) FROM evolution_events), 0),"
        " (SELECT count(*) FROM capital)"
    ).fetchone()
    return Marks(*row)


def attributed_since(db: sqlite3.Connection, agent: str, attribution_id: int) -> list[Attributed]:
    """What attributions after one that was seen gave to an agent or took from it, in their order."""
    rows = db.execute(
        "SELECT f.*, a.agent AS owner, (SELECT agent FROM attributions WHERE fill_id = a.fill_id AND id < a.id"
        "   ORDER BY id DESC LIMIT 1) AS former"
        "  FROM attributions a JOIN fills f ON f.id = a.fill_id WHERE a.id > ? ORDER BY a.id",
        (attribution_id,),
    )
    return [
        Attributed(fill_of(row), undone=row["owner"] != agent)
        for row in rows
        if (row["owner"] == agent) != (row["former"] == agent)
    ]


def unsettled_fills(db: sqlite3.Connection, agent: str) -> list[Fill]:
    """An agent's fills in markets that have not paid yet, as they were booked: its positions, with their history."""
    rows = db.execute(
        "SELECT b.* FROM holdings h JOIN booked_fills b ON b.ticker = h.ticker AND b.agent = h.agent"
        " WHERE h.agent = ? AND h.settled = 0 ORDER BY b.id",
        (agent,),
    )
    return [fill_of(row) for row in rows]


def clerk_beat_ms(db: sqlite3.Connection) -> int | None:
    """When the clerk last gave a sign of life; None when it never ran here."""
    row = db.execute("SELECT beat_at_ms FROM heartbeats WHERE program = 'clerk'").fetchone()
    return row["beat_at_ms"] if row else None


def collector_began_ms(db: sqlite3.Connection) -> int | None:
    """When the collector that runs, or ran last, began; None when it never ran here."""
    row = db.execute("SELECT started_at_ms FROM heartbeats WHERE program = 'collector'").fetchone()
    return row["started_at_ms"] if row else None


def floor_id(db: sqlite3.Connection) -> str | None:
    """The six letters in every order id of this floor; None before the first migration named it."""
    row = db.execute("SELECT floor_id FROM floor").fetchone()
    return row["floor_id"] if row else None
