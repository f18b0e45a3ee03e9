"""Endpoints around trading: groups, money between shards and subaccounts, tiers, candlesticks, what became historical.

Shapes are held against the exchange's description by the test's own client; what they mean is read by the floor's.
"""

import uuid
from datetime import UTC, datetime

import pytest

from local_exchange import DEPOSIT, OTHER, TICKER, Client, Listener, LocalExchange, market, now_ms
from outcry.domain.errors import Refused
from outcry.domain.market import FeeTerms
from outcry.domain.order import Side
from outcry.paper.engine.manners import Manners
from outcry.paper.events import BookSet, Determined, Print, Settled
from outcry.paper.rest import hours
from outcry.paper.server.exchange import Terms
from outcry.venue.rest_shards import Reservation, TargetAllocation, TransferStatus
from venue_client import PLENTY, bid, rest_of, wait_for

GROUPS, TRANSFER, SUB = (
    "/portfolio/order_groups",
    "/portfolio/intra_exchange_instance_transfer",
    "/portfolio/subaccounts",
)


def running(**more) -> LocalExchange:
    exchange = LocalExchange("floor", "rival", **more)
    exchange.list(market(), market(OTHER))
    exchange.feed(BookSet(TICKER, {4000: 5_000, 3900: 10_000}, {4200: 3_000, 4300: 10_000}, now_ms()))
    return exchange


@pytest.fixture
def exchange():
    one = running(manners=Manners(transfer_ms=20, rebalance_ms=30))
    yield one
    one.stop()


@pytest.fixture
def floor(exchange, specification):
    client = Client(exchange, "floor", specification)
    yield client
    client.close()


@pytest.fixture
def rest(exchange):
    return rest_of(exchange)


# ---- order groups ---------------------------------------------------------------------------------------------------


def test_a_group_is_made_triggered_reset_and_deleted_and_each_is_told(exchange, floor, rest, specification):
    listener = Listener(exchange, "floor", specification)
    listener.say("subscribe", channels=["order_group_updates"])
    listener.next()
    group = rest.create_order_group(500, 2)
    resting = floor.place(order_group_id=group)
    assert floor.get(f"{GROUPS}/{group}") == {
        "contracts_limit_fp": "5.00",
        "is_auto_cancel_enabled": True,
        "exchange_index": 2,
        "orders": [resting["order_id"]],
    }
    floor.place(order_group_id=group, price="0.4200", count="5.00", time_in_force="immediate_or_cancel")
    assert floor.get(f"/portfolio/orders/{resting['order_id']}")["order"]["status"] == "canceled"
    refused = floor.order(order_group_id=group)
    assert floor.refused("POST", "/portfolio/events/orders", refused) == (400, "exceeded_order_group_risk_limit")
    rest.reset_order_group(group, 2)
    again = floor.place(order_group_id=group)
    assert floor.get(f"/portfolio/orders/{again['order_id']}")["order"]["order_group_id"] == group
    rest.limit_order_group(group, 700, 2)
    rest.trigger_order_group(group, 2)
    rest.delete_order_group(group, 2)
    assert floor.get(GROUPS) == {"order_groups": []}
    told = listener.take(6)
    assert [message["msg"]["event_type"] for message in told] == [
        "created", "triggered", "reset", "limit_updated", "triggered", "deleted",
    ]  # fmt: skip
    assert [message["seq"] for message in told] == [1, 2, 3, 4, 5, 6]
    assert [message["msg"].get("contracts_limit_fp") for message in told][:4] == ["5.00", None, None, "7.00"]
    listener.close()


def test_a_group_is_looked_for_on_shard_0_unless_another_is_named(floor):
    made = floor.ask("POST", f"{GROUPS}/create", {"contracts_limit": 5, "exchange_index": 2})[1]
    group = made["order_group_id"]
    for method, path in (("PUT", "reset"), ("PUT", "trigger")):
        assert floor.refused(method, f"{GROUPS}/{group}/{path}") == (404, "order_group_not_found")
        assert floor.ask(method, f"{GROUPS}/{group}/{path}?exchange_index=2") == (200, {})
    assert floor.refused("DELETE", f"{GROUPS}/{group}") == (404, "order_group_not_found")
    wrong = [
        {},
        {"contracts_limit": 0},
        {"contracts_limit_fp": "1000001.00"},
        {"contracts_limit": 5, "exchange_index": 101},
        {"contracts_limit": 5, "contracts_limit_fp": "6.00"},
    ]
    for body in wrong:
        assert floor.refused("POST", f"{GROUPS}/create", body)[0] == 400
    other = floor.ask("POST", f"{GROUPS}/create", {"contracts_limit_fp": "5.50"})[1]
    wrong = floor.order(order_group_id=other["order_group_id"])  # a group on shard 0, an order on shard 2
    assert floor.refused("POST", "/portfolio/events/orders", wrong) == (404, "order_group_not_found")


# ---- money ----------------------------------------------------------------------------------------------------------


def test_money_leaves_a_shard_at_once_and_arrives_a_little_later(floor, rest):
    number = rest.move_between_shards(1_000_000, 2, 0)
    assert rest.balance(2).cash_micros == DEPOSIT - 100_000_000
    wait_for(lambda: rest.shard_transfer(number).status is TransferStatus.COMPLETE)
    assert rest.balance(0).cash_micros == 100_000_000
    told = floor.get(TRANSFER + "s")["transfers"]
    assert [(row["amount"], row["status"]) for row in told] == [("100.000000", "complete")]
    assert floor.get(f"{TRANSFER}s/{number}")["transfer"] == told[0]
    with pytest.raises(Refused) as refused:
        rest.move_between_shards(100_000_000, 2, 0)
    assert refused.value.code == "available_balance_too_low"
    margined = {"source": "margined", "destination": "event_contract", "amount": 1}
    assert floor.refused("POST", TRANSFER, margined) == (403, "forbidden")


def test_idle_cash_is_brought_to_its_target_shares(floor, rest):
    assert floor.get("/portfolio/target_balance_allocation")["allocations"] == []
    rest.set_target_allocation(TargetAllocation({2: 90, 0: 10}, Reservation.MAX))
    assert rest.target_allocation() == TargetAllocation({2: 90, 0: 10}, Reservation.MAX)
    wait_for(lambda: rest.balance(0).cash_micros == DEPOSIT // 10)
    assert [row["status"] for row in floor.get(TRANSFER + "s")["transfers"]] == ["complete"]
    for shares in ([(2, 90)], [(2, 50), (2, 50)], [(2, 101)]):
        body = {"allocations": [{"exchange_index": shard, "percent": percent} for shard, percent in shares]}
        assert floor.refused("POST", "/portfolio/target_balance_allocation", body)[0] == 400


def test_a_subaccount_has_its_own_money_orders_fills_and_position(exchange, floor, rest):
    number = rest.create_subaccount(2)
    transfer_id = str(uuid.uuid4())
    assert rest.move_between_subaccounts(transfer_id, 0, number, 50_000, 2) is True
    assert rest.move_between_subaccounts(transfer_id, 0, number, 50_000, 2) is False
    assert {(row.subaccount, row.exchange_index): row.cash_micros for row in rest.subaccount_balances()} == {
        (0, 2): DEPOSIT - 500_000_000,
        (1, 2): 500_000_000,
    }
    placed = floor.place(subaccount=number, price="0.4200", count="40.00")
    assert [row["order_id"] for row in floor.get("/portfolio/orders?subaccount=1")["orders"]] == [placed["order_id"]]
    assert floor.get("/portfolio/orders?subaccount=0")["orders"] == []
    assert [row["subaccount_number"] for row in floor.get("/portfolio/fills")["fills"]] == [1]
    assert floor.get("/portfolio/positions")["market_positions"] == []
    assert floor.get("/portfolio/positions?subaccount=1")["market_positions"][0]["position_fp"] == "30.00"
    path = f"/portfolio/events/orders/{placed['order_id']}?exchange_index=2"
    assert floor.refused("DELETE", path) == (404, "not_found")
    assert floor.ask("DELETE", path + "&subaccount=1")[1]["reduced_by"] == "10.00"
    assert floor.refused("GET", "/portfolio/balance?subaccount=2") == (404, "not_found")
    (told,) = floor.get(SUB + "/transfers")["transfers"]
    assert (told["from_subaccount"], told["to_subaccount"], told["amount_cents"]) == (0, 1, 50_000)


def test_a_subaccounts_own_messages_name_it(exchange, floor, rest, specification):
    listener = Listener(exchange, "floor", specification)
    listener.say("subscribe", channels=["fill", "user_orders", "market_positions"])
    listener.take(3)
    number = rest.create_subaccount(2)
    rest.move_between_subaccounts(str(uuid.uuid4()), 0, number, 50_000, 2)
    floor.place(subaccount=number, price="0.4200", count="10.00")
    told = {message["type"]: message["msg"] for message in listener.take(3)}
    assert (told["fill"]["subaccount"], told["user_order"]["subaccount_number"]) == (number, number)
    assert (told["market_position"]["subaccount"], told["market_position"]["position_fp"]) == (number, "10.00")
    listener.close()


def test_netting_is_remembered(floor, rest):
    assert rest.netting() == {(0, 0): True}
    rest.set_netting(0, False)
    assert rest.netting() == {(0, 0): False}
    assert floor.refused("PUT", SUB + "/netting", {"subaccount_number": 9, "enabled": True}) == (404, "not_found")


def test_deposits_are_told_and_nothing_was_withdrawn(floor, rest):
    (move,) = rest.deposits()
    assert (move.amount_micros, move.status, move.fee_micros) == (DEPOSIT, "applied", 0)
    assert rest.withdrawals() == []
    assert floor.get("/portfolio/deposits?limit=500")["deposits"][0]["amount_cents"] == DEPOSIT // 10_000


# ---- tiers ----------------------------------------------------------------------------------------------------------


def test_the_advanced_tier_is_for_the_asking_and_allows_subaccounts(specification):
    exchange = running(tier="basic")
    floor, rest = Client(exchange, "floor", specification), rest_of(exchange)
    assert floor.get("/account/limits")["grants"] == []
    assert floor.refused("POST", SUB, {}) == (403, "forbidden")
    rest.upgrade_tier()
    limits = rest.limits()
    assert (limits.usage_tier, limits.write.refill_rate, limits.write.bucket_capacity) == ("advanced", 300, 900)
    assert floor.get("/account/limits")["grants"] == [
        {"exchange_instance": "event_contract", "level": "advanced", "source": "manual"}
    ]
    assert floor.ask("POST", SUB) == (201, {"subaccount_number": 1})
    rest.upgrade_tier()
    assert rest.limits().usage_tier == "advanced"
    floor.close()
    exchange.stop()


def test_volume_counts_towards_higher_tiers(floor, rest):
    floor.place(price="0.4200", count="30.00", time_in_force="immediate_or_cancel")
    (progress,) = rest.volume_progress()
    goals = {goal.tier: (goal.earn_ch, goal.keep_ch) for goal in progress.goals}
    assert (progress.volume_ch, goals["prestige"], goals["expert"]) == (3_000, (60, 48), (4, 3))
    assert PLENTY.write_per_s > rest.limits().write.refill_rate


# ---- fees, hours, incentives ----------------------------------------------------------------------------------------


def test_fee_changes_tell_what_series_began_with_and_which_events_differ(exchange, rest):
    exchange.list(market("KXBTC15M-26NOV201230-30", fee=FeeTerms("quadratic", 500_000)))
    assert rest.series_fee_changes() == []
    assert [one.series_ticker for one in rest.series_fee_changes("KXBTC15M", past=True)] == ["KXBTC15M"]
    (event,) = rest.event_fee_changes()
    assert event[:4] == ("KXBTC15M-26NOV201230", "KXBTC15M", "quadratic", 500_000)
    assert rest.event_fee_changes("KXBTC15M-26NOV201215") == []


def test_the_week_is_open_but_for_thursday_night(rest):
    (week,) = rest.schedule().weeks
    assert [len(week.days[day]) for day in range(7)] == [1, 1, 1, 2, 1, 1, 1]
    assert rest.incentives() == []


@pytest.mark.parametrize(
    ("hour", "paused"),
    [("2026-11-19T07:59:59", False), ("2026-11-19T08:00:00", True), ("2026-11-19T09:59:59", True),
     ("2026-11-19T10:00:00", False), ("2026-07-16T07:00:00", True), ("2026-11-20T08:30:00", False)],
)  # fmt: skip
def test_the_pause_follows_new_yorks_clock(hour, paused):
    at_ms = round(datetime.fromisoformat(hour).replace(tzinfo=UTC).timestamp() * 1000)
    assert hours.paused(at_ms) is paused
    change_ms = hours.next_change_ms(at_ms)
    assert change_ms > at_ms
    assert hours.paused(change_ms) is not paused
    assert hours.paused(change_ms - 1) is paused


def test_an_exchange_that_keeps_hours_pauses_in_them(monkeypatch):
    monkeypatch.setattr(hours, "paused", lambda _at_ms: True)
    monkeypatch.setattr(hours, "next_change_ms", lambda at_ms: at_ms + 3_600_000)
    exchange = running(terms=Terms(ticker_every_ms=0, keeps_hours=True))
    rest = rest_of(exchange)
    with pytest.raises(Refused) as refused:
        rest.create_order(bid(TICKER, "one"))
    assert refused.value.code == "trading_paused"
    assert rest.exchange_status().trading_active is False
    exchange.stop()


# ---- candlesticks ---------------------------------------------------------------------------------------------------


def test_candlesticks_hold_quotes_trades_and_volume(exchange, floor, rest):
    at = now_ms()
    exchange.feed(Print(TICKER, 4200, 300, Side.BID, at), Print(TICKER, 4000, 100, Side.ASK, at))
    exchange.feed(BookSet(TICKER, {4100: 500}, {4300: 500}, now_ms()))
    start_s, end_s = at // 1000 - 3_600, at // 1000 + 120
    candles = rest.candles("KXBTC15M", TICKER, start_s, end_s, 1)
    assert 1 <= len(candles) <= 2
    assert sum(candle.volume_ch for candle in candles) == 400
    traded = next(candle for candle in candles if candle.price is not None)
    assert traded.price == (4200, 4200, 4000, 4000)
    assert traded.mean_micros == (3 * 420_000 + 400_000) // 4
    assert (candles[-1].bid.close_cc, candles[-1].ask.close_cc, traded.previous_cc) == (4100, 4300, None)
    assert candles[-1].end_at_ms % 60_000 == 0
    assert candles[-1].end_at_ms > at
    (hour,) = rest.candles("KXBTC15M", TICKER, start_s, end_s + 3_600, 60)[:1]
    assert (hour.price, hour.volume_ch, hour.end_at_ms % 3_600_000) == (traded.price, 400, 0)
    query = f"start_ts={start_s}&end_ts={end_s}&period_interval=1"
    assert floor.get(f"/series/KXBTC15M/markets/{TICKER}/candlesticks?{query}")["ticker"] == TICKER
    many = floor.get(f"/markets/candlesticks?market_tickers={TICKER},{OTHER},KXNONE&{query}")["markets"]
    assert [one["market_ticker"] for one in many] == [TICKER, OTHER]
    event = TICKER.rpartition("-")[0]
    told = floor.get(f"/series/KXBTC15M/events/{event}/candlesticks?{query}")
    assert (told["market_tickers"], told["adjusted_end_ts"]) == ([TICKER], end_s)
    assert set(rest.event_candles("KXBTC15M", event, start_s, end_s, 1)) == {TICKER}


def test_the_last_candlestick_before_the_start_can_be_had(exchange, floor):
    exchange.feed(Print(TICKER, 4200, 300, Side.BID, now_ms()))
    start_s = now_ms() // 1000 + 7_200
    query = f"start_ts={start_s}&end_ts={start_s + 60}&period_interval=60&include_latest_before_start=true"
    (latest,) = floor.get(f"/series/KXBTC15M/markets/{TICKER}/candlesticks?{query}")["candlesticks"]
    assert (latest["end_period_ts"] >= start_s, latest["price"]["previous_dollars"]) == (True, "0.4200")
    assert latest["price"]["close_dollars"] is None


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?start_ts=1&end_ts=2",
        "?start_ts=1&end_ts=2&period_interval=5",
        "?start_ts=3&end_ts=2&period_interval=1",
        "?start_ts=0&end_ts=1795194192&period_interval=1",
    ],
)
def test_candlesticks_need_a_range_that_is_one(floor, query):
    assert floor.refused("GET", f"/series/KXBTC15M/markets/{TICKER}/candlesticks{query}") == (400, "invalid_parameters")
    assert floor.refused("GET", f"/series/KXETH15M/markets/{TICKER}/candlesticks{query}")[0] == 404


# ---- history --------------------------------------------------------------------------------------------------------


def test_what_is_old_is_historical_and_no_longer_live(specification):
    exchange = running(manners=Manners(market_history_ms=0, order_history_ms=0))
    floor, rest = Client(exchange, "floor", specification), rest_of(exchange)
    floor.place(price="0.4200", count="10.00", time_in_force="immediate_or_cancel")
    rests = floor.place(ticker=OTHER)
    at = now_ms()
    exchange.feed(Determined(TICKER, "yes", 10_000, at, 97_130_110_000), Settled(TICKER, at))
    wait_for(lambda: now_ms() > at + 5)
    exchange.feed(BookSet(OTHER, {100: 100}, {}, now_ms()))
    assert [order["order_id"] for order in floor.get("/portfolio/orders")["orders"]] == [rests["order_id"]]
    (old,) = floor.get("/historical/orders")["orders"]
    assert (old["status"], old["ticker"]) == ("executed", TICKER)
    assert floor.refused("GET", f"/portfolio/orders/{old['order_id']}") == (404, "not_found")
    assert floor.get("/portfolio/fills")["fills"] == []
    assert [fill["order_id"] for fill in floor.get("/historical/fills")["fills"]] == [old["order_id"]]
    assert floor.get("/portfolio/positions?settlement_status=all")["market_positions"] == []
    assert [held["ticker"] for held in floor.get("/historical/positions")["market_positions"]] == [TICKER]
    assert [one["ticker"] for one in floor.get("/markets")["markets"]] == [OTHER]
    assert [one["ticker"] for one in floor.get("/historical/markets")["markets"]] == [TICKER]
    assert floor.refused("GET", f"/markets/{TICKER}") == (404, "not_found")
    assert floor.get(f"/historical/markets/{TICKER}")["market"]["result"] == "yes"
    assert floor.refused("GET", f"/historical/markets/{OTHER}") == (404, "not_found")
    assert floor.get("/markets/trades")["trades"] == []
    assert len(floor.get("/historical/trades")["trades"]) == 1
    query = f"start_ts={at // 1000 - 60}&end_ts={at // 1000 + 60}&period_interval=1"
    assert floor.get(f"/historical/markets/{TICKER}/candlesticks?{query}")["candlesticks"]
    assert floor.refused("GET", f"/series/KXBTC15M/markets/{TICKER}/candlesticks?{query}") == (404, "not_found")
    assert [order.ticker for order in rest.search_orders()] == [OTHER, TICKER]
    assert [fill.ticker for fill in rest.search_fills()] == [TICKER]
    assert floor.get("/portfolio/settlements")["settlements"][0]["ticker"] == TICKER
    floor.close()
    exchange.stop()
