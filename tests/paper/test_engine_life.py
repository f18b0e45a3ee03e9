"""Markets open, pause, close and pay by themselves; makers fill by the queue; expiries run; subscribers hear it."""

from dataclasses import replace

import pytest

from engine_kit import CLOSE_MS, OPEN_MS, SHARD, TICKER, Rig, market
from outcry.domain.errors import InvariantBroken
from outcry.domain.market import PriceRange, Status
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.records import AmendRequest, OrderStatus, Reason, Reject
from outcry.paper.events import (
    AccountFill,
    AccountSettled,
    BookChange,
    BookReset,
    BookSet,
    Closed,
    Determined,
    IndexTick,
    LevelChanged,
    Lifecycle,
    Listed,
    Opened,
    Print,
    Settled,
    Stats,
    TickerMoved,
    Traded,
)

IOC = TimeInForce.IOC
NEXT = "KXBTC15M-26NOV201230-30"


@pytest.fixture
def rig() -> Rig:
    return Rig({4200: 5000, 4300: 1000}, {4500: 1000, 4600: 5000})


def refused(act) -> str:
    with pytest.raises(Reject) as caught:
        act()
    return caught.value.code


# ---- makers ---------------------------------------------------------------------------------------------------------


def test_a_print_reaches_a_resting_order_only_after_those_ahead(rig):
    order = rig.bid(4300, 300, client_order_id="mine")
    rig.feed(Print(TICKER, 4300, 1000, Side.ASK, rig.now), BookChange(TICKER, Side.BID, 4300, -1000, rig.now))
    assert order.filled_ch == 0
    rig.feed(Print(TICKER, 4300, 120, Side.ASK, rig.now))
    (fill,) = rig.engine.fills("ann")
    assert (fill.count_ch, fill.price_cc, fill.is_taker, fill.fee_micros) == (120, 4300, False, 0)
    assert (order.status, order.remaining_ch) == (OrderStatus.RESTING, 180)
    level = next(event for event in rig.events if isinstance(event, LevelChanged))
    assert (level.change_ch, level.account) == (-120, "")  # somebody else's order caused it


def test_the_public_tape_shows_each_contract_of_a_print_once(rig):
    rig.bid(4400, 30)
    rig.feed(Print(TICKER, 4300, 100, Side.ASK, rig.now, inferred=True))
    trades = [event for event in rig.events if isinstance(event, Traded)]
    assert [(trade.price_cc, trade.count_ch, trade.inferred) for trade in trades] == [
        (4400, 30, True),
        (4300, 70, True),
    ]
    assert rig.engine.market(TICKER).volume_ch == 100


def test_volumes_the_source_states_are_not_counted_twice(rig):
    rig.feed(Stats(TICKER, 4400, 7_000, 900, rig.now))
    assert rig.kinds() == ["TickerMoved"]
    rig.feed(Print(TICKER, 4300, 100, Side.ASK, rig.now))
    assert rig.engine.market(TICKER).volume_ch == 7_000
    rig.bid(4500, 50, time_in_force=IOC)
    assert (rig.engine.market(TICKER).volume_ch, rig.engine.market(TICKER).open_interest_ch) == (7_050, 950)


def test_foreign_size_arriving_through_a_resting_order_fills_it(rig):
    order = rig.bid(4400, 100)
    rig.feed(BookChange(TICKER, Side.ASK, 4400, 60, rig.now))
    assert order.filled_ch == 60
    assert 4400 not in rig.engine.displayed(TICKER)[1]


def test_the_ticker_moves_with_the_touch_only(rig):
    rig.feed(BookChange(TICKER, Side.BID, 4200, 10, rig.now))
    assert rig.kinds() == ["LevelChanged"]
    rig.feed(BookChange(TICKER, Side.BID, 4300, 10, rig.now))
    assert rig.kinds() == ["LevelChanged", "TickerMoved"]


def test_a_book_told_whole_is_one_reset(rig):
    rig.bid(4400, 100)
    rig.feed(BookSet(TICKER, {4300: 10}, {4400: 70, 4600: 10}, rig.now))
    assert BookReset(TICKER, rig.now) in rig.events
    assert not any(isinstance(event, LevelChanged) for event in rig.events)
    assert rig.engine.displayed(TICKER) == ({4300: 10, 4400: 30}, {4600: 10})


# ---- timers ---------------------------------------------------------------------------------------------------------


def test_an_order_expires_at_its_time(rig):
    order = rig.bid(4300, 100, expires_at_ms=5_000)
    assert rig.engine.next_at_ms() == 5_000
    rig.tick(4_999)
    assert order.status is OrderStatus.RESTING
    rig.tick(5_000)
    assert (order.status, order.reason, order.updated_at_ms) == (OrderStatus.CANCELED, Reason.EXPIRY, 5_000)


def test_a_renewed_expiry_replaces_the_old_one(rig):
    order = rig.bid(4300, 100, expires_at_ms=5_000)
    renewal = AmendRequest(TICKER, Side.BID, 4300, 100, expires_at_ms=9_000)
    rig.told(rig.engine.amend("ann", order.order_id, renewal, rig.now)[1])
    rig.tick(5_000)
    assert order.status is OrderStatus.RESTING
    rig.tick(9_000)
    assert order.status is OrderStatus.CANCELED


def test_what_was_due_before_an_event_happens_before_it(rig):
    order = rig.bid(4400, 100, expires_at_ms=5_000)
    rig.feed(Print(TICKER, 4300, 100, Side.ASK, 5_001))
    assert (order.filled_ch, order.reason) == (0, Reason.EXPIRY)


def test_the_clock_never_runs_backwards(rig):
    rig.tick(9_000)
    rig.now = 3_000
    assert rig.bid(4300, 100).created_at_ms == 9_000


def test_a_market_opens_and_closes_silently_and_sweeps_what_rests(rig):
    rig.feed(Listed(market(NEXT, open_at_ms=10_000), 2_000))
    assert refused(lambda: rig.bid(4300, 100, ticker=NEXT)) == "market_inactive"
    assert rig.tick(10_000) == []
    assert rig.engine.market(NEXT).market.status is Status.ACTIVE
    order = rig.bid(4300, 100, ticker=NEXT)
    assert rig.tick(CLOSE_MS) == []
    assert (rig.engine.market(NEXT).market.status, order.status) == (Status.CLOSED, OrderStatus.RESTING)
    assert refused(lambda: rig.bid(4300, 100)) == "market_inactive"
    assert refused(lambda: rig.engine.cancel("ann", order.order_id, NEXT, SHARD, rig.now)) == "market_inactive"
    assert rig.engine.cancel_all("ann", rig.now)[0] == []
    rig.feed(Print(NEXT, 4200, 100, Side.ASK, CLOSE_MS))
    assert order.filled_ch == 0
    rig.tick(CLOSE_MS + 500)
    assert (order.status, order.reason) == (OrderStatus.CANCELED, Reason.CLOSE)
    assert rig.engine.balance("ann", SHARD).reserved_micros == 0


def test_a_source_may_open_and_close_a_market_itself():
    rig = Rig()
    rig.feed(Listed(market(NEXT, open_at_ms=10_000), 2_000), Opened(NEXT, 2_500))
    assert rig.engine.market(NEXT).trading
    rig.feed(Closed(NEXT, 3_000))
    assert rig.engine.market(NEXT).market.status is Status.CLOSED


# ---- listings -------------------------------------------------------------------------------------------------------


def test_a_strike_that_becomes_known_is_metadata():
    rig = Rig()
    rig.feed(Listed(market(NEXT, open_at_ms=10_000), 2_000))
    assert rig.events == [Lifecycle("created", NEXT, 2_000)]
    known = market(NEXT, open_at_ms=10_000, strike_type="greater_or_equal", strike_micros=97_123_450_000)
    rig.feed(Listed(known, 2_100))
    facts = {"strike_type": "greater_or_equal", "strike_micros": 97_123_450_000}
    assert rig.events == [Lifecycle("metadata_updated", NEXT, 2_100, facts)]
    rig.feed(Listed(known, 2_200))
    assert rig.events == []


def test_a_description_does_not_turn_a_running_market_back(rig):
    rig.feed(Listed(market(title="better words"), rig.now))
    assert rig.engine.market(TICKER).market.title == "better words"
    assert rig.engine.market(TICKER).trading


def test_a_later_close_is_told_and_honoured(rig):
    rig.feed(Listed(market(close_at_ms=CLOSE_MS + 50_000), rig.now))
    assert rig.events == [Lifecycle("close_date_updated", TICKER, rig.now, {"close_at_ms": CLOSE_MS + 50_000})]
    rig.tick(CLOSE_MS)
    assert rig.engine.market(TICKER).trading
    rig.tick(CLOSE_MS + 50_000)
    assert not rig.engine.market(TICKER).trading


def test_a_finer_grid_keeps_resting_orders(rig):
    order = rig.bid(4300, 100)
    rig.feed(Listed(market(price_ranges=(PriceRange(0, 10_000, 10),)), rig.now))
    assert [event.kind for event in rig.events] == ["price_level_structure_updated"]
    assert order.status is OrderStatus.RESTING
    assert rig.bid(4310, 100).status is OrderStatus.RESTING


def test_a_market_reopened_starts_with_an_empty_queue(rig):
    order = rig.bid(4300, 100)
    rig.tick(CLOSE_MS)
    rig.feed(Listed(market(status=Status.ACTIVE, close_at_ms=CLOSE_MS + 50_000), CLOSE_MS))
    assert rig.engine.market(TICKER).trading
    assert (order.status, order.reason) == (OrderStatus.CANCELED, Reason.HALT)


def test_the_source_has_to_list_a_market_first():
    with pytest.raises(InvariantBroken):
        Rig().feed(BookChange("KXNONE-1", Side.BID, 4300, 1, 2_000))


def test_an_index_value_passes_through():
    tick = IndexTick("BTC-USD", 97_000_000_000, 2_000)
    assert Rig().feed(tick) == [tick]


# ---- pauses ---------------------------------------------------------------------------------------------------------


def test_a_trading_pause_stops_orders_but_not_cancels(rig):
    stays, goes = rig.bid(4400, 100), rig.bid(4400, 100, cancel_on_pause=True)
    rig.told(rig.engine.pause(SHARD, rig.now))
    assert rig.engine.paused(SHARD) == (True, False)
    assert (stays.status, goes.status, goes.reason) == (OrderStatus.RESTING, OrderStatus.CANCELED, Reason.HALT)
    assert refused(lambda: rig.bid(4300, 100)) == "trading_paused"
    rig.feed(Print(TICKER, 4300, 100, Side.ASK, rig.now), BookChange(TICKER, Side.ASK, 4400, 30, rig.now))
    assert stays.filled_ch == 0
    rig.told(rig.engine.resume(SHARD, rig.now))
    assert stays.filled_ch == 30
    rig.told(rig.engine.pause(SHARD, rig.now))
    rig.told(rig.engine.cancel("ann", stays.order_id, TICKER, SHARD, rig.now)[2])
    assert stays.status is OrderStatus.CANCELED


def test_an_exchange_pause_stops_cancels_too(rig):
    order = rig.bid(4300, 100)
    rig.told(rig.engine.pause(SHARD, rig.now, whole_exchange=True))
    assert rig.engine.paused(SHARD) == (True, True)
    assert refused(lambda: rig.bid(4300, 100)) == "exchange_paused"
    assert refused(lambda: rig.engine.cancel("ann", order.order_id, TICKER, SHARD, rig.now)) == "exchange_paused"
    assert rig.engine.cancel_all("ann", rig.now)[0] == []
    rig.told(rig.engine.resume(SHARD, rig.now))
    assert rig.engine.cancel_all("ann", rig.now)[0] == [order]


def test_a_paused_market_wipes_its_orders_when_it_comes_back(rig):
    stays, goes = rig.bid(4300, 100), rig.bid(4300, 100, cancel_on_pause=True)
    rig.feed(Listed(market(status=Status.INACTIVE), rig.now))
    assert [event.kind for event in rig.events if isinstance(event, Lifecycle)] == ["deactivated"]
    assert (stays.status, goes.status) == (OrderStatus.RESTING, OrderStatus.CANCELED)
    assert refused(lambda: rig.bid(4300, 100)) == "market_inactive"
    rig.feed(Listed(market(status=Status.ACTIVE), rig.now))
    assert [event.kind for event in rig.events if isinstance(event, Lifecycle)] == ["activated"]
    assert stays.status is OrderStatus.CANCELED
    assert rig.bid(4300, 100).status is OrderStatus.RESTING


# ---- outcomes -------------------------------------------------------------------------------------------------------


def decide(rig: Rig, result: str, value_cc: int) -> None:
    rig.feed(Determined(TICKER, result, value_cc, CLOSE_MS + 1_000, 97_130_110_000), Settled(TICKER, CLOSE_MS + 3_000))


def paid(rig: Rig, account: str) -> AccountSettled:
    (record,) = rig.engine.settlements(account)
    return record


@pytest.mark.parametrize(
    ("result", "value_cc", "ann", "bob"),
    [("yes", 10_000, 3_000_000, 0), ("no", 0, 0, 2_000_000), ("scalar", 2_500, 750_000, 1_500_000)],
)
def test_both_sides_are_paid_on_their_net_position(rig, result, value_cc, ann, bob):
    rig.bid(4500, 300, time_in_force=IOC)
    rig.ask(4300, 200, "bob", time_in_force=IOC)
    before = {name: rig.engine.balance(name).cash_micros for name in ("ann", "bob")}
    decide(rig, result, value_cc)
    for name, revenue in (("ann", ann), ("bob", bob)):
        assert paid(rig, name).revenue_micros == revenue
        assert rig.engine.balance(name).cash_micros == before[name] + revenue
        assert rig.engine.positions(name) == []
        assert rig.engine.position(name, TICKER).settled
    assert rig.engine.market(TICKER).market.status is Status.FINALIZED
    assert rig.engine.market(TICKER).expiration_value_micros == 97_130_110_000


def test_counts_are_gross_per_side_and_revenue_is_net(rig):
    rig.bid(4500, 300, time_in_force=IOC)
    rig.ask(4300, 300, time_in_force=IOC)
    decide(rig, "yes", 10_000)
    record = paid(rig, "ann")
    assert (record.yes_count_ch, record.no_count_ch, record.revenue_micros) == (300, 300, 0)
    assert (record.yes_cost_micros, record.no_cost_micros) == (4500 * 300, 5700 * 300)
    profit = record.revenue_micros + 10_000 * 300 - record.yes_cost_micros - record.no_cost_micros - record.fee_micros
    assert rig.engine.balance("ann").cash_micros == 1_000_000_000 + profit


def test_a_scalar_payout_is_rounded_down_and_the_rest_is_the_exchanges(rig):
    rig.bid(4500, 33, time_in_force=IOC)
    kept = rig.engine.state.house.fees[SHARD]
    decide(rig, "scalar", 3_333)
    assert paid(rig, "ann").revenue_micros == 109_900  # 33 x 3333 is 109 989
    assert rig.engine.state.house.fees[SHARD] == kept + 89


def test_who_never_traded_gets_no_record(rig):
    decide(rig, "yes", 10_000)
    assert rig.engine.settlements("ann") == []
    kinds = [event.kind for event in rig.events if isinstance(event, Lifecycle)]
    assert kinds == ["settled"]


def test_a_determination_ends_trading_even_before_the_close(rig):
    order = rig.bid(4300, 100)
    rig.feed(Determined(TICKER, "no", 0, 3_000))
    assert (order.status, order.reason) == (OrderStatus.CANCELED, Reason.CLOSE)
    assert refused(lambda: rig.bid(4300, 100)) == "market_inactive"
    assert rig.events[-2:] == [
        Lifecycle("determined", TICKER, 3_000, {"result": "no", "value_cc": 0}),
        TickerMoved(TICKER, 3_000),
    ]


def test_an_outcome_told_twice_pays_once(rig):
    rig.bid(4500, 300, time_in_force=IOC)
    decide(rig, "yes", 10_000)
    cash = rig.engine.balance("ann").cash_micros
    decide(rig, "no", 0)
    rig.feed(Listed(replace(market(), result="no"), CLOSE_MS + 9_000))
    assert (rig.engine.balance("ann").cash_micros, len(rig.engine.settlements("ann"))) == (cash, 1)
    assert rig.engine.market(TICKER).market.result == "yes"


def test_nothing_is_paid_before_an_outcome(rig):
    with pytest.raises(InvariantBroken):
        rig.feed(Settled(TICKER, CLOSE_MS))


def test_fills_and_settlements_are_listed_by_time(rig):
    rig.bid(4500, 300, time_in_force=IOC)
    decide(rig, "yes", 10_000)
    assert rig.engine.settlements("ann", min_ms=CLOSE_MS + 3_001) == []
    assert len(rig.engine.settlements("ann", tickers=[TICKER], event_tickers=["KXBTC15M-26NOV201215"])) == 1
    assert rig.engine.positions("ann", settled=True) == rig.engine.positions("ann", settled=None)
    assert isinstance(rig.engine.fills("ann")[0], AccountFill)
    assert OPEN_MS < rig.engine.fills("ann")[0].at_ms < CLOSE_MS
