"""The stream against a real WebSocket server on loopback."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.venue import sign
from outcry.venue.messages import Delta, Failed, Ok, Snapshot, Subscribed
from outcry.venue.stream import Connected, Disconnected, Garbled, Stream

PATH = "/trade-api/ws/v2"
DELTA = (
    '{"type":"orderbook_delta","sid":1,"seq":%d,"msg":{"market_ticker":"M","market_id":"x",'
    '"price_dollars":"0.4300","delta_fp":"12.00","side":"yes","ts_ms":1795194192345}}'
)


class FakeTime:
    """A monotonic clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@contextmanager
def served(handler: Callable[[ServerConnection], None], **options: object) -> Iterator[str]:
    server: Server = serve(handler, "127.0.0.1", 0, compression=None, **options)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}{PATH}"
    finally:
        server.shutdown()
        thread.join()


def collect(stream: Stream, enough: Callable[[list], bool], limit_s: float = 5.0) -> list:
    events: list = []
    end = time.monotonic() + limit_s
    while not enough(events):
        assert time.monotonic() < end, f"only {events}"
        events += stream.events(0.05)
    return events


def until_closed(link: ServerConnection) -> None:
    try:
        while True:
            link.recv()
    except ConnectionClosed:
        return


def reply_to_subscribe(link: ServerConnection) -> dict:
    command = json.loads(link.recv())
    link.send(json.dumps({"id": command["id"], "type": "subscribed", "msg": {"channel": "orderbook_delta", "sid": 1}}))
    return command


def test_a_signed_handshake_then_subscribed_messages_in_order():
    private, public = sign.generate()
    seen: dict[str, object] = {}

    def check(link: ServerConnection, request: Request) -> None:
        headers = request.headers
        seen["verified"] = sign.verify(
            public, headers["KALSHI-ACCESS-TIMESTAMP"], "GET", request.path, headers["KALSHI-ACCESS-SIGNATURE"]
        )
        seen["key"], seen["at"] = headers["KALSHI-ACCESS-KEY"], headers["KALSHI-ACCESS-TIMESTAMP"]

    def handler(link: ServerConnection) -> None:
        seen["command"] = reply_to_subscribe(link)
        link.send('{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"M","market_id":"x"}}')
        for seq in range(2, 502):
            link.send(DELTA % seq)
        until_closed(link)

    signer = sign.Signer(_loaded(private), "key-1")
    with served(handler, process_request=check) as url:
        stream = Stream(url, signer, now_ms=lambda: 1_795_194_192_000)
        assert stream.events(0.1) == [Connected(1)]
        assert stream.subscribe(["orderbook_delta"], ["M"]) == 1
        events = collect(stream, lambda got: len(got) >= 502)
        stream.close()
    assert seen["verified"] is True
    assert (seen["key"], seen["at"]) == ("key-1", "1795194192000")
    assert seen["command"] == {
        "id": 1,
        "cmd": "subscribe",
        "params": {"channels": ["orderbook_delta"], "market_tickers": ["M"], "use_yes_price": True},
    }
    assert events[0] == Subscribed(1, "orderbook_delta", 1)
    assert type(events[1]) is Snapshot
    assert [event.seq for event in events[2:]] == list(range(2, 502))
    assert events[2] == Delta(1, 2, "M", True, 4300, 1200, 1795194192345)
    assert stream.heard_at_ms == 1_795_194_192_000


def _loaded(pem: bytes):
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem, None)


def test_a_lost_connection_is_made_again_with_a_new_epoch_and_no_subscriptions():
    connections = []

    def handler(link: ServerConnection) -> None:
        connections.append(link)
        if len(connections) == 1:
            reply_to_subscribe(link)
            link.close(1001, "maintenance")
        else:
            until_closed(link)

    fake = FakeTime()
    with served(handler) as url:
        stream = Stream(url, None, monotonic=fake.monotonic, sleep=fake.sleep, random=Random(1))
        assert stream.events(0.1) == [Connected(1)]
        stream.subscribe(["orderbook_delta"], ["M"])
        events = collect(stream, lambda got: any(type(event) is Disconnected for event in got))
        assert stream.sids == {}
        assert "1001 maintenance" in events[-1].reason
        assert not stream.connected
        with pytest.raises(Unavailable, match="not connected"):
            stream.subscribe(["fill"])
        waited_from = fake.now
        assert collect(stream, bool) == [Connected(2)]
        assert 0.25 <= fake.now - waited_from <= 0.5
        stream.close()
    assert len(connections) == 2


@pytest.mark.parametrize(("near_s", "nominal"), [(30.0, [0.5, 1, 2, 4, 8, 16, 30, 30, 30]), (2.0, [0.5, 1] + [2] * 7)])
def test_back_off_doubles_to_its_cap_and_never_blocks_longer_than_asked(
    near_s: float, nominal: list[float], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("outcry.venue.stream.NEAR_BACK_OFF_S", near_s)
    fake = FakeTime()
    stream = Stream("ws://127.0.0.1:9" + PATH, None, monotonic=fake.monotonic, sleep=fake.sleep, random=Random(2))
    delays = []
    while len(delays) < 9:
        before = fake.now
        events = stream.events(0.25)
        assert fake.now - before <= 0.25
        delays += [event.retry_s for event in events]
    assert all(top / 2 <= delay <= top for delay, top in zip(delays, nominal, strict=True))
    assert len(set(delays)) == len(delays)


def test_silence_is_a_dead_connection_but_a_ping_is_a_sign_of_life():
    fake, release = FakeTime(), threading.Event()
    pongs = []

    def handler(link: ServerConnection) -> None:
        answered = link.ping("heartbeat")
        pongs.append(answered.wait(5))
        release.wait(5)

    with served(handler, ping_interval=None) as url:
        stream = Stream(url, None, monotonic=fake.monotonic, sleep=fake.sleep)
        assert stream.events(0.1) == [Connected(1)]
        fake.now += 24
        end = time.monotonic() + 5
        while not pongs and time.monotonic() < end:
            assert stream.events(0.05) == []
        assert pongs == [True]
        fake.now += 24  # 48 s after connecting, 24 s after the ping
        assert stream.events(0.01) == []
        fake.now += 2
        (event,) = stream.events(0.01)
        assert type(event) is Disconnected
        assert "nothing heard for 26 s" in event.reason
        release.set()


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b'{"error":{"code":"authentication_error","details":"NOT_FOUND"}}', "NOT_FOUND"),
        (b'{"error":{"code":"header_timestamp_expired"}}', "clock"),
    ],
)
def test_a_wrong_key_is_fatal_and_a_wrong_clock_is_not(body: bytes, outcome: str):
    def refuse(link: ServerConnection, request: Request) -> Response:
        headers = Headers({"Content-Length": str(len(body)), "Connection": "close"})
        return Response(401, "Unauthorized", headers, body)

    with served(until_closed, process_request=refuse) as url:
        stream = Stream(url, None)
        if outcome == "clock":
            (event,) = stream.events(0.1)
            assert "clock" in event.reason
        else:
            with pytest.raises(Misconfigured, match=outcome):
                stream.events(0.1)


@pytest.mark.parametrize("code", [10, 25])
def test_a_terminal_error_is_told_and_ends_the_connection(code: int):
    def handler(link: ServerConnection) -> None:
        error = {"type": "error", "sid": 1, "seq": 7, "msg": {"code": code, "msg": "buffer overflow"}}
        link.send(json.dumps(error))
        until_closed(link)

    with served(handler) as url:
        stream = Stream(url, None)
        stream.events(0.1)
        failed, lost = collect(stream, lambda got: len(got) >= 2)
    assert failed == Failed(0, 1, 7, code, "buffer overflow", "")
    assert f"stream error {code}" in lost.reason


def test_a_frame_we_cannot_read_is_kept_and_the_rest_still_comes():
    def handler(link: ServerConnection) -> None:
        link.send('{"type":"orderbook_delta","sid":1,"seq":1,"msg":{"market_ticker":"M"}}')
        link.send(DELTA % 2)
        link.send('{"type":"ok","id":3,"sid":1,"seq":3,"msg":{"market_tickers":["M"]}}')
        until_closed(link)

    with served(handler) as url:
        stream = Stream(url, None)
        stream.events(0.1)
        events = collect(stream, lambda got: len(got) >= 3)
        stream.close()
    assert type(events[0]) is Garbled
    assert b'"seq":1' in events[0].raw
    assert events[1].seq == 2
    assert events[2] == Ok(3, 1, 3, ("M",))


def test_commands_are_written_as_the_exchange_reads_them():
    commands: list[dict] = []

    def handler(link: ServerConnection) -> None:
        try:
            while True:
                commands.append(json.loads(link.recv()))
        except ConnectionClosed:
            return

    with served(handler) as url:
        stream = Stream(url, None)
        stream.events(0.1)
        stream.subscribe(["ticker"], ["M"], initial=True)
        stream.subscribe(["cfbenchmarks_value"], index_ids=["BRTI"])
        stream.add_markets(4, ["N"])
        stream.delete_markets(4, ["M"])
        stream.get_snapshot(4, ["N"])
        stream.list_subscriptions()
        stream.unsubscribe([4, 5])
        stream.close()
    update = {"cmd": "update_subscription"}
    assert commands == [
        {
            "id": 1,
            "cmd": "subscribe",
            "params": {"channels": ["ticker"], "market_tickers": ["M"], "send_initial_snapshot": True},
        },
        {"id": 2, "cmd": "subscribe", "params": {"channels": ["cfbenchmarks_value"], "index_ids": ["BRTI"]}},
        {"id": 3, **update, "params": {"sids": [4], "action": "add_markets", "market_tickers": ["N"]}},
        {"id": 4, **update, "params": {"sids": [4], "action": "delete_markets", "market_tickers": ["M"]}},
        {"id": 5, **update, "params": {"sids": [4], "action": "get_snapshot", "market_tickers": ["N"]}},
        {"id": 6, "cmd": "list_subscriptions"},
        {"id": 7, "cmd": "unsubscribe", "params": {"sids": [4, 5]}},
    ]


def test_a_connection_the_caller_gives_up_is_reported_once():
    with served(until_closed) as url:
        stream = Stream(url, None)
        stream.events(0.1)
        stream.drop("books crossed")
        (event,) = stream.events(0.1)
        assert event.reason == "books crossed"
        assert stream.events(0.01) == []
        stream.close()


def test_commands_on_a_connection_that_just_broke_are_no_error():
    with served(until_closed) as url:
        stream = Stream(url, None)
        stream.events(0.1)
        stream._socket.sock.close()
        stream.subscribe(["ticker"], ["M"])
        stream.subscribe(["trade"], ["M"])
        (event,) = stream.events(0.1)
        assert "could not be sent" in event.reason
