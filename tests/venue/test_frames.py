"""The frame reader against hand-made bytes, cut at every place, over a real socket pair."""

import os
import socket
from random import Random

import pytest

from outcry.venue.frames import MESSAGE_LIMIT_BYTES, Closed, Frames


def frame(payload: bytes, head: int = 0x81, mask: bool = False) -> bytes:
    size, bit = len(payload), 0x80 if mask else 0
    if size < 126:
        return bytes([head, size | bit]) + payload
    if size < 65_536:
        return bytes([head, 126 | bit]) + size.to_bytes(2, "big") + payload
    return bytes([head, 127 | bit]) + size.to_bytes(8, "big") + payload


class Wire:
    """A peer's end of a connection, and our reader on the other."""

    def __init__(self, size: int = 1 << 18) -> None:
        self.peer, ours = socket.socketpair()
        self.pongs: list[bytes] = []
        self.frames = Frames(ours, self.pongs.append, size)
        self.ours = ours

    def feed(self, data: bytes) -> None:
        self.peer.sendall(data)

    def read_all(self) -> list[bytes]:
        got: list[bytes] = []
        while (messages := self.frames.read(0)) is not None:
            got += messages
        return got

    def close(self) -> None:
        self.peer.close()
        self.ours.close()


@pytest.fixture
def wire():
    made = Wire()
    yield made
    made.close()


def test_one_read_delivers_every_message_it_completes(wire: Wire):
    sent = [b'{"n":%d}' % number for number in range(1000)]
    wire.feed(b"".join(frame(message) for message in sent))
    assert wire.frames.read(1) == sent


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_every_length_encoding(wire: Wire, size: int):
    payload = Random(size).randbytes(size)
    wire.feed(frame(payload) + frame(b"after"))
    assert wire.read_all() == [payload, b"after"]


def test_bytes_cut_anywhere_make_the_same_messages():
    random = Random(7)
    sent = [random.randbytes(random.choice([0, 3, 125, 126, 300, 5_000])) for _ in range(60)]
    data = b"".join(frame(message) for message in sent)
    for step in (1, 2, 3, 7, 1_000):
        wire = Wire(size=2_048)  # smaller than some frames: it has to grow and shrink again
        got: list[bytes] = []
        for at in range(0, len(data), step):
            wire.feed(data[at : at + step])
            got += wire.read_all()
        assert got == sent
        wire.close()


def test_nothing_within_the_timeout_is_none_and_part_of_a_frame_is_an_empty_list(wire: Wire):
    assert wire.frames.read(0.001) is None
    wire.feed(frame(b"abcdef")[:4])
    assert wire.frames.read(1) == []
    wire.feed(frame(b"abcdef")[4:])
    assert wire.frames.read(1) == [b"abcdef"]


def test_fragments_are_joined_and_a_ping_between_them_is_answered(wire: Wire):
    wire.feed(frame(b"one ", 0x01) + frame(b"heartbeat", 0x89) + frame(b"two ", 0x00) + frame(b"three", 0x80))
    wire.feed(frame(b"next"))
    assert wire.read_all() == [b"one two three", b"next"]
    assert wire.pongs == [b"heartbeat"]


def test_pongs_are_ignored(wire: Wire):
    wire.feed(frame(b"", 0x8A) + frame(b"x"))
    assert wire.read_all() == [b"x"]


def test_messages_before_a_close_are_delivered_first(wire: Wire):
    wire.feed(frame(b"last words") + frame((1001).to_bytes(2, "big") + b"maintenance", 0x88))
    assert wire.frames.read(1) == [b"last words"]
    with pytest.raises(Closed, match="1001 maintenance") as closed:
        wire.frames.read(1)
    assert closed.value.code == 1001


def test_a_close_without_a_code(wire: Wire):
    wire.feed(frame(b"", 0x88))
    with pytest.raises(Closed) as closed:
        wire.frames.read(1)
    assert closed.value.code == 1005


def test_an_end_without_a_close_frame(wire: Wire):
    wire.peer.close()
    with pytest.raises(Closed, match="without a close frame"):
        wire.frames.read(1)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (frame(b"masked", mask=True), "masked"),
        (frame(b"x", 0xC1), "reserved bit"),
        (frame(b"x", 0x83), "opcode 3"),
        (frame(b"x", 0x82), "opcode 2"),
        (frame(b"x", 0x80), "opcode 0"),
        (frame(b"x", 0x01) + frame(b"y"), "inside a message"),
        (frame(b"x", 0x09), "control frame"),
        (frame(b"x" * 126, 0x89), "control frame"),
        (bytes([0x81, 127]) + (MESSAGE_LIMIT_BYTES + 1).to_bytes(8, "big"), "exceeds"),
    ],
)
def test_what_the_protocol_forbids_ends_the_connection(wire: Wire, data: bytes, what: str):
    wire.feed(data)
    with pytest.raises(Closed, match=what):
        wire.frames.read(1)
    with pytest.raises(Closed, match=what):
        wire.frames.read(1)


def test_an_endless_message_of_fragments_is_refused(wire: Wire, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("outcry.venue.frames.MESSAGE_LIMIT_BYTES", 1_000)
    wire.feed(frame(b"x" * 600, 0x01) + frame(b"x" * 600, 0x00))
    with pytest.raises(Closed, match="message exceeds"):
        wire.read_all()


def test_a_pong_that_cannot_be_sent_is_the_end():
    ours, peer = socket.socketpair()

    def broken(payload: bytes) -> None:
        raise BrokenPipeError(os.strerror(32))

    peer.sendall(frame(b"heartbeat", 0x89))
    with pytest.raises(Closed, match="pong could not be sent"):
        Frames(ours, broken).read(1)
    ours.close()
    peer.close()


def test_a_big_frame_grows_the_buffer_only_while_it_is_needed():
    wire = Wire(size=1_024)
    wire.feed(frame(b"s" * 50_000))
    assert wire.read_all() == [b"s" * 50_000]
    wire.feed(frame(b"small"))
    assert wire.read_all() == [b"small"]
    assert len(wire.frames._buffer) == 1_024
    wire.close()
