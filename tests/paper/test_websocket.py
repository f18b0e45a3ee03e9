"""Handshake, frames of every size, fragments, pings, closing: against the client side of the same protocol."""

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.uri import parse_uri

from outcry.paper.server.websocket import WebSocket


def pumped(client: ClientProtocol, server: WebSocket) -> list[bytes]:
    """Everything the client wants to send, taken by the server."""
    return server.receive(b"".join(client.data_to_send()))


def heard(client: ClientProtocol, server: WebSocket) -> list:
    client.receive_data(b"".join(server.outgoing))
    server.outgoing.clear()
    return client.events_received()


@pytest.fixture
def pair() -> tuple[ClientProtocol, WebSocket]:
    client, server = ClientProtocol(parse_uri("ws://localhost/x")), WebSocket()
    client.send_request(client.connect())
    server.accept(b"".join(client.data_to_send()))
    heard(client, server)
    assert server.open
    return client, server


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 200_000])
def test_messages_of_every_size_arrive_whole(pair, size):
    client, server = pair
    server.send(b"a" * size)
    (frame,) = heard(client, server)
    assert (frame.opcode, frame.fin, frame.data) == (Opcode.TEXT, True, b"a" * size)
    client.send_text(b"b" * size)
    assert pumped(client, server) == [b"b" * size]


def test_fragments_become_one_message_and_a_ping_between_them_is_answered(pair):
    client, server = pair
    client.send_text(b"one ", fin=False)
    client.send_ping(b"?")
    client.send_continuation(b"two", fin=True)
    assert pumped(client, server) == [b"one two"]
    (pong,) = heard(client, server)
    assert (pong.opcode, pong.data) == (Opcode.PONG, b"?")


def test_the_server_pings_with_a_body(pair):
    client, server = pair
    server.ping(b"heartbeat")
    (ping,) = heard(client, server)
    assert (ping.opcode, ping.data) == (Opcode.PING, b"heartbeat")
    assert pumped(client, server) == []


def test_closing_is_agreed_upon_from_either_side(pair):
    client, server = pair
    client.send_close(1000)
    pumped(client, server)
    assert server.ended and not server.open
    heard(client, server)
    assert client.close_rcvd is not None and client.close_rcvd.code == 1000


def test_a_server_that_closes_waits_for_the_answer(pair):
    client, server = pair
    server.close(1008, "buffer overflow")
    assert server.closing and not server.ended
    heard(client, server)
    pumped(client, server)
    assert server.ended
    assert client.close_rcvd is not None
    assert (client.close_rcvd.code, client.close_rcvd.reason) == (1008, "buffer overflow")
    server.ping(b"heartbeat")
    assert server.outgoing == []


def test_a_broken_frame_ends_the_connection(pair):
    _, server = pair
    assert server.receive(b"\xff\xff\xff\xff") == []
    assert server.ended


def test_a_handshake_that_is_none_is_answered_and_ended():
    server = WebSocket()
    server.accept(b"GET /x HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    assert b"".join(server.outgoing).startswith(b"HTTP/1.1 400")
    assert server.ended
