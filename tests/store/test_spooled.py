"""What was spooled is applied once, however often it is; and what can never be applied says why."""

from dataclasses import replace

import pytest

from outcry.domain.errors import InvariantBroken
from outcry.domain.order import Purpose, Side, State
from outcry.store import orders, placing, spooled, system
from outcry.store.spooled import CancelAsked, Happened, Lost, Moved, Renewed
from placing_floor import TICKER, allow, furnish, plan, request, reserve_whole


@pytest.fixture
def floor(db):
    furnish(db)
    return db


def leaving(db):
    """An exit as a trader spools it."""
    way_out = request(side=Side.ASK, limit_cc=4_000, purpose=Purpose.EXIT)
    placement = placing.unwritten(db, way_out, allow(500), reserve_whole(way_out), (), 1_000)
    return placing.as_exit(way_out, placement, 1_001)


def apply(db, what):
    return spooled.apply(db, spooled.entry(what))


def test_an_exit_is_written_whole_and_twice_is_once(floor):
    left = leaving(floor)
    first, again = apply(floor, left), apply(floor, left)
    assert first == again == orders.get(floor, left.order.client_order_id)
    assert (first.state, first.signed_at_ms, first.count_ch) == (State.SENT, 1_001, 500)
    assert floor.execute("SELECT count(*) FROM decisions").fetchone()[0] == 1
    assert floor.execute("SELECT count(*) FROM order_events").fetchone()[0] == 2


def test_an_exit_that_was_planned_in_the_database_and_left_through_the_spool(floor):
    planned = plan(floor, request(side=Side.ASK, limit_cc=4_000, purpose=Purpose.EXIT), count_ch=500)
    left = spooled.Exit(
        "embedded", leaving(floor).decision, {}, "0" * 64, "{}", leaving(floor).exposure, planned, 1_005
    )
    sent = apply(floor, left)
    assert (sent.state, sent.signed_at_ms) == (State.SENT, 1_005)


def test_an_exit_against_what_is_written_can_never_be_applied(floor):
    known, other = leaving(floor), leaving(floor)
    apply(floor, known)
    clash = spooled.Exit(
        "embedded", replace(other.decision, decision_id=known.decision.decision_id), {}, "0" * 64, "{}",
        other.exposure, other.order, 1_002,
    )  # fmt: skip
    with pytest.raises(InvariantBroken, match="a spooled exit contradicts what is written"):
        apply(floor, clash)
    assert orders.get(floor, other.order.client_order_id) is None and not floor.in_transaction


@pytest.mark.parametrize("rubbish", [{}, {"type": "exit"}, {"type": "moved", "client_order_id": 5}, {"type": "song"}])
def test_an_entry_of_no_known_shape_can_never_be_applied(floor, rubbish):
    with pytest.raises(InvariantBroken, match="of no known shape"):
        spooled.apply(floor, rubbish)


def test_reports_move_an_order_once_and_a_contradiction_is_told(floor):
    name = apply(floor, leaving(floor)).client_order_id
    assert apply(floor, Lost(name, "timeout", 1_010)).state is State.UNKNOWN
    assert apply(floor, Moved(name, State.CANCELED, "answer", 1_020, 200, "x1")).filled_ch == 200
    assert apply(floor, Lost(name, "timeout", 1_010)).state is State.CANCELED, "told again, it changes nothing"
    apply(floor, Moved(name, State.CANCELED, "answer", 1_030, 200, "x2"))
    (told,) = [row["detail"] for row in system.recent_events(floor) if row["event"] == "contradicted"]
    assert told == f"{name}: reported under x2, known as x1"


def test_renewals_notes_and_events_are_written_once(floor):
    name = apply(floor, leaving(floor)).client_order_id
    for _ in range(2):
        assert apply(floor, Renewed(name, "x9", 900_000, 1_040)).expires_at_ms == 900_000
        apply(floor, CancelAsked(name, "no longer wanted", 1_050))
        assert apply(floor, Happened("warning", "trader@bull", "slept", "for 3 s", 1_060)) is None
    details = [row["detail"] for row in floor.execute("SELECT detail FROM order_events")]
    assert details.count("cancel asked: no longer wanted") == 1
    assert [row["event"] for row in system.recent_events(floor)] == ["slept"]


def test_exits_in_flight_are_those_that_may_still_fill(floor):
    one, two = leaving(floor), leaving(floor)
    entries = [spooled.entry(what) for what in (
        one, two, Moved(one.order.client_order_id, State.CANCELED, "answer", 1_020, 120),
        Moved(two.order.client_order_id, State.RESTING, "answer", 1_020), CancelAsked("x", "y", 1),
    )]  # fmt: skip
    assert spooled.exits_in_flight_ch(entries, TICKER) == 120 + 500
    assert spooled.exits_in_flight_ch(entries, "elsewhere") == 0


def test_exits_that_ended_in_the_spool_only_count_no_more(floor):
    way_out = request(side=Side.ASK, limit_cc=4_000, purpose=Purpose.EXIT)
    open_exit, over, entry = plan(floor, way_out, 500), plan(floor, way_out, 300), plan(floor, request(), 700)
    for order in (open_exit, over, entry):
        orders.mark_sent(floor, order.client_order_id, 1_001)
    orders.update(floor, over.client_order_id, State.CANCELED, source="rest", now_ms=1_010)
    ends = [spooled.entry(Moved(order.client_order_id, State.CANCELED, "answer", 1_020, 100))
            for order in (open_exit, over, entry)]  # fmt: skip
    ends.append(spooled.entry(Moved("unheard-of", State.CANCELED, "answer", 1_020)))
    assert spooled.ended_exits_ch(floor, ends, "bull", TICKER) == 400
    assert spooled.ended_exits_ch(floor, ends, "bear", TICKER) == 0


def test_with_a_database_that_cannot_even_be_read_the_traders_own_view_has_to_do(floor):
    way_out = request(side=Side.ASK, limit_cc=4_000, purpose=Purpose.EXIT)
    way_out = replace(way_out, view=replace(way_out.view, position_ch=900))
    flying = spooled.entry(leaving(floor))
    seen = []
    gate = allow(400)
    floor.execute("DROP VIEW open_orders")
    placement = placing.unwritten(
        floor, way_out, lambda at_risk: seen.append(at_risk) or gate(at_risk), reserve_whole(way_out), [flying], 1_000
    )
    assert (seen[0].position_ch, seen[0].exits_in_flight_ch, placement.order.count_ch) == (900, 500, 400)
