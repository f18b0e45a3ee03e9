"""Requests cut from bytes however they arrive, and answers a client can read."""

import http.client
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.paper.server.http import Answer, Reader, encode
from outcry.paper.server.http_head import BadRequest, _Parser, _plain

POST = b'POST /a/b?x=1&x=2&y= HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n{"a":1}'
CHUNKED = b'POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3;x=y\r\n:1}\r\n0\r\n\r\n'
GET = b"GET /d HTTP/1.0\r\n\r\n"


def taken(pieces: list[bytes]) -> list[tuple[str, str, bytes, bool]]:
    reader, found = Reader(), []
    for piece in pieces:
        reader.feed(piece)
        while (request := reader.take()) is not None:
            found.append((request.method, request.path, request.body, request.keep_alive))
    assert reader.rest() == b""
    return found


@given(st.lists(st.integers(0, len(POST + CHUNKED + GET)), max_size=12))
def test_requests_are_the_same_however_the_bytes_are_split(cuts):
    whole, at, pieces = POST + CHUNKED + GET, 0, []
    for cut in [*sorted(cuts), len(whole)]:
        pieces.append(whole[at:cut])
        at = cut
    assert taken(pieces) == [
        ("POST", "/a/b", b'{"a":1}', True),
        ("POST", "/c", b'{"a":1}', True),
        ("GET", "/d", b"", False),
    ]


def test_a_query_keeps_every_value_in_order():
    reader = Reader()
    reader.feed(POST)
    request = reader.take()
    assert request is not None
    assert request.query == {"x": ["1", "2"], "y": [""]}
    assert (request.first("x"), request.first("z", "none")) == ("1", "none")


def test_a_body_that_waits_to_be_asked_for_is_asked_for_once():
    reader = Reader()
    reader.feed(POST.replace(b"Host: h", b"Expect: 100-continue").removesuffix(b'{"a":1}'))
    assert reader.take() is None
    assert reader.wants_continue
    reader.wants_continue = False
    reader.feed(b'{"a":1}')
    request = reader.take()
    assert request is not None and request.body == b'{"a":1}'
    assert not reader.wants_continue


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431),
        (b"GET /" + b"a" * 70_000, 431),
    ],
)
def test_what_is_no_request_is_refused_with_its_status(raw, status):
    reader = Reader()
    reader.feed(raw)
    with pytest.raises(BadRequest) as refused:
        reader.take()
    assert refused.value.status == status


class _Wire:
    """What `http.client` reads an answer from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def read(data: bytes, method: str = "GET") -> http.client.HTTPResponse:
    answer = http.client.HTTPResponse(_Wire(data), method=method)  # type: ignore[arg-type]
    answer.begin()
    return answer


def test_an_answer_reads_back():
    data = encode(Answer(201, b'{"ok":true}', headers=["X-A: b"]), at_ms=1795194192345, keep_alive=True)
    answer = read(data)
    assert (answer.status, answer.reason, answer.read()) == (201, "Created", b'{"ok":true}')
    assert answer.headers["Date"] == "Fri, 20 Nov 2026 17:03:12 GMT"
    assert (answer.headers["X-A"], answer.headers["Content-Type"]) == ("b", "application/json")
    assert not answer.will_close


def test_an_answer_without_content_has_no_body_and_one_to_head_only_its_length():
    nothing = read(encode(Answer(204), at_ms=0, keep_alive=False))
    assert (nothing.status, nothing.headers["Content-Length"], nothing.will_close) == (204, None, True)
    data = encode(Answer(200, b"12345"), at_ms=0, keep_alive=True, head_only=True)
    assert data.endswith(b"\r\n\r\n")
    assert read(data, "HEAD").headers["Content-Length"] == "5"


NAMES = ["Host", "Content-Length", "Connection", "Expect", "X-Odd_Name", "Accept", "KALSHI-ACCESS-KEY", "", " X"]
VALUES = ["x", "12", "keep-alive", "close", "Keep-Alive", "a:b", " spaced\t", "naïve", "1, 2", "", "-1", "\x00"]
LINES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)).map(": ".join), max_size=6)
TARGETS = st.sampled_from(["/a?b=c", "/a", "//a", "/ä", "a", "", " /a"])
STARTS = st.tuples(
    st.sampled_from(["GET", "POST", "DELETE", "HEAD", "get"]),
    TARGETS,
    st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "", " HTTP/1.1"]),
).map(" ".join)


@given(start=STARTS, lines=LINES)
def test_a_head_cut_apart_directly_is_what_the_parser_reads(start, lines):
    raw = "\r\n".join([start, *lines, "", ""]).encode("latin-1")
    plain = _plain(raw)
    if plain is not None:
        assert plain == _Parser(raw).head()


def test_what_clients_send_is_cut_apart_directly():
    usual = [
        "Host: 127.0.0.1:1",
        "Accept-Encoding: identity",
        "Connection: keep-alive",
        "Content-Length: 2",
        "User-Agent: a/1",
    ]
    assert _plain("\r\n".join(["POST /trade-api/v2/x?y=1 HTTP/1.1", *usual, "", ""]).encode()) is not None
