from dataclasses import replace

import pytest

from outcry.domain.errors import InvariantBroken
from outcry.domain.fill import Fill
from outcry.domain.order import Side
from outcry.store import agents, fills

OURS = "oc-abcdef-momentum-2-01JD0000000000000000000000"
FILL = Fill("t1", "x1", "KXBTC15M-A", 2, Side.BID, 4_300, 400, 1_200, False, 1_000, client_order_id=OURS)


@pytest.fixture
def floor(db):
    agents.open_floor(db, "abcdef", "embedded", 1)
    sha256 = agents.keep_version(db, "momentum", "source", 1)
    agents.add(db, agents.Agent("momentum-2", "momentum", {}, "birth", 0, sha256, 1))
    return db


def plan_order(db, *, order_id="", state="sent", count_ch=1_000, client_order_id=OURS):
    db.execute(
        "INSERT OR IGNORE INTO decisions VALUES ('d1', 'momentum-2', 'KXBTC15M-A', 'entry', 1, 'bid', 4300, NULL, '',"
        " 'allowed', '', '', 1000, '{}', '{}', '{}', '{}', '', 1)"
    )
    db.execute(
        "INSERT INTO orders (client_order_id, order_id, decision_id, environment, agent, ticker, exchange_index, side,"
        " price_cc, count_ch, time_in_force, purpose, post_only, reduce_only, state, reserved_micros, created_at_ms,"
        " updated_at_ms) VALUES (?, ?, 'd1', 'embedded', 'momentum-2', 'KXBTC15M-A', 2, 'bid', 4300, ?,"
        " 'good_till_canceled', 'entry', 0, 0, ?, 0, 1, 1)",
        (client_order_id, order_id, count_ch, state),
    )


def order_row(db):
    return tuple(db.execute("SELECT order_id, booked_ch, filled_ch, state FROM orders").fetchone())


def owners(db):
    return [row["agent"] for row in db.execute("SELECT agent FROM booked_fills ORDER BY id")]


def test_a_fill_reported_twice_is_kept_once(floor):
    plan_order(floor)
    by_rest = replace(FILL, client_order_id="", filled_at_ms=1_003)
    assert [fills.book(floor, FILL, "stream", 5), fills.book(floor, by_rest, "rest", 6)] == [True, False]
    assert order_row(floor) == ("x1", 400, 400, "sent")


def test_a_fill_teaches_an_unanswered_order_its_id_and_leaves_an_event(floor):
    plan_order(floor, state="unknown")
    fills.book(floor, FILL, "stream", 5)
    event = floor.execute("SELECT state, filled_ch, source, detail FROM order_events").fetchone()
    assert tuple(event) == ("unknown", 400, "stream", "fill t1")


def test_two_fills_of_one_trade_by_two_orders_are_two(floor):
    fills.book(floor, FILL, "stream", 5)
    assert fills.book(floor, replace(FILL, order_id="x2", side=Side.ASK, client_order_id=""), "stream", 5)
    assert owners(floor) == ["momentum-2", "parked"]


def test_a_fill_of_an_unknown_order_is_parked_until_attributed_and_then_counted(floor):
    plan_order(floor, state="unknown")
    fills.book(floor, replace(FILL, client_order_id=""), "rest", 5)
    (waiting,) = fills.parked(floor)
    assert order_row(floor) == ("", 0, 0, "unknown")
    assert fills.attribute(floor, waiting.fill_id, "momentum-2", why="looked up", now_ms=9, client_order_id=OURS)
    assert fills.parked(floor) == []
    assert order_row(floor) == ("x1", 400, 400, "unknown")
    assert not fills.attribute(floor, waiting.fill_id, "momentum-2", why="again", now_ms=9)


def test_an_id_of_ours_without_a_row_still_names_its_agent(floor):
    assert fills.owner(floor, "x9", OURS) == "momentum-2"
    assert fills.owner(floor, "x9", "oc-zzzzzz-momentum-2-01JD") is None
    assert fills.owner(floor, "x9", "oc-abcdef-nobody-01JD") is None
    assert fills.owner(floor, "", "") is None


def test_other_figures_under_the_same_ids_stop_the_presses(floor):
    fills.book(floor, FILL, "stream", 5)
    with pytest.raises(InvariantBroken, match=r"fee_micros=1200 and is now reported with 1300"):
        fills.book(floor, replace(FILL, fee_micros=1_300), "rest", 6)


def test_an_overfilled_order_is_refused_whole(floor):
    plan_order(floor, count_ch=300)
    with pytest.raises(InvariantBroken, match="cannot have 400 filled"):
        fills.book(floor, FILL, "stream", 5)
    assert owners(floor) == []
    assert fills.misbooked(floor) == []


def test_an_agents_fills_come_as_they_happened_however_they_were_booked(floor):
    fills.book(floor, FILL, "stream", 5)
    fills.book(floor, replace(FILL, trade_id="t3", filled_at_ms=3_000), "stream", 5)
    fills.book(floor, replace(FILL, trade_id="t2", filled_at_ms=2_000), "stream", 5)
    in_time = fills.of_agent(floor, "momentum-2", "KXBTC15M-A")
    assert [fill.trade_id for fill in in_time] == ["t1", "t2", "t3"]


def test_nobody_is_given_a_fill_that_there_is_not(floor):
    with pytest.raises(InvariantBroken, match="no fill 7 to attribute to momentum-2"):
        fills.attribute(floor, 7, "momentum-2", why="a mistake", now_ms=5)
