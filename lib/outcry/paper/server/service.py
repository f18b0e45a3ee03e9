"""What stands behind a port and behind each WebSocket, as the server sees it."""

from typing import Protocol

from outcry.paper.server.http import Answer, Request
from outcry.paper.server.websocket import WebSocket


class Session(Protocol):
    """What stands behind one WebSocket."""

    def receive(self, message: bytes) -> None:
        """A whole message came from the client."""
        ...

    def overflow(self) -> None:
        """The client does not keep up: end all its subscriptions, with a reason."""
        ...

    def ended(self) -> None:
        """The connection is gone."""
        ...


class Service(Protocol):
    """What stands behind the port."""

    def answer(self, request: Request) -> Answer: ...

    def upgrade(self, request: Request, socket: WebSocket) -> Session | Answer:
        """A session for a client that wants a WebSocket, or the answer that says why not."""
        ...

    def advance(self) -> None:
        """Let the market move up to now."""
        ...

    def next_at_ms(self) -> int | None:
        """When `advance` has something to do again."""
        ...
