"""The spot venue, as a client of Coinbase's API would use it."""

import json
from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from outcry.paper.events import IndexTick
from outcry.paper.server.http import Reader
from outcry.paper.server.spot import Spot, SpotSession, candles
from outcry.paper.server.websocket import WebSocket

NOW = 1795194192_345
DOLLAR = 1_000_000


class History:
    """A source that only remembers prices: one a second, the second's number in dollars."""

    def history(self, symbol: str, from_ms: int, to_ms: int) -> list[IndexTick]:
        first = -(-from_ms // 1000)
        return [IndexTick(symbol, second * DOLLAR, second * 1000) for second in range(first, to_ms // 1000 + 1)]


@pytest.fixture
def spot() -> Spot:
    return Spot(History(), ["BTC-USD", "ETH-USD"], lambda: NOW)  # type: ignore[arg-type]


def get(spot: Spot, target: str) -> tuple[int, Any]:
    reader = Reader()
    reader.feed(f"GET {target} HTTP/1.1\r\n\r\n".encode())
    request = reader.take()
    assert request is not None
    answer = spot.answer(request)
    return answer.status, json.loads(answer.body)


def test_candles_fold_prices_and_come_newest_first():
    prices = [5, 9, 2, 4]
    ticks = [
        IndexTick("BTC-USD", price * DOLLAR, at * 1000) for at, price in zip((60, 70, 119, 120), prices, strict=True)
    ]
    assert candles(ticks, 60) == [[120, 4, 4, 4, 4, 0], [60, 2, 9, 5, 2, 0]]


def test_candles_of_a_minute_and_of_a_second(spot):
    status, rows = get(spot, "/spot/products/BTC-USD/candles?granularity=60&start=1795194000&end=1795194120")
    assert status == 200
    assert rows[0] == [1795194120, 1795194120, 1795194179, 1795194120, 1795194179, 0]
    assert [row[0] for row in rows] == [1795194120, 1795194060, 1795194000]
    start = "2026-11-20T17:03:00Z"
    status, rows = get(spot, f"/spot/products/BTC-USD/candles?granularity=1&start={start}&end=1795194190")
    assert status == 200
    assert (len(rows), rows[-1][:2]) == (11, [1795194180, 1795194180])


def test_candles_without_bounds_end_now_and_are_at_most_three_hundred(spot):
    status, rows = get(spot, "/spot/products/ETH-USD/candles?granularity=1")
    assert status == 200
    assert (len(rows), rows[0][0]) == (301, NOW // 1000)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/spot/products/DOGE-USD/ticker", 404),
        ("/spot/products/BTC-USD/nothing", 404),
        ("/spot/nothing", 404),
        ("/spot/products/BTC-USD/candles?granularity=61", 400),
        ("/spot/products/BTC-USD/candles?granularity=x", 400),
        ("/spot/products/BTC-USD/candles?start=yesterday", 400),
        ("/spot/products/BTC-USD/candles?start=200&end=100", 400),
        ("/spot/products/BTC-USD/candles?start=0&end=100000", 400),
    ],
)
def test_wrong_questions_are_told_so(spot, target, status):
    found, body = get(spot, target)
    assert found == status
    assert body["message"]


def test_the_ticker_is_the_last_price_even_before_the_first_one_of_this_life(spot):
    status, body = get(spot, "/spot/products/BTC-USD/ticker")
    assert (status, body["price"]) == (200, f"{NOW // 1000}.00")
    spot.take(IndexTick("BTC-USD", 97_130_110_000, NOW))
    body = get(spot, "/spot/products/BTC-USD/ticker")[1]
    assert (body["price"], body["time"], body["trade_id"]) == ("97130.11", "2026-11-20T17:03:12.345Z", 1)


class Listener:
    """The client side of one WebSocket."""

    def __init__(self, spot: Spot) -> None:
        self.client, self.socket = ClientProtocol(parse_uri("ws://localhost/spot")), WebSocket()
        self.session: SpotSession = spot.open(self.socket)
        self.client.send_request(self.client.connect())
        self.socket.accept(b"".join(self.client.data_to_send()))
        self.heard()

    def say(self, **command: object) -> list[dict[str, Any]]:
        self.session.receive(json.dumps(command).encode())
        return self.heard()

    def heard(self) -> list[dict[str, Any]]:
        self.client.receive_data(b"".join(self.socket.outgoing))
        self.socket.outgoing.clear()
        return [json.loads(event.data) for event in self.client.events_received() if hasattr(event, "opcode")]


def test_a_listener_hears_the_last_match_then_every_new_one_of_its_products(spot):
    spot.take(IndexTick("BTC-USD", 100 * DOLLAR, NOW))
    listener = Listener(spot)
    said = listener.say(type="subscribe", product_ids=["BTC-USD"], channels=["matches", {"name": "ticker"}])
    assert [message["type"] for message in said] == ["subscriptions", "last_match", "ticker"]
    spot.take(IndexTick("ETH-USD", 5 * DOLLAR, NOW))
    spot.take(IndexTick("BTC-USD", 101 * DOLLAR, NOW + 1))
    told = listener.heard()
    assert [(message["type"], message["price"], message["product_id"]) for message in told] == [
        ("ticker", "101.00", "BTC-USD"),
        ("match", "101.00", "BTC-USD"),
    ]
    assert listener.say(type="unsubscribe", channels=["matches", "ticker"]) == [
        {"type": "subscriptions", "channels": []}
    ]
    spot.take(IndexTick("BTC-USD", 102 * DOLLAR, NOW + 2))
    assert listener.heard() == []


def test_commands_that_make_no_sense_are_answered_with_an_error(spot):
    listener = Listener(spot)
    for command in (
        {"type": "dance"},
        {"type": "subscribe", "product_ids": ["BTC-USD"], "channels": ["level3"]},
        {"type": "subscribe", "product_ids": ["NONE"], "channels": ["ticker"]},
    ):
        assert [message["type"] for message in listener.say(**command)] == ["error"]


def test_who_is_gone_is_told_nothing(spot):
    listener = Listener(spot)
    listener.say(type="subscribe", product_ids=["BTC-USD"], channels=["ticker"])
    listener.session.ended()
    spot.take(IndexTick("BTC-USD", DOLLAR, NOW))
    assert listener.heard() == []
