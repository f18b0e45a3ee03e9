"""The server: `websockets` speaks HTTP and WebSocket on one port, one thread a connection; Flask answers the requests.

Only GET is answered, so nothing can be changed from outside by construction.
"""

import io
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from flask import Flask
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.sync.server import Server, ServerConnection, serve

from outcry.web.guard import Guard
from outcry.web.live import Live

MOST_CLIENTS = 64
MOST_BYTES = 1_024  # of a message that a client sends; nobody reads it

log = logging.getLogger(__name__)


class Carrier:
    """Carries requests from the socket to Flask, and messages to whoever listens."""

    def __init__(self, app: Flask, guard: Guard, live: Live) -> None:
        self._app, self._guard, self._live = app, guard, live
        self._clients = 0
        self._lock = threading.Lock()

    def listen(self, host: str, port: int) -> Server:
        """Bind; `serve_forever` of what is returned answers. Raises OSError when the address cannot be had."""
        quiet = logging.getLogger("outcry.web.wire")
        quiet.setLevel(logging.CRITICAL)  # it takes each page for a failed handshake
        return serve(
            self._messages,
            host,
            port,
            process_request=self._request,
            server_header=None,
            compression=None,
            max_size=MOST_BYTES,
            logger=quiet,
        )

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        """An answer, or None to go on as a WebSocket."""
        try:
            if request.path.partition("?")[0] != "/ws":
                return self._answer(connection, request)
            refused = self._guard.refusal({name.lower(): value for name, value in request.headers.raw_items()})
            if refused is None and self._clients >= MOST_CLIENTS:
                refused = (503, f"{MOST_CLIENTS} clients are listening already")
            return _response(refused[0], [("Content-Type", "text/plain")], refused[1].encode()) if refused else None
        except Exception:
            log.exception("failed to answer %s", request.path)
            return _response(500, [("Content-Type", "text/plain")], b"this page failed; the log says why")

    def _answer(self, connection: ServerConnection, request: Request) -> Response:
        """The Flask application's answer, through the interface that it has for servers."""
        path, _, query = request.path.partition("?")
        host, port = connection.local_address[:2]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": getattr(request, "method", "GET"),  # before websockets 15 nothing else came through
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": connection.remote_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers.raw_items():
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        said: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
            said[:] = [int(status.split(maxsplit=1)[0]), headers]
            return lambda _: None

        body: Iterable[bytes] = self._app(environ, start)
        whole = b"".join(body)
        if close := getattr(body, "close", None):
            close()
        return _response(said[0], said[1], whole)

    def _messages(self, connection: ServerConnection) -> None:
        """Send the newest messages until somebody leaves."""
        with self._lock:
            self._clients += 1
        seen = 0
        try:
            while not self._live.stopping and connection.protocol.state is State.OPEN:
                seen, texts = self._live.newer(seen, timeout_s=1.0)
                for text in texts:
                    connection.send(text)
        except ConnectionClosed:
            log.debug("a client left")
        finally:
            with self._lock:
                self._clients -= 1


def _response(status: int, headers: list[tuple[str, str]], body: bytes) -> Response:
    kept = [(name, value) for name, value in headers if name.lower() not in ("content-length", "connection")]
    kept += [("Content-Length", str(len(body))), ("Connection", "close")]
    return Response(status, HTTPStatus(status).phrase, Headers(kept), body)
