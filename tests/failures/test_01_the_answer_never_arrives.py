"""1: the exchange takes the order, and the answer never comes: silence, a closed connection, a 504, or nothing at all.

Nothing is sent again. The order is looked up by the id that was written before it left, and counted until then.
"""

import re

import pytest

from outcry.domain.errors import Unavailable
from outcry.domain.order import Side, TimeInForce
from outcry.venue.wire import NewOrder
from survived import assert_told_once

pytestmark = pytest.mark.floor
CREATE = "POST /portfolio/events/orders"
LOST = (  # what comes instead of the answer, and whether the exchange had taken the order
    ("hang_up", {"applied": True}),
    ("fail", {"status": 504, "applied": False}),
    ("mute", {"applied": True}),
)


def lost(floor):
    """Our ids of the orders whose answer the trader said it lost."""
    return re.findall(r'"event": "lost_answer", "order": "([^"]+)"', floor.said("trader@flip"))


def in_doubt(floor):
    return floor.query("SELECT 1 FROM orders WHERE state IN ('sent', 'unknown')")


def test_exactly_one_order_exists_found_by_our_own_id_and_nothing_is_sent_twice(floor):
    floor.trade()
    for number, (kind, how) in enumerate(LOST, start=1):
        floor.break_(kind, CREATE, count=1, **how)
        floor.wait_for(lambda number=number: len(lost(floor)) == number, 60, f"a lost answer: {kind} {how}")
        floor.wait_for(lambda: not in_doubt(floor), 60, "the look-up")
        (order,) = floor.query("SELECT * FROM orders WHERE client_order_id = ?", lost(floor)[-1])
        assert (order["order_id"] != "") == how["applied"], (kind, how, dict(order))
        assert order["state"] in (("resting", "executed", "canceled") if how["applied"] else ("presumed_absent",))
        floor.wait_for(lambda: floor.state_of("trader@flip") in ("READY", "ACTING"), 60, "the trader goes on")
        assert_told_once(floor.state, order["client_order_id"], "trader@flip", "it is looked up and not sent again")
    floor.mend()
    floor.survived()
    assert floor.query("SELECT decision_id FROM orders GROUP BY decision_id HAVING count(*) > 1") == []
    assert_written_before_it_left(floor)


def assert_written_before_it_left(floor):
    """Of each order the exchange has, `sent` was committed before the exchange saw it."""
    sent = dict(floor.query("SELECT client_order_id, min(at_ms) FROM order_events WHERE state = 'sent' GROUP BY 1"))
    theirs = floor.by_hand().orders()
    assert len(theirs) > len(LOST)
    assert [order for order in theirs if not sent[order.client_order_id] <= order.created_at_ms] == []


def test_a_deliberate_second_post_of_the_same_id_gets_409_and_is_looked_up(floor):
    floor.start_exchange()
    hand = floor.by_hand()
    ticker = next(iter(hand.markets(status="open"))).ticker
    new = NewOrder("by-hand-1", ticker, Side.BID, 100, 100, TimeInForce.GTC, 2)
    hand.create_order(new)
    with pytest.raises(Unavailable, match="by-hand-1 is there already") as unclear:
        hand.create_order(new)
    assert unclear.value.__cause__.status == 409
    assert [order.client_order_id for order in hand.orders()] == ["by-hand-1"]
