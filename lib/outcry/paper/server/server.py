"""The local exchange's sockets: one port, one thread, one loop, loopback only.

Every turn: read what clients sent, answer requests, let the market move up to now, then send each client all that
gathered for it in one piece. Nothing here waits for a client: a client that does not read gets its subscriptions
ended (error 25) and is dropped. Because only one thread ever touches the engine there is nothing to lock.
"""

import logging
import selectors
import socket
from collections.abc import Callable

from outcry.paper.server.connection import Client
from outcry.paper.server.http import CONTINUE, HANG_UP, Answer, Request, encode
from outcry.paper.server.http_head import BadRequest
from outcry.paper.server.service import Service
from outcry.paper.server.websocket import WebSocket

PING_EVERY_MS = 10_000
PING_BODY = b"heartbeat"
MAX_BACKLOG = 8 << 20  # bytes a client may leave unread
LINGER_MS = 2_000  # how long a closing connection may take to read its last words
READ_SIZE = 1 << 18

_log = logging.getLogger(__name__)


class Server:
    """Call `turn` for as long as the exchange should live, then `close`."""

    def __init__(
        self,
        service: Service,
        now_ms: Callable[[], int],
        host: str = "127.0.0.1",
        port: int = 0,
        new_socket: Callable[[], WebSocket] = WebSocket,
    ) -> None:
        """raises  OSError when the address is taken"""
        self._service, self._now_ms, self._new_socket = service, now_ms, new_socket
        self._held: dict[Client, tuple[int | None, Request, Answer]] = {}  # answers to be given later, or (None) never
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server((host, port), backlog=128)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._clients: set[Client] = set()
        self._ping_at_ms = now_ms() + PING_EVERY_MS
        self.address: tuple[str, int] = self._listener.getsockname()[:2]

    @property
    def clients(self) -> int:
        """Connections now."""
        return len(self._clients)

    def turn(self, longest_s: float) -> None:
        """Serve whatever is there, or wait for something up to `longest_s` seconds."""
        for key, mask in self._selector.select(self._wait_s(longest_s)):
            if key.data is None:
                self._accept()
            elif mask & selectors.EVENT_READ:
                self._read(key.data)
        due = self._service.next_at_ms()
        now_ms = self._now_ms()
        if due is not None and due <= now_ms:
            self._service.advance()
        if self._held:
            self._release(now_ms)
        if now_ms >= self._ping_at_ms:
            self._ping_at_ms = now_ms + PING_EVERY_MS
            for client in self._clients:
                if client.websocket is not None:
                    client.websocket.ping(PING_BODY)
        for client in tuple(self._clients):
            self._flush(client, now_ms)

    def close(self) -> None:
        """Say goodbye to every client and release the port."""
        for client in tuple(self._clients):
            if client.websocket is not None:
                client.websocket.close(1001, "going away")
            self._flush(client, self._now_ms())
            self._drop(client)
        self._selector.unregister(self._listener)
        self._listener.close()
        self._selector.close()

    def _wait_s(self, longest_s: float) -> float:
        times = [self._service.next_at_ms(), *(at_ms for at_ms, _, _ in self._held.values())]
        due = min((at_ms for at_ms in times if at_ms is not None), default=None)
        if due is None:
            return longest_s
        return min(longest_s, max(0.0, (due - self._now_ms()) / 1000))

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = Client(sock)
            self._clients.add(client)
            self._selector.register(sock, selectors.EVENT_READ, client)

    def _read(self, client: Client) -> None:
        try:
            data = client.sock.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if client.websocket is not None:
            self._receive(client, data)
        elif data and not client.closing:
            client.reader.feed(data)
            self._requests(client)
        if not data:
            self._drop(client)

    def _requests(self, client: Client) -> None:
        """Answer every whole request that arrived, one after another; an upgrade ends HTTP on this connection."""
        try:
            while not client.closing and client not in self._held and (request := client.reader.take()) is not None:
                if request.upgrades:
                    self._upgrade(client, request)
                    return
                answer = self._service.answer(request)
                if answer.wait_ms == 0:
                    self._say(client, request, answer)
                else:
                    self._hold(client, request, answer)
            if client.reader.wants_continue:
                client.reader.wants_continue = False
                self._queue(client, CONTINUE)
        except BadRequest as error:
            self._queue(client, encode(_refusal(error), at_ms=self._now_ms(), keep_alive=False))
            client.closing = True

    def _hold(self, client: Client, request: Request, answer: Answer) -> None:
        """An answer that is not to be given now."""
        if answer.wait_ms == HANG_UP:
            client.closing = True
            return
        due = None if answer.wait_ms is None else self._now_ms() + answer.wait_ms
        self._held[client] = due, request, answer

    def _release(self, now_ms: int) -> None:
        """Give the answers that waited long enough, and go on with what their clients asked since."""
        for client, (due, request, answer) in list(self._held.items()):
            if due is not None and due <= now_ms:
                del self._held[client]
                self._say(client, request, answer)
                self._requests(client)

    def _upgrade(self, client: Client, request: Request) -> None:
        websocket = self._new_socket()
        session = self._service.upgrade(request, websocket)
        if isinstance(session, Answer):
            self._say(client, request, session)
            return
        client.websocket, client.session = websocket, session
        websocket.accept(request.raw)
        if rest := client.reader.rest():
            self._receive(client, rest)

    def _receive(self, client: Client, data: bytes) -> None:
        assert client.websocket is not None and client.session is not None
        for message in client.websocket.receive(data):
            try:
                client.session.receive(message)
            except Exception:
                _log.exception("failed_to_do_command", extra={"fields": {"command": message[:200]}})
                client.websocket.close(1011, "internal error")
                return

    def _say(self, client: Client, request: Request, answer: Answer) -> None:
        head_only = request.method == "HEAD"
        self._queue(client, encode(answer, at_ms=self._now_ms(), keep_alive=request.keep_alive, head_only=head_only))
        client.closing = not request.keep_alive

    def _queue(self, client: Client, data: bytes) -> None:
        client.unsent.append(memoryview(data))
        client.pending += len(data)

    def _flush(self, client: Client, now_ms: int) -> None:
        """Send what gathered for a client, as far as its socket takes it; drop the client when it is done."""
        websocket = client.websocket
        if websocket is None:
            if not (client.unsent or client.closing):
                return
        elif data := websocket.take():
            self._queue(client, data)
        try:
            while client.unsent:
                piece = client.unsent.popleft()
                sent = client.sock.send(piece)
                client.pending -= sent
                if sent < len(piece):
                    client.unsent.appendleft(piece[sent:])
                    break
        except BlockingIOError:
            client.unsent.appendleft(piece)
        except OSError:
            self._drop(client)
            return
        if bool(client.unsent) != client.waits:
            client.waits = not client.waits
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.waits else 0)
            self._selector.modify(client.sock, events, client)
        if client.pending > MAX_BACKLOG and client.close_by_ms is None:
            self._overflow(client)
        self._finish(client, now_ms)

    def _overflow(self, client: Client) -> None:
        """A WebSocket client that does not read is told why it goes; what it would have to read first stays bounded."""
        _log.warning("dropped_slow_client", extra={"fields": {"unread_bytes": client.pending}})
        if client.websocket is not None and client.session is not None:
            client.session.overflow()
            client.websocket.close(1008, "buffer overflow")
        client.closing = True

    def _finish(self, client: Client, now_ms: int) -> None:
        """Close what has nothing left to say, and what takes too long over its last words."""
        done = client.closing or (client.websocket is not None and client.websocket.ended)
        leaving = done or (client.websocket is not None and client.websocket.closing)
        if not leaving:
            return
        if client.close_by_ms is None:
            client.close_by_ms = now_ms + LINGER_MS
        queued = client.websocket is not None and client.websocket.outgoing
        if (done and not client.unsent and not queued) or now_ms >= client.close_by_ms:
            self._drop(client)

    def _drop(self, client: Client) -> None:
        if client not in self._clients:
            return
        self._clients.discard(client)
        self._held.pop(client, None)
        self._selector.unregister(client.sock)
        client.sock.close()
        if client.session is not None:
            client.session.ended()


def _refusal(error: BadRequest) -> Answer:
    return Answer(error.status, b'{"error":{"code":"bad_request","message":"%s"}}' % str(error).encode())
