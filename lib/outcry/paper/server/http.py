"""HTTP/1.1 without sockets: requests cut out of what a connection delivered, answers put together as bytes.

Heads are read in `http_head`. Bodies come by Content-Length or in chunks.
"""

import email.utils
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import parse_qs

from outcry.paper.server.http_head import MAX_HEAD, BadRequest, Head, read_head

MAX_BODY = 8 << 20  # bytes
HANG_UP = -1
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(slots=True)
class Request:
    """One request, read whole.

    path     as sent, without the query: the text that signatures are made over
    query    every value of every parameter, decoded, in the order sent
    headers  by lower-case name; of a repeated one the last
    raw      the head's bytes, for a protocol this connection may be upgraded to
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    raw: bytes
    keep_alive: bool
    body: bytes = b""

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    @property
    def upgrades(self) -> bool:
        return "websocket" in self.headers.get("upgrade", "").lower()


@dataclass(slots=True)
class Answer:
    """What to say to a request. `headers` are whole lines without their line ends.

    wait_ms  how long the client waits for it: None for ever; HANG_UP to close the connection in its place
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: list[str] = field(default_factory=list)
    wait_ms: int | None = 0


class Reader:
    """Cuts whole requests out of the bytes of one connection."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._head: Head | None = None
        self.wants_continue = False

    def feed(self, data: bytes) -> None:
        self._data += data

    def take(self) -> Request | None:
        """The next whole request, or None until more bytes came.

        `wants_continue` turns true once per request whose body waits for a `100 Continue`.
        raises  BadRequest when the bytes are none, or too many
        """
        if self._head is None:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                if len(self._data) > MAX_HEAD:
                    raise BadRequest(431, "request head too long")
                return None
            self._head = read_head(bytes(self._data[: end + 4]))
            del self._data[: end + 4]
            self.wants_continue = self._head.expects_continue
        body = self._body(self._head)
        if body is None:
            return None
        head, self._head, self.wants_continue = self._head, None, False
        path, _, query = head.target.partition("?")
        parameters = parse_qs(query, keep_blank_values=True) if query else {}
        return Request(head.method, path, parameters, head.headers, head.raw, head.keep_alive, body)

    def rest(self) -> bytes:
        """Bytes beyond the last request taken: they belong to the protocol the connection was upgraded to."""
        data = bytes(self._data)
        self._data.clear()
        return data

    def _body(self, head: Head) -> bytes | None:
        if head.chunked:
            return self._chunks()
        if head.length > MAX_BODY:
            raise BadRequest(413, "request body too long")
        if len(self._data) < head.length:
            return None
        body = bytes(self._data[: head.length])
        del self._data[: head.length]
        return body

    def _chunks(self) -> bytes | None:
        """All chunks and the trailer, once whole. The few bytes are walked again on each read until then."""
        body, at = bytearray(), 0
        while True:
            line_end = self._data.find(b"\r\n", at)
            if line_end < 0:
                return None
            try:
                size = int(bytes(self._data[at:line_end]).partition(b";")[0], 16)
            except ValueError:
                raise BadRequest(400, "bad chunk size") from None
            if size < 0 or len(body) + size > MAX_BODY:
                raise BadRequest(413, "request body too long")
            if size == 0:
                end = self._data.find(b"\r\n\r\n", line_end)
                if end < 0:
                    return None
                del self._data[: end + 4]
                return bytes(body)
            start, at = line_end + 2, line_end + 4 + size
            if len(self._data) < at:
                return None
            body += self._data[start : start + size]


@lru_cache(maxsize=2)
def _date(at_s: int) -> str:
    return email.utils.formatdate(at_s, usegmt=True)


def encode(answer: Answer, *, at_ms: int, keep_alive: bool, head_only: bool = False) -> bytes:
    """An answer's bytes. A 204 or 304 has neither body nor length."""
    lines = [f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, '')}", f"Date: {_date(at_ms // 1000)}"]
    if answer.status not in (204, 304):
        lines += [f"Content-Type: {answer.content_type}", f"Content-Length: {len(answer.body)}"]
    lines += answer.headers
    if not keep_alive:
        lines.append("Connection: close")
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if head_only else head + answer.body
