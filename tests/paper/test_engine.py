"""Requests: what the exchange checks, in which order, and what each kind of order does."""

from dataclasses import replace

import pytest

from engine_kit import CLOSE_MS, SHARD, TICKER, Rig, market
from outcry.domain.market import FeeTerms
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.records import AmendRequest, NewOrderRequest, OrderStatus, Reason, Reject, SelfTrade
from outcry.paper.events import AccountFill, BookChange, LevelChanged, Listed, OrderChanged, Print, TickerMoved, Traded

IOC, FOK, GTC = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTC
DOLLAR = 1_000_000
GOOD = NewOrderRequest(TICKER, Side.BID, 4300, 1000, GTC)


@pytest.fixture
def rig() -> Rig:
    return Rig({4200: 5000, 4300: 1000}, {4500: 1000, 4600: 5000})


def refusal(rig: Rig, **changes) -> tuple[int, str, str]:
    with pytest.raises(Reject) as caught:
        rig.engine.create("ann", replace(GOOD, **changes), rig.now)
    assert rig.engine.tick(rig.now) == []
    assert rig.engine.balance("ann").cash_micros == 1_000 * DOLLAR
    return caught.value.status, caught.value.code, caught.value.details


# ---- checks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"ticker": "KXNONE-1"}, 404, "not_found"),
        ({"exchange_index": 0}, 404, "not_found"),
        ({"price_cc": 4350}, 400, "invalid_price"),
        ({"price_cc": 10_000}, 400, "invalid_price"),
        ({"price_cc": 0}, 400, "invalid_price"),
        ({"count_ch": 0}, 400, "invalid_order_size"),
        ({"time_in_force": IOC, "expires_at_ms": 50_000}, 400, "invalid_order"),
        ({"expires_at_ms": 2_000}, 400, "invalid_order"),
        ({"reduce_only": True}, 400, "invalid_order"),
        ({"post_only": True, "price_cc": 4500}, 400, "invalid_order"),
        ({"time_in_force": FOK, "price_cc": 4500, "count_ch": 1001}, 400, "fok_insufficient_volume"),
        ({"count_ch": 1_000_000}, 400, "available_balance_too_low"),
        # an earlier check speaks before a later one
        ({"ticker": "KXNONE-1", "price_cc": 4350, "count_ch": 0}, 404, "not_found"),
        ({"price_cc": 4350, "count_ch": 0, "reduce_only": True}, 400, "invalid_price"),
        ({"count_ch": 0, "expires_at_ms": 1}, 400, "invalid_order_size"),
        ({"post_only": True, "price_cc": 4500, "count_ch": 10_000_000}, 400, "invalid_order"),
    ],
)
def test_it_refuses_and_nothing_changes(rig, changes, status, code):
    assert refusal(rig, **changes)[:2] == (status, code)


def test_a_post_only_order_that_would_cross_is_told_so(rig):
    assert refusal(rig, post_only=True, price_cc=4500)[2] == "post only cross"


@pytest.mark.parametrize("index", [None, -1, SHARD])
def test_an_order_finds_its_shard_by_ticker_or_by_its_right_name(rig, index):
    assert rig.bid(4300, 100, exchange_index=index).exchange_index == SHARD


def test_a_client_order_id_is_good_for_one_order_even_after_it_ended(rig):
    first = rig.bid(4500, 100, client_order_id="mine", time_in_force=IOC)
    assert first.status is OrderStatus.EXECUTED
    with pytest.raises(Reject) as caught:
        rig.bid(4300, 100, client_order_id="mine")
    assert (caught.value.status, caught.value.code) == (409, "order_already_exists")
    assert rig.bid(4300, 100, "bob", client_order_id="mine").status is OrderStatus.RESTING


def test_an_account_without_cash_on_the_shard_cannot_trade_there(rig):
    rig.engine.add_account("poor", {0: 1_000 * DOLLAR})
    with pytest.raises(Reject) as caught:
        rig.bid(4300, 100, "poor")
    assert caught.value.code == "available_balance_too_low"


def test_a_market_without_a_fee_formula_takes_no_orders(rig):
    rig.feed(Listed(market("KXFLAT-1-1", fee=FeeTerms("flat")), rig.now))
    rig.tick(rig.now)
    with pytest.raises(Reject) as caught:
        rig.bid(4300, 100, ticker="KXFLAT-1-1")
    assert caught.value.code == "invalid_order"


def test_an_unknown_account_is_not_found(rig):
    for ask in (
        lambda: rig.engine.create("eve", GOOD, rig.now),
        lambda: rig.engine.cancel_all("eve", rig.now),
        lambda: rig.engine.balance("eve"),
        lambda: rig.engine.orders("eve"),
    ):
        with pytest.raises(Reject) as caught:
            ask()
        assert caught.value.status == 404


# ---- time in force, post only, reduce only, self trades --------------------------------------------------------------


def test_a_resting_order_reserves_collateral_and_shows_with_its_owners_name(rig):
    order = rig.bid(4300, 1000, client_order_id="mine")
    assert (order.status, order.remaining_ch) == (OrderStatus.RESTING, 1000)
    assert rig.engine.balance("ann", SHARD).reserved_micros == 4300 * 1000
    assert rig.events == [
        LevelChanged(TICKER, Side.BID, 4300, 1000, 2_000, "ann", "mine"),
        OrderChanged("ann", order.order_id, 2_000, ""),
        TickerMoved(TICKER, 2_000),
    ]


def test_a_taker_pays_the_price_and_the_fee_of_each_match(rig):
    order = rig.bid(4600, 2000, time_in_force=IOC)
    assert [type(event) for event in rig.events if not isinstance(event, LevelChanged)] == [
        Traded, Traded, AccountFill, AccountFill, OrderChanged, TickerMoved,
    ]  # fmt: skip
    newest, oldest = rig.engine.fills("ann")
    assert (oldest.price_cc, oldest.count_ch, oldest.fee_micros, oldest.is_taker) == (4500, 1000, 173_300, True)
    assert (newest.price_cc, newest.count_ch, newest.fee_micros) == (4600, 1000, 173_900)
    assert newest.post_position_ch == 2000
    assert rig.engine.balance("ann", SHARD).cash_micros == 1_000 * DOLLAR - 9_100_000 - 347_200
    assert (order.status, order.taker_cost_micros, order.fees_micros) == (OrderStatus.EXECUTED, 9_100_000, 347_200)


def test_an_immediate_order_takes_what_there_is_and_ends(rig):
    order = rig.bid(4500, 1500, time_in_force=IOC)
    assert (order.status, order.filled_ch, order.remaining_ch) == (OrderStatus.CANCELED, 1000, 0)
    nothing = rig.bid(4300, 1500, time_in_force=IOC)
    assert (nothing.status, nothing.filled_ch) == (OrderStatus.CANCELED, 0)
    assert rig.engine.balance("ann", SHARD).reserved_micros == 0


def test_what_a_good_till_canceled_order_cannot_take_rests(rig):
    order = rig.bid(4500, 1500)
    assert (order.status, order.filled_ch, order.remaining_ch) == (OrderStatus.RESTING, 1000, 500)
    assert rig.engine.displayed(TICKER)[0][4500] == 500


def test_a_fill_or_kill_fills_whole(rig):
    assert rig.bid(4600, 6000, time_in_force=FOK).status is OrderStatus.EXECUTED


def test_a_fill_or_kill_that_meets_its_own_account_is_an_immediate_one(rig):
    rig.ask(4400, 100)
    order = rig.bid(4600, 200, time_in_force=FOK)
    assert (order.status, order.filled_ch, order.reason) == (OrderStatus.CANCELED, 0, Reason.SELF_TRADE)


def test_reduce_only_never_opens(rig):
    flat = rig.ask(4300, 100, time_in_force=IOC, reduce_only=True)
    assert (flat.status, flat.filled_ch, flat.reason) == (OrderStatus.CANCELED, 0, Reason.REDUCE_ONLY)
    rig.bid(4500, 300, time_in_force=IOC)
    order = rig.ask(4200, 1000, time_in_force=IOC, reduce_only=True)
    assert (order.filled_ch, order.status, order.reason) == (300, OrderStatus.CANCELED, Reason.REDUCE_ONLY)
    assert rig.engine.position("ann", TICKER).position_ch == 0


def test_a_plain_ask_larger_than_the_holding_flips_to_no(rig):
    rig.bid(4500, 300, time_in_force=IOC)
    rig.ask(4300, 1000, time_in_force=IOC)
    held = rig.engine.position("ann", TICKER)
    assert (held.position_ch, held.exposure_micros) == (-700, 5700 * 700)
    assert held.realized_micros == -200 * 300


def test_a_taker_stops_at_its_own_resting_order_and_earlier_matches_stand(rig):
    mine = rig.ask(4600, 100, client_order_id="mine")
    order = rig.bid(4600, 9000)
    assert order.filled_ch == 6000  # 1000 at 0.45, the 5000 ahead of its own at 0.46
    assert (order.status, order.reason) == (OrderStatus.CANCELED, Reason.SELF_TRADE)
    assert mine.status is OrderStatus.RESTING


def test_with_maker_prevention_the_resting_order_goes_and_matching_goes_on(rig):
    mine = rig.ask(4400, 100)
    order = rig.bid(4500, 600, self_trade=SelfTrade.MAKER, time_in_force=IOC)
    assert (mine.status, mine.reason, mine.filled_ch) == (OrderStatus.CANCELED, Reason.SELF_TRADE, 0)
    assert (order.status, order.filled_ch) == (OrderStatus.EXECUTED, 600)


def test_two_accounts_trade_with_each_other_once_and_both_hear_of_it(rig):
    maker = rig.ask(4400, 100, "bob")
    taker = rig.bid(4400, 100, "ann")
    (trade,) = [event for event in rig.events if isinstance(event, Traded)]
    fills = [event for event in rig.events if isinstance(event, AccountFill)]
    assert {fill.trade_id for fill in fills} == {trade.trade_id}
    assert [(fill.account, fill.order_id, fill.is_taker) for fill in fills] == [
        ("ann", taker.order_id, True),
        ("bob", maker.order_id, False),
    ]
    assert rig.engine.state.house.positions.get(TICKER, 0) == 0
    assert rig.engine.market(TICKER).open_interest_ch == 100


# ---- money ----------------------------------------------------------------------------------------------------------


def test_an_ask_ties_up_a_dollar_less_its_price_unless_it_sells_what_is_held(rig):
    rig.ask(6000, 100)
    assert rig.engine.balance("ann", SHARD).reserved_micros == 4000 * 100
    rig.bid(4500, 100, time_in_force=IOC)
    assert rig.engine.balance("ann", SHARD).reserved_micros == 0


def test_netting_gives_the_dollar_back_at_once(rig):
    rig.ask(4300, 1000, time_in_force=IOC)
    cash = rig.engine.balance("ann", SHARD).cash_micros
    rig.bid(4500, 1000, time_in_force=IOC)
    assert rig.engine.balance("ann", SHARD).cash_micros == cash + 5500 * 1000 - 173_300


def test_a_holder_without_a_cent_may_still_sell():
    rig = Rig({4300: 1000}, {4500: 1000}, cash=4500 * 100 + 17_400)
    rig.bid(4500, 100, time_in_force=IOC)
    assert rig.engine.balance("ann", SHARD).cash_micros < 100
    order = rig.ask(10, 100, time_in_force=IOC, reduce_only=True)
    assert order.status is OrderStatus.EXECUTED


def test_the_limit_must_be_affordable_even_when_the_match_is_cheaper():
    rig = Rig({}, {1000: 1000}, cash=2 * DOLLAR)
    with pytest.raises(Reject) as caught:
        rig.bid(9000, 1000, time_in_force=IOC)
    assert caught.value.code == "available_balance_too_low"
    assert rig.bid(1000, 1000, time_in_force=IOC).status is OrderStatus.EXECUTED


def test_the_fee_must_be_affordable_too():
    rig = Rig({}, {5000: 1000}, cash=5_000_000 + 174_999)
    with pytest.raises(Reject):
        rig.bid(5000, 1000, time_in_force=IOC)
    rig = Rig({}, {5000: 1000}, cash=5_000_000 + 175_000)
    rig.bid(5000, 1000, time_in_force=IOC)
    assert rig.engine.balance("ann", SHARD).cash_micros == 0


def test_rounding_fees_of_many_small_fills_cancel_the_order_before_cash_is_short():
    rig = Rig({}, {9000: 10}, cash=4311 * 100)
    order = rig.bid(910, 400)
    for _ in range(200):
        rig.feed(Print(TICKER, 900, 1, Side.ASK, rig.now))
    assert (order.status, order.reason) == (OrderStatus.RESTING, Reason.TRADE)
    rig = Rig({}, {9000: 10}, cash=910 * 400 + 300)
    order = rig.bid(910, 400)
    for _ in range(200):
        rig.feed(Print(TICKER, 900, 1, Side.ASK, rig.now))
    assert (order.status, order.reason) == (OrderStatus.CANCELED, Reason.MARGIN)


# ---- cancel, cancel all, amend --------------------------------------------------------------------------------------


def test_a_cancel_takes_what_is_left_and_frees_it(rig):
    order = rig.bid(4500, 1500, client_order_id="mine")
    same, left, events = rig.engine.cancel("ann", order.order_id, TICKER, None, rig.now)
    rig.told(events)
    assert (same, left, order.status, order.filled_ch) == (order, 500, OrderStatus.CANCELED, 1000)
    assert rig.events[0] == LevelChanged(TICKER, Side.BID, 4500, -500, 2_000, "ann", "mine")


@pytest.mark.parametrize(
    ("account", "ticker", "index"),
    [("ann", None, None), ("ann", None, -1), ("ann", None, 0), ("ann", TICKER, 0), ("ann", "KXNONE-1", SHARD),
     ("bob", TICKER, SHARD)],
)  # fmt: skip
def test_a_cancel_that_looks_in_the_wrong_place_finds_nothing(rig, account, ticker, index):
    order = rig.bid(4300, 100)
    with pytest.raises(Reject) as caught:
        rig.engine.cancel(account, order.order_id, ticker, index, rig.now)
    assert (caught.value.status, order.status) == (404, OrderStatus.RESTING)


@pytest.mark.parametrize(("ticker", "index"), [(TICKER, None), (TICKER, -1), (None, SHARD), (TICKER, SHARD)])
def test_a_cancel_with_ticker_or_shard_finds_it(rig, ticker, index):
    order = rig.bid(4300, 100)
    rig.told(rig.engine.cancel("ann", order.order_id, ticker, index, rig.now)[2])
    with pytest.raises(Reject) as caught:
        rig.engine.cancel("ann", order.order_id, ticker, index, rig.now)
    assert caught.value.status == 404


def test_cancel_all_takes_one_accounts_orders_only(rig):
    mine = [rig.bid(4300, 100), rig.ask(4700, 100)]
    theirs = rig.bid(4300, 100, "bob")
    taken, events = rig.engine.cancel_all("ann", rig.now)
    rig.told(events)
    assert taken == mine and all(order.status is OrderStatus.CANCELED for order in mine)
    assert theirs.status is OrderStatus.RESTING


def amend(rig, order, **changes):
    request = AmendRequest(order.ticker, order.side, order.price_cc, order.filled_ch + order.remaining_ch)
    same, events = rig.engine.amend(order.account, order.order_id, replace(request, **changes), rig.now)
    assert same is order
    rig.told(events)


def test_an_expiry_or_a_smaller_size_keeps_the_place_in_the_queue(rig):
    order = rig.bid(4300, 500)
    rig.feed(BookChange(TICKER, Side.BID, 4300, 9000, rig.now))
    book = rig.engine.market(TICKER).book
    amend(rig, order, expires_at_ms=50_000)
    amend(rig, order, count_ch=400)
    assert (book.ahead_ch(order.order_id), order.remaining_ch, order.expires_at_ms) == (1000, 400, 50_000)
    amend(rig, order, expires_at_ms=0)
    assert order.expires_at_ms is None
    rig.tick(60_000)
    assert order.status is OrderStatus.RESTING


def test_a_larger_size_or_another_price_goes_to_the_back(rig):
    order = rig.bid(4300, 500)
    rig.feed(BookChange(TICKER, Side.BID, 4300, 9000, rig.now))
    amend(rig, order, count_ch=600)
    assert rig.engine.market(TICKER).book.ahead_ch(order.order_id) == 10_000
    amend(rig, order, price_cc=4200)
    assert rig.engine.market(TICKER).book.ahead_ch(order.order_id) == 5000
    assert rig.engine.balance("ann", SHARD).reserved_micros == 4200 * 600


def test_an_amended_price_may_take(rig):
    order = rig.bid(4300, 500)
    amend(rig, order, price_cc=4500)
    assert (order.status, order.filled_ch) == (OrderStatus.EXECUTED, 500)
    assert rig.engine.balance("ann", SHARD).reserved_micros == 0


def test_an_amend_counts_what_has_filled(rig):
    order = rig.bid(4500, 1500)
    with pytest.raises(Reject) as caught:
        amend(rig, order, count_ch=1000)
    assert caught.value.code == "invalid_amend_qty_for_order"
    amend(rig, order, count_ch=1200)
    assert (order.filled_ch, order.remaining_ch, order.initial_ch) == (1000, 200, 1200)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ticker": "KXNONE-1"}, "order_ticker_mismatch"),
        ({"side": Side.ASK}, "order_side_mismatch"),
        ({"client_order_id": "other"}, "order_id_and_client_order_id_mismatch"),
        ({"price_cc": 4350}, "invalid_price"),
        ({"expires_at_ms": 1_999}, "invalid_order"),
        ({"count_ch": 100_000_000}, "available_balance_too_low"),
        ({"updated_client_order_id": "taken"}, "order_already_exists"),
    ],
)
def test_an_amend_that_does_not_fit_changes_nothing(rig, changes, code):
    rig.bid(4200, 1, client_order_id="taken")
    order = rig.bid(4300, 500, client_order_id="mine")
    with pytest.raises(Reject) as caught:
        amend(rig, order, **changes)
    assert caught.value.code == code
    rig.tick(rig.now)
    assert (order.price_cc, order.remaining_ch, order.client_order_id) == (4300, 500, "mine")
    assert rig.engine.market(TICKER).book.ahead_ch(order.order_id) == 1000


def test_an_ended_order_cannot_be_amended(rig):
    done = rig.bid(4500, 100)
    with pytest.raises(Reject) as caught:
        amend(rig, done, count_ch=500)
    assert caught.value.code == "cannot_update_filled_order"


# ---- reads ----------------------------------------------------------------------------------------------------------


def test_lists_come_newest_first_and_filter(rig):
    first = rig.bid(4300, 100)
    rig.tick(3_000)
    second = rig.bid(4500, 100)
    assert rig.engine.orders("ann") == [second, first]
    assert rig.engine.orders("ann", status=OrderStatus.RESTING) == [first]
    assert rig.engine.orders("ann", min_ms=3_000) == [second]
    assert rig.engine.orders("ann", max_ms=2_999) == [first]
    assert rig.engine.orders("ann", tickers=["KXNONE-1"]) == []
    assert rig.engine.orders("ann", event_tickers=["KXBTC15M-26NOV201215"]) == [second, first]
    assert rig.engine.orders("ann", exchange_index=0) == []
    assert [fill.order_id for fill in rig.engine.fills("ann", tickers=[TICKER])] == [second.order_id]
    assert rig.engine.fills("ann", order_id=first.order_id) == []
    assert rig.engine.orders("bob") == []


def test_a_position_is_worth_what_closing_it_now_would_bring(rig):
    rig.bid(4500, 100, time_in_force=IOC)
    assert rig.engine.balance("ann").value_micros == 4300 * 100
    rig.ask(4200, 200, "bob", time_in_force=IOC)
    assert rig.engine.balance("bob").value_micros == (10_000 - 4500) * 200


def test_a_market_says_its_last_price_and_volume(rig):
    rig.bid(4500, 100, time_in_force=IOC)
    rig.feed(Print(TICKER, 4300, 50, Side.ASK, rig.now))
    record = rig.engine.market(TICKER)
    assert (record.last_price_cc, record.last_count_ch, record.volume_ch) == (4300, 50, 150)
    assert [trade.count_ch for trade in rig.engine.trades(TICKER)] == [50, 100]
    assert [trade.count_ch for trade in rig.engine.trades()] == [50, 100]
    assert rig.engine.markets() == [record]
    assert CLOSE_MS == record.market.close_at_ms
