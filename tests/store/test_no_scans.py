"""What is asked every second, or before a program is READY, never walks the whole history: a floor grows old."""

import pytest

from account import T0, furnish, our_id, plan
from outcry.domain.order import State
from outcry.store import fills, orders, outcomes

HISTORY = ("orders", "fills", "attributions", "f", "o", "a", "b")
FEW = "orders_open"  # the index of orders that still count


def walked(db, ask) -> list[str]:
    """Tables of history that the statements of a call walk from end to end."""
    asked: list[str] = []
    db.set_trace_callback(asked.append)
    ask()
    db.set_trace_callback(None)
    assert asked
    steps = [row[3] for statement in asked for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
    return [step for step in steps if step.startswith("SCAN") and step.split()[1] in HISTORY and FEW not in step]


@pytest.mark.parametrize(
    "ask",
    [
        orders.unresolved,
        orders.open_orders,
        lambda db: orders.open_orders(db, "bull"),
        lambda db: orders.by_order_id(db, "x"),
        fills.parked,
        lambda db: fills.owner(db, "x", "o"),
        lambda db: outcomes._entered(db, "bull", "T-1"),
    ],
)
def test_no_history_is_walked(db, ask):
    furnish(db, "bull")
    plan(db, our_id("bull", 1), "bull", State.UNKNOWN, created_at_ms=T0, signed_at_ms=T0)
    assert walked(db, lambda: ask(db)) == []


def test_a_walk_is_noticed(db):
    assert walked(db, lambda: db.execute("SELECT * FROM orders WHERE state = 'sent'"))
