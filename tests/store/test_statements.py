"""Our side of the proof: what the ledger says of itself, and what in it contradicts itself."""

import pytest

from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side, State
from outcry.store import fills, orders, settlements, statements
from placing_floor import CAPITAL_MICROS, TICKER, furnish, plan, request


@pytest.fixture
def floor(db):
    furnish(db)
    return db


def executed(db, count_ch=500, booked_ch=500):
    order = plan(db, request(), count_ch=count_ch)
    orders.mark_sent(db, order.client_order_id, 1_001)
    orders.update(
        db, order.client_order_id, State.EXECUTED, source="answer", now_ms=1_002, order_id="x1", filled_ch=count_ch
    )
    fills.book(db, Fill("t1", "x1", TICKER, 2, Side.BID, 4_200, booked_ch, 1_000, True, 1_003), "rest", 1_004)
    return order


def test_orders_that_were_there_their_fills_and_what_they_paid(floor):
    order = executed(floor)
    never = plan(floor, request())
    said = statements.ours(floor)
    assert set(said.orders) == {order.client_order_id} and never.client_order_id not in said.orders
    line = said.orders[order.client_order_id]
    assert (line.order_id, line.ticker, line.filled_ch, line.state) == ("x1", TICKER, 500, "executed")
    assert said.fills["t1", "x1"].fee_micros == 1_000
    assert (said.positions_ch, said.cash_micros) == ({TICKER: 500}, {2: CAPITAL_MICROS - 500 * 4_200 - 1_000})
    assert (said.paid, said.unsound) == ({}, ())
    settlements.record(floor, Settlement(TICKER, 2, "yes", 10_000, 5_000), "rest", 5_001)
    said = statements.ours(floor)
    assert (said.paid[TICKER].value_cc, said.paid[TICKER].net_ch, said.positions_ch) == (10_000, 500, {})


def test_what_contradicts_itself_is_named(floor):
    order = executed(floor, booked_ch=300)
    fills.book(floor, Fill("t2", "x9", TICKER, 2, Side.BID, 4_200, 100, 0, True, 1_003), "rest", 1_004)
    assert statements.ours(floor).unsound == (
        f"order {order.client_order_id}: 300 booked of 500 filled", "fill t2 is nobody's yet",
    )  # fmt: skip
