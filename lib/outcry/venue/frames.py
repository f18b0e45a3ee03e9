"""Reads WebSocket frames from a connected socket, as many as one read brings.

The client library does what is hard and rare (URL, proxy, TLS, upgrade); its `recv()` then spends three socket reads,
four layers and a byte-by-byte UTF-8 check in Python on every message. This reader fills one buffer with `recv_into` and
cuts the frames there, so a busy socket hands over a list of messages per system call. UTF-8 is checked by whoever
decodes the text. Protocol: RFC 6455, the client's side.
"""

import socket
from collections.abc import Callable

from websocket import WebSocketException

from outcry.domain.errors import Unavailable

BUFFER_BYTES = 262_144
MESSAGE_LIMIT_BYTES = 64 * 1024 * 1024  # what the exchange promises never to exceed

CONTINUATION, TEXT, CLOSE, PING, PONG = 0x0, 0x1, 0x8, 0x9, 0xA
FINAL, RESERVED, OPCODE = 0x80, 0x70, 0x0F
FINAL_TEXT = FINAL | TEXT


class Closed(Unavailable):
    """The connection is over: closed by the peer (`code` as in RFC 6455 §7.4, 1006 for none) or broken."""

    def __init__(self, what: str, code: int = 1006) -> None:
        super().__init__(what)
        self.code = code


class Frames:
    """One connection's incoming side.

    sock   a connected stream socket (plain or TLS), upgraded, with nothing read beyond the upgrade's answer
    pong   called with a ping's payload; must send the pong
    size   bytes of buffer; a longer frame makes it grow for as long as that frame needs
    """

    def __init__(self, sock: socket.socket, pong: Callable[[bytes], object], size: int = BUFFER_BYTES) -> None:
        self._sock, self._pong, self._size = sock, pong, size
        self._timeout_s: float | None = None
        self._allocate(size)
        self._filled = 0  # bytes at the front of the buffer that belong to a frame not complete yet
        self._begun: bytearray | None = None  # a message whose last frame is still to come
        self._failure: Closed | None = None

    def read(self, timeout_s: float) -> list[bytes] | None:
        """The text messages that one read completed: [] when it brought none (a ping, part of a frame).

        returns  None when nothing at all came within timeout_s
        raises   Closed; messages that came before the end are delivered first
        """
        if self._failure:
            raise self._failure
        if timeout_s != self._timeout_s:
            self._sock.settimeout(timeout_s)
            self._timeout_s = timeout_s
        try:
            count = self._sock.recv_into(self._view[self._filled :])
        except (TimeoutError, BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            raise self._fail(f"connection broke: {error or type(error).__name__}") from error
        if not count:
            raise self._fail("connection ended without a close frame")
        messages: list[bytes] = []
        self._cut(self._filled + count, messages)
        if self._failure and not messages:
            raise self._failure
        return messages

    def _cut(self, end: int, messages: list[bytes]) -> None:
        """Take every whole frame out of the first `end` bytes; keep the rest at the front."""
        chunk = bytes(self._view[:end])
        at = stop = 0
        while end - at >= 2:
            length, start = chunk[at + 1], at + 2
            if length >= 126:
                if length == 126:
                    start = at + 4
                elif length == 127:
                    start = at + 10
                else:
                    self._fail("server masked a frame", 1002)
                    return
                if start > end:
                    break
                length = int.from_bytes(chunk[at + 2 : start], "big")
            stop = start + length
            if stop > end:
                if not self._make_room(stop - at):
                    return
                break
            head = chunk[at]
            if head == FINAL_TEXT and self._begun is None:
                messages.append(chunk[start:stop])
            else:
                self._take(head, chunk[start:stop], messages)
                if self._failure:
                    return
            at = stop
        self._filled = end - at
        if not self._filled and len(self._buffer) > self._size:
            self._allocate(self._size)
        self._view[: self._filled] = chunk[at:end]

    def _take(self, head: int, payload: bytes, messages: list[bytes]) -> None:
        """Everything that is not a whole text message in one frame."""
        opcode, final = head & OPCODE, bool(head & FINAL)
        if head & RESERVED:
            self._fail("frame sets a reserved bit that was not negotiated", 1002)
        elif opcode >= CLOSE and (not final or len(payload) > 125):
            self._fail("control frame is fragmented or too long", 1002)
        elif opcode == PING:
            self._answer(payload)
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self._fail(f"server closed: {code} {payload[2:].decode(errors='replace')}".rstrip(), code)
        elif opcode == (TEXT if self._begun is None else CONTINUATION):
            self._begun = bytearray() if self._begun is None else self._begun
            self._begun += payload
            if len(self._begun) > MESSAGE_LIMIT_BYTES:
                self._fail(f"message exceeds {MESSAGE_LIMIT_BYTES} bytes", 1009)
            elif final:
                messages.append(bytes(self._begun))
                self._begun = None
        elif opcode != PONG:
            inside = "" if self._begun is None else ", inside a message"
            self._fail(f"unexpected frame: opcode {opcode}{inside}", 1002)

    def _answer(self, payload: bytes) -> None:
        try:
            self._pong(payload)
        except (OSError, WebSocketException) as error:
            self._fail(f"pong could not be sent: {error}")

    def _make_room(self, frame_bytes: int) -> bool:
        """Grow the buffer for a frame that it cannot hold. Its bytes so far are copied to the front by the caller."""
        if frame_bytes > MESSAGE_LIMIT_BYTES:
            self._fail(f"frame of {frame_bytes} bytes exceeds {MESSAGE_LIMIT_BYTES}", 1009)
            return False
        if frame_bytes > len(self._buffer):
            self._allocate(frame_bytes)
        return True

    def _allocate(self, size: int) -> None:
        self._buffer = bytearray(size)
        self._view = memoryview(self._buffer)

    def _fail(self, what: str, code: int = 1006) -> Closed:
        self._failure = self._failure or Closed(what, code)
        return self._failure
