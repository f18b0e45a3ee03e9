"""One client's WebSocket without its socket: bytes in, messages out, and frames back.

Handshake, frame parsing, pings, pongs and closing are the sans-I/O core of `websockets` (`ServerProtocol`). Data frames
go out past it: a server's frame is a two- to ten-byte header before the payload, so a message meant for several clients
is built once and each copy costs one header.
"""

import logging
import struct

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

MAX_MESSAGE = 64 << 20  # bytes; the exchange's own limit
_SHORT = struct.Struct("!BBH").pack
_LONG = struct.Struct("!BBQ").pack
_TEXT = 0x81  # final frame, text
_log = logging.getLogger(__name__)
_log.setLevel(logging.WARNING)  # that a connection opened is no news
_TINY = tuple(bytes((_TEXT, size)) for size in range(126))


def header(size: int) -> bytes:
    """The header of an unmasked text frame with a payload of `size` bytes."""
    if size < 126:
        return _TINY[size]
    return _SHORT(_TEXT, 126, size) if size < 65_536 else _LONG(_TEXT, 127, size)


class WebSocket:
    """`outgoing` collects what must be sent; whoever owns the socket takes it in one piece.

    ended  nothing more will be said: the socket may go once `outgoing` is sent
    """

    def __init__(self) -> None:
        self.outgoing: list[bytes] = []
        self.ended = False
        self._protocol = ServerProtocol(max_size=MAX_MESSAGE, logger=_log)
        self._parts: list[bytes] = []

    @property
    def open(self) -> bool:
        return self._protocol.state is OPEN

    @property
    def closing(self) -> bool:
        """Whether the client should go soon, by itself or by our hand."""
        return self._protocol.close_expected()

    def accept(self, head: bytes) -> None:
        """Answer the client's handshake, yes or no as the protocol demands."""
        self._protocol.receive_data(head)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
        self._drain()

    def receive(self, data: bytes) -> list[bytes]:
        """Take bytes from the client (none = it closed); return the messages that are whole."""
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        messages = []
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._parts.append(bytes(event.data))
                if event.fin:
                    messages.append(b"".join(self._parts))
                    self._parts.clear()
        self._drain()
        return messages

    def send(self, payload: bytes) -> None:
        """Queue one text message."""
        self.outgoing += (header(len(payload)), payload)

    def take(self) -> bytes:
        """All that is to be sent now, in one piece; it counts as sent."""
        if not self.outgoing:
            return b""
        data = b"".join(self.outgoing)
        self.outgoing.clear()
        return data

    def ping(self, body: bytes) -> None:
        if self.open:
            self._protocol.send_ping(body)
            self._drain()

    def close(self, code: CloseCode | int, reason: str = "") -> None:
        """Begin the closing handshake; nothing may be sent after it."""
        if self.open:
            self._protocol.send_close(code, reason)
            self._drain()

    def _drain(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.outgoing.append(data)
            else:
                self.ended = True
