"""10: a sequence number is left out; then messages are in order and old; then a snapshot is empty; then silence.

Within its deadline each makes the books untrusted, resting orders are pulled, nothing new is placed, and the age is
said; and each is over as soon as the stream is whole again.
"""

import time

import pytest

from failing import SETTINGS, FailingFloor
from local_exchange import now_ms

pytestmark = pytest.mark.floor
DEADLINE_S, SILENCE_MS = 15, 3_000


@pytest.fixture
def floor(tmp_path):
    running = FailingFloor(tmp_path, SETTINGS + f"stream_silence_ms = {SILENCE_MS}\n")
    yield running
    running.stop()


def untrusted(floor):
    """Why books of open markets are not trusted."""
    rows = floor.query(
        "SELECT distrust FROM quotes JOIN markets USING (ticker) WHERE status = 'active' AND trusted = 0"
    )
    return [row["distrust"] for row in rows]


def trusted(floor):
    rows = floor.query("SELECT 1 FROM quotes JOIN markets USING (ticker) WHERE status = 'active' AND trusted = 1")
    return bool(rows) and not untrusted(floor)


def silent_ms(floor):
    """How long nothing was heard, not even a ping."""
    return now_ms() - floor.query("SELECT max(heard_at_ms) AS at_ms FROM quotes")[0]["at_ms"]


def entries(floor):
    return floor.query("SELECT count(*) AS n FROM orders WHERE purpose = 'entry'")[0]["n"]


def assert_nobody_quotes(floor):
    """What rested is pulled, and nothing more is entered."""
    hand = floor.by_hand()
    floor.wait_for(lambda: hand.orders(status="resting") == [], DEADLINE_S, "what rested to be pulled")
    time.sleep(2)  # what was decided a moment ago has left
    sent, publishes = entries(floor), floor.progress().publishes
    floor.wait_for(lambda: floor.progress().publishes > publishes + 2, 60, "the world to move on")
    assert entries(floor) == sent


def assert_it_is_over(floor):
    floor.mend()
    sent = entries(floor)
    floor.wait_for(lambda: trusted(floor), 60, "trusted books")
    floor.wait_for(lambda: entries(floor) > sent, 60, "entries")


def test_each_is_noticed_within_its_deadline_and_over_when_it_is(floor):
    floor.trade()
    floor.break_("drop", "orderbook_snapshot")
    floor.break_("gap", "orderbook_delta", count=1)
    floor.wait_for(lambda: any("gap of 1 at seq" in why for why in untrusted(floor)), DEADLINE_S, "the gap")
    assert_nobody_quotes(floor)
    assert_it_is_over(floor)

    floor.break_("delay", "*", ms=6_000)
    floor.wait_for(lambda: any("ms old" in why for why in untrusted(floor)), DEADLINE_S, "messages of the past")
    assert_nobody_quotes(floor)
    assert_it_is_over(floor)

    for side in ("yes_dollars_fp", "no_dollars_fp"):
        floor.break_("missing", "orderbook_snapshot", field=side)
    floor.break_("gap", "orderbook_delta", count=1)
    floor.wait_for(lambda: not trusted(floor), DEADLINE_S, "the empty snapshot to be doubted")
    assert_it_is_over(floor)

    floor.break_("silence")
    floor.wait_for(lambda: silent_ms(floor) > SILENCE_MS, DEADLINE_S, "the silence to last")
    assert_nobody_quotes(floor)
    floor.wait_for(lambda: "quietest heard" in floor.run("status", check=False).stdout, 10, "the age")
    assert_it_is_over(floor)
    floor.survived()
    assert '"event": "lost"' in floor.said("collector")
    assert floor.query("SELECT * FROM controls WHERE scope = 'floor'") == [], "books are one thing, the floor another"
