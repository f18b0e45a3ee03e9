"""Outcomes that change before they are paid, markets called off, close dates that move, grids that change."""

from dataclasses import replace

import pytest

from engine_kit import CLOSE_MS, SHARD, TICKER, Rig, market
from outcry.domain.market import PriceRange, Status
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.records import AmendRequest, OrderStatus, Reason, Reject
from outcry.paper.events import BookSet, Determined, Disputed, Lifecycle, Listed, Print, Settled, Voided

IOC = TimeInForce.IOC
BOOK = {4200: 5000, 4300: 1000}, {4500: 1000, 4600: 5000}


@pytest.fixture
def rig() -> Rig:
    """`ann` bought 3 contracts at 0.45."""
    rig = Rig(*BOOK)
    rig.bid(4500, 300, time_in_force=IOC)
    return rig


def status(rig: Rig) -> Status:
    return rig.engine.market(TICKER).market.status


def revenues(rig: Rig) -> list[int]:
    return [paid.revenue_micros for paid in rig.engine.settlements("ann")]


def told(rig: Rig) -> list[str]:
    return [event.kind for event in rig.events if isinstance(event, Lifecycle)]


def test_the_exchange_pays_when_its_own_timer_runs_out(rig):
    rig.feed(Determined(TICKER, "yes", 10_000, CLOSE_MS, timer_ms=5_000), Settled(TICKER, CLOSE_MS + 4_999))
    assert (status(rig), revenues(rig)) == (Status.DETERMINED, [])
    assert rig.engine.next_at_ms() == CLOSE_MS + 5_000
    rig.tick(CLOSE_MS + 5_000)
    assert (status(rig), revenues(rig), told(rig)) == (Status.FINALIZED, [3_000_000], ["settled"])


def test_a_reversed_outcome_restarts_the_timer_and_pays_once(rig):
    rig.feed(Determined(TICKER, "yes", 10_000, CLOSE_MS, timer_ms=5_000))
    rig.feed(Determined(TICKER, "no", 0, CLOSE_MS + 4_000, timer_ms=5_000))
    assert (status(rig), told(rig)) == (Status.AMENDED, ["determined"])
    rig.tick(CLOSE_MS + 8_999)
    assert revenues(rig) == []
    rig.tick(CLOSE_MS + 9_000)
    rig.feed(Settled(TICKER, CLOSE_MS + 9_001), Determined(TICKER, "yes", 10_000, CLOSE_MS + 9_002))
    assert (status(rig), revenues(rig), rig.engine.market(TICKER).market.result) == (Status.FINALIZED, [0], "no")


def test_a_disputed_outcome_waits_until_it_is_determined_again(rig):
    rig.feed(Determined(TICKER, "yes", 10_000, CLOSE_MS, timer_ms=5_000), Disputed(TICKER, CLOSE_MS + 1_000))
    assert (status(rig), rig.events) == (Status.DISPUTED, [])
    rig.feed(Settled(TICKER, CLOSE_MS + 2_000))
    rig.tick(CLOSE_MS + 60_000)
    assert revenues(rig) == []
    rig.feed(Determined(TICKER, "yes", 10_000, CLOSE_MS + 61_000))  # upheld: the source says when
    assert (status(rig), told(rig)) == (Status.DETERMINED, ["determined"])
    rig.feed(Settled(TICKER, CLOSE_MS + 62_000))
    assert revenues(rig) == [3_000_000]


def test_a_dispute_before_the_outcome_or_after_the_payment_is_none(rig):
    rig.feed(Disputed(TICKER, CLOSE_MS))
    assert status(rig) is Status.CLOSED
    rig.feed(Determined(TICKER, "yes", 10_000, CLOSE_MS + 1), Settled(TICKER, CLOSE_MS + 2))
    rig.feed(Disputed(TICKER, CLOSE_MS + 3))
    assert status(rig) is Status.FINALIZED


def test_the_same_outcome_told_again_does_not_restart_the_timer(rig):
    again = Determined(TICKER, "yes", 10_000, CLOSE_MS, timer_ms=5_000)
    rig.feed(again, replace(again, at_ms=CLOSE_MS + 4_000))
    assert rig.events == []
    rig.tick(CLOSE_MS + 5_000)
    assert revenues(rig) == [3_000_000]


@pytest.mark.parametrize(
    ("bids", "asks", "value_cc"),
    [({4300: 10}, {4610: 10}, 4455), ({4300: 10}, {}, 4500), ({}, {}, 4500), ({10: 1}, {9_990: 1}, 5_000)],
)
def test_a_market_called_off_pays_both_sides_the_middle_of_others_quotes(rig, bids, asks, value_cc):
    rig.feed(BookSet(TICKER, bids, asks, rig.now))
    rig.bid(4400, 10, "bob")  # one's own order would set one's own payout
    rig.feed(Voided(TICKER, 3_000), Settled(TICKER, 4_000))
    (paid,) = rig.engine.settlements("ann")
    assert (paid.result, paid.value_cc) == ("scalar", value_cc)


def test_a_market_nobody_quoted_or_traded_pays_half():
    rig = Rig()
    rig.feed(Voided(TICKER, 3_000))
    record = rig.engine.market(TICKER).market
    assert (record.result, record.settlement_value_cc) == ("scalar", 5_000)


# ---- close dates, pauses, grids -------------------------------------------------------------------------------------


def test_a_market_closes_early_reopens_later_and_closes_again(rig):
    resting = rig.bid(4300, 100)
    rig.feed(Listed(market(close_at_ms=3_000), 2_500))
    assert told(rig) == ["close_date_updated"]
    rig.tick(3_000)
    assert status(rig) is Status.CLOSED
    rig.feed(Listed(market(close_at_ms=50_000, status=Status.CLOSED), 3_100))
    assert (status(rig), told(rig)) == (Status.CLOSED, ["close_date_updated"])
    rig.feed(Listed(market(close_at_ms=50_000, status=Status.ACTIVE), 3_200))
    assert (status(rig), told(rig)) == (Status.ACTIVE, ["activated"])
    assert (resting.status, resting.reason) == (OrderStatus.CANCELED, Reason.HALT)
    fresh = rig.bid(4300, 100)
    rig.tick(3_600)  # the sweep of the first close comes to nothing
    assert fresh.status is OrderStatus.RESTING
    rig.tick(50_500)
    assert (status(rig), fresh.reason) == (Status.CLOSED, Reason.CLOSE)


def test_an_order_off_a_grid_that_changed_keeps_its_place_may_shrink_and_trades():
    rig = Rig(*BOOK)
    rig.feed(Listed(market(price_ranges=(PriceRange(0, 10_000, 10),)), rig.now))
    order = rig.bid(4310, 500)
    rig.feed(Listed(market(), rig.now))
    assert (told(rig), order.status) == (["price_level_structure_updated"], OrderStatus.RESTING)
    rig.does(rig.engine.decrease("ann", order.order_id, rig.now, reduce_to_ch=400, exchange_index=SHARD))
    rig.does(rig.engine.amend("ann", order.order_id, AmendRequest(TICKER, Side.BID, 4310, 300), rig.now))
    for price_cc, count_ch in ((4310, 301), (4320, 300)):
        with pytest.raises(Reject, match="invalid_price"):
            rig.engine.amend("ann", order.order_id, AmendRequest(TICKER, Side.BID, price_cc, count_ch), rig.now)
    rig.feed(Print(TICKER, 4310, 50, Side.ASK, rig.now))
    assert (order.remaining_ch, order.filled_ch) == (250, 50)
