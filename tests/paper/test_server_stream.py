"""The WebSocket as a client of the real exchange would use it; every message is held against its description."""

import http.client
import json
import socket
import time
from dataclasses import replace

import pytest
import websocket

from local_exchange import OTHER, TICKER, Client, Listener, LocalExchange, market, now_ms
from outcry.domain.book import Book
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC, parse_decimal
from outcry.paper.events import BookChange, BookSet, Determined, IndexTick, Print, Settled, Stats
from outcry.paper.server import stream_shapes


@pytest.fixture
def exchange():
    running = LocalExchange("floor", "rival")
    running.list(market(), market(OTHER))
    running.feed(BookSet(TICKER, {4000: 5_000, 3900: 10_000}, {4200: 3_000, 4300: 10_000}, now_ms()))
    yield running
    running.stop()


@pytest.fixture
def open_listener(exchange, specification):
    opened = []

    def open_(account: str = "floor") -> Listener:
        opened.append(Listener(exchange, account, specification))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def listener(open_listener):
    return open_listener()


@pytest.fixture
def floor(exchange, specification):
    client = Client(exchange, "floor", specification)
    yield client
    client.close()


def test_a_book_begins_with_a_snapshot_and_goes_on_with_signed_changes(exchange, listener):
    number = listener.say("subscribe", channels=["orderbook_delta"], market_ticker=TICKER, use_yes_price=True)
    subscribed, snapshot = listener.take(2)
    assert (subscribed["id"], subscribed["msg"]) == (number, {"channel": "orderbook_delta", "sid": 1})
    assert (snapshot["type"], snapshot["sid"], snapshot["seq"]) == ("orderbook_snapshot", 1, 1)
    assert snapshot["msg"]["yes_dollars_fp"] == [["0.3900", "100.00"], ["0.4000", "50.00"]]
    assert snapshot["msg"]["no_dollars_fp"] == [["0.4200", "30.00"], ["0.4300", "100.00"]]
    at = now_ms()
    exchange.feed(BookChange(TICKER, Side.ASK, 4200, -1_250, at), BookChange(TICKER, Side.BID, 4100, 300, at))
    first, second = listener.take(2)
    assert (first["seq"], first["msg"]["side"], first["msg"]["price_dollars"], first["msg"]["delta_fp"]) == (
        2, "no", "0.4200", "-12.50",
    )  # fmt: skip
    assert (second["seq"], second["msg"]["side"], second["msg"]["price_dollars"]) == (3, "yes", "0.4100")
    assert second["msg"]["ts_ms"] == at
    assert "client_order_id" not in second["msg"]


def test_without_yes_prices_the_no_side_is_on_its_own_scale(exchange, listener):
    listener.say("subscribe", channels=["orderbook_delta"], market_tickers=[TICKER])
    snapshot = listener.until("orderbook_snapshot")
    assert snapshot["msg"]["no_dollars_fp"] == [["0.5700", "100.00"], ["0.5800", "30.00"]]
    exchange.feed(BookChange(TICKER, Side.ASK, 4200, -1_250, now_ms()))
    assert listener.next()["msg"]["price_dollars"] == "0.5800"


def test_an_empty_side_has_no_key(listener):
    listener.say("subscribe", channels=["orderbook_delta"], market_tickers=[OTHER])
    assert set(listener.until("orderbook_snapshot")["msg"]) == {"market_ticker", "market_id"}


def test_control_frames_share_the_subscriptions_counter(exchange, listener):
    listener.say("subscribe", channels=["orderbook_delta"], market_tickers=[TICKER])
    listener.take(2)
    number = listener.say("update_subscription", sids=[1], action="add_markets", market_tickers=[OTHER, TICKER])
    ok, snapshot = listener.take(2)
    assert (ok["id"], ok["sid"], ok["seq"], ok["msg"]) == (number, 1, 2, {"market_tickers": [TICKER, OTHER]})
    assert (snapshot["seq"], snapshot["msg"]["market_ticker"]) == (3, OTHER)
    number = listener.say("update_subscription", sid=1, action="get_snapshot", market_tickers=[TICKER])
    snapshot = listener.next()
    assert (snapshot["id"], snapshot["seq"], snapshot["msg"]["market_ticker"]) == (number, 4, TICKER)
    listener.say("update_subscription", sid=1, action="delete_markets", market_tickers=[TICKER])
    ok = listener.next()
    assert (ok["seq"], ok["msg"]) == (5, {"market_tickers": [OTHER]})
    exchange.feed(BookChange(TICKER, Side.BID, 4000, 100, now_ms()), BookChange(OTHER, Side.BID, 100, 100, now_ms()))
    assert (listener.next()["seq"]) == 6
    number = listener.say("unsubscribe", sids=[1])
    assert {key: value for key, value in listener.next().items() if key != "sending_ts_ms"} == {
        "id": number, "type": "unsubscribed", "sid": 1, "seq": 7,
    }  # fmt: skip
    exchange.feed(BookChange(OTHER, Side.BID, 100, 100, now_ms()))
    assert listener.quiet()


def test_subscribing_again_merges_and_the_same_again_changes_nothing(listener):
    listener.say("subscribe", channels=["orderbook_delta"], market_tickers=[TICKER])
    listener.take(2)
    listener.say("subscribe", channels=["orderbook_delta"], market_tickers=[OTHER])
    assert [message["type"] for message in listener.take(2)] == ["ok", "orderbook_snapshot"]
    listener.say("subscribe", channels=["orderbook_delta"], market_tickers=[OTHER])
    ok = listener.next()
    assert (ok["type"], ok["msg"]["market_tickers"]) == ("ok", [TICKER, OTHER])
    assert listener.quiet()


def test_several_channels_get_a_subscription_each_before_any_data(listener):
    channels = ["trade", "orderbook_delta", "ticker", "fill"]
    listener.say("subscribe", channels=channels, market_tickers=[TICKER], send_initial_snapshot=True)
    told = [listener.next() for _ in range(6)]
    assert [message["msg"]["channel"] for message in told if message["type"] == "subscribed"] == channels
    assert [message["msg"]["sid"] for message in told if message["type"] == "subscribed"] == [1, 2, 3, 4]
    number = listener.say("list_subscriptions")
    listed = listener.next()
    assert (listed["id"], [one["channel"] for one in listed["msg"]]) == (number, channels)


def test_an_order_is_told_as_book_fill_order_and_position_to_its_owner(listener, open_listener, floor):
    rival = open_listener("rival")
    private = ["fill", "user_orders", "market_positions"]
    for one in (listener, rival):
        one.say("subscribe", channels=["orderbook_delta"], market_tickers=[TICKER], use_yes_price=True)
        one.say("subscribe", channels=private)
        one.take(5)
    placed = floor.place(price="0.4200", count="40.00", client_order_id='quo"ted')
    told = listener.take(5)
    assert [message["type"] for message in told] == [
        "orderbook_delta", "orderbook_delta", "fill", "user_order", "market_position",
    ]  # fmt: skip
    by_kind = {message["type"]: message["msg"] for message in told}
    deltas = [message["msg"] for message in told if message["type"] == "orderbook_delta"]
    assert [(one["delta_fp"], one["client_order_id"]) for one in deltas] == [
        ("-30.00", 'quo"ted'),
        ("10.00", 'quo"ted'),
    ]
    fill = by_kind["fill"]
    assert (fill["trade_id"] != fill["order_id"], fill["order_id"]) == (True, placed["order_id"])
    assert (fill["client_order_id"], fill["count_fp"], fill["post_position_fp"]) == ('quo"ted', "30.00", "30.00")
    order = by_kind["user_order"]
    assert (order["status"], order["remaining_count_fp"], order["exchange_index"]) == ("resting", "10.00", 2)
    assert by_kind["market_position"]["position_fp"] == "30.00"
    seen = rival.take(2)
    assert all("client_order_id" not in message["msg"] for message in seen)
    assert rival.quiet()


def test_a_print_is_told_once_to_everybody_and_to_the_filled(exchange, listener, floor):
    floor.place(price="0.4100", client_order_id="rests")
    listener.say("subscribe", channels=["trade", "fill"])
    listener.take(2)
    exchange.feed(Print(TICKER, 4100, 400, Side.ASK, now_ms()), Print(TICKER, 4200, 700, None, now_ms(), inferred=True))
    trade, fill, inferred = listener.take(3)
    assert (trade["seq"], trade["msg"]["count_fp"], trade["msg"]["taker_book_side"]) == (1, "4.00", "ask")
    assert (fill["msg"]["trade_id"], fill["msg"]["is_taker"]) == (trade["msg"]["trade_id"], False)
    assert "seq" not in fill
    assert (inferred["seq"], inferred["msg"]["inferred"], inferred["msg"]["taker_side"]) == (2, True, "yes")


def test_tickers_tell_the_touch_and_count_volume_at_half_a_dollar(exchange, listener):
    listener.say("subscribe", channels=["ticker"], market_tickers=[TICKER], send_initial_snapshot=True)
    _, first = listener.take(2)
    assert (first["msg"]["yes_bid_dollars"], first["msg"]["yes_ask_dollars"]) == ("0.4000", "0.4200")
    assert "seq" not in first
    exchange.feed(
        Stats(TICKER, 4100, 1_952_194, 1_422_136, now_ms()), BookChange(TICKER, Side.BID, 4100, 700, now_ms())
    )
    body = listener.next()["msg"]
    while body["yes_bid_dollars"] != "0.4100":
        body = listener.next()["msg"]
    assert (body["price_dollars"], body["yes_bid_size_fp"], body["volume_fp"]) == ("0.4100", "7.00", "19521.94")
    assert (body["dollar_volume"], body["dollar_open_interest"]) == (9_760, 7_110)


def test_a_market_can_be_named_by_its_id_where_the_channel_allows_it(listener):
    listener.say("subscribe", channels=["ticker"], market_id=stream_shapes.market_id(OTHER), send_initial_snapshot=True)
    _, first = listener.take(2)
    assert first["msg"]["market_ticker"] == OTHER


def test_a_markets_life_is_told_with_the_facts_of_each_step(exchange, listener):
    listener.say("subscribe", channels=["market_lifecycle_v2"])
    listener.next()
    later = "KXBTC15M-26NOV201230-30"
    coming = market(later, opens_in_ms=60_000, strike_micros=None)
    exchange.list(coming)
    event, created = listener.take(2)
    assert (event["type"], event["msg"]["series_ticker"]) == ("event_lifecycle", "KXBTC15M")
    facts = created["msg"]
    assert (facts["event_type"], facts["exchange_index"], facts["price_level_structure"]) == (
        "created", 2, "tapered_deci_cent",
    )  # fmt: skip
    assert "floor_strike" not in facts["additional_metadata"]
    exchange.list(replace(coming, strike_micros=97_123_450_000))
    changed = listener.next()["msg"]
    assert (changed["event_type"], changed["floor_strike"]) == ("metadata_updated", 97123.45)
    at = now_ms()
    exchange.feed(Determined(TICKER, "yes", 10_000, at, 97_130_110_000), Settled(TICKER, at))
    determined, settled = listener.take(2)
    assert determined["msg"] == {
        "event_type": "determined", "market_ticker": TICKER, "determination_ts": at // 1000, "result": "yes",
        "settlement_value": "1.0000",
    }  # fmt: skip
    assert (settled["msg"]["event_type"], settled["seq"]) == ("settled", 5)


def test_index_values_come_for_the_indices_asked_for(exchange, listener):
    listener.say("subscribe", channels=["cfbenchmarks_value"], index_ids=["BRTI"])
    listener.next()
    at = now_ms() // 1000 * 1000
    exchange.feed(IndexTick("BTC-USD", 97_130_110_000, at), IndexTick("ETH-USD", 3_000_000_000, at))
    value = listener.next()
    assert (value["seq"], value["msg"]["index_id"], json.loads(value["msg"]["data"])["value"]) == (
        1,
        "BRTI",
        "97130.11",
    )
    number = listener.say("update_subscription", sid=1, action="indexlist")
    listed = listener.next()
    assert (listed["id"], listed["msg"]["index_ids"]) == (number, ["BRTI", "ETHUSD_RTI"])
    listener.say("update_subscription", sid=1, action="subscribe_indices", index_ids=["all"])
    assert listener.next()["type"] == "ok"
    exchange.feed(IndexTick("ETH-USD", 3_000_000_000, at + 1_000))
    assert listener.next()["msg"]["index_id"] == "ETHUSD_RTI"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("{", 1),
        ("[]", 1),
        ('{"id":1,"cmd":"dance"}', 5),
        ('{"id":1}', 5),
        ('{"id":-1,"cmd":"list_subscriptions"}', 11),
        ('{"id":1,"cmd":"subscribe"}', 2),
        ('{"id":1,"cmd":"subscribe","params":{}}', 3),
        ('{"id":1,"cmd":"subscribe","params":{"channels":["ticker_v2"]}}', 8),
        ('{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"]}}', 14),
        ('{"id":1,"cmd":"subscribe","params":{"channels":"ticker"}}', 11),
        ('{"id":1,"cmd":"subscribe","params":{"channels":["ticker"],"market_ticker":"A","market_tickers":["B"]}}', 11),
        ('{"id":1,"cmd":"unsubscribe","params":{}}', 4),
        ('{"id":1,"cmd":"unsubscribe","params":{"sids":[9]}}', 7),
        ('{"id":1,"cmd":"update_subscription","params":{"action":"add_markets"}}', 12),
        ('{"id":1,"cmd":"update_subscription","params":{"sids":[1,2],"action":"add_markets"}}', 12),
        ('{"id":1,"cmd":"update_subscription","params":{"sid":9,"action":"add_markets"}}', 7),
        ('{"id":1,"cmd":"update_subscription","params":{"sid":1}}', 15),
        ('{"id":1,"cmd":"update_subscription","params":{"sid":1,"action":"dance"}}', 13),
        ('{"id":1,"cmd":"update_subscription","params":{"sid":1,"action":"add_markets"}}', 14),
        ('{"id":1,"cmd":"update_subscription","params":{"sid":2,"action":"get_snapshot","market_tickers":["A"]}}', 13),
        ('{"id":1,"cmd":"update_subscription","params":{"sid":1,"action":"indexlist"}}', 13),
        ('{"id":1,"cmd":"update_subscription","params":{"sid":3,"action":"subscribe_indices"}}', 24),
    ],
)
def test_wrong_commands_get_their_error_and_the_connection_lives_on(listener, command, code):
    listener.say("subscribe", channels=["orderbook_delta"], market_tickers=["KXNONE"])
    listener.say("subscribe", channels=["ticker"], market_tickers=["KXNONE"])
    listener.say("subscribe", channels=["cfbenchmarks_value"])
    listener.take(3)
    listener.raw(command)
    assert listener.next()["msg"]["code"] == code
    listener.say("list_subscriptions")
    assert len(listener.next()["msg"]) == 3


def test_a_subscription_to_a_market_not_listed_yet_begins_when_it_is(exchange, listener):
    later = "KXBTC15M-26NOV201230-30"
    listener.say("subscribe", channels=["orderbook_delta"], market_tickers=[later])
    listener.next()
    exchange.list(market(later, opens_in_ms=60_000))
    assert listener.next()["msg"]["market_ticker"] == later


def test_a_book_that_changes_whole_is_told_by_one_snapshot(exchange, listener):
    listener.say("subscribe", channels=["orderbook_delta"], market_tickers=[TICKER], use_yes_price=True)
    listener.take(2)
    exchange.feed(BookSet(TICKER, {5000: 100}, {}, now_ms()))
    snapshot = listener.next()
    assert (snapshot["type"], snapshot["seq"]) == ("orderbook_snapshot", 2)
    assert snapshot["msg"]["yes_dollars_fp"] == [["0.5000", "1.00"]]
    assert "no_dollars_fp" not in snapshot["msg"]
    assert listener.quiet()


def test_the_deltas_told_always_add_up_to_the_displayed_book(exchange, listener, floor):
    listener.say("subscribe", channels=["orderbook_delta"], market_tickers=[TICKER], use_yes_price=True)
    listener.next()
    book, seq = Book(), 0
    for step in range(60):
        at = now_ms()
        exchange.feed(BookChange(TICKER, Side.BID, 3700 + 100 * (step % 3), 500 + step, at))
        if step % 3 == 0:
            floor.place(price="0.3800", count="3.00")
            floor.place(price="0.4000", count="1.50", side="ask", time_in_force="immediate_or_cancel")
        if step % 7 == 0:
            exchange.feed(Print(TICKER, 3900, 700, Side.ASK, at))
        if step == 40:
            floor.ask("DELETE", "/portfolio/events/orders")
    listener.say("list_subscriptions")
    while (message := listener.next())["type"] != "ok":
        seq += 1
        assert message["seq"] == seq
        body = message["msg"]
        if message["type"] == "orderbook_snapshot":
            sides = [
                {parse_decimal(price, 4): parse_decimal(size, 2) for price, size in body.get(key, [])}
                for key in ("yes_dollars_fp", "no_dollars_fp")
            ]
            book.replace(*sides)
        else:
            change = parse_decimal(body["delta_fp"], 2)
            book.apply(body["side"] == "yes", parse_decimal(body["price_dollars"], 4), change)
    assert seq > 80
    assert exchange.engine.displayed(TICKER) == (book.bids, book.asks)
    rest = floor.get(f"/markets/{TICKER}/orderbook")["orderbook_fp"]
    assert {parse_decimal(price, 4): parse_decimal(size, 2) for price, size in rest["yes_dollars"]} == book.bids
    no = {ONE_DOLLAR_CC - parse_decimal(price, 4): parse_decimal(size, 2) for price, size in rest["no_dollars"]}
    assert no == book.asks


@pytest.mark.parametrize(("path", "status"), [("/trade-api/ws/v2", 401), ("/trade-api/ws/v1", 404)])
def test_a_handshake_without_a_signature_or_to_nowhere_is_answered_as_a_request(exchange, path, status):
    connection = http.client.HTTPConnection(exchange.host, exchange.port, timeout=5)
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "13"}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    assert answer.status == status
    assert json.loads(answer.read())["error"]["code"]
    connection.close()


def test_the_server_pings_and_answers_pings(exchange, listener):
    listener.socket.ping("are you there")
    opcode, data = listener.socket.recv_data(control_frame=True)
    assert (opcode, data) == (websocket.ABNF.OPCODE_PONG, b"are you there")
    exchange.server._ping_at_ms = 0
    opcode, data = listener.socket.recv_data(control_frame=True)
    assert (opcode, data) == (websocket.ABNF.OPCODE_PING, b"heartbeat")


def test_a_client_that_does_not_read_is_told_why_and_dropped(exchange, listener, open_listener, monkeypatch):
    monkeypatch.setattr("outcry.paper.server.server.MAX_BACKLOG", 50_000)
    other = open_listener()
    for one in (listener, other):
        one.say("subscribe", channels=["orderbook_delta"], market_tickers=[TICKER])
        one.take(2)
    listener.socket.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    for client in exchange.server._clients:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    deltas, deadline = 0, time.monotonic() + 10
    while len(exchange.exchange._hub._by_ticker["orderbook_delta"][TICKER]) == 2:
        assert time.monotonic() < deadline
        exchange.feed(*(BookChange(TICKER, Side.BID, 100, 100, now_ms()) for _ in range(50)))
        for _ in range(50):
            other.socket.recv()
        deltas += 50
    said = [json.loads(text) for text in iter(listener.socket.recv, "")]
    assert len(said) <= deltas + 1
    assert (said[-1]["type"], said[-1]["msg"]["code"], said[-1]["sid"]) == ("error", 25, 1)
    assert [message["seq"] for message in said] == list(range(2, len(said) + 2))
    exchange.feed(BookChange(TICKER, Side.BID, 100, 100, now_ms()))
    assert other.next()["seq"] == deltas + 2


def test_a_client_that_vanishes_is_forgotten(exchange, listener):
    listener.say("subscribe", channels=["orderbook_delta"], market_tickers=[TICKER])
    listener.take(2)
    listener.socket.sock.close()
    deadline = time.monotonic() + 5
    while exchange.exchange._hub._by_ticker["orderbook_delta"].get(TICKER):
        assert time.monotonic() < deadline
        exchange.feed(BookChange(TICKER, Side.BID, 100, 100, now_ms()))
