"""Any command at all: none breaks the connection, every answer has its described shape, counters go up by one."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from local_exchange import OTHER, TICKER, market, now_ms
from outcry.domain.order import Side
from outcry.paper.engine.engine import Engine
from outcry.paper.events import BookChange, BookSet, IndexTick, Listed, Print
from outcry.paper.server.index_board import IndexBoard
from outcry.paper.server.push import Hub
from outcry.paper.server.session import StreamSession
from outcry.paper.server.subscription import CHANNELS, SEQUENCED
from outcry.paper.server.websocket import WebSocket


class Room:
    """An engine, its subscribers, and one client that may say anything."""

    def __init__(self) -> None:
        self.engine, self.board = Engine(iter(map(str, range(10**9))).__next__), IndexBoard(["BTC-USD", "ETH-USD"])
        self.hub = Hub(self.engine, self.board, now_ms, ticker_every_ms=0)
        self.socket, self.client = WebSocket(), ClientProtocol(parse_uri("ws://localhost/"))
        self.client.send_request(self.client.connect())
        self.socket.accept(b"".join(self.client.data_to_send()))
        self.session = StreamSession("floor", self.socket, self.hub, self.board)
        self.heard()
        for ticker in (TICKER, OTHER):
            self.feed(Listed(market(ticker), now_ms()), BookSet(ticker, {4000: 500}, {4200: 500}, now_ms()))

    def feed(self, *events: Any) -> None:
        for event in events:
            self.hub.publish(self.engine.feed(event))
        self.hub.tell_tickers(now_ms())

    def heard(self) -> list[dict[str, Any]]:
        self.client.receive_data(b"".join(self.socket.outgoing))
        self.socket.outgoing.clear()
        return [json.loads(event.data) for event in self.client.events_received() if hasattr(event, "opcode")]


tickers = st.lists(st.sampled_from([TICKER, OTHER, "KXNONE-1"]), max_size=3)
sids = st.lists(st.integers(0, 6), max_size=2)
channels = st.lists(st.sampled_from([*sorted(CHANNELS), "nothing"]), max_size=3)
actions = [
    "add_markets",
    "delete_markets",
    "get_snapshot",
    "subscribe_indices",
    "unsubscribe_indices",
    "indexlist",
    "x",
]
params = st.fixed_dictionaries(
    {},
    optional={
        "channels": channels,
        "market_tickers": tickers,
        "market_ticker": st.sampled_from([TICKER, "KXNONE-1"]),
        "sids": sids,
        "sid": st.integers(0, 6),
        "action": st.sampled_from([*actions, "dance"]),
        "index_ids": st.lists(st.sampled_from(["BRTI", "all", "NONE"]), max_size=2),
        "use_yes_price": st.booleans(),
        "send_initial_snapshot": st.booleans(),
        "skip_ticker_ack": st.booleans(),
    },
)
commands = st.fixed_dictionaries(
    {"cmd": st.sampled_from(["subscribe", "unsubscribe", "update_subscription", "list_subscriptions"])},
    optional={"id": st.integers(0, 99), "params": params},
)
world = st.sampled_from(["bid", "ask", "print", "index", "book"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(commands, world), max_size=30))
def test_whatever_is_said_the_counters_hold(specification, steps):
    room, last, at = Room(), dict[int, int](), now_ms()
    for number, step in enumerate(steps):
        if isinstance(step, dict):
            room.session.receive(json.dumps(step).encode())
        else:
            room.feed(
                {
                    "bid": BookChange(TICKER, Side.BID, 3900, 100, at),
                    "ask": BookChange(OTHER, Side.ASK, 4300, 100, at),
                    "print": Print(TICKER, 4200, 100, Side.BID, at),
                    "index": IndexTick("BTC-USD", 97_000_000_000 + number, at + number * 1_000),
                    "book": BookSet(TICKER, {4100: 700 + number}, {}, at),
                }[step]
            )
        answers = room.heard()
        if isinstance(step, dict):
            assert answers or step["cmd"] == "update_subscription" or not step.get("params", {}).get("sids", [1])
        for message in answers:
            if message["type"] != "trade":  # ids are plain numbers in this room
                specification.check_message(message)
            if "seq" in message:
                assert message["seq"] == last.get(message["sid"], 0) + 1
                last[message["sid"]] = message["seq"]


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_bytes_that_are_no_command_are_answered_with_an_error(raw):
    room = Room()
    room.session.receive(raw)
    (message,) = room.heard()
    assert message["type"] == "error"


def test_a_subscription_about_everything_hears_of_markets_not_yet_listed():
    room = Room()
    room.session.receive(b'{"id":1,"cmd":"subscribe","params":{"channels":["trade","ticker"]}}')
    room.heard()
    later = market("KXBTC15M-26NOV201230-30")
    room.feed(Listed(later, now_ms()), Print(later.ticker, 4200, 100, Side.BID, now_ms()))
    assert {message["msg"]["market_ticker"] for message in room.heard()} == {later.ticker}


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_every_channel_can_be_had_and_left(channel):
    room = Room()
    names = {"channels": [channel], "market_tickers": [TICKER]}
    room.session.receive(json.dumps({"id": 1, "cmd": "subscribe", "params": names}).encode())
    first = room.heard()[0]
    assert first["msg"] == {"channel": channel, "sid": 1}
    room.session.receive(b'{"id":2,"cmd":"unsubscribe","params":{"sids":[1]}}')
    assert room.heard()[-1]["type"] == "unsubscribed"
    assert channel in SEQUENCED or channel in ("ticker", "fill", "user_orders", "market_positions")
