"""A local exchange in a thread, fed by hand, and clients that hold every answer against the exchange's description."""

import contextlib
import http.client
import itertools
import json
import threading
import time
import uuid
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import websocket
from cryptography.hazmat.primitives import serialization

from outcry.domain.errors import Unavailable
from outcry.domain.market import Market, PriceRange, Status
from outcry.paper.engine import keeping
from outcry.paper.engine.engine import Engine
from outcry.paper.engine.manners import Manners
from outcry.paper.events import IndexTick, Listed, SeriesInfo, SourceEvent
from outcry.paper.faults.faulty import FaultyExchange
from outcry.paper.server.auth import Key, Keys
from outcry.paper.server.exchange import Exchange, Terms
from outcry.paper.server.server import Server
from outcry.store import exchange_books
from outcry.venue import sign
from specification import Specification

TICKER, OTHER = "KXBTC15M-26NOV201215-15", "KXETH15M-26NOV201215-15"
TAPERED = (PriceRange(0, 1_000, 10), PriceRange(1_000, 9_000, 100), PriceRange(9_000, 10_000, 10))
SERIES = [
    SeriesInfo("KXBTC15M", "Bitcoin price up?", "Crypto", "fifteen_min", Market.__dataclass_fields__["fee"].default, 2,
               "BTC-USD"),
    SeriesInfo("KXETH15M", "Ether price up?", "Crypto", "fifteen_min", Market.__dataclass_fields__["fee"].default, 2,
               "ETH-USD"),
]  # fmt: skip
DEPOSIT = 1_000_000_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def market(ticker: str = TICKER, *, opens_in_ms: int = -60_000, closes_in_ms: int = 600_000, **facts: Any) -> Market:
    """A market of one of the two series, open unless asked otherwise."""
    event = ticker.rpartition("-")[0]
    series = event.partition("-")[0]
    symbol = "BTC-USD" if "BTC" in series else "ETH-USD"
    status = Status.ACTIVE if opens_in_ms <= 0 else Status.INITIALIZED
    base = Market(
        ticker, event, series, 2, status, now_ms() + opens_in_ms, now_ms() + closes_in_ms, TAPERED,
        title="Bitcoin price up in next 15 mins?", underlying=symbol, strike_type="greater_or_equal",
        strike_micros=97_123_450_000,
    )  # fmt: skip
    return replace(base, **facts)


class Scripted:
    """A source that tells what a test hands it, at once."""

    def __init__(self) -> None:
        self._queue: deque[SourceEvent] = deque()
        self.told: list[IndexTick] = []

    def push(self, *events: SourceEvent) -> None:
        self._queue.extend(events)

    def series(self) -> list[SeriesInfo]:
        return SERIES

    def advance(self, _now_ms: int) -> list[SourceEvent]:
        events = [self._queue.popleft() for _ in range(len(self._queue))]
        self.told += [event for event in events if isinstance(event, IndexTick)]
        return events

    def next_at_ms(self) -> int | None:
        return self._queue[0].at_ms if self._queue else None

    def history(self, symbol: str, from_ms: int, to_ms: int) -> list[IndexTick]:
        return [tick for tick in self.told if tick.symbol == symbol and from_ms <= tick.at_ms < to_ms]


class Books:
    """A keeper that counts how often something had to be kept, and refuses to while told so.

    file  where it is kept besides
    """

    def __init__(self, file: Path | None = None) -> None:
        self.kept, self.refusing = 0, False
        self._file, self._db = file, None

    def keep(self, engine: Engine) -> None:
        """Of one thread only."""
        if self.refusing:
            raise Unavailable("database is locked")
        if not engine.state.unsaved:
            return
        self.kept += 1
        if self._file is None:
            engine.state.unsaved = type(engine.state.unsaved)()
            return
        self._db = self._db or exchange_books.open_file(self._file)
        keeping.save(self._db, engine)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()


class LocalExchange:
    """The exchange, running. `accounts` get an Ed25519 key each (the first one RSA) and a deposit on shard 2.

    faulty  whether things may go wrong: by POST /faults
    file    where its books are kept; nowhere unless asked
    """

    def __init__(
        self,
        *accounts: str,
        tier: str = "prestige",
        terms: Terms = Terms(ticker_every_ms=0),
        manners: Manners | None = None,
        faulty: bool = False,
        file: Path | None = None,
    ) -> None:
        self.source, self.books, keys = Scripted(), Books(file), Keys()
        self.engine = Engine(lambda: str(uuid.uuid4()), manners)
        self.signers: dict[str, sign.Signer] = {}
        for number, account in enumerate(accounts):
            private, public = sign.generate("ed25519" if number else "rsa")
            key_id = str(uuid.uuid4())
            self.signers[account] = sign.Signer(serialization.load_pem_private_key(private, None), key_id)  # type: ignore[arg-type]
            keys.add(Key(key_id, account, sign.load_public(public)))
            self.engine.add_account(account, {2: DEPOSIT}, tier)
        make = FaultyExchange if faulty else Exchange
        self.exchange = make(self.engine, self.source, lambda: self.books.keep(self.engine), keys, now_ms, terms)
        self.server = Server(self.exchange, now_ms, new_socket=self.exchange.new_socket)
        self.host, self.port = self.server.address
        self.leaving = contextlib.ExitStack()  # what ends with it
        self._stopping, self._failure = threading.Event(), list[BaseException]()
        self._thread = threading.Thread(target=self._run, daemon=True)  # a test that fails early leaves it behind
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self.server.turn(0.005)
        except BaseException as error:
            self._failure.append(error)
        finally:
            self.server.close()
            self.books.close()

    def feed(self, *events: SourceEvent) -> None:
        """Hand events to the source and wait until the exchange took them."""
        self.source.push(*events)
        deadline = time.monotonic() + 5
        while self.source.next_at_ms() is not None:
            assert time.monotonic() < deadline and self._thread.is_alive(), self._failure
            time.sleep(0.001)

    def list(self, *markets: Market) -> None:
        self.feed(*(Listed(one, now_ms()) for one in markets))

    def stop(self) -> None:
        self.leaving.close()
        self._stopping.set()
        self._thread.join(5)
        assert not self._thread.is_alive()
        if self._failure:
            raise self._failure[0]


class Client:
    """REST over one kept connection. Every answer must be one that the description has."""

    def __init__(self, exchange: LocalExchange, account: str | None, specification: Specification | None) -> None:
        self.signer = None if account is None else exchange.signers[account]
        self._specification = specification
        self._connection = http.client.HTTPConnection(exchange.host, exchange.port, timeout=5)
        self._ids = itertools.count(1)

    def ask(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """One request below the base path, signed; status and decoded body."""
        return self.ask_plain(method, "/trade-api/v2" + path, body, headers=headers)

    def ask_plain(
        self, method: str, target: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """The same of a whole path."""
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if headers is not None:
            sent |= headers
        elif self.signer is not None:
            sent |= self.signer.headers(method, target, now_ms())
        raw = None if body is None else json.dumps(body).encode()
        self._connection.request(method, target, raw, sent)
        answer = self._connection.getresponse()
        said = answer.read()
        decoded = json.loads(said) if said else None
        if self._specification is not None and answer.status != 405:
            path = target.removeprefix("/trade-api/v2").partition("?")[0]
            self._specification.check_answer(method, path, answer.status, decoded)
        return answer.status, decoded

    def get(self, path: str) -> Any:
        status, body = self.ask("GET", path)
        assert status == 200, body
        return body

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and code of a no."""
        status, said = self.ask(method, path, body)
        assert status >= 400, said
        return status, said["error"]["code"]

    def order(self, **fields: Any) -> dict[str, Any]:
        """A create body: 10 contracts bid at 40 cents in the first market, unless asked otherwise."""
        return {
            "ticker": TICKER,
            "client_order_id": f"oc-test-{next(self._ids)}",
            "side": "bid",
            "count": "10.00",
            "price": "0.4000",
            "time_in_force": "good_till_canceled",
            "self_trade_prevention_type": "taker_at_cross",
            "exchange_index": 2,
        } | fields

    def place(self, **fields: Any) -> dict[str, Any]:
        status, body = self.ask("POST", "/portfolio/events/orders", self.order(**fields))
        assert status == 201, body
        return body

    def close(self) -> None:
        self._connection.close()


class Listener:
    """A WebSocket client. Every message must be one that the description has."""

    def __init__(self, exchange: LocalExchange, account: str, specification: Specification) -> None:
        path = "/trade-api/ws/v2"
        headers = exchange.signers[account].headers("GET", path, now_ms())
        self._specification = specification
        self._ids = itertools.count(1)
        self.socket = websocket.create_connection(
            f"ws://{exchange.host}:{exchange.port}{path}", header=headers, timeout=5
        )

    def say(self, cmd: str, **params: Any) -> int:
        """Send one command; its id."""
        number = next(self._ids)
        self.raw(json.dumps({"id": number, "cmd": cmd} | ({"params": params} if params else {})))
        return number

    def raw(self, text: str) -> None:
        self.socket.send(text)

    def next(self) -> dict[str, Any]:
        text = self.socket.recv()
        if not text:  # what this client library says of a close frame
            raise websocket.WebSocketConnectionClosedException("closed by the exchange")
        message = json.loads(text)
        self._specification.check_message(message)
        return message

    def until(self, kind: str) -> dict[str, Any]:
        """The next message of a type, whatever comes before it."""
        while (message := self.next())["type"] != kind:
            pass
        return message

    def take(self, count: int) -> list[dict[str, Any]]:
        return [self.next() for _ in range(count)]

    def quiet(self, seconds: float = 0.1) -> bool:
        """Whether nothing more comes for a while."""
        self.socket.settimeout(seconds)
        try:
            self.next()
        except websocket.WebSocketTimeoutException:
            return True
        finally:
            self.socket.settimeout(5)
        return False

    def close(self) -> None:
        self.socket.shutdown()
