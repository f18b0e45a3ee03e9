"""The REST client against queued answers: what it sends, what it makes of what comes, and what it never does."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from outcry.domain.errors import Misconfigured, RateLimited, Refused, SchemaDrift, Unavailable
from outcry.domain.order import Side, State, TimeInForce
from outcry.venue import http as http_module
from outcry.venue import sign
from outcry.venue.budget import LocalBudget
from outcry.venue.rest import NewOrder, Rest

BASE = "https://exchange.test/trade-api/v2"
CREATE = f"{BASE}/portfolio/events/orders"
ORDER_ID = "5d0c8a52-0d0b-4a0e-9a57-5e7b1a5f0001"
CLIENT_ID = "oc-abcdef-coin_flip-01KAGE7XJ6W3Q0S8Z5T4N2M1R0"
TICKER = "KXBTC15M-26NOV201215-15"
NEW = NewOrder(CLIENT_ID, TICKER, Side.BID, 4300, 1200, TimeInForce.GTC, 2, True, False, 1_795_194_840, True)
EXIT = NewOrder(CLIENT_ID, TICKER, Side.ASK, 4300, 1200, TimeInForce.IOC, 2, reduce_only=True)
DOCUMENTED = {"error": {"code": "invalid_order", "message": "no", "details": "post only cross"}}


def sent(exchange):
    return [(call.request.method, urlsplit(call.request.url)) for call in exchange.calls]


def asked(exchange):
    return [parse_qs(url.query) for _method, url in sent(exchange)]


# ---- every call is signed, budgeted and of our own session -----------------------------------------------------------


def test_every_request_is_signed_anew_over_its_path_without_the_query(rest, exchange, payload, signer_and_public):
    exchange.get(f"{BASE}/portfolio/balance", body=payload("balance"))
    rest.balance(exchange_index=2)
    request = exchange.calls[0].request
    assert request.url == f"{BASE}/portfolio/balance?exchange_index=2"
    headers = request.headers
    assert headers["KALSHI-ACCESS-KEY"] == "key-of-the-test"
    assert sign.verify(
        signer_and_public[1],
        headers["KALSHI-ACCESS-TIMESTAMP"],
        "GET",
        "/trade-api/v2/portfolio/balance",
        headers["KALSHI-ACCESS-SIGNATURE"],
    )
    assert "Accept-Language" not in headers


def test_public_calls_work_without_a_key(exchange, payload, clock):
    exchange.get(f"{BASE}/exchange/status", body=payload("exchange_status"))
    status = Rest(BASE, None, LocalBudget()).exchange_status()
    assert (status.trading(0), status.trading(2)) == (True, False)
    assert "KALSHI-ACCESS-KEY" not in exchange.calls[0].request.headers


def test_the_session_takes_nothing_from_the_environment_and_resends_nothing():
    session = http_module._session()
    assert not session.trust_env
    for scheme in ("http://", "https://"):
        retries = session.get_adapter(scheme).max_retries
        assert (retries.total, retries.read) == (0, False)


def test_calls_cost_what_the_exchange_says_and_limits_are_learned(rest, exchange, payload):
    exchange.get(f"{BASE}/account/endpoint_costs", body=payload("endpoint_costs"))
    exchange.get(f"{BASE}/account/limits", body=payload("limits"))
    assert rest._http.cost("GET", "/portfolio/orders/{order_id}") == 2
    rest.learn()
    assert rest._http.cost("GET", "/portfolio/orders/{order_id}") == 3
    assert rest._http.cost("DELETE", "/portfolio/events/orders/{order_id}") == 2
    assert rest._http.cost("POST", "/portfolio/events/orders") == 10
    assert rest._budget._rates == {"read": (270, 810), "write": (270, 810)}


def test_entries_leave_room_for_cancels_in_the_budget_of_their_shard(rest, exchange, payload):
    exchange.post(CREATE, body=payload("order_placed"), status=201)
    exchange.delete(f"{CREATE}/{ORDER_ID}", body=payload("order_canceled"))
    exchange.delete(CREATE, status=204)
    rest._http._wait_s["write"] = 0.0
    placed = 0
    with pytest.raises(RateLimited, match="nothing was sent"):
        while placed < 100:
            rest.create_order(NEW)
            placed += 1
    assert placed == 7
    assert len(exchange.calls) == 7
    for _cancel in range(5):
        rest.cancel_order(ORDER_ID, TICKER, 2)
    rest.cancel_all()
    with pytest.raises(RateLimited):
        rest.create_order(EXIT)
    assert rest.create_order(EXIT, urgent=True).filled_ch == 425


# ---- reads: retried, whole or not at all -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        {"body": requests.ConnectionError("connection reset")},
        {"body": requests.ReadTimeout("slow")},
        {"body": "", "status": 500},
        {"body": "<html>", "status": 502},
        {"body": '{"error":{"code":"header_timestamp_expired"}}', "status": 401},
    ],
)
def test_a_read_is_tried_again_with_growing_pauses_and_a_new_signature(rest, exchange, payload, clock, trouble):
    url = f"{BASE}/portfolio/balance"
    exchange.get(url, **trouble)
    exchange.get(url, **trouble)
    exchange.get(url, body=payload("balance"))
    assert rest.balance(2).cash_micros == 973_421_900
    first, second = clock.slept
    assert 0.125 <= first <= 0.25 <= second <= 0.5
    stamps = {call.request.headers["KALSHI-ACCESS-TIMESTAMP"] for call in exchange.calls}
    assert len(stamps) == 3


def test_after_a_429_a_read_waits_until_the_bucket_is_above_what_is_kept_for_cancels(rest, exchange, payload, clock):
    exchange.get(f"{BASE}/portfolio/balance", json={"error": "too many requests"}, status=429)
    exchange.get(f"{BASE}/portfolio/balance", body=payload("balance"))
    rest.balance(2)
    assert sum(clock.slept) == pytest.approx((540 * 0.2 + 10) / 180, abs=0.002)


def test_a_read_gives_up_after_its_tries_and_says_why(rest, exchange):
    exchange.get(f"{BASE}/portfolio/balance", body="", status=503)
    with pytest.raises(Unavailable, match="503"):
        rest.balance(2)
    assert len(exchange.calls) == 3


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, {"error": {"code": "bad"}}, Refused, "bad"),
        (403, {"code": "forbidden"}, Refused, "forbidden"),
        (404, {"error": {"code": "not_found"}}, Refused, "not_found"),
        (401, {"error": {"code": "authentication_error", "details": "NOT_FOUND"}}, Misconfigured, None),
        (301, {}, Misconfigured, None),
    ],
)
def test_a_definite_no_is_not_asked_again(rest, exchange, status, body, kind, code):
    exchange.get(f"{BASE}/portfolio/balance", json=body, status=status, headers={"Location": "https://elsewhere.test"})
    with pytest.raises(kind) as caught:
        rest.balance(2)
    assert len(exchange.calls) == 1
    if code is not None:
        assert (caught.value.status, caught.value.code) == (status, code)


def test_an_unknown_shape_is_drift_with_its_body_and_not_tried_again(rest, exchange):
    exchange.get(f"{BASE}/portfolio/balance", json={"balance_in_beads": 7})
    with pytest.raises(SchemaDrift) as caught:
        rest.balance(2)
    assert b"beads" in caught.value.raw
    assert len(exchange.calls) == 1


def test_status_may_say_no_with_a_5xx_and_the_usual_body(rest, exchange):
    exchange.get(f"{BASE}/exchange/status", json={"exchange_active": False, "trading_active": False}, status=503)
    exchange.get(f"{BASE}/exchange/status", body="<html>", status=503)
    assert not rest.exchange_status().trading(2)
    with pytest.raises(Unavailable):
        rest.exchange_status()


def pages(exchange, url, change, name, key, cursors):
    for cursor in cursors:
        page = change(name)
        page["cursor"] = cursor
        if cursor is ...:
            del page["cursor"]
        exchange.get(url, json=page)
    return len(change(name)[key])


@pytest.mark.parametrize("last", ["", None, ...])
def test_a_list_is_read_to_its_end_with_the_filters_on_each_page(rest, exchange, change, last):
    each = pages(exchange, f"{BASE}/portfolio/orders", change, "orders", "orders", ["one", "two", last])
    orders = rest.orders(ticker=TICKER, status="resting", min_ts=1_795_190_000, exchange_index=2)
    assert len(orders) == 3 * each
    assert [query.pop("cursor", None) for query in asked(exchange)] == [None, ["one"], ["two"]]
    for query in asked(exchange):
        query.pop("cursor", None)
        assert query == {
            "ticker": [TICKER], "status": ["resting"], "min_ts": ["1795190000"], "exchange_index": ["2"],
            "limit": ["1000"],
        }  # fmt: skip


@pytest.mark.parametrize("cursors", [["one", "one"], ["one", "two", "one"]])
def test_a_cursor_that_comes_twice_discards_the_list(rest, exchange, change, cursors):
    pages(exchange, f"{BASE}/portfolio/fills", change, "fills", "fills", cursors)
    with pytest.raises(Unavailable, match="repeats the cursor"):
        rest.fills()


def test_a_lost_second_page_discards_the_list(rest, exchange, change):
    pages(exchange, f"{BASE}/portfolio/positions", change, "positions", "market_positions", ["more"])
    exchange.get(f"{BASE}/portfolio/positions", status=500)
    with pytest.raises(Unavailable):
        rest.positions()


def test_a_list_that_is_missing_or_null_is_not_an_empty_one(rest, exchange):
    exchange.get(f"{BASE}/portfolio/positions", json={"event_positions": [], "cursor": ""})
    exchange.get(f"{BASE}/portfolio/positions", json={"market_positions": None, "cursor": ""})
    for _body in range(2):
        with pytest.raises(SchemaDrift):
            rest.positions()


def test_account_reads(rest, exchange, payload):
    for path in ("fills", "settlements", "positions"):
        exchange.get(f"{BASE}/portfolio/{path}", body=payload(path))
    exchange.get(f"{BASE}/portfolio/orders/{ORDER_ID}", body=payload("order"))
    assert [fill.count_ch for fill in rest.fills(min_ts=5, order_id=ORDER_ID)] == [425, 10]
    assert [report.value_cc for report in rest.settlements(ticker=TICKER)] == [10_000, 5000, 0]
    assert [position.position_ch for position in rest.positions(settlement_status="all")] == [-425]
    assert rest.order(ORDER_ID).status is State.RESTING
    assert asked(exchange)[0] == {"min_ts": ["5"], "order_id": [ORDER_ID], "limit": ["1000"]}
    assert asked(exchange)[2]["settlement_status"] == ["all"]


# ---- markets ---------------------------------------------------------------------------------------------------------


def test_markets_find_their_series_and_fees_through_their_event_once(rest, exchange, payload):
    exchange.get(f"{BASE}/markets", body=payload("markets"))
    exchange.get(f"{BASE}/events", body=payload("events"))
    exchange.get(f"{BASE}/series/KXBTC15M", body=payload("series"))
    first, second = rest.markets(series_ticker="KXBTC15M", status="open")
    assert (first.series_ticker, first.underlying) == ("KXBTC15M", "BTC-USD")
    assert (first.fee.fee_type, first.fee.multiplier_millionths) == ("quadratic", 1_000_000)
    assert (second.fee.fee_type, second.fee.multiplier_millionths) == ("quadratic_with_maker_fees", 500_000)
    rest.markets(series_ticker="KXBTC15M", status="open")
    paths = [url.path.removeprefix("/trade-api/v2") for _method, url in sent(exchange)]
    assert paths == ["/markets", "/events", "/series/KXBTC15M", "/markets"]
    assert asked(exchange)[0] == {
        "series_ticker": ["KXBTC15M"], "status": ["open"], "mve_filter": ["exclude"], "limit": ["1000"],
    }  # fmt: skip
    assert asked(exchange)[1]["tickers"] == ["KXBTC15M-26NOV201215,KXBTC15M-26NOV201230"]


def test_a_listing_shows_category_touch_and_whether_outcomes_exclude_each_other(rest, exchange, payload, change):
    events = change("events")
    events["events"][1]["mutually_exclusive"] = True
    exchange.get(f"{BASE}/markets", body=payload("markets"))
    exchange.get(f"{BASE}/events", json=events)
    exchange.get(f"{BASE}/series/KXBTC15M", body=payload("series"))
    first, second = rest.listings()
    assert (first.category, first.bid_cc, first.ask_cc, first.market.exclusive) == ("Crypto", 4_300, 4_500, False)
    assert (second.bid_cc, second.ask_cc, second.market.exclusive) == (None, None, True), "an empty side is no price"


def test_an_event_is_counted_whole(rest, exchange, change, payload):
    listing = change("markets")
    listing["markets"][0]["is_provisional"] = True
    exchange.get(f"{BASE}/markets", json=listing)
    assert rest.event_size("KXBTC15M-26NOV201215") == 2
    assert asked(exchange)[0] == {"event_ticker": ["KXBTC15M-26NOV201215"], "limit": ["1000"]}


def test_fee_terms_are_believed_for_ten_minutes(rest, exchange, payload, clock):
    exchange.get(f"{BASE}/markets", body=payload("markets"))
    exchange.get(f"{BASE}/events", body=payload("events"))
    exchange.get(f"{BASE}/series/KXBTC15M", body=payload("series"))
    rest.markets()
    clock.now_s += 601
    rest.markets()
    paths = [url.path.removeprefix("/trade-api/v2") for _method, url in sent(exchange)]
    assert paths.count("/events") == paths.count("/series/KXBTC15M") == 2


def test_an_event_that_is_not_listed_yet_makes_the_listing_unavailable(rest, exchange, payload):
    exchange.get(f"{BASE}/markets", body=payload("markets"))
    exchange.get(f"{BASE}/events", json={"events": [], "cursor": ""})
    with pytest.raises(Unavailable, match="KXBTC15M-26NOV201215"):
        rest.markets()


def test_kinds_of_markets_we_do_not_trade_are_left_out_of_lists_but_can_be_asked_for(rest, exchange, change, payload):
    listing = change("markets")
    listing["markets"][0]["is_provisional"] = True
    events = change("events")
    events["events"][1]["fee_type_override"] = "flat"
    exchange.get(f"{BASE}/markets", json=listing)
    exchange.get(f"{BASE}/events", json=events)
    exchange.get(f"{BASE}/series/KXBTC15M", body=payload("series"))
    exchange.get(f"{BASE}/markets/{TICKER}", json={"market": listing["markets"][0]})
    assert rest.markets() == []
    assert rest.market(TICKER).ticker == TICKER


def test_many_tickers_are_asked_for_in_hundreds(rest, exchange, payload):
    exchange.get(f"{BASE}/markets", json={"markets": [], "cursor": None})
    exchange.get(f"{BASE}/markets/orderbooks", body=payload("orderbooks"))
    tickers = [f"M{number}" for number in range(250)]
    assert rest.markets(tickers=tickers) == []
    assert [len(query["tickers"][0].split(",")) for query in asked(exchange)] == [100, 100, 50]
    books = rest.orderbooks(tickers)
    assert [len(query["tickers"]) for query in asked(exchange)[3:]] == [100, 100, 50]
    assert (books[TICKER].bid_cc, books[TICKER].ask_cc) == (4300, 4500)
    assert books["KXBTC15M-26NOV201230-30"].bid_cc is None


def test_books_trades_and_series(rest, exchange, payload):
    exchange.get(f"{BASE}/markets/{TICKER}/orderbook", body=payload("orderbook"))
    exchange.get(f"{BASE}/markets/trades", body=payload("trades"))
    exchange.get(f"{BASE}/series", body=payload("series_list"))
    assert rest.orderbook(TICKER).top(1) == (((4300, 3950),), ((4500, 12_000),))
    assert [trade.taker_side for trade in rest.trades(TICKER, min_ts=7)] == [Side.BID, Side.ASK]
    assert [series.ticker for series in rest.series_list()] == ["KXBTC15M", "KXNFLGAME"]


# ---- writes: once ----------------------------------------------------------------------------------------------------


def test_an_order_may_be_signed_with_an_earlier_time(rest, exchange, payload):
    exchange.post(CREATE, body=payload("order_placed"), status=201)
    rest.create_order(NEW, signed_at_ms=1_795_194_000_001)
    rest.create_order(NEW)
    stamps = [int(call.request.headers["KALSHI-ACCESS-TIMESTAMP"]) for call in exchange.calls]
    assert stamps[0] == 1_795_194_000_001 != stamps[1]


def test_an_order_is_placed_as_meant(rest, exchange, payload):
    exchange.post(CREATE, body=payload("order_placed"), status=201)
    placed = rest.create_order(NEW)
    assert placed == (ORDER_ID, CLIENT_ID, 425, 775, 1_795_194_192_345, 0.43, 0.0172)
    request = exchange.calls[0].request
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {
        "ticker": TICKER,
        "client_order_id": CLIENT_ID,
        "side": "bid",
        "count": "12.00",
        "price": "0.4300",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        "exchange_index": 2,
        "expiration_time": 1_795_194_840,
        "post_only": True,
        "cancel_order_on_pause": True,
    }


@pytest.mark.parametrize(
    "answer",
    [
        {"body": requests.ReadTimeout("slow")},
        {"body": requests.ConnectionError("reset")},
        {"body": requests.exceptions.ChunkedEncodingError("cut")},
        {"body": "", "status": 500},
        {"body": "", "status": 503},
        {"body": "", "status": 504},
        {"body": "", "status": 408},
        {"body": "", "status": 201},
        {"json": {"status": "accepted"}, "status": 201},
        {"json": {"order_id": "", "fill_count": "0.00", "remaining_count": "1.00", "ts_ms": 1}, "status": 201},
        {"json": {"order_id": "x", "fill_count": 0.001, "remaining_count": "1.00", "ts_ms": 1}, "status": 201},
        {"json": {"error": {"code": "order_already_exists"}}, "status": 409},
    ],
)
def test_a_lost_or_unreadable_answer_leaves_the_order_unknown_and_nothing_is_resent(rest, exchange, clock, answer):
    exchange.post(CREATE, **answer)
    with pytest.raises(Unavailable) as caught:
        rest.create_order(NEW)
    assert not isinstance(caught.value, RateLimited | Refused)
    assert len(exchange.calls) == 1
    assert clock.slept == []


def test_an_answer_about_another_order_is_not_taken_for_ours(rest, exchange, change):
    exchange.post(CREATE, json=change("order_placed") | {"client_order_id": "oc-other"}, status=201)
    with pytest.raises(Unavailable, match="oc-other"):
        rest.create_order(NEW)


def test_the_body_of_an_unreadable_answer_is_kept(rest, exchange):
    exchange.post(CREATE, json={"ticket": "soft reject"}, status=200)
    with pytest.raises(Unavailable) as caught:
        rest.create_order(NEW)
    assert isinstance(caught.value.__cause__, SchemaDrift)
    assert b"soft reject" in caught.value.__cause__.raw


def test_a_definite_no_names_its_code_and_details(rest, exchange):
    exchange.post(CREATE, json=DOCUMENTED, status=400)
    with pytest.raises(Refused) as caught:
        rest.create_order(NEW)
    assert (caught.value.status, caught.value.code, caught.value.details) == (400, "invalid_order", "post only cross")


def test_429_on_a_write_did_nothing_and_is_not_resent(rest, exchange):
    exchange.post(CREATE, json={"error": "too many requests"}, status=429)
    with pytest.raises(RateLimited):
        rest.create_order(NEW)
    assert len(exchange.calls) == 1
    rest._http._wait_s["write"] = 0.0
    with pytest.raises(RateLimited, match="our own write:2 budget"):
        rest.create_order(NEW)


def test_a_stale_clock_on_a_write_is_a_definite_no(rest, exchange):
    exchange.post(CREATE, json={"error": {"code": "header_timestamp_expired"}}, status=401)
    with pytest.raises(Refused, match="NTP"):
        rest.create_order(NEW)


def test_a_cancel_names_market_and_shard(rest, exchange, payload):
    exchange.delete(f"{CREATE}/{ORDER_ID}", body=payload("order_canceled"))
    assert rest.cancel_order(ORDER_ID, TICKER, 2) == 775
    assert asked(exchange) == [{"market_ticker": [TICKER], "exchange_index": ["2"]}]


def test_a_cancel_that_finds_nothing_is_refused_and_one_that_answers_oddly_is_unknown(rest, exchange, change):
    url = f"{CREATE}/{ORDER_ID}"
    exchange.delete(url, json={"error": {"code": "not_found"}}, status=404)
    exchange.delete(url, json=change("order_canceled") | {"order_id": "another"})
    exchange.delete(url, json={})
    exchange.delete(url, body=requests.ReadTimeout("slow"))
    with pytest.raises(Refused) as caught:
        rest.cancel_order(ORDER_ID, TICKER, 2)
    assert caught.value.status == 404
    for _odd in range(3):
        with pytest.raises(Unavailable):
            rest.cancel_order(ORDER_ID, TICKER, 2)
    assert len(exchange.calls) == 4


def test_cancel_all_is_one_call_for_every_shard(rest, exchange):
    exchange.delete(CREATE, status=204)
    rest.cancel_all()
    assert asked(exchange) == [{}]


def test_renewal_changes_the_expiry_only_and_adopts_the_id_it_is_given(rest, exchange, change):
    exchange.post(f"{CREATE}/{ORDER_ID}/amend", json=change("order_renewed") | {"order_id": "a-new-id"})
    assert rest.renew(ORDER_ID, TICKER, Side.BID, 4300, 1200, 1_795_195_440, 2) == "a-new-id"
    assert json.loads(exchange.calls[0].request.body) == {
        "ticker": TICKER,
        "side": "bid",
        "price": "0.4300",
        "count": "12.00",
        "expiration_time": 1_795_195_440,
        "exchange_index": 2,
    }


def test_names_in_a_path_cannot_leave_it(rest, exchange):
    exchange.get(f"{BASE}/portfolio/orders/..%2Fbalance%3Fx", json=DOCUMENTED, status=404)
    with pytest.raises(Refused):
        rest.order("../balance?x")
