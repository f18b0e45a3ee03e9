"""What the private stream says, message by message."""

import pytest

from account import SHARD, T0, TICKER, HeldExchange, furnish, our_id, plan
from outcry.desk.clerking.private import PrivateFeed
from outcry.domain.errors import InvariantBroken, SchemaDrift
from outcry.domain.order import Side, State
from outcry.store import accounts, fills, orders
from outcry.venue.messages import Failed, FillMessage, MarketPosition, Subscribed, UserOrder
from outcry.venue.stream import Garbled

OURS = our_id("momentum")
NOW = T0 + 5_000


@pytest.fixture
def feed(db):
    furnish(db, "momentum")
    accounts.open_shard(db, SHARD, 1_000_000_000, T0)
    return PrivateFeed(db, HeldExchange())


def filled(trade_id="t1", *, count_ch=400, post_ch=400, client_order_id=OURS, shard=SHARD, at_ms=T0 + 1_000, fee=100):
    return FillMessage(
        1, trade_id, "x1", client_order_id, TICKER, shard, Side.BID, 4_000, count_ch, fee, True, post_ch, at_ms
    )


def told(status, filled_ch=0, *, client_order_id=OURS, order_id="x1", reason=""):
    return UserOrder(
        2, order_id, client_order_id, TICKER, SHARD, Side.BID, 4_000, status, 1_000, filled_ch, 1_000 - filled_ch, 0,
        T0, None, None, reason,
    )  # fmt: skip


def owners(db):
    return [row["agent"] for row in db.execute("SELECT agent FROM booked_fills ORDER BY id")]


def test_a_fill_is_booked_once_to_its_agent_and_nothing_hurries(db, feed):
    plan(db, OURS, "momentum", State.SENT)
    assert [feed.take(filled(), NOW), feed.take(filled(), NOW)] == [False, False]
    assert owners(db) == ["momentum"]
    assert orders.get(db, OURS).booked_ch == 400


def test_a_position_that_does_not_fit_means_that_a_fill_was_missed(db, feed):
    assert feed.take(filled(post_ch=900), NOW) is True
    assert feed.take(MarketPosition(3, TICKER, 400, 0, 0, 0, 0), NOW) is False
    assert feed.take(MarketPosition(3, TICKER, 900, 0, 0, 0, 0), NOW) is True


def test_a_stranger_s_fill_is_parked_and_asked_about(db, feed):
    assert feed.take(filled(client_order_id="by-hand"), NOW) is True
    assert owners(db) == ["parked"]


def test_a_fill_from_before_the_opening_is_left_to_rest(db, feed):
    assert feed.take(filled(at_ms=T0 - 1), NOW) is True
    assert owners(db) == []


def test_the_shard_is_looked_up_where_the_message_leaves_it_out(db, feed):
    feed.take(filled(shard=None), NOW)
    assert db.execute("SELECT exchange_index FROM fills").fetchone()[0] == SHARD


def test_an_order_is_followed_and_never_goes_back(db, feed):
    plan(db, OURS, "momentum", State.SENT)
    feed.take(told("resting"), NOW)
    assert orders.get(db, OURS).state is State.RESTING
    feed.take(told("canceled", 300, reason="ExpiryCancel"), NOW)
    feed.take(told("resting", 100), NOW)
    order = orders.get(db, OURS)
    assert (order.state, order.filled_ch, order.reason, order.order_id) == (State.CANCELED, 300, "ExpiryCancel", "x1")


def test_orders_that_nobody_here_knows_hurry_only_when_they_carry_our_name(feed):
    assert feed.take(told("resting", client_order_id="by-hand"), NOW) is False
    assert feed.take(told("resting", client_order_id=our_id("momentum", 5)), NOW) is True


@pytest.mark.parametrize("state", [State.ABSENT, State.REJECTED, State.PRESUMED_ABSENT])
def test_life_in_an_order_given_up_hurries(db, feed, state):
    plan(db, OURS, "momentum", state)
    assert feed.take(told("resting"), NOW) is True


def test_a_status_of_tomorrow_is_no_state(db, feed):
    plan(db, OURS, "momentum", State.SENT)
    assert feed.take(told("frozen"), NOW) is True
    assert orders.get(db, OURS).state is State.SENT


def test_what_we_do_not_understand_is_never_a_zero(db, feed):
    with pytest.raises(SchemaDrift) as drift:
        feed.take(Garbled("fill without a price", b"{}"), NOW)
    assert drift.value.raw == b"{}"
    with pytest.raises(SchemaDrift, match="refused a subscription: 8 Unknown channel"):
        feed.take(Failed(1, None, None, 8, "Unknown channel", ""), NOW)
    assert feed.take(Subscribed(1, "fill", 1), NOW) is False


def test_other_figures_of_a_booked_fill_are_an_alarm(db, feed):
    feed.take(filled(), NOW)
    with pytest.raises(InvariantBroken, match="fee_micros=100 and is now reported with 101"):
        feed.take(filled(fee=101), NOW)
    assert fills.misbooked(db) == []
