"""One connection of a client, as the server keeps it."""

import socket
from collections import deque

from outcry.paper.server.http import Reader
from outcry.paper.server.service import Session
from outcry.paper.server.websocket import WebSocket


class Client:
    """One connection: first HTTP, then perhaps a WebSocket. `unsent` is what its socket did not yet take."""

    __slots__ = ("close_by_ms", "closing", "pending", "reader", "session", "sock", "unsent", "waits", "websocket")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.reader = Reader()
        self.websocket: WebSocket | None = None
        self.session: Session | None = None
        self.unsent: deque[memoryview] = deque()
        self.pending = 0
        self.waits = False  # for its socket to take more
        self.closing = False  # once everything is sent
        self.close_by_ms: int | None = None
