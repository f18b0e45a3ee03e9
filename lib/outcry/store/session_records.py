"""What a floor did in a span of time, read back for a replay. Times in ms UTC, both ends included."""

import sqlite3
from typing import NamedTuple

from outcry.domain.fill import Fill
from outcry.store.fills import fill_of


class Done(NamedTuple):
    """A fill with whose it is, and when its order was made; "" and None where we have no order of it."""

    agent: str
    fill: Fill
    ordered_at_ms: int | None


def decisions(db: sqlite3.Connection, from_ms: int, to_ms: int) -> list[sqlite3.Row]:
    """Whole rows, in the order they were made."""
    return db.execute(
        "SELECT * FROM decisions WHERE at_ms BETWEEN ? AND ? ORDER BY at_ms, decision_id", (from_ms, to_ms)
    ).fetchall()


def decided(db: sqlite3.Connection, agent: str, from_ms: int, to_ms: int) -> list[sqlite3.Row]:
    """What an agent's decisions were about, and the order of each, None where it had none."""
    return db.execute(
        "SELECT d.decision_id, d.purpose, d.ticker, d.intent, d.view, o.client_order_id FROM decisions d"
        " LEFT JOIN orders o USING (decision_id) WHERE d.agent = ? AND d.at_ms BETWEEN ? AND ?"
        " ORDER BY d.at_ms, d.decision_id",
        (agent, from_ms, to_ms),
    ).fetchall()


def fills(db: sqlite3.Connection, from_ms: int, to_ms: int) -> list[Done]:
    """What was booked, as it happened."""
    rows = db.execute(
        "SELECT b.*, o.created_at_ms AS ordered_at_ms FROM booked_fills b"
        " LEFT JOIN orders o ON o.order_id = b.order_id WHERE b.filled_at_ms BETWEEN ? AND ?"
        " ORDER BY b.filled_at_ms, b.id",
        (from_ms, to_ms),
    )
    return [Done(row["agent"], fill_of(row), row["ordered_at_ms"]) for row in rows]


def answers_ms(db: sqlite3.Connection, from_ms: int, to_ms: int) -> list[int]:
    """How long the exchange took to answer each order that it answered at once, ascending."""
    rows = db.execute(
        "SELECT e.at_ms - o.signed_at_ms AS took FROM order_events e JOIN orders o USING (client_order_id)"
        " WHERE e.source = 'answer' AND o.signed_at_ms BETWEEN ? AND ?"
        " AND e.id = (SELECT min(id) FROM order_events WHERE client_order_id = o.client_order_id AND source = 'answer')"
        " ORDER BY took",
        (from_ms, to_ms),
    )
    return [max(0, row["took"]) for row in rows]
