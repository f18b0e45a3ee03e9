import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcry.domain.errors import InvariantBroken
from outcry.domain.fill import Fill
from outcry.domain.order import TERMINAL, Side, State, TimeInForce, may_follow
from outcry.store import database, fills, orders
from placing_floor import furnish, plan, request

NOW_MS = 5_000


@pytest.fixture
def floor(db):
    furnish(db)
    return db


def report(db, order, state, filled_ch=0, order_id="", source="rest"):
    return orders.update(
        db, order.client_order_id, state, source=source, now_ms=NOW_MS, filled_ch=filled_ch, order_id=order_id
    )


def sent(db, **more):
    return orders.mark_sent(db, plan(db, request(**more)).client_order_id, 2_000)


def test_an_order_is_read_back_as_it_was_planned(floor):
    order = plan(floor, request(time_in_force=TimeInForce.GTC, expires_at_ms=600_000), count_ch=1_200)
    assert orders.get(floor, order.client_order_id) == order
    assert (order.state, order.count_ch, order.reserved_micros) == (State.PLANNED, 1_200, 1_200 * 4_200)
    assert order.client_order_id.startswith("oc-abcdef-bull-")
    assert floor.execute("SELECT environment FROM orders").fetchone()[0] == "embedded"


def test_it_is_sent_once_and_never_again(floor):
    order = sent(floor)
    assert (order.state, order.signed_at_ms) == (State.SENT, 2_000)
    with pytest.raises(InvariantBroken, match="must not be sent"):
        orders.mark_sent(floor, order.client_order_id, 3_000)


def test_an_answer_moves_it_and_a_late_report_does_not_move_it_back(floor):
    order = sent(floor)
    assert report(floor, order, State.RESTING, order_id="x1").order.order_id == "x1"
    assert report(floor, order, State.EXECUTED, filled_ch=1_000).order.state is State.EXECUTED
    late = report(floor, order, State.RESTING, filled_ch=400, order_id="x1")
    assert (late.changed, late.order.state, late.order.filled_ch) == (False, State.EXECUTED, 1_000)


def test_an_order_filled_whole_is_executed_whatever_the_report_calls_it(floor):
    order = sent(floor)
    assert report(floor, order, State.CANCELED, filled_ch=1_000).order.state is State.EXECUTED


def test_a_cancelled_order_still_learns_of_fills_it_had(floor):
    order = sent(floor)
    report(floor, order, State.CANCELED, filled_ch=0, order_id="x1")
    update = report(floor, order, State.CANCELED, filled_ch=300)
    assert (update.order.state, update.order.filled_ch, update.order.counts) == (State.CANCELED, 300, True)


def test_unknown_waits_from_the_moment_the_answer_failed_to_come(floor):
    order = sent(floor)
    update = orders.mark_unknown(floor, order.client_order_id, "timeout", 12_000)
    assert (update.order.state, update.order.signed_at_ms, update.order.reason) == (State.UNKNOWN, 12_000, "timeout")
    assert [found.client_order_id for found in orders.unresolved(floor)] == [order.client_order_id]


def test_an_answer_after_the_stream_said_resting_is_not_made_unknown(floor):
    order = sent(floor)
    report(floor, order, State.RESTING, order_id="x1", source="stream")
    update = orders.mark_unknown(floor, order.client_order_id, "timeout", 12_000)
    assert (update.order.state, update.changed, update.order.signed_at_ms) == (State.RESTING, False, 2_000)


def test_absent_comes_only_after_presumed_absent(floor):
    order = sent(floor)
    assert report(floor, order, State.ABSENT).order.state is State.SENT
    for state in (State.UNKNOWN, State.PRESUMED_ABSENT, State.ABSENT):
        assert report(floor, order, state).order.state is state


def test_life_in_an_order_closed_as_absent_is_a_contradiction_and_its_fills_count(floor):
    order = sent(floor)
    for state in (State.UNKNOWN, State.PRESUMED_ABSENT, State.ABSENT):
        report(floor, order, state)
    update = report(floor, order, State.EXECUTED, filled_ch=1_000, order_id="x1")
    assert "absent" in update.contradiction
    assert (update.order.state, update.order.filled_ch, update.order.counts) == (State.ABSENT, 1_000, True)


def test_a_second_exchange_id_is_a_contradiction_and_the_first_one_stays(floor):
    order = sent(floor)
    report(floor, order, State.RESTING, order_id="x1")
    update = report(floor, order, State.RESTING, order_id="x2")
    assert update.contradiction and update.order.order_id == "x1"


def test_more_filled_than_ordered_is_impossible(floor):
    order = sent(floor)
    with pytest.raises(InvariantBroken, match="1001 filled"):
        report(floor, order, State.EXECUTED, filled_ch=1_001)
    with pytest.raises(InvariantBroken, match="no order"):
        orders.update(floor, "oc-abcdef-bull-none", State.RESTING, source="rest", now_ms=NOW_MS)


def test_at_the_start_what_was_never_sent_is_abandoned(floor):
    mine, theirs, gone = plan(floor, request()), plan(floor, request("bear")), sent(floor)
    closed = orders.abandon_planned(floor, "bull", 9_000)
    assert [(order.client_order_id, order.state) for order in closed] == [(mine.client_order_id, State.ABANDONED)]
    assert orders.get(floor, theirs.client_order_id).state is State.PLANNED
    assert orders.get(floor, gone.client_order_id).state is State.SENT
    with pytest.raises(InvariantBroken):
        orders.mark_sent(floor, mine.client_order_id, 9_001)


def test_an_order_counts_until_it_is_over_and_every_fill_is_booked(floor):
    order = sent(floor)
    report(floor, order, State.CANCELED, filled_ch=300, order_id="x1")
    assert [found.client_order_id for found in orders.open_orders(floor, "bull")] == [order.client_order_id]
    fill = Fill("t1", "x1", order.ticker, 2, Side.BID, 4_100, 300, 0, True, 3_000)
    fills.book(floor, fill, "stream", NOW_MS)
    assert orders.open_orders(floor) == []
    assert orders.by_order_id(floor, "x1").booked_ch == 300
    assert orders.by_order_id(floor, "") is None


def test_a_renewed_order_keeps_its_new_expiry_and_adopts_the_id_it_was_given(floor):
    order = sent(floor, time_in_force=TimeInForce.GTC, expires_at_ms=600_000)
    report(floor, order, State.RESTING, order_id="x1")
    renewed = orders.renew(floor, order.client_order_id, "x2", 900_000, NOW_MS)
    assert (renewed.expires_at_ms, renewed.order_id, renewed.state) == (900_000, "x2", State.RESTING)


def test_every_change_is_an_event_that_readers_go_on_from(floor):
    before = floor.execute("SELECT coalesce(max(id), 0) FROM order_events").fetchone()[0]
    order, other = sent(floor), sent(floor, agent="bear")
    report(floor, order, State.RESTING, order_id="x1", source="stream")
    report(floor, order, State.RESTING, order_id="x1", source="rest")  # nothing new: no event
    states = [(event.state, event.source) for event in orders.events_since(floor, before, "bull")]
    assert states == [(State.PLANNED, "trader"), (State.SENT, "trader"), (State.RESTING, "stream")]
    everything = orders.events_since(floor, before)
    assert {event.client_order_id for event in everything} == {order.client_order_id, other.client_order_id}
    assert orders.events_since(floor, everything[-1].event_id) == []


def test_an_update_takes_part_in_the_callers_transaction(floor):
    order = sent(floor)
    with pytest.raises(RuntimeError), database.write(floor):
        report(floor, order, State.RESTING, order_id="x1")
        raise RuntimeError
    assert orders.get(floor, order.client_order_id).state is State.SENT


reports = st.lists(
    st.tuples(st.sampled_from(sorted(State)), st.integers(0, 1_000), st.sampled_from(["", "x1", "x2"])), max_size=12
)


@settings(max_examples=150, deadline=None)
@given(told=reports)
def test_whoever_reports_in_whatever_order_nothing_goes_backwards(told):
    db = _fresh()
    order = sent(db)
    before = orders.get(db, order.client_order_id)
    for claim, filled_ch, order_id in told:
        update = report(db, order, claim, filled_ch, order_id)
        after = orders.get(db, order.client_order_id)
        assert after == update.order
        assert after.state is before.state or may_follow(before.state, after.state)
        assert before.state not in TERMINAL or after.state is before.state
        assert after.filled_ch == max(before.filled_ch, filled_ch)
        assert after.order_id == (before.order_id or order_id)
        if after.filled_ch == after.count_ch:
            assert not may_follow(after.state, State.EXECUTED)
        if update.changed:
            newest = orders.events_since(db, 0)[-1]
            assert (newest.state, newest.filled_ch) == (after.state, after.filled_ch)
        before = after
    db.close()


@settings(max_examples=60, deadline=None)
@given(told=reports, copies=st.lists(st.integers(0, 11), max_size=6))
def test_hearing_a_report_twice_changes_nothing_more(told, copies):
    db = _fresh()
    order = sent(db)
    for claim, filled_ch, order_id in told:
        report(db, order, claim, filled_ch, order_id)
        assert not report(db, order, claim, filled_ch, order_id).changed
    state = orders.get(db, order.client_order_id)
    if state.state in TERMINAL:
        for copy in copies:
            if copy < len(told):
                report(db, order, *told[copy])
        assert orders.get(db, order.client_order_id) == state
    db.close()


def _fresh():
    """A database of its own for every example; the `db` fixture is shared by all of them."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = ON")
    database.migrate(db)
    furnish(db)
    return db


def test_a_note_is_kept_once(floor):
    order = sent(floor)
    for _ in range(2):
        orders.note(floor, order.client_order_id, "cancel asked: no longer wanted", NOW_MS)
    details = [event.detail for event in orders.events_since(floor, 0)]
    assert details.count("cancel asked: no longer wanted") == 1
