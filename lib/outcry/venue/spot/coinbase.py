"""Spot prices from Coinbase Exchange, or from anything that answers in its shape: `poll()`, `stream()`, `history()`.

Public, unsigned. REST gives the last price and candles (at most 300 a page, newest first); the WebSocket gives each
match. The exchange on this machine serves the same under /spot, and candles of one second besides, which Coinbase does
not have: floors with shortened windows have shortened look-backs.
"""

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter

from outcry.domain.errors import RateLimited, Refused, SchemaDrift, Unavailable
from outcry.domain.view import Bar
from outcry.venue import fields
from outcry.venue.messages import Message, Other
from outcry.venue.stream import Connected, Disconnected, Stream

SOURCE = "coinbase"
PAGE_CANDLES = 300
PAGE_PAUSE_S = 0.15  # public calls are limited to about ten a second
FEEDS = {"api.exchange.coinbase.com": "wss://ws-feed.exchange.coinbase.com"}
TRIES = 3


class Tick(Message, frozen=True, gc=False):
    """One price."""

    symbol: str
    price_micros: int
    at_ms: int


class _Last(msgspec.Struct):
    price: str
    time: str


class _Said(msgspec.Struct):
    type: str
    product_id: str = ""
    price: str = ""
    time: str = ""
    message: str = ""
    reason: str = ""


_candles = msgspec.json.Decoder(list[tuple[fields.Whole, Decimal, Decimal, Decimal, Decimal, Decimal]]).decode
_last = msgspec.json.Decoder(_Last).decode
_said = msgspec.json.Decoder(_Said).decode


class Coinbase:
    """One venue. Calls raise Unavailable (no answer, or too many asked), Refused, or SchemaDrift.

    url  up to, not with, /products
    """

    def __init__(
        self,
        url: str,
        *,
        session: requests.Session | None = None,
        sleep: Callable[[float], object] = time.sleep,
        timeout_s: tuple[float, float] = (2.0, 5.0),
    ) -> None:
        self.url = url.rstrip("/")
        self._session = session or _session()
        self._sleep, self._timeout_s = sleep, timeout_s

    def poll(self, symbol: str) -> Tick:
        """The last price now."""
        body = self._get(f"/products/{symbol}/ticker", {})
        try:
            found = _last(body)
            return Tick(symbol, _micros(found.price), fields.time_ms(found.time))
        except (SchemaDrift, *fields.UNREADABLE) as error:
            raise SchemaDrift(f"spot ticker of {symbol}: {error}", body) from error

    def history(self, symbol: str, from_ms: int, to_ms: int, step_s: int = 60) -> list[Bar]:
        """Bars of [from_ms, to_ms), oldest first; a step without trades gives none.

        A candle of more than a second becomes the bar of its last second, at its closing price: the only one of its
        prices whose moment is known.

        step_s  60, 300, 900 …; 1 only on this machine's own exchange
        """
        step_ms = step_s * 1000
        start_ms = from_ms - from_ms % step_ms
        bars: dict[int, Bar] = {}
        while start_ms < to_ms:
            end_ms = min(start_ms + (PAGE_CANDLES - 1) * step_ms, to_ms - 1)
            for candle in self._page(symbol, start_ms, end_ms, step_s):
                bar = _bar(symbol, candle, step_s)
                if from_ms <= bar.at_ms < to_ms:
                    bars[bar.at_ms] = bar
            start_ms += PAGE_CANDLES * step_ms
            if start_ms < to_ms:
                self._sleep(PAGE_PAUSE_S)
        return [bars[at_ms] for at_ms in sorted(bars)]

    def stream(self, symbols: Sequence[str]) -> "SpotStream":
        """Prices as they come."""
        return SpotStream(stream_url(self.url), symbols)

    def _page(
        self, symbol: str, start_ms: int, end_ms: int, step_s: int
    ) -> list[tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]]:
        asked = {"granularity": step_s, "start": start_ms // 1000, "end": end_ms // 1000}
        body = self._get(f"/products/{symbol}/candles", asked)
        try:
            return _candles(body)
        except fields.UNREADABLE as error:
            raise SchemaDrift(f"spot candles of {symbol}: {error}", body) from error

    def _get(self, path: str, parameters: dict[str, int]) -> bytes:
        """A read, tried again a few times where that may help."""
        for attempt in range(1, TRIES + 1):
            try:
                return self._get_once(path, parameters)
            except Unavailable:
                if attempt == TRIES:
                    raise
                self._sleep(0.5 * 2**attempt)
        raise AssertionError("unreachable")

    def _get_once(self, path: str, parameters: dict[str, int]) -> bytes:
        try:
            answer = self._session.get(
                self.url + path, params=parameters, timeout=self._timeout_s, allow_redirects=False
            )
        except requests.RequestException as error:
            raise Unavailable(f"spot venue {self.url} does not answer: {error}") from error
        if answer.status_code == 200:
            return answer.content
        what = f"spot venue answered {path} with {answer.status_code} {answer.text[:200]}"
        if answer.status_code == 429:
            raise RateLimited(what)
        if answer.status_code >= 500:
            raise Unavailable(what)
        raise Refused(what, status=answer.status_code)


class SpotStream:
    """Each match of some products, over a connection that heals."""

    def __init__(self, url: str, symbols: Sequence[str], **options: Any) -> None:
        """options  clocks and the like, for `venue.stream.Stream`"""
        self._stream = Stream(url, None, decode=decode, **options)
        self._symbols = list(symbols)
        self.why_not = "not connected yet"  # "" while connected
        self.refused = ""  # what the venue last refused on this connection, a product perhaps

    def ticks(self, timeout_s: float) -> list[Tick]:
        """What one read brought; [] when nothing came or there is no connection just now (see `why_not`)."""
        ticks = []
        for event in self._stream.events(timeout_s):
            if isinstance(event, Tick):
                ticks.append(event)
            elif isinstance(event, Connected):
                self.why_not = self.refused = ""
                for symbol in self._symbols:  # each by itself: a product that is not there spoils no other
                    command = {"type": "subscribe", "product_ids": [symbol], "channels": ["matches", "heartbeat"]}
                    self._stream.send(command)
            elif isinstance(event, Disconnected):
                self.why_not = event.reason
            elif isinstance(event, Other) and event.type.startswith("error"):
                self.refused = event.type
        return ticks

    def close(self) -> None:
        self._stream.close()


def decode(raw: bytes) -> Message:
    """One message of the feed: a Tick for a match, `Other` for the rest. Raises SchemaDrift."""
    try:
        said = _said(raw)
        if said.type in ("match", "last_match", "ticker"):
            return Tick(said.product_id, _micros(said.price), fields.time_ms(said.time))
    except (SchemaDrift, *fields.UNREADABLE) as error:
        raise SchemaDrift(f"spot feed: {error}", raw) from error
    why = f" {said.message} {said.reason}".rstrip() if said.type == "error" else ""
    return Other(None, None, said.type + why)


def stream_url(url: str) -> str:
    """Where the feed of a REST address is.

    >>> stream_url("https://api.exchange.coinbase.com"), stream_url("http://127.0.0.1:8080/spot")
    ('wss://ws-feed.exchange.coinbase.com', 'ws://127.0.0.1:8080/spot/ws')
    """
    known = FEEDS.get(urlsplit(url).hostname or "")
    return known or "ws" + url.removeprefix("http").rstrip("/") + "/ws"


def _bar(symbol: str, candle: tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal], step_s: int) -> Bar:
    start_s, low, high, opened, closed, _volume = candle
    if step_s == 1:
        first, top, bottom, last = (_positive(fields.scaled(price, 6)) for price in (opened, high, low, closed))
        return Bar(symbol, start_s * 1000, first, top, bottom, last, source=SOURCE)
    price = _positive(fields.scaled(closed, 6))
    return Bar(symbol, (start_s + step_s - 1) * 1000, price, price, price, price, source=SOURCE)


def _micros(text: str) -> int:
    """A price of any number of places as micro-dollars."""
    try:
        return _positive(fields.scaled(Decimal(text), 6))
    except ArithmeticError:
        raise ValueError(f"{text!r} is no price") from None


def _positive(micros: int) -> int:
    if micros <= 0:
        raise SchemaDrift(f"spot price of {micros} micro-dollars")
    return micros


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", HTTPAdapter(max_retries=0))
    session.headers["User-Agent"] = "outcry"
    return session
