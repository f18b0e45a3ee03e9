"""12: a 2xx without an order id; a field that is renamed, by REST and on the stream; a path that was retired.

What is not understood never becomes a zero: entries stop, the raw text is kept, exits go on, and a person is told.
"""

import pytest

from survived import assert_told_once

pytestmark = pytest.mark.floor
CREATE = "POST /portfolio/events/orders"


def stopped(floor):
    return {row["cause"]: row["reason"] for row in floor.query("SELECT cause, reason FROM controls_now")}


def entries(floor):
    return floor.query("SELECT count(*) AS n FROM orders WHERE purpose = 'entry'")[0]["n"]


def goes_on(floor):
    floor.mend()
    floor.wait_for(lambda: not stopped(floor), 60, "entries to be allowed")
    sent = entries(floor)
    floor.wait_for(lambda: entries(floor) > sent, 60, "entries")


def test_an_unknown_shape_is_never_a_zero(floor):
    floor.trade()
    nameless = floor.break_("missing", CREATE, field="order_id", count=1)
    floor.wait_for(lambda: floor.struck(nameless), 60, "an answer without an order id")
    floor.wait_for(lambda: "lost_answer" in floor.said("trader@flip"), 60, "the doubt")
    lost = next(line for line in floor.said("trader@flip").splitlines() if "lost_answer" in line)
    assert "remaining_count" in lost, "the raw body is kept"
    floor.wait_for(lambda: not floor.query("SELECT 1 FROM orders WHERE state = 'unknown'"), 60, "the look-up")

    floor.break_("rename", "GET /portfolio/balance", field="balance", to="amount")
    floor.break_("rename", "GET /portfolio/balance", field="balance_dollars", to="amount_dollars")
    floor.wait_for(lambda: "schema" in stopped(floor), 60, "the clerk to stop entries")
    assert "amount" in stopped(floor)["schema"], "the raw body is kept"
    sent, publishes = entries(floor), floor.progress().publishes
    floor.wait_for(lambda: floor.progress().publishes > publishes + 50, 60, "the world to move on")
    assert entries(floor) <= sent + 1, "one may have been on its way"
    goes_on(floor)

    floor.break_("fail", CREATE, status=404)
    floor.wait_for(lambda: "ERROR" in floor.state_of("trader@flip"), 60, "the trader to notice that no order arrives")
    goes_on(floor)

    floor.break_("rename", "orderbook_delta", field="price_dollars", to="price_in_dollars")
    floor.wait_for(lambda: "stream_schema" in stopped(floor), 60, "the collector to stop entries")
    floor.survived()
    assert_told_once(floor.state, "clerk stopped_entries schema")
    assert_told_once(floor.state, "collector stopped_entries stream_schema")
    # An exit that is refused meanwhile is another message: its position stays open.
    assert_told_once(floor.state, "-> ERROR (POST /portfolio/events/orders -> 404", "trader@flip moved")
