"""The doors of the exchange: who may ask, how often, what pages look like, and the connection's own manners."""

import http.client
import json
import socket

import jsonschema
import pytest

from local_exchange import DEPOSIT, OTHER, TICKER, Client, LocalExchange, market, now_ms
from outcry.domain.market import Status
from outcry.domain.order import Side
from outcry.paper.engine.manners import Manners
from outcry.paper.events import BookSet, Determined, Print, Settled
from outcry.paper.rest.calls import BASE
from outcry.paper.rest.routes import ROUTES, Table
from outcry.venue import sign

BALANCE = "/portfolio/balance"


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
def stranger(exchange, specification):
    client = Client(exchange, None, specification)
    yield client
    client.close()


# ---- who asks -------------------------------------------------------------------------------------------------------


def test_both_kinds_of_key_are_good(exchange, specification, floor):
    rival = Client(exchange, "rival", specification)  # the first account's key is RSA, this one's Ed25519
    assert floor.get(BALANCE)["balance"] == rival.get(BALANCE)["balance"] == DEPOSIT // 10_000
    rival.close()


def test_markets_need_no_key_and_accounts_do(stranger):
    assert stranger.get("/exchange/status")["trading_active"] is True
    assert stranger.ask("GET", BALANCE)[0] == 401


@pytest.mark.parametrize(
    ("change", "code", "details"),
    [
        ({sign.KEY_HEADER: ""}, "api_key_is_missing", None),
        ({sign.SIGNATURE_HEADER: ""}, "signature_is_missing", None),
        ({sign.TIMESTAMP_HEADER: ""}, "timestamp_is_missing", None),
        ({sign.KEY_HEADER: "nobody"}, "authentication_error", "NOT_FOUND"),
        ({sign.SIGNATURE_HEADER: "bm90IGl0"}, "authentication_error", "INCORRECT_API_KEY_SIGNATURE"),
        ({sign.SIGNATURE_HEADER: "&&&"}, "authentication_error", "INCORRECT_API_KEY_SIGNATURE"),
        ({sign.TIMESTAMP_HEADER: "soon"}, "header_timestamp_invalid", None),
    ],
)
def test_what_is_wrong_with_a_signature_is_said(floor, change, code, details):
    headers = floor.signer.headers("GET", BASE + BALANCE, now_ms()) | change
    status, body = floor.ask("GET", BALANCE, headers=headers)
    assert (status, body["error"]["code"], body["error"].get("details")) == (401, code, details)


@pytest.mark.parametrize(
    ("skew_ms", "status"), [(-19_000, 200), (-21_000, 401), (29_000, 200), (31_000, 401), (-60_000, 401)]
)
def test_a_clock_may_be_a_little_off_and_further_ahead_than_behind(floor, skew_ms, status):
    headers = floor.signer.headers("GET", BASE + BALANCE, now_ms() + skew_ms)
    found, body = floor.ask("GET", BALANCE, headers=headers)
    assert found == status
    if status == 401:
        assert body["error"]["code"] == "header_timestamp_expired"


def test_a_signature_is_for_one_method_and_one_path(floor):
    for method, path in (("POST", BASE + BALANCE), ("GET", BASE + "/portfolio/orders"), ("GET", BALANCE)):
        headers = floor.signer.headers(method, path, now_ms())
        assert floor.ask("GET", BALANCE, headers=headers)[0] == 401
    headers = floor.signer.headers("GET", BASE + BALANCE, now_ms())
    assert floor.ask("GET", BALANCE + "?exchange_index=2", headers=headers)[0] == 200  # the query is not signed


# ---- how often ------------------------------------------------------------------------------------------------------


def test_a_bucket_runs_dry_and_the_refused_order_is_not_placed(specification):
    exchange = LocalExchange("floor", tier="basic")
    exchange.list(market())
    client = Client(exchange, "floor", specification)
    said = [client.ask("POST", "/portfolio/events/orders", client.order()) for _ in range(13)]
    placed = sum(status == 201 for status, _ in said)
    assert {status for status, _ in said} == {201, 429}
    assert said[-1] == (429, {"error": "too many requests"})
    assert 10 <= placed <= 12
    assert len(client.get("/portfolio/orders")["orders"]) == placed
    assert client.ask("POST", "/portfolio/events/orders/batched", {"orders": [client.order()] * 11})[0] == 429
    limits = client.get("/account/limits")
    assert (limits["usage_tier"], limits["read"], limits["write"]) == (
        "basic",
        {"refill_rate": 200, "bucket_capacity": 600},
        {"refill_rate": 100, "bucket_capacity": 100},
    )
    client.close()
    exchange.stop()


def test_the_price_list_says_what_differs_from_the_default(floor):
    costs = floor.get("/account/endpoint_costs")
    assert costs["default_cost"] == 10
    listed = {(row["method"], row["path"]): row["cost"] for row in costs["endpoint_costs"]}
    assert listed[("DELETE", "/trade-api/v2/portfolio/events/orders/:order_id")] == 2
    charged = {key: cost for key, cost in Table().cost.items() if cost != 10}
    notation = {
        (method, BASE + path.replace("{", ":").replace("}", "")): cost for (method, path), cost in charged.items()
    }
    assert notation == listed


# ---- where things are -----------------------------------------------------------------------------------------------


def test_unknown_paths_and_methods_and_trailing_slashes(floor):
    assert floor.refused("GET", "/portfolio/nothing") == (404, "not_found")
    assert floor.refused("PUT", BALANCE) == (405, "method_not_allowed")
    assert floor.refused("GET", "/markets/KXNONE") == (404, "not_found")
    assert floor.refused("GET", "/series/KXNONE") == (404, "not_found")
    assert floor.refused("GET", "/events/KXNONE") == (404, "not_found")
    floor._connection.request("GET", BASE + BALANCE + "/")
    answer = floor._connection.getresponse()
    answer.read()
    assert (answer.status, answer.headers["Location"]) == (301, BASE + BALANCE)


def test_every_public_listing_has_the_shape_it_should(stranger):
    queries = {
        "/markets/orderbooks": f"?tickers={TICKER}&tickers={OTHER}",
        "/markets/candlesticks": f"?market_tickers={TICKER}&start_ts=1&end_ts=60&period_interval=1",
    }
    for route in ROUTES:
        if route.method == "GET" and not route.private and "{" not in route.template:
            stranger.get(route.template + queries.get(route.template, ""))


def test_every_private_listing_has_the_shape_it_should_before_and_after_trading(exchange, floor):
    for _ in range(2):
        for route in ROUTES:
            if route.method == "GET" and route.private and "{" not in route.template:
                floor.get(route.template + (f"?market_tickers={TICKER}" if "queue" in route.template else ""))
        if not floor.get("/portfolio/orders")["orders"]:
            floor.place(price="0.4200", time_in_force="immediate_or_cancel")
            floor.place(expiration_time=now_ms() // 1000 + 60)
            floor.place(ticker=OTHER)
            at = now_ms()
            exchange.feed(Determined(TICKER, "yes", 10_000, at, 97_130_110_000), Settled(TICKER, at))


# ---- markets --------------------------------------------------------------------------------------------------------


def test_a_market_tells_its_touch_its_grid_and_its_strike(stranger):
    body = stranger.get(f"/markets/{TICKER}")["market"]
    assert (body["status"], body["exchange_index"], body["price_level_structure"]) == ("active", 2, "tapered_deci_cent")
    assert [body[key] for key in ("yes_bid_dollars", "yes_ask_dollars", "no_bid_dollars", "no_ask_dollars")] == [
        "0.4000", "0.4200", "0.5800", "0.6000",
    ]  # fmt: skip
    assert (body["yes_bid_size_fp"], body["yes_ask_size_fp"]) == ("50.00", "30.00")
    assert (body["strike_type"], body["floor_strike"]) == ("greater_or_equal", 97123.45)
    assert body["price_ranges"][1] == {"start": "0.1000", "end": "0.9000", "step": "0.0100"}
    empty = stranger.get(f"/markets/{OTHER}")["market"]
    assert [empty[key] for key in ("yes_bid_dollars", "yes_ask_dollars", "no_bid_dollars", "no_ask_dollars")] == [
        "0.0000", "1.0000", "0.0000", "1.0000",
    ]  # fmt: skip


def test_a_market_whose_strike_is_to_come_has_none(exchange, stranger):
    later = "KXBTC15M-26NOV201230-30"
    exchange.list(market(later, opens_in_ms=60_000, strike_micros=None))
    body = stranger.get(f"/markets/{later}")["market"]
    assert (body["status"], "floor_strike" in body) == ("initialized", False)
    assert "TBD" in body["yes_sub_title"]


def test_markets_are_listed_by_status_series_event_ticker_and_time(exchange, stranger):
    later = "KXBTC15M-26NOV201230-30"
    exchange.list(market(later, opens_in_ms=600_000, closes_in_ms=1_500_000))

    def found(query: str) -> list[str]:
        return [body["ticker"] for body in stranger.get("/markets" + query)["markets"]]

    assert found("") == [later, OTHER, TICKER] or found("") == [later, TICKER, OTHER]
    assert found("?status=unopened") == [later]
    assert set(found("?status=open")) == {TICKER, OTHER}
    assert set(found("?series_ticker=KXBTC15M")) == {later, TICKER}
    assert found(f"?event_ticker={TICKER.rpartition('-')[0]}") == [TICKER]
    assert set(found(f"?tickers={TICKER},{OTHER}")) == {TICKER, OTHER}
    soon = now_ms() // 1000 + 1_000
    assert found(f"?min_close_ts={soon}") == [later]
    assert set(found(f"?max_close_ts={soon}")) == {TICKER, OTHER}
    assert found("?mve_filter=only") == []
    assert stranger.refused("GET", "/markets?status=active") == (400, "invalid_parameters")
    assert stranger.refused("GET", f"/markets?min_close_ts={soon}&max_settled_ts=1") == (400, "invalid_parameters")
    assert stranger.refused("GET", f"/markets?min_close_ts={soon}&status=open") == (400, "invalid_parameters")
    assert stranger.refused("GET", "/markets?limit=1001") == (400, "invalid_parameters")
    assert stranger.refused("GET", "/markets?limit=many") == (400, "invalid_parameters")


def test_books_come_whole_or_to_a_depth_one_or_many(stranger):
    deep = stranger.get(f"/markets/{TICKER}/orderbook?depth=1")["orderbook_fp"]
    assert deep == {"yes_dollars": [["0.4000", "50.00"]], "no_dollars": [["0.5800", "30.00"]]}
    books = stranger.get(f"/markets/orderbooks?tickers={OTHER}&tickers={TICKER}&tickers=KXNONE")["orderbooks"]
    assert [book["ticker"] for book in books] == [OTHER, TICKER]
    assert books[0]["orderbook_fp"] == {"yes_dollars": [], "no_dollars": []}
    assert stranger.refused("GET", "/markets/orderbooks") == (400, "invalid_parameters")
    many = "&".join(f"tickers=T{number}" for number in range(101))
    assert stranger.refused("GET", f"/markets/orderbooks?{many}") == (400, "invalid_parameters")


def test_a_market_that_was_paid_says_so_and_pays(exchange, floor):
    floor.place(price="0.4200", count="10.00", time_in_force="immediate_or_cancel")
    at = now_ms()
    exchange.feed(Determined(TICKER, "yes", 10_000, at, 97_130_110_000))
    body = floor.get(f"/markets/{TICKER}")["market"]
    assert (body["status"], body["result"], body["settlement_value_dollars"]) == ("determined", "yes", "1.0000")
    assert floor.get("/portfolio/settlements")["settlements"] == []
    exchange.feed(Settled(TICKER, at))
    body = floor.get(f"/markets/{TICKER}")["market"]
    assert (body["status"], body["expiration_value"]) == ("finalized", "97130.11")
    (paid,) = floor.get("/portfolio/settlements")["settlements"]
    assert (paid["market_result"], paid["revenue"], paid["value"]) == ("yes", 1_000, 100)
    assert (paid["yes_count_fp"], paid["yes_total_cost_dollars"], paid["no_count_fp"]) == ("10.00", "4.200000", "0.00")
    fee = floor.get("/portfolio/fills")["fills"][0]["fee_cost"]
    assert paid["fee_cost"] == fee
    balance = floor.get(BALANCE + "?exchange_index=2")["balance_dollars"]
    assert round(float(balance) * 1e6) == DEPOSIT - 4_200_000 - round(float(fee) * 1e6) + 10_000_000
    assert floor.get("/portfolio/positions")["market_positions"] == []
    (settled,) = floor.get("/portfolio/positions?settlement_status=settled")["market_positions"]
    assert settled["ticker"] == TICKER
    assert [one["ticker"] for one in floor.get("/markets?status=settled")["markets"]] == [TICKER]


# ---- pages ----------------------------------------------------------------------------------------------------------


def test_pages_neither_repeat_nor_skip_while_the_list_changes(exchange, floor):
    for number in range(25):
        floor.place(price="0.3800", count="1.00", client_order_id=f"page-{number}")
    seen, cursor = [], ""
    while True:
        body = floor.get(f"/portfolio/orders?status=resting&limit=10&cursor={cursor}")
        seen += [order["client_order_id"] for order in body["orders"]]
        cursor = body["cursor"]
        if not cursor:
            break
        gone = body["orders"][-1]["order_id"]  # the very one the cursor points at
        assert floor.ask("DELETE", f"/portfolio/events/orders/{gone}?exchange_index=2")[0] == 200
        floor.place(price="0.3800", count="1.00", client_order_id=f"new-{len(seen)}")
    assert seen == [f"page-{number}" for number in reversed(range(25))]
    assert floor.refused("GET", "/portfolio/orders?cursor=%21%21") == (400, "invalid_parameters")
    assert floor.refused("GET", "/portfolio/orders?cursor=bnVsbA") == (400, "invalid_parameters")


def test_trades_and_fills_page_through_many_of_the_same_millisecond(exchange, floor, stranger):
    at = now_ms()
    exchange.feed(*(Print(TICKER, 4200, 100 + number, Side.BID, at) for number in range(30)))
    counts, cursor = [], ""
    while True:
        body = stranger.get(f"/markets/trades?ticker={TICKER}&limit=7&cursor={cursor}")
        counts += [trade["count_fp"] for trade in body["trades"]]
        if not (cursor := body["cursor"]):
            break
    assert counts == [f"{(100 + number) / 100:.2f}" for number in reversed(range(30))]
    assert stranger.get(f"/markets/trades?min_ts={at // 1000 + 2}")["trades"] == []


# ---- terms ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("excludes", "reserved"), [(True, 4_000_000), (False, 0)])
def test_a_balance_leaves_out_what_rests_or_does_not(specification, excludes, reserved):
    exchange = LocalExchange("floor", manners=Manners(balance_excludes_resting=excludes))
    exchange.list(market())
    client = Client(exchange, "floor", specification)
    client.place(side="bid", price="0.4000", count="10.00")
    for path in (BALANCE, BALANCE + "?exchange_index=2"):
        balance = client.get(path)
        assert 0 <= DEPOSIT - reserved - round(float(balance["balance_dollars"]) * 1e6) <= 1_000
        assert [row["exchange_index"] for row in balance["balance_breakdown"]] == [2]
    assert client.get(BALANCE + "?exchange_index=0")["balance"] == 0
    client.close()
    exchange.stop()


# ---- connections ----------------------------------------------------------------------------------------------------


def raw(exchange: LocalExchange, data: bytes) -> bytes:
    with socket.create_connection((exchange.host, exchange.port), timeout=5) as sock:
        sock.sendall(data)
        said = b""
        while part := sock.recv(65_536):
            said += part
        return said


def test_requests_may_be_pipelined_and_the_last_may_close(exchange):
    head = f"GET {BASE}/exchange/status HTTP/1.1\r\nHost: x\r\n".encode()
    said = raw(exchange, head + b"\r\n" + head + b"Connection: close\r\n\r\n")
    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert b"Connection: close" in said


def test_nonsense_is_answered_and_ended(exchange):
    said = raw(exchange, b"HELO exchange\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["code"] == "bad_request"


def test_a_body_that_waits_is_asked_for(exchange, floor):
    target = BASE + "/portfolio/events/orders"
    body = json.dumps(floor.order()).encode()
    lines = [f"POST {target} HTTP/1.1", "Expect: 100-continue", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in floor.signer.headers("POST", target, now_ms()).items()]
    with socket.create_connection((exchange.host, exchange.port), timeout=5) as sock:
        sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        assert sock.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert sock.recv(65_536).startswith(b"HTTP/1.1 201 Created")


def test_head_is_get_without_its_body(exchange):
    connection = http.client.HTTPConnection(exchange.host, exchange.port, timeout=5)
    connection.request("HEAD", BASE + "/exchange/status")
    answer = connection.getresponse()
    assert (answer.status, answer.read(), int(answer.headers["Content-Length"]) > 100) == (200, b"", True)
    connection.close()


def test_spot_prices_are_on_the_same_port(exchange):
    connection = http.client.HTTPConnection(exchange.host, exchange.port, timeout=5)
    connection.request("GET", "/spot/products")
    assert [row["id"] for row in json.loads(connection.getresponse().read())] == ["BTC-USD", "ETH-USD"]
    connection.close()


def test_a_failure_of_ours_is_a_500_and_the_exchange_lives_on(exchange, floor, monkeypatch):
    def broken(*_arguments, **_more):
        raise RuntimeError("a bug")

    monkeypatch.setattr(exchange.engine, "orders", broken)
    assert floor.refused("GET", "/portfolio/orders") == (500, "internal_error")
    assert floor.get(BALANCE)["balance"] == DEPOSIT // 10_000


def test_a_market_that_closed_is_listed_as_closed(exchange, stranger):
    exchange.list(market(status=Status.CLOSED, closes_in_ms=-1))
    assert [one["ticker"] for one in stranger.get("/markets?status=closed")["markets"]] == [TICKER]


# ---- the yardstick itself -------------------------------------------------------------------------------------------


def test_the_descriptions_refuse_what_lacks_a_field_or_has_one_too_many(specification, stranger):
    body = stranger.get(f"/markets/{TICKER}")
    for spoilt in (
        {key: value for key, value in body["market"].items() if key != "price_ranges"},
        body["market"] | {"yes_bid": 40},
        body["market"] | {"status": "open"},
        body["market"] | {"open_time": "soon"},
        body["market"] | {"liquidity_dollars": "1.0000"},
    ):
        with pytest.raises((jsonschema.ValidationError, ValueError)):
            specification.check_answer("GET", f"/markets/{TICKER}", 200, {"market": spoilt})
    message = {"type": "ticker", "sid": 1, "sending_ts_ms": 1, "msg": {}}
    with pytest.raises(jsonschema.ValidationError):
        specification.check_message(message)
