"""Orders of unknown outcome and fills of unknown orders, against an exchange held by hand."""

import pytest

from account import T0, TICKER, HeldExchange, furnish, our_id, plan
from outcry.desk.clerking.lookups import Lookups
from outcry.domain.errors import Unavailable
from outcry.domain.order import State
from outcry.store import fills, orders, system

OURS = our_id("momentum")


@pytest.fixture
def exchange():
    return HeldExchange()


@pytest.fixture
def lookups(db, exchange):
    furnish(db, "momentum")
    return Lookups(db, exchange)


def state(db, client_order_id=OURS):
    return orders.get(db, client_order_id).state


def beat(db, started_at_ms):
    system.beat(
        db, "trader@momentum", pid=1, started_at_ms=started_at_ms, state="READY", state_since_ms=1, version="",
        detail={}, now_ms=started_at_ms,
    )  # fmt: skip


def test_an_order_whose_answer_was_lost_is_found_by_our_id_and_never_sent_again(db, lookups, exchange):
    plan(db, OURS, "momentum", State.UNKNOWN)
    order_id = exchange.place(OURS)
    exchange.match(order_id, 400)
    assert lookups.resolve_orders(T0 + 500) == 0
    found = orders.get(db, OURS)
    assert (found.state, found.order_id, found.filled_ch) == (State.RESTING, order_id, 400)
    assert exchange.canceled == []


def test_two_whole_listings_past_the_read_lag_make_it_presumed_absent_and_90_s_absent(db, lookups):
    plan(db, OURS, "momentum", State.UNKNOWN)
    seen = []
    for after_ms in (200, 900, 1_000, 1_500, 2_000, 50_000, 90_000, 90_500, 91_001):
        lookups.resolve_orders(T0 + after_ms)
        seen.append(state(db))
    unknown, presumed, absent = State.UNKNOWN, State.PRESUMED_ABSENT, State.ABSENT
    assert seen == [unknown] * 4 + [presumed] * 3 + [presumed, absent]
    assert lookups.resolve_orders(T0 + 95_000) == 0


def test_a_listing_that_fails_concludes_nothing(db, lookups, exchange):
    plan(db, OURS, "momentum", State.UNKNOWN)
    exchange.down = True
    for after_ms in (2_000, 4_000, 200_000):
        with pytest.raises(Unavailable):
            lookups.resolve_orders(T0 + after_ms)
    assert state(db) is State.UNKNOWN


def test_an_order_that_appears_after_it_was_presumed_absent_is_adopted_and_canceled(db, lookups, exchange):
    plan(db, OURS, "momentum", State.PRESUMED_ABSENT)
    order_id = exchange.place(OURS)
    lookups.resolve_orders(T0 + 30_000)
    assert exchange.canceled == [order_id]
    assert state(db) is State.RESTING  # until the exchange says how it ended
    assert orders.get(db, OURS).order_id == order_id


def test_a_sent_order_is_left_to_its_sender_unless_that_is_gone(db, lookups):
    plan(db, OURS, "momentum", State.SENT)
    beat(db, T0 - 60_000)
    for after_ms in (1_000, 2_500, 10_000):
        lookups.resolve_orders(T0 + after_ms)
    assert state(db) is State.SENT
    beat(db, T0 + 10_500)
    lookups.resolve_orders(T0 + 11_000)
    assert state(db) is State.UNKNOWN
    lookups.resolve_orders(T0 + 12_500)
    assert state(db) is State.PRESUMED_ABSENT


def test_a_sender_that_says_nothing_for_long_is_not_waited_for(db, lookups):
    plan(db, OURS, "momentum", State.SENT)
    lookups.resolve_orders(T0 + 20_001)
    assert state(db) is State.UNKNOWN


def test_an_order_that_left_the_live_listings_is_found_in_the_archive(db, lookups, exchange):
    plan(db, OURS, "momentum", State.UNKNOWN)
    order_id = exchange.place(OURS)
    exchange.match(order_id, 1_000)
    exchange.archived.add(order_id)
    assert lookups.resolve_orders(T0 + 15 * 86_400_000) == 0
    found = orders.get(db, OURS)
    assert (found.state, found.order_id, found.filled_ch) == (State.EXECUTED, order_id, 1_000)


def test_one_listing_serves_all_orders_of_a_market(db, lookups, exchange):
    for number in range(3):
        plan(db, our_id("momentum", number), "momentum", State.UNKNOWN)
    lookups.resolve_orders(T0 + 1_500)
    assert exchange.asked == ["orders"]


def booked(db, exchange, client_order_id):
    """A fill that came by REST, which does not say whose order it was."""
    order_id = exchange.place(client_order_id)
    fill = exchange.match(order_id, 300)
    fills.book(db, fill, "rest", T0 + 2_000)
    return order_id


def owners(db):
    return [row["agent"] for row in db.execute("SELECT agent FROM booked_fills ORDER BY id")]


def test_a_parked_fill_goes_to_the_agent_its_order_names(db, lookups, exchange):
    plan(db, OURS, "momentum", State.UNKNOWN)
    booked(db, exchange, OURS)
    assert owners(db) == ["parked"]
    assert lookups.resolve_fills(T0 + 3_000) == 0
    assert owners(db) == ["momentum"]
    order = orders.get(db, OURS)
    assert (order.state, order.booked_ch, order.filled_ch) == (State.RESTING, 300, 300)


def test_a_fill_of_a_restored_floors_forgotten_order_still_finds_its_agent(db, lookups, exchange):
    booked(db, exchange, our_id("momentum", 77))
    lookups.resolve_fills(T0 + 3_000)
    assert owners(db) == ["momentum"]


def test_an_order_that_is_not_ours_makes_its_fill_manual(db, lookups, exchange):
    booked(db, exchange, "by-hand-1")
    lookups.resolve_fills(T0 + 3_000)
    assert owners(db) == ["manual"]
    assert system.recent_events(db)[0]["detail"].endswith(f"of {TICKER} to manual: its order is by-hand-1")


def test_an_unknown_order_makes_its_fill_manual_only_at_the_second_no(db, lookups, exchange):
    exchange.late.add(booked(db, exchange, OURS))
    assert lookups.resolve_fills(T0 + 3_000) == 1
    assert owners(db) == ["parked"]
    assert lookups.resolve_fills(T0 + 5_000) == 0
    assert owners(db) == ["manual"]
