"""Decrease, queue positions, cancel-all with its tail, and what the exchange may do this way or that."""

import pytest

from engine_kit import CLOSE_MS, SHARD, TICKER, Rig
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.manners import DAY_MS, Manners
from outcry.paper.engine.records import AmendRequest, NewOrderRequest, OrderStatus, Reason, Reject
from outcry.paper.events import BookChange, OrderChanged, Print

IOC, FOK = TimeInForce.IOC, TimeInForce.FOK
BOOK = {4200: 5000, 4300: 1000}, {4500: 1000, 4600: 5000}
DOLLAR = 1_000_000


@pytest.fixture
def rig() -> Rig:
    return Rig(*BOOK)


def refused(act) -> tuple[int, str]:
    with pytest.raises(Reject) as caught:
        act()
    return caught.value.status, caught.value.code


def decrease(rig: Rig, order, **by):
    where = {"exchange_index": SHARD} | by
    assert rig.does(rig.engine.decrease(order.account, order.order_id, rig.now, **where)) is order


# ---- decrease -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [{"reduce_by_ch": 200}, {"reduce_to_ch": 300}])
def test_a_decrease_keeps_the_place_in_the_queue(rig, by):
    order, behind = rig.bid(4300, 500), rig.bid(4300, 100, "bob")
    rig.feed(BookChange(TICKER, Side.BID, 4300, 9000, rig.now))
    decrease(rig, order, **by)
    assert (order.remaining_ch, order.initial_ch, order.reason) == (300, 300, Reason.DECREASE)
    assert rig.engine.queue_position("ann", order.order_id) == 1000
    assert rig.engine.queue_position("bob", behind.order_id) == 1300
    assert OrderChanged("ann", order.order_id, rig.now, "Decrease") in rig.events
    assert rig.engine.balance("ann").reserved_micros == 4300 * 300


@pytest.mark.parametrize("by", [{"reduce_by_ch": 500}, {"reduce_by_ch": 900}, {"reduce_to_ch": 0}])
def test_nothing_left_ends_the_order(rig, by):
    order = rig.bid(4300, 500)
    decrease(rig, order, **by)
    assert (order.status, order.reason, order.remaining_ch) == (OrderStatus.CANCELED, Reason.DECREASE, 0)


def test_a_decrease_to_more_than_is_left_changes_nothing(rig):
    order = rig.bid(4300, 500)
    decrease(rig, order, reduce_to_ch=500)
    assert (order.remaining_ch, rig.events) == (500, [])


def test_a_decrease_that_does_not_fit_is_refused(rig):
    order, done = rig.bid(4300, 500), rig.bid(4600, 100, time_in_force=IOC)

    def refusal(which, **by):
        return refused(lambda: rig.engine.decrease("ann", which.order_id, rig.now, **by))

    assert refusal(order, exchange_index=SHARD) == (400, "invalid_parameters")
    assert refusal(order, exchange_index=SHARD, reduce_by_ch=1, reduce_to_ch=1) == (400, "invalid_parameters")
    assert refusal(order, exchange_index=SHARD, reduce_by_ch=0) == (400, "invalid_parameters")
    assert refusal(order, reduce_by_ch=1) == (404, "not_found")  # only shard 0 is searched
    assert refusal(done, ticker=TICKER, reduce_by_ch=1) == (400, "cannot_update_filled_order")
    rig.told(rig.engine.pause(SHARD, rig.now))
    assert refusal(order, ticker=TICKER, reduce_by_ch=1) == (400, "trading_paused")
    rig.told(rig.engine.resume(SHARD, rig.now))
    rig.tick(CLOSE_MS)
    assert refusal(order, ticker=TICKER, reduce_by_ch=1) == (400, "market_inactive")
    assert order.remaining_ch == 500


# ---- queue positions ------------------------------------------------------------------------------------------------


def test_a_queue_position_counts_everybody_ahead_at_the_price(rig):
    first, second = rig.bid(4300, 200, "bob"), rig.bid(4300, 300)
    better = rig.bid(4400, 50)
    assert [rig.engine.queue_position(*of) for of in (("bob", first.order_id), ("ann", second.order_id))] == [
        1000,
        1200,
    ]
    assert rig.engine.queue_position("ann", better.order_id) == 0
    rig.feed(Print(TICKER, 4300, 600, Side.ASK, rig.now))
    assert better.status is OrderStatus.EXECUTED
    assert rig.engine.queue_position("ann", second.order_id) == 1000 - 550 + 200
    for account, order in (("ann", better), ("bob", second)):
        assert refused(lambda a=account, o=order: rig.engine.queue_position(a, o.order_id))[0] == 404


# ---- cancel all -----------------------------------------------------------------------------------------------------


def test_for_a_minute_after_a_cancel_all_what_newly_rests_is_canceled(rig):
    rig.does(rig.engine.cancel_all("ann", rig.now))
    caught, taker = rig.bid(4300, 100), rig.bid(4500, 150)
    assert (caught.status, caught.filled_ch) == (OrderStatus.CANCELED, 0)
    assert (taker.status, taker.filled_ch) == (OrderStatus.EXECUTED, 150)
    assert rig.bid(4300, 100, "bob").status is OrderStatus.RESTING
    rig.tick(rig.now + 59_999)
    assert rig.bid(4300, 100).status is OrderStatus.CANCELED
    rig.tick(rig.now + 1)
    assert rig.bid(4300, 100).status is OrderStatus.RESTING


def test_without_the_tail_an_order_may_rest_at_once():
    rig = Rig(*BOOK, manners=Manners(cancel_all_tail_ms=0))
    rig.does(rig.engine.cancel_all("ann", rig.now))
    assert rig.bid(4300, 100).status is OrderStatus.RESTING


def test_a_cancel_all_of_one_subaccount_sweeps_that_one():
    rig = Rig(*BOOK, tier="advanced")
    rig.does(rig.engine.create_subaccount("ann", rig.now, SHARD))
    rig.does(rig.engine.transfer_subaccount("ann", "t", 0, 1, 50 * DOLLAR, rig.now, exchange_index=SHARD))
    primary, other = rig.bid(4300, 100), rig.bid(4300, 100, subaccount=1)
    assert rig.does(rig.engine.cancel_all("ann", rig.now, subaccount=1)) == [other]
    assert rig.bid(4300, 100, subaccount=1).status is OrderStatus.CANCELED
    assert (primary.status, rig.bid(4300, 100).status) == (OrderStatus.RESTING, OrderStatus.RESTING)


# ---- this way or that -----------------------------------------------------------------------------------------------


def test_a_killed_order_is_refused_or_canceled():
    rig = Rig(*BOOK)
    kill = lambda: rig.bid(4500, 1001, time_in_force=FOK, client_order_id="k")  # noqa: E731
    assert refused(kill) == (400, "fok_insufficient_volume")
    assert rig.engine.orders("ann") == []
    rig = Rig(*BOOK, manners=Manners(fok_kill_is_refused=False))
    order = rig.bid(4500, 1001, time_in_force=FOK)
    assert (order.status, order.filled_ch, order.remaining_ch) == (OrderStatus.CANCELED, 0, 0)
    assert rig.events == [OrderChanged("ann", order.order_id, rig.now, "")]


def test_an_order_that_fills_nothing_at_once_is_canceled_or_refused():
    order = Rig(*BOOK).bid(4400, 100, time_in_force=IOC)
    assert (order.status, order.filled_ch, order.remaining_ch) == (OrderStatus.CANCELED, 0, 0)
    rig = Rig(*BOOK, manners=Manners(ioc_unfilled_is_refused=True))
    miss = lambda: rig.bid(4400, 100, time_in_force=IOC, client_order_id="i")  # noqa: E731
    assert refused(miss) == (400, "ioc_insufficient_volume")
    assert (rig.engine.orders("ann"), rig.engine.balance("ann").reserved_micros) == ([], 0)
    assert rig.bid(4500, 1_100, time_in_force=IOC, client_order_id="i").filled_ch == 1_000


def test_a_market_may_have_a_limit_for_positions():
    """Held and resting on one side count together; what only reduces is always let through."""
    over = (400, "exceeded_per_market_risk_limit")
    rig = Rig(*BOOK, manners=Manners(most_per_market_ch=500))
    assert rig.bid(4500, 300, time_in_force=IOC).filled_ch == 300
    rests = rig.bid(4300, 200)
    assert refused(lambda: rig.bid(4300, 1)) == over
    assert refused(lambda: rig.bid(4500, 1, time_in_force=IOC)) == over
    assert rig.bid(4400, 900, time_in_force=IOC).filled_ch == 0, "what cannot fill makes no position"
    grown = AmendRequest(TICKER, Side.BID, 4300, 201)
    assert refused(lambda: rig.engine.amend("ann", rests.order_id, grown, rig.now)) == over
    moved = AmendRequest(TICKER, Side.BID, 4200, 200)
    rig.does(rig.engine.amend("ann", rests.order_id, moved, rig.now))
    assert rig.bid(4300, 500, "bob").remaining_ch == 500
    assert refused(lambda: rig.ask(4300, 801, time_in_force=IOC)) == over
    assert rig.ask(4300, 800, time_in_force=IOC).filled_ch == 800
    assert Rig(*BOOK).bid(4300, 5_000).remaining_ch == 5_000


def test_a_cancel_of_an_ended_order_is_not_found_or_takes_nothing():
    rig = Rig(*BOOK)
    done = rig.bid(4500, 100)
    assert refused(lambda: rig.engine.cancel("ann", done.order_id, TICKER, SHARD, rig.now)) == (404, "not_found")
    rig = Rig(*BOOK, manners=Manners(ended_is_not_found=False))
    done = rig.bid(4500, 100)
    assert rig.does(rig.engine.cancel("ann", done.order_id, TICKER, SHARD, rig.now)) == (done, 0)
    assert done.status is OrderStatus.EXECUTED


def test_a_refused_post_only_order_may_stay_visible():
    rig = Rig(*BOOK, manners=Manners(post_only_cross_is_kept=True))
    assert refused(lambda: rig.bid(4500, 100, post_only=True)) == (400, "invalid_order")
    (order,) = rig.engine.orders("ann")
    assert (order.status, order.reason) == (OrderStatus.CANCELED, Reason.POST_ONLY)
    assert rig.tick(rig.now) == [OrderChanged("ann", order.order_id, rig.now, "PostOnlyCrossCancel")]


def test_an_id_is_free_again_after_as_long_as_the_manners_say():
    rig = Rig(*BOOK, manners=Manners(client_id_kept_ms=5_000))
    first = rig.bid(4500, 100, client_order_id="mine")
    rig.tick(rig.now + 4_999)
    assert refused(lambda: rig.bid(4300, 100, client_order_id="mine")) == (409, "order_already_exists")
    rig.tick(rig.now + 1)
    second = rig.bid(4300, 100, client_order_id="mine")
    rig.tick(rig.now + 50_000)
    assert first is not second and refused(lambda: rig.bid(4300, 100, client_order_id="mine"))[0] == 409


def test_fees_may_be_reserved_too():
    rig, plain = (Rig(*BOOK, manners=Manners(fee_reserved=reserved)) for reserved in (True, False))
    for each in (rig, plain):
        each.does(each.engine.create("ann", NewOrderRequest(TICKER, Side.BID, 4300, 100, TimeInForce.GTC), each.now))
    assert plain.engine.balance("ann").reserved_micros == 4300 * 100
    assert rig.engine.balance("ann").reserved_micros == 4300 * 100 + 200
    assert rig.engine.balance("ann").free_micros == rig.engine.state.purse("ann", 0).free_micros(SHARD)


def test_refusals_are_called_as_the_manners_say():
    words = Manners(poor_code="insufficient_balance", closed_code="market_already_closed", twice_code="duplicate")
    rig = Rig(*BOOK, manners=words)
    order = rig.bid(4300, 100, client_order_id="mine")
    assert refused(lambda: rig.bid(4300, 100, client_order_id="mine")) == (409, "duplicate")
    assert refused(lambda: rig.bid(4300, 10**7)) == (400, "insufficient_balance")
    rig.tick(CLOSE_MS)
    assert refused(lambda: rig.bid(4300, 100)) == (400, "market_already_closed")
    cancel = lambda: rig.engine.cancel("ann", order.order_id, TICKER, SHARD, rig.now)  # noqa: E731
    assert refused(cancel) == (400, "market_already_closed")


# ---- history --------------------------------------------------------------------------------------------------------


def test_each_kind_of_record_leaves_the_live_endpoints_at_its_own_age():
    rig = Rig(*BOOK)
    done, resting = rig.bid(4500, 100), rig.bid(4300, 100)
    rig.does(rig.engine.amend("ann", resting.order_id, AmendRequest(TICKER, Side.BID, 4300, 90), rig.now))
    rig.tick(2_000 + 14 * DAY_MS)
    assert rig.engine.orders("ann", historical=True) == []
    rig.tick(2_001 + 14 * DAY_MS)
    assert rig.engine.orders("ann", historical=True) == [done]
    assert done not in rig.engine.orders("ann", historical=False)
    assert len(rig.engine.fills("ann", historical=False)) == 1
    assert rig.engine.cutoffs(rig.now).orders_updated_ms == 2_001
    rig.tick(2_001 + 90 * DAY_MS)
    assert rig.engine.fills("ann", historical=False) == [] and len(rig.engine.fills("ann", historical=True)) == 1
    assert len(rig.engine.positions("ann", historical=False)) == 1  # unsettled positions stay live
