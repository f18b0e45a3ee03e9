"""What the local exchange pushes and answers, beside the bare server library: messages a second to one client and to
three, and orders a second sent one at a time.

Push: one level change a message, through engine, shapes and subscriptions, to clients that only count. The peer is the
synchronous server of `websockets` sending the same bytes to the same client, with nothing behind it. Server and clients
are processes of their own.
"""

import contextlib
import http.client
import json
import socket
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import websocket
from cryptography.hazmat.primitives import serialization
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from outcry.domain.market import FeeTerms, Market, PriceRange, Status
from outcry.domain.order import Side
from outcry.paper.engine import keeping
from outcry.paper.events import BookChange, BookSet, IndexTick, Listed, SeriesInfo, SourceEvent
from outcry.paper.server.auth import Key, Keys
from outcry.paper.server.exchange import Exchange, Terms
from outcry.paper.server.server import Server
from outcry.store import exchange_books
from outcry.venue import sign

PROCESSES = get_context("fork")
RUNS = 3
MESSAGES = 30_000
ORDERS = 1_500
BATCH = 200  # changes between two looks at the sockets
TICKER = "KXBTC15M-26NOV201215-15"
PATH = "/trade-api/ws/v2"
ORDER_PATH = "/trade-api/v2/portfolio/events/orders"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Flood:
    """A source that changes one level for as long as it may, in batches."""

    def __init__(self) -> None:
        self.left, self._at_ms, self._listed = 0, now_ms(), False

    def series(self) -> list[SeriesInfo]:
        return [SeriesInfo("KXBTC15M", "", "Crypto", "fifteen_min", FeeTerms(), 2, "BTC-USD")]

    def advance(self, at_ms: int) -> list[SourceEvent]:
        if not self._listed:
            self._listed = True
            bands = (PriceRange(0, 10_000, 100),)
            times = (at_ms - 60_000, at_ms + 3_600_000)
            market = Market(TICKER, TICKER[:-3], "KXBTC15M", 2, Status.ACTIVE, *times, bands)
            return [Listed(market, at_ms), BookSet(TICKER, {4000: 50_000_000}, {4200: 50_000_000}, at_ms)]
        count = min(BATCH, self.left)
        self.left -= count
        sides = (Side.BID, Side.ASK)
        return [BookChange(TICKER, sides[i % 2], 4000 + 200 * (i % 2), 1 + i, at_ms) for i in range(count)]

    def next_at_ms(self) -> int | None:
        return self._at_ms if self.left or not self._listed else None

    def history(self, _symbol: str, _from_ms: int, _to_ms: int) -> list[IndexTick]:
        return []


def exchange_process(pipe: Connection, public: bytes, folder: str) -> None:
    """Serve; every message in the pipe asks for so many changes, 0 to end."""
    books = exchange_books.open_file(Path(folder) / "exchange.db")
    engine = keeping.load(books, lambda: str(uuid.uuid4()))
    engine.add_account("floor", {2: 10**15}, "prestige")
    source, keys = Flood(), Keys((Key("bench", "floor", sign.load_public(public)),))
    exchange = Exchange(engine, source, lambda: keeping.save(books, engine), keys, now_ms, Terms())
    exchange.meter("floor", 0).writes[2].capacity = 10**9  # the engine is measured, not the toll
    exchange.meter("floor", 0).writes[2].rate = 10**9
    server = Server(exchange, now_ms)
    pipe.send(server.address)
    while True:
        server.turn(0.001)
        if pipe.poll():
            wanted = pipe.recv()
            if not wanted:
                return
            source.left = wanted


def bare_process(pipe: Connection, message: str) -> None:
    """The library alone: each client is sent the message MESSAGES times when the pipe says so."""
    start = threading.Event()

    def handler(connection) -> None:  # type: ignore[no-untyped-def]
        start.wait()
        for _ in range(MESSAGES):
            connection.send(message)
        with contextlib.suppress(ConnectionClosed):  # the client leaves once it counted enough
            connection.recv()

    with serve(handler, "127.0.0.1", 0, compression=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pipe.send(server.socket.getsockname())
        pipe.recv()
        start.set()
        pipe.recv()


def count(sock: socket.socket, wanted: int) -> float:
    """Read frames until `wanted` payload bytes' worth of them came; seconds from the first byte to the last."""
    sock.settimeout(30)
    seen, started = 0, 0.0
    while seen < wanted:
        seen += len(sock.recv(1 << 18))
        started = started or time.perf_counter()
    return time.perf_counter() - started


def client_process(pipe: Connection, url: str, headers: dict[str, str], subscribe: bool) -> None:
    """One counting client: says when it is ready, then how long it took."""
    client = websocket.create_connection(url, header=headers, sockopt=((socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22),))
    if subscribe:
        params = {"channels": ["orderbook_delta"], "market_tickers": [TICKER], "use_yes_price": True}
        client.send(json.dumps({"id": 1, "cmd": "subscribe", "params": params}))
        client.recv()
        client.recv()
    pipe.send("ready")
    size = pipe.recv()
    pipe.send(count(client.sock, size))
    client.shutdown()


def pushed(
    clients: int, url: str, headers: Callable[[], dict[str, str]], go: Callable[[], None], size: int, subscribe: bool
) -> float:
    """Messages a second to each of so many clients."""
    pipes, processes = [], []
    for _ in range(clients):
        mine, theirs = PROCESSES.Pipe()
        process = PROCESSES.Process(target=client_process, args=(theirs, url, headers(), subscribe))
        process.start()
        pipes.append(mine)
        processes.append(process)
    for pipe in pipes:
        pipe.recv()
        pipe.send(size)
    time.sleep(0.1)
    go()
    slowest = max(pipe.recv() for pipe in pipes)
    for process in processes:
        process.join()
    return MESSAGES / slowest


def frame_bytes() -> tuple[str, int]:
    """A message like those pushed, and the least bytes that MESSAGES of them take on the wire."""
    body = {
        "type": "orderbook_delta", "sid": 1, "seq": 10_000, "sending_ts_ms": now_ms(),
        "msg": {"market_ticker": TICKER, "market_id": str(uuid.uuid4()), "price_dollars": "0.4000", "delta_fp": "1.00",
                "side": "yes", "ts": "2026-11-20T17:03:12.345Z", "ts_ms": now_ms()},
    }  # fmt: skip
    text = json.dumps(body, separators=(",", ":"))
    return text, (len(text) + 4) * MESSAGES


def orders(address: tuple[str, int], signer: sign.Signer) -> tuple[float, float, float]:
    """Orders a second one at a time over a kept connection, alternating post-only bids and their cancels' takers;
    also p50 and p99 in ms. Signing is done ahead: it is the client's."""
    connection = http.client.HTTPConnection(*address)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    took = []
    for number in range(ORDERS):
        body = {
            "ticker": TICKER, "client_order_id": str(uuid.uuid4()), "side": "bid", "count": "1.00",
            "price": f"{0.01 + 0.01 * (number % 30):.4f}", "time_in_force": "good_till_canceled",
            "self_trade_prevention_type": "taker_at_cross", "exchange_index": 2, "post_only": True,
        }  # fmt: skip
        raw, headers = json.dumps(body), signer.headers("POST", ORDER_PATH, now_ms())
        started = time.perf_counter()
        connection.request("POST", ORDER_PATH, raw, headers)
        answer = connection.getresponse()
        answer.read()
        took.append(time.perf_counter() - started)
        if answer.status != 201:
            raise SystemExit(f"order refused: {answer.status}")
    connection.close()
    ordered = sorted(took)
    return ORDERS / sum(took), ordered[len(took) // 2] * 1000, ordered[len(took) * 99 // 100] * 1000


def main() -> list[str]:
    private, public = sign.generate("ed25519")
    signer = sign.Signer(serialization.load_pem_private_key(private, None), "bench")  # type: ignore[arg-type]
    text, size = frame_bytes()
    rates: dict[str, list[float]] = {"one": [], "bare": [], "three": [], "orders": [], "p50": [], "p99": []}
    with tempfile.TemporaryDirectory() as folder:
        mine, theirs = PROCESSES.Pipe()
        process = PROCESSES.Process(target=exchange_process, args=(theirs, public, folder))
        process.start()
        address = mine.recv()
        url = f"ws://{address[0]}:{address[1]}{PATH}"
        own = (url, lambda: signer.headers("GET", PATH, now_ms()), lambda: mine.send(MESSAGES), size * 97 // 100, True)
        for _ in range(RUNS):
            rates["one"].append(pushed(1, *own))
            rates["bare"].append(bare(text, size))
            rates["three"].append(pushed(3, *own))
            rate, p50, p99 = orders(address, signer)
            for name, value in (("orders", rate), ("p50", p50), ("p99", p99)):
                rates[name].append(value)
        mine.send(0)
        process.join()
    middle = {name: statistics.median(values) for name, values in rates.items()}
    return [
        f"pushed to one client {middle['one']:,.0f} messages/s; websockets' sync server alone {middle['bare']:,.0f}"
        f" ({middle['one'] / middle['bare']:.1f}x)",
        f"pushed to each of three clients {middle['three']:,.0f} messages/s (target 20,000)",
        f"answered {middle['orders']:,.0f} orders/s one at a time (target 1,500), p50 {middle['p50']:.2f} ms,"
        f" p99 {middle['p99']:.2f} ms; each kept on disk before its answer",
    ]


def bare(text: str, size: int) -> float:
    """One client of the library alone."""
    mine, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=bare_process, args=(theirs, text))
    process.start()
    host, port = mine.recv()
    rate = pushed(1, f"ws://{host}:{port}/", dict, lambda: mine.send("go"), size, False)
    mine.send("end")
    process.terminate()
    process.join()
    return rate


if __name__ == "__main__":
    sys.stdout.write("\n".join(main()) + "\n")
