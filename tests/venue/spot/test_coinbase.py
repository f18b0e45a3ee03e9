"""The spot venue: candles paged to whole history, prices exact, the feed over a real WebSocket server."""

import json
import threading
import time

import pytest
import requests
import responses
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from outcry.domain.errors import RateLimited, Refused, SchemaDrift, Unavailable
from outcry.domain.view import Bar
from outcry.venue.messages import Other
from outcry.venue.spot.coinbase import Coinbase, SpotStream, Tick, decode

URL = "http://127.0.0.1:1/spot"
CANDLES = f"{URL}/products/BTC-USD/candles"


def venue() -> tuple[Coinbase, list[float]]:
    slept: list[float] = []
    return Coinbase(URL, sleep=slept.append), slept


@pytest.fixture
def http():
    with responses.RequestsMock() as mock:
        yield mock


def test_the_last_price_is_exact(http: responses.RequestsMock):
    http.get(f"{URL}/products/BTC-USD/ticker", json={"price": "97123.45678901", "time": "2026-11-20T12:00:00.5Z"})
    assert venue()[0].poll("BTC-USD") == Tick("BTC-USD", 97_123_456_789, 1_795_176_000_500)


def test_seconds_keep_their_range_and_come_oldest_first(http: responses.RequestsMock):
    http.get(CANDLES, body="[[102, 9.5, 11.25, 10, 10.1, 0], [101, 1, 2, 1, 2, 0]]")
    bars = venue()[0].history("BTC-USD", 101_000, 103_000, 1)
    assert bars == [
        Bar("BTC-USD", 101_000, 1_000_000, 2_000_000, 1_000_000, 2_000_000, source="coinbase"),
        Bar("BTC-USD", 102_000, 10_000_000, 11_250_000, 9_500_000, 10_100_000, source="coinbase"),
    ]


def test_a_minutes_candle_is_known_only_at_its_end(http: responses.RequestsMock):
    http.get(CANDLES, body="[[120, 1, 9, 5, 7, 3.5], [60, 1, 9, 5, 6, 3.5]]")
    bars = venue()[0].history("BTC-USD", 0, 179_000, 60)
    assert [(bar.at_ms, bar.open, bar.high, bar.close) for bar in bars] == [(119_000, 6_000_000, 6_000_000, 6_000_000)]


def test_history_longer_than_a_page_is_asked_for_in_pages(http: responses.RequestsMock):
    def page(request) -> tuple[int, dict, str]:
        start, end = int(request.params["start"]), int(request.params["end"])
        assert end - start < 300
        return 200, {}, json.dumps([[at, 1, 1, 1, at, 0] for at in range(end, start - 1, -1)])

    http.add_callback(responses.GET, CANDLES, page)
    coinbase, slept = venue()
    bars = coinbase.history("BTC-USD", 1_000_000, 1_650_000, 1)
    assert [bar.at_ms for bar in bars] == list(range(1_000_000, 1_650_000, 1_000))
    assert len(http.calls) == 3
    assert len(slept) == 2


def test_a_read_is_tried_again_and_what_cannot_help_is_not(http: responses.RequestsMock):
    http.get(CANDLES, status=503)
    http.get(CANDLES, body="[]")
    coinbase, slept = venue()
    assert coinbase.history("BTC-USD", 0, 1_000, 1) == []
    assert slept == [1.0]
    http.get(f"{URL}/products/X/ticker", status=404, body='{"message":"NotFound"}')
    with pytest.raises(Refused, match="NotFound") as refused:
        coinbase.poll("X")
    assert refused.value.status == 404
    http.get(f"{URL}/products/Y/ticker", status=429)
    with pytest.raises(RateLimited):
        coinbase.poll("Y")
    http.get(f"{URL}/products/Z/ticker", body=requests.ConnectionError("reset by peer"))
    with pytest.raises(Unavailable, match="reset by peer"):
        coinbase.poll("Z")


def test_nobody_there_is_unavailable():
    with pytest.raises(Unavailable, match="does not answer"):
        venue()[0].poll("BTC-USD")


@pytest.mark.parametrize(
    "body", ["{}", "[[1, 2]]", '[["a", 1, 1, 1, 1, 1]]', "[[1, 0, 0, 0, 0, 0]]", "[[1, 1, 1, 1, null, 1]]", "nonsense"]
)
def test_a_shape_we_do_not_know_is_drift(body: str, http: responses.RequestsMock):
    http.get(CANDLES, body=body)
    with pytest.raises(SchemaDrift):
        venue()[0].history("BTC-USD", 0, 5_000, 1)


def test_the_feeds_messages():
    match = {"type": "match", "product_id": "BTC-USD", "price": "97123.45", "time": "2026-11-20T12:00:00Z"}
    assert decode(json.dumps(match).encode()) == Tick("BTC-USD", 97_123_450_000, 1_795_176_000_000)
    assert decode(b'{"type":"heartbeat","product_id":"BTC-USD","time":"x"}') == Other(None, None, "heartbeat")
    assert "bad" in decode(b'{"type":"error","message":"bad","reason":"worse"}').type
    for wrong in (b"{}", b"[", b'{"type":"match","price":"0","time":"2026-11-20T12:00:00Z"}', b'{"type":"match"}'):
        with pytest.raises(SchemaDrift):
            decode(wrong)


def test_the_feed_subscribes_and_delivers_prices():
    commands: list[dict] = []

    def handler(link: ServerConnection) -> None:
        commands.extend(json.loads(link.recv()) for _ in range(2))
        link.send('{"type":"subscriptions","channels":[]}')
        link.send('{"type":"error","message":"Failed to process message","reason":"X-USD is not a valid product"}')
        for price in ("1.5", "2.25"):
            match = {"type": "match", "product_id": "BTC-USD", "price": price, "time": "2026-11-20T12:00:00Z"}
            link.send(json.dumps(match))
        try:
            link.recv()
        except ConnectionClosed:
            return

    server = serve(handler, "127.0.0.1", 0, compression=None)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    feed = SpotStream(f"ws://127.0.0.1:{server.socket.getsockname()[1]}/spot/ws", ["BTC-USD", "X-USD"])
    assert feed.why_not
    ticks, end = [], time.monotonic() + 5
    while len(ticks) < 2 and time.monotonic() < end:
        ticks += feed.ticks(0.05)
    feed.close()
    server.shutdown()
    thread.join()
    assert [tick.price_micros for tick in ticks] == [1_500_000, 2_250_000]
    wanted = {"type": "subscribe", "channels": ["matches", "heartbeat"]}
    assert commands == [{**wanted, "product_ids": ["BTC-USD"]}, {**wanted, "product_ids": ["X-USD"]}]
    assert feed.why_not == ""
    assert "X-USD is not a valid product" in feed.refused
