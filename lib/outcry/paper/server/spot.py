"""A spot venue in the shape of Coinbase's exchange API, under /spot: what index prices come from where no entitlement
gives the exchange's own. No signature is asked.

    GET /spot/products                              what there is
    GET /spot/products/BTC-USD/ticker               the last price
    GET /spot/products/BTC-USD/candles?granularity=60&start=…&end=…
        rows [time, low, high, open, close, volume], newest first, at most 300
    WebSocket at any path under /spot               subscribe to `ticker`, `matches`, `heartbeat`

Beyond Coinbase's own granularities 1 is accepted: floors with shortened windows have shortened look-backs.
The source knows prices without sizes, so volumes are zero.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import msgspec

from outcry.paper.events import IndexTick, Source
from outcry.paper.rest import text
from outcry.paper.server.http import Answer, Request
from outcry.paper.server.websocket import WebSocket

PREFIX = "/spot"
GRANULARITIES = (1, 60, 300, 900, 3_600, 21_600, 86_400)  # seconds
MAX_CANDLES = 300
CHANNELS = ("ticker", "matches", "heartbeat")


class Spot:
    """The venue: its REST answers, and its WebSocket clients."""

    def __init__(self, source: Source, symbols: list[str], now_ms: Callable[[], int]) -> None:
        self._source, self._symbols, self._now_ms = source, symbols, now_ms
        self._last: dict[str, IndexTick] = {}
        self._numbers: dict[str, int] = {}
        self._sessions: dict[SpotSession, None] = {}

    def answer(self, request: Request) -> Answer:
        parts = [part for part in request.path.removeprefix(PREFIX).split("/") if part]
        if request.method not in ("GET", "HEAD") or parts[:1] != ["products"] or len(parts) not in (1, 3):
            return _answer(404, {"message": "NotFound"})
        if len(parts) == 1:
            return _answer(200, [{"id": symbol, "status": "online"} for symbol in self._symbols])
        symbol, what = parts[1], parts[2]
        if symbol not in self._symbols:
            return _answer(404, {"message": "NotFound"})
        if what == "ticker":
            return self._ticker(symbol)
        return self._candles(symbol, request) if what == "candles" else _answer(404, {"message": "NotFound"})

    def take(self, tick: IndexTick) -> None:
        """A new price: tell whoever listens."""
        self._last[tick.symbol] = tick
        number = self._numbers[tick.symbol] = self._numbers.get(tick.symbol, 0) + 1
        for session in self._sessions:
            session.tell(tick, number)

    def open(self, socket: WebSocket) -> "SpotSession":
        session = SpotSession(self, socket)
        self._sessions[session] = None
        return session

    def forget(self, session: "SpotSession") -> None:
        self._sessions.pop(session, None)

    def knows(self, symbol: str) -> bool:
        return symbol in self._symbols

    def last(self, symbol: str) -> tuple[IndexTick, int] | None:
        tick = self._last.get(symbol)
        return None if tick is None else (tick, self._numbers[symbol])

    def _ticker(self, symbol: str) -> Answer:
        last = self.last(symbol)
        if last is None:
            now_ms = self._now_ms()
            known = self._source.history(symbol, now_ms - 60_000, now_ms)
            if not known:
                return _answer(404, {"message": "NotFound"})
            last = (known[-1], 0)
        tick, number = last
        price = text.decimal(tick.value_micros)
        body = {"ask": price, "bid": price, "price": price, "size": "0", "volume": "0"}
        return _answer(200, body | {"trade_id": number, "time": text.iso(tick.at_ms)})

    def _candles(self, symbol: str, request: Request) -> Answer:
        try:
            step_s = int(request.first("granularity", "60"))
            now_ms = self._now_ms()
            end_ms = _time_ms(request.first("end"), now_ms)
            start_ms = _time_ms(request.first("start"), end_ms - MAX_CANDLES * step_s * 1000)
        except ValueError as error:
            return _answer(400, {"message": str(error)})
        if step_s not in GRANULARITIES:
            return _answer(400, {"message": "Unsupported granularity"})
        if end_ms < start_ms:
            return _answer(400, {"message": "end must be after start"})
        if end_ms - start_ms > MAX_CANDLES * step_s * 1000:
            return _answer(
                400, {"message": f"granularity too small for the requested time range: {MAX_CANDLES} candles"}
            )
        first_ms = start_ms - start_ms % (step_s * 1000)
        rows = candles(self._source.history(symbol, first_ms, end_ms + step_s * 1000), step_s)
        return _answer(200, [row for row in rows if row[0] * 1000 <= end_ms])


class SpotSession:
    """One WebSocket client of the spot venue."""

    def __init__(self, spot: Spot, socket: WebSocket) -> None:
        self._spot, self._socket = spot, socket
        self._wanted: dict[str, set[str]] = {channel: set() for channel in CHANNELS}

    def receive(self, message: bytes) -> None:
        try:
            command = msgspec.json.decode(message, type=_Command)
            self._change(command)
        except (msgspec.MsgspecError, ValueError) as error:
            self._say({"type": "error", "message": "Failed to process message", "reason": str(error)})

    def tell(self, tick: IndexTick, number: int) -> None:
        if tick.symbol in self._wanted["ticker"]:
            self._say(_ticker_message(tick, number))
        if tick.symbol in self._wanted["matches"]:
            self._say(_match_message("match", tick, number))
        if tick.symbol in self._wanted["heartbeat"]:
            facts = {"sequence": number, "last_trade_id": number, "product_id": tick.symbol}
            self._say({"type": "heartbeat", **facts, "time": text.iso(tick.at_ms)})

    def overflow(self) -> None:
        self._spot.forget(self)

    def ended(self) -> None:
        self._spot.forget(self)

    def _change(self, command: "_Command") -> None:
        for channel, products in command.wanted():
            if channel not in CHANNELS:
                raise ValueError(f"{channel} is not a valid channel")
            if unknown := [product for product in products if not self._spot.knows(product)]:
                raise ValueError(f"{unknown[0]} is not a valid product")
            if command.type == "unsubscribe":
                self._wanted[channel].difference_update(products or tuple(self._wanted[channel]))
            else:
                self._wanted[channel].update(products)
        held = [{"name": name, "product_ids": sorted(ids)} for name, ids in self._wanted.items() if ids]
        self._say({"type": "subscriptions", "channels": held})
        if command.type == "subscribe":
            self._say_last(command)

    def _say_last(self, command: "_Command") -> None:
        for channel, products in command.wanted():
            for product in products:
                if (last := self._spot.last(product)) is None:
                    continue
                if channel == "matches":
                    self._say(_match_message("last_match", *last))
                elif channel == "ticker":
                    self._say(_ticker_message(*last))

    def _say(self, message: dict[str, object]) -> None:
        if self._socket.open:
            self._socket.send(msgspec.json.encode(message))


class _Channel(msgspec.Struct):
    name: str
    product_ids: list[str] = []


class _Command(msgspec.Struct):
    type: str
    channels: list[str | _Channel] = []
    product_ids: list[str] = []

    def __post_init__(self) -> None:
        if self.type not in ("subscribe", "unsubscribe"):
            raise ValueError(f"{self.type} is not a valid type")

    def wanted(self) -> Iterable[tuple[str, list[str]]]:
        """(channel, products) pairs: a channel without products of its own takes the command's."""
        for channel in self.channels:
            if isinstance(channel, str):
                yield channel, self.product_ids
            else:
                yield channel.name, channel.product_ids or self.product_ids


def candles(ticks: list[IndexTick], step_s: int) -> list[list[int | float]]:
    """Rows [start in Unix seconds, low, high, open, close, volume], newest first; none for a step without a value."""
    rows: dict[int, list[int]] = {}
    for tick in ticks:
        start_s = tick.at_ms // 1000 // step_s * step_s
        row = rows.get(start_s)
        if row is None:
            rows[start_s] = [tick.value_micros] * 4
        else:
            row[0], row[1], row[3] = min(row[0], tick.value_micros), max(row[1], tick.value_micros), tick.value_micros
    return [[start_s, *map(text.number, rows[start_s]), 0] for start_s in sorted(rows, reverse=True)]


def _time_ms(value: str, default: int) -> int:
    """Unix seconds or ISO-8601, as Coinbase takes both. ValueError when it is neither."""
    if not value:
        return default
    if value.isascii() and value.isdigit():
        return int(value) * 1000
    moment = datetime.fromisoformat(value)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _ticker_message(tick: IndexTick, number: int) -> dict[str, object]:
    price = text.decimal(tick.value_micros)
    fields = dict.fromkeys(("price", "open_24h", "low_24h", "high_24h", "best_bid", "best_ask"), price)
    sizes = dict.fromkeys(("volume_24h", "volume_30d", "best_bid_size", "best_ask_size", "last_size"), "0")
    facts = {"type": "ticker", "sequence": number, "product_id": tick.symbol, "side": "buy"}
    return {**facts, **fields, **sizes, "time": text.iso(tick.at_ms), "trade_id": number}


def _match_message(kind: str, tick: IndexTick, number: int) -> dict[str, object]:
    ids = {role: text.uuid_of(role, f"{tick.symbol}/{number}") for role in ("maker_order_id", "taker_order_id")}
    facts = {"type": kind, "trade_id": number, **ids, "side": "buy", "size": "0"}
    price, at = text.decimal(tick.value_micros), text.iso(tick.at_ms)
    return {**facts, "price": price, "product_id": tick.symbol, "sequence": number, "time": at}


def _answer(status: int, body: object) -> Answer:
    return Answer(status, msgspec.json.encode(body))
