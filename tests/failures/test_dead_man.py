"""The whole floor dies at once: power, kernel, a careless hand. What rests at the exchange clears itself there.

Every order that may rest carries an expiry, which its trader renews while it lives. Nobody of ours is left to cancel
anything; the exchange does, within that time, and after the restart everything is accounted.
"""

import time

import pytest

from failing import SETTINGS, FailingFloor
from outcry.store import database

pytestmark = pytest.mark.floor
EXPIRE_S = 20
COINS = ("one", "two", "three")
SLACK_S = 3  # until the exchange, on a busy machine, has written it down


@pytest.fixture
def floor(tmp_path):
    """Markets that outlast the orders, so that no close clears them."""
    settings = SETTINGS.replace("window_s = 20", "window_s = 600") + f"[orders]\nexpire_s = {EXPIRE_S}\n"
    running = FailingFloor(tmp_path, settings)
    yield running
    running.stop()


def orders(floor) -> list:
    """As the exchange has them."""
    db = database.read_only(floor.state / "exchange.db")
    try:
        return db.execute("SELECT * FROM orders").fetchall()
    finally:
        db.close()


def resting(floor) -> dict[str, int]:
    """What rests there, and when it expires."""
    return {row["client_order_id"]: row["expires_at_ms"] for row in orders(floor) if row["status"] == "resting"}


def killed_with_something_resting(floor) -> dict[str, int]:
    """Everything but the exchange is killed at once, while orders rest there."""
    ours = ["clerk", "collector", "auditor", *(f"trader@{name}" for name in COINS)]
    for _ in range(20):
        floor.wait_for(lambda: resting(floor), 120, "an order that rests")
        for name in ours:
            floor.children.all[name].process.kill()
        for name in ours:
            floor.children.all[name].process.wait()
        if left := resting(floor):
            return left
        floor.start(*ours)
    raise AssertionError("nothing ever rested when they died")


def test_the_exchange_clears_itself_within_the_orders_expiry_and_after_a_restart_all_is_accounted(floor):
    floor.trade(*COINS)
    floor.start("auditor")
    left = killed_with_something_resting(floor)
    died = time.time()
    assert all(0 < at_ms / 1000 - died <= EXPIRE_S for at_ms in left.values())
    floor.wait_for(lambda: not resting(floor), EXPIRE_S + SLACK_S, "the exchange to clear itself")
    ended = {row["client_order_id"]: row for row in orders(floor) if row["client_order_id"] in left}
    for name, row in ended.items():
        assert row["status"] in ("canceled", "executed"), name
        if row["status"] == "canceled":
            assert row["reason"] == "ExpiryCancel" and row["updated_at_ms"] >= left[name], "by nobody's hand"
    assert {child.exit_code for name, child in floor.children.all.items() if name != "exchange"} == {-9}
    floor.start("clerk", "collector", *(f"trader@{name}" for name in COINS))
    floor.wait_for(lambda: len(orders(floor)) > len(ended), 120, "the floor trades on")
    floor.survived()
    known = {row["client_order_id"]: row["state"] for row in floor.query("SELECT client_order_id, state FROM orders")}
    assert {name: known[name] for name in ended} == {name: row["status"] for name, row in ended.items()}
