"""Opening one WebSocket connection, signed, and what a refusal means."""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

import websocket

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.venue.frames import Frames

CONNECT_TIMEOUT_S = 2.0  # each of connecting, TLS and the upgrade's answer; a program asked to stop waits no longer
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Signs(Protocol):
    """What can sign a request: `venue.sign.Signer`."""

    def headers(self, method: str, path: str, at_ms: int) -> dict[str, str]: ...


def connect(url: str, signer: Signs | None, now_ms: Callable[[], int]) -> tuple[websocket.WebSocket, Frames]:
    """A connection to send on, and the reader of what comes in.

    url     ws:// or wss://; its path is what gets signed
    raises  Misconfigured when the exchange refuses our key; Unavailable for everything that may pass
    """
    path, host = urlsplit(url).path or "/", urlsplit(url).hostname
    headers = signer.headers("GET", path, now_ms()) if signer else {}
    link = websocket.WebSocket(enable_multithread=False, skip_utf8_validation=True)
    try:
        link.connect(
            url,
            header=[f"{name}: {value}" for name, value in headers.items()],
            timeout=CONNECT_TIMEOUT_S,
            suppress_origin=True,
            redirect_limit=0,  # a signed request must not be carried elsewhere
            http_no_proxy=["*"] if host in LOOPBACK else None,
        )
    except websocket.WebSocketBadStatusException as error:
        raise _refusal(error) from error
    except (OSError, websocket.WebSocketException, ValueError) as error:
        raise Unavailable(f"cannot connect to {url}: {error or type(error).__name__}") from error
    assert link.sock is not None
    return link, Frames(link.sock, link.pong)


def _refusal(error: websocket.WebSocketBadStatusException) -> Exception:
    """What an HTTP answer instead of an upgrade means. A wrong clock can heal; a wrong key cannot."""
    body = error.resp_body or b""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
    if error.status_code != 401:
        return Unavailable(f"exchange answered the stream's upgrade with {error.status_code} {text[:200]}".rstrip())
    if "header_timestamp_expired" in text:
        return Unavailable("exchange refused our timestamp: this machine's clock is off", "check NTP")
    return Misconfigured(f"exchange refused our key for the stream: {text[:200]}", "check key id, key and environment")
