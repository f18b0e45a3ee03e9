"""Orders over HTTP, as a client of the real exchange would send them; every answer is held against its description."""

import pytest

from local_exchange import DEPOSIT, OTHER, TICKER, Client, Listener, LocalExchange, market, now_ms
from outcry.domain.market import Status
from outcry.domain.order import Side
from outcry.paper.events import BookChange, BookSet, Print

ORDERS = "/portfolio/events/orders"


@pytest.fixture
def exchange():
    running = LocalExchange("floor", "rival")
    running.list(market(), market(OTHER))
    running.feed(BookSet(TICKER, {4000: 5_000, 3900: 10_000}, {4200: 3_000, 4300: 10_000}, now_ms()))
    yield running
    running.stop()


@pytest.fixture
def floor(exchange, specification):
    client = Client(exchange, "floor", specification)
    yield client
    client.close()


@pytest.fixture
def rival(exchange, specification):
    client = Client(exchange, "rival", specification)
    yield client
    client.close()


def test_an_order_that_rests_is_listed_with_its_queue_and_its_collateral(floor):
    placed = floor.place(expiration_time=now_ms() // 1000 + 60, post_only=True, cancel_order_on_pause=True)
    assert (placed["fill_count"], placed["remaining_count"]) == ("0.00", "10.00")
    order = floor.get(f"/portfolio/orders/{placed['order_id']}")["order"]
    assert order["client_order_id"] == placed["client_order_id"] == "oc-test-1"
    assert (order["status"], order["book_side"], order["outcome_side"], order["side"], order["action"]) == (
        "resting", "bid", "yes", "yes", "buy",
    )  # fmt: skip
    assert (order["yes_price_dollars"], order["no_price_dollars"]) == ("0.4000", "0.6000")
    assert floor.get("/portfolio/orders?status=resting")["orders"] == [order]
    assert floor.get(f"/portfolio/orders/{placed['order_id']}/queue_position") == {"queue_position_fp": "50.00"}
    (queued,) = floor.get(f"/portfolio/orders/queue_positions?market_tickers={TICKER}")["queue_positions"]
    assert (queued["order_id"], queued["queue_position_fp"]) == (placed["order_id"], "50.00")
    balance = floor.get("/portfolio/balance?exchange_index=2")
    assert DEPOSIT - 4_000_000 - 1_000 < round(float(balance["balance_dollars"]) * 1e6) <= DEPOSIT - 4_000_000
    value = floor.get("/portfolio/summary/total_resting_order_value")
    assert value["total_resting_order_value"] == 400
    book = floor.get(f"/markets/{TICKER}/orderbook")["orderbook_fp"]
    assert book == {
        "yes_dollars": [["0.3900", "100.00"], ["0.4000", "60.00"]],
        "no_dollars": [["0.5700", "100.00"], ["0.5800", "30.00"]],
    }


def test_a_taker_walks_the_book_and_is_told_its_averages(floor):
    placed = floor.place(price="0.4300", count="50.00", time_in_force="immediate_or_cancel")
    assert (placed["fill_count"], placed["remaining_count"]) == ("50.00", "0.00")
    assert placed["average_fill_price"] == "0.4240"  # 30 at 42 cents and 20 at 43
    fee = sum(0.07 * n * p * (1 - p) for n, p in ((30, 0.42), (20, 0.43)))
    assert float(placed["average_fee_paid"]) == pytest.approx(fee / 50, abs=1e-5)
    first, second = reversed(floor.get("/portfolio/fills")["fills"])
    assert [(one["count_fp"], one["yes_price_dollars"], one["is_taker"]) for one in (first, second)] == [
        ("30.00", "0.4200", True),
        ("20.00", "0.4300", True),
    ]
    assert first["fee_cost"] == "0.511600" and first["fill_id"] == first["trade_id"]
    order = floor.get(f"/portfolio/orders/{placed['order_id']}")["order"]
    assert (order["status"], order["taker_fill_cost_dollars"]) == ("executed", "21.200000")
    (position,) = floor.get("/portfolio/positions")["market_positions"]
    assert (position["position_fp"], position["market_exposure_dollars"]) == ("50.00", "21.200000")
    trades = floor.get(f"/markets/trades?ticker={TICKER}")["trades"]
    assert [(trade["count_fp"], trade["taker_book_side"]) for trade in trades] == [("20.00", "bid"), ("30.00", "bid")]
    assert floor.get("/markets/trades?is_block_trade=true")["trades"] == []


def test_selling_what_one_lacks_is_buying_no_and_costs_a_dollar_less_the_price(floor):
    placed = floor.place(side="ask", price="0.4000", time_in_force="immediate_or_cancel")
    assert placed["fill_count"] == "10.00"
    (fill,) = floor.get(f"/portfolio/fills?ticker={TICKER}&order_id={placed['order_id']}")["fills"]
    assert (fill["outcome_side"], fill["book_side"], fill["no_price_dollars"]) == ("no", "ask", "0.6000")
    order = floor.get(f"/portfolio/orders/{placed['order_id']}")["order"]
    assert order["taker_fill_cost_dollars"] == "6.000000"
    (position,) = floor.get("/portfolio/positions?count_filter=position")["market_positions"]
    assert (position["position_fp"], position["market_exposure_dollars"]) == ("-10.00", "6.000000")


def test_the_exchange_says_no_with_the_code_of_what_is_wrong(floor):
    no = [
        ({"ticker": "KXNONE-1"}, (404, "not_found")),
        ({"exchange_index": 1}, (404, "not_found")),
        ({"price": "0.4050"}, (400, "invalid_price")),
        ({"price": "0.40001"}, (400, "invalid_price")),
        ({"price": "cheap"}, (400, "invalid_price")),
        ({"price": "1.0000"}, (400, "invalid_price")),
        ({"count": "0.00"}, (400, "invalid_order_size")),
        ({"count": "1.001"}, (400, "invalid_order_size")),
        ({"side": "yes"}, (400, "invalid_parameters")),
        ({"count": 10}, (400, "invalid_parameters")),
        ({"time_in_force": "gtt"}, (400, "invalid_parameters")),
        ({"expiration_time": 1}, (400, "invalid_order")),
        ({"expiration_time": now_ms() // 1000 + 60, "time_in_force": "immediate_or_cancel"}, (400, "invalid_order")),
        ({"reduce_only": True}, (400, "invalid_order")),
        ({"price": "0.4200", "post_only": True}, (400, "invalid_order")),
        ({"price": "0.4200", "count": "31.00", "time_in_force": "fill_or_kill"}, (400, "fok_insufficient_volume")),
        ({"count": "3000.00"}, (400, "available_balance_too_low")),
        ({"subaccount": 3}, (404, "not_found")),
        ({"order_group_id": "og-1"}, (404, "order_group_not_found")),
    ]
    for fields, expected in no:
        assert floor.refused("POST", ORDERS, floor.order(**fields)) == expected, fields
    body = floor.order()
    del body["price"]
    assert floor.refused("POST", ORDERS, body) == (400, "invalid_parameters")
    assert floor.get("/portfolio/orders")["orders"] == []
    assert floor.get("/portfolio/balance")["balance"] == DEPOSIT // 10_000


def test_a_client_order_id_is_good_for_one_order(floor):
    floor.place(client_order_id="once")
    assert floor.refused("POST", ORDERS, floor.order(client_order_id="once")) == (409, "order_already_exists")
    assert len(floor.get("/portfolio/orders")["orders"]) == 1


def test_a_body_that_is_no_json_object_is_refused(floor, exchange):
    for raw in (b"{", b"[]", b'"x"'):
        target = "/trade-api/v2" + ORDERS
        floor._connection.request("POST", target, raw, floor.signer.headers("POST", target, now_ms()))
        answer = floor._connection.getresponse()
        answer.read()
        assert answer.status == 400


def test_a_cancel_needs_the_shard_or_the_ticker_and_finds_the_order_once(floor, rival):
    placed = floor.place()
    path = f"{ORDERS}/{placed['order_id']}"
    assert floor.refused("DELETE", path) == (404, "not_found")  # the id alone is looked for on shard 0
    assert floor.refused("DELETE", f"{path}?exchange_index=3") == (404, "not_found")
    assert floor.refused("DELETE", f"{path}?market_ticker={OTHER}") == (404, "not_found")
    assert rival.refused("DELETE", f"{path}?exchange_index=2") == (404, "not_found")
    status, body = floor.ask("DELETE", f"{path}?market_ticker={TICKER}")
    assert (status, body["reduced_by"], body["client_order_id"]) == (200, "10.00", placed["client_order_id"])
    assert floor.refused("DELETE", f"{path}?exchange_index=2") == (404, "not_found")
    assert floor.get(f"/portfolio/orders/{placed['order_id']}")["order"]["status"] == "canceled"


def test_cancel_all_takes_every_order_of_this_account_only(floor, rival):
    for price in ("0.3800", "0.3900"):
        floor.place(price=price)
        floor.place(ticker=OTHER, price=price)
    kept = rival.place()
    assert floor.ask("DELETE", ORDERS) == (204, None)
    assert floor.get("/portfolio/orders?status=resting")["orders"] == []
    assert rival.get("/portfolio/orders?status=resting")["orders"][0]["order_id"] == kept["order_id"]


def test_amending_the_expiry_keeps_the_place_and_tells_no_counts(floor):
    placed = floor.place(expiration_time=now_ms() // 1000 + 60)
    later = now_ms() // 1000 + 120
    wanted = {"ticker": TICKER, "side": "bid", "price": "0.4000", "count": "10.00", "expiration_time": later}
    status, body = floor.ask("POST", f"{ORDERS}/{placed['order_id']}/amend", wanted)
    assert status == 200
    assert set(body) == {"order_id", "client_order_id", "ts_ms"}
    order = floor.get(f"/portfolio/orders/{placed['order_id']}")["order"]
    assert order["expiration_time"].startswith("20")
    assert floor.get(f"/portfolio/orders/{placed['order_id']}/queue_position")["queue_position_fp"] == "50.00"


def test_amending_through_the_book_takes_what_is_there(floor):
    placed = floor.place()
    wanted = {"ticker": TICKER, "side": "bid", "price": "0.4200", "count": "40.00", "updated_client_order_id": "new"}
    status, body = floor.ask("POST", f"{ORDERS}/{placed['order_id']}/amend", wanted)
    assert status == 200
    assert (body["client_order_id"], body["fill_count"], body["remaining_count"]) == ("new", "30.00", "10.00")
    assert body["average_fill_price"] == "0.4200"
    assert floor.refused("POST", f"{ORDERS}/nothing/amend", wanted) == (404, "not_found")
    mismatch = wanted | {"side": "ask", "updated_client_order_id": "x"}
    assert floor.refused("POST", f"{ORDERS}/{body['order_id']}/amend", mismatch) == (400, "order_side_mismatch")


def test_decreasing_by_and_to(floor):
    path = f"{ORDERS}/{floor.place()['order_id']}/decrease"
    status, body = floor.ask("POST", path, {"reduce_by": "2.50", "exchange_index": 2})
    assert (status, body["remaining_count"]) == (200, "7.50")
    status, body = floor.ask("POST", path, {"reduce_to": "3.00", "market_ticker": TICKER})
    assert (status, body["remaining_count"]) == (200, "3.00")
    assert floor.refused("POST", path, {"reduce_to": "3.00"}) == (404, "not_found")
    assert floor.refused("POST", path, {"reduce_to": "1", "reduce_by": "1"}) == (400, "invalid_parameters")
    status, body = floor.ask("POST", path, {"reduce_by": "99.00", "exchange_index": 2})
    assert (status, body["remaining_count"]) == (200, "0.00")
    assert floor.get("/portfolio/orders?status=resting")["orders"] == []


def test_a_batch_does_what_it_can(floor):
    good, bad = floor.order(client_order_id="a"), floor.order(client_order_id="b", price="0.4050")
    status, body = floor.ask("POST", f"{ORDERS}/batched", {"orders": [good, bad, {"ticker": TICKER}]})
    assert status == 201
    first, second, third = body["orders"]
    assert first["remaining_count"] == "10.00"
    assert (second["client_order_id"], second["error"]["code"]) == ("b", "invalid_price")
    assert third["error"]["code"] == "invalid_parameters"
    items = [{"order_id": first["order_id"], "exchange_index": 2}, {"order_id": "none", "exchange_index": 2}]
    status, body = floor.ask("DELETE", f"{ORDERS}/batched", {"orders": items})
    assert status == 200
    assert [(one["reduced_by"], "error" in one) for one in body["orders"]] == [("10.00", False), ("0.00", True)]
    assert floor.refused("POST", f"{ORDERS}/batched", {"orders": []}) == (400, "invalid_parameters")


def test_the_first_version_of_order_writes_is_gone(floor):
    for method, path in (
        ("POST", "/portfolio/orders"),
        ("POST", "/portfolio/orders/batched"),
        ("DELETE", "/portfolio/orders/batched"),
        ("DELETE", "/portfolio/orders/x"),
        ("POST", "/portfolio/orders/x/amend"),
        ("POST", "/portfolio/orders/x/decrease"),
    ):
        assert floor.refused(method, path, {}) == (410, "deprecated_v1_order_endpoint")


def test_two_accounts_meet_at_the_resting_price_and_see_only_their_own(floor, rival):
    rival.place(side="ask", price="0.4100", client_order_id="theirs")
    placed = floor.place(price="0.4200", count="10.00", time_in_force="fill_or_kill")
    assert placed["average_fill_price"] == "0.4100"
    (mine,), (theirs,) = floor.get("/portfolio/fills")["fills"], rival.get("/portfolio/fills")["fills"]
    assert mine["trade_id"] == theirs["trade_id"]
    assert (mine["is_taker"], theirs["is_taker"]) == (True, False)
    assert theirs["fee_cost"] == "0.000000"
    assert [order["client_order_id"] for order in rival.get("/portfolio/orders")["orders"]] == ["theirs"]


def test_a_print_through_our_price_fills_the_resting_order(exchange, floor):
    placed = floor.place()
    exchange.feed(Print(TICKER, 3900, 20_000, Side.ASK, now_ms()))
    order = floor.get(f"/portfolio/orders/{placed['order_id']}")["order"]
    assert (order["status"], order["maker_fill_cost_dollars"]) == ("executed", "4.000000")


def test_what_is_acknowledged_was_kept_before(exchange, floor):
    kept = exchange.books.kept
    floor.place()
    assert exchange.books.kept == kept + 1


def test_an_order_that_could_not_be_kept_is_neither_acknowledged_nor_told_until_it_is(exchange, floor, specification):
    listener = Listener(exchange, "floor", specification)
    listener.say("subscribe", channels=["user_orders"])
    listener.next()
    exchange.books.refusing = True
    assert floor.refused("POST", ORDERS, floor.order()) == (503, "exchange_unavailable")
    exchange.feed(BookChange(TICKER, Side.BID, 100, 100, now_ms()))
    assert listener.quiet()
    exchange.books.refusing = False
    exchange.feed(BookChange(TICKER, Side.BID, 100, 100, now_ms()))
    assert listener.next()["msg"]["client_order_id"] == "oc-test-1"
    listener.close()


def test_a_paused_shard_takes_cancels_and_nothing_else(exchange, floor):
    stays, goes = floor.place(), floor.place(price="0.3900", cancel_order_on_pause=True)
    exchange.exchange.step(exchange.engine.pause(2, now_ms()))
    assert floor.refused("POST", ORDERS, floor.order()) == (400, "trading_paused")
    status = floor.get("/exchange/status")
    assert (status["trading_active"], status["exchange_active"]) == (True, True)  # shard 0 trades
    (crypto,) = [one for one in status["exchange_index_statuses"] if one["exchange_index"] == 2]
    assert (crypto["trading_active"], crypto["exchange_active"]) == (False, True)
    assert floor.get(f"/portfolio/orders/{goes['order_id']}")["order"]["status"] == "canceled"
    assert floor.ask("DELETE", f"{ORDERS}/{stays['order_id']}?exchange_index=2")[0] == 200


def test_a_closed_market_takes_nothing(exchange, floor):
    placed = floor.place()
    exchange.list(market(status=Status.CLOSED, closes_in_ms=-1))
    assert floor.refused("POST", ORDERS, floor.order()) == (400, "market_inactive")
    assert floor.refused("DELETE", f"{ORDERS}/{placed['order_id']}?exchange_index=2")[0] in (400, 404)
