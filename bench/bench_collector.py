"""The collector on recorded frames: receive, decode, apply, publish, tape; each beside the bare cost of the same.

Uses one recorded hour where OUTCRY_RECORDINGS names the recordings, else made-up frames of the same shape.
"""

import gzip
import json
import os
import random
import socket
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import websocket

from outcry.desk.collecting.books import Books
from outcry.desk.collecting.publisher import Publisher
from outcry.desk.collecting.scribe import Scribe
from outcry.domain.market import Market, PriceRange, Status
from outcry.signals.second_bars import SecondBars
from outcry.store import database
from outcry.store.tape_reader import Reader
from outcry.venue import frame_shapes
from outcry.venue.decoder import Decoder
from outcry.venue.frames import Frames
from outcry.venue.messages import Delta, Snapshot

ROUNDS = 5
FRAMES = 60_000
BATCH = 32  # frames a read, under flood
PUBLISH_S = 0.02
RECORDED = "kalshi_btc15m_ws/ws_KXBTC15M_20260513T133313Z.jsonl.gz"

parse_typed = msgspec.json.Decoder(frame_shapes.Frame).decode


def recorded() -> tuple[str, list[bytes], list[int], bool]:
    """(what they are, frames, when each came in ns, whether NO prices are on the YES scale)."""
    folder = os.environ.get("OUTCRY_RECORDINGS", "")
    file = Path(folder) / RECORDED
    if not folder or not file.exists():
        frames = made_up()
        return "made-up", frames, [1_778_477_473_000_000_000 + at * 7_300_000 for at in range(len(frames))], True
    frames, times = [], []
    with gzip.open(file, "rt") as lines:
        for line in lines:
            noted = json.loads(line)
            if (frame := noted.get("frame")) and frame["type"] != "subscribed":
                frames.append(json.dumps(frame, separators=(",", ":")).encode())
                times.append(noted["recv_ns"])
                if len(frames) == FRAMES:
                    break
    return "recorded", frames, times, False


def made_up() -> list[bytes]:
    draw = random.Random(1)
    body = {"market_ticker": "KXBTC15M-26MAY130945-45", "market_id": "bdc2787d-31e4-4640-aefd-ea0c30484767"}
    levels = [[f"0.{price:02d}00", "1000.00"] for price in range(10, 50)]
    asks = [[f"0.{price:02d}00", "1000.00"] for price in range(50, 90)]
    sides = {"yes_dollars_fp": levels, "no_dollars_fp": asks}
    frames = [json.dumps({"type": "orderbook_snapshot", "sid": 2, "seq": 1, "msg": body | sides}).encode()]
    for seq in range(2, FRAMES):
        side = draw.choice(("yes", "no"))
        price = draw.randrange(10, 50) + (40 if side == "no" else 0)
        change = {"delta_fp": f"{draw.randrange(1, 99)}.00", "price_dollars": f"0.{price:02d}00", "side": side}
        times = {"ts": "2026-05-11T05:31:13.881959Z", "ts_ms": 1778477473881}
        frame = {"type": "orderbook_delta", "sid": 2, "seq": seq, "msg": body | change | times}
        frames.append(json.dumps(frame, separators=(",", ":")).encode())
    return frames


class Floor:
    """Books, publisher and (perhaps) tape in a folder of their own: the collector without its socket."""

    def __init__(self, folder: Path, tickers: set[str], tape: bool) -> None:
        self.db = database.connect(folder / "kalshi.db")
        database.migrate(self.db)
        self.books = Books()
        bands = (PriceRange(0, 10_000, 10),)
        self.books.follow(Market(ticker, "E", "S", 2, Status.ACTIVE, 0, 1 << 43, bands) for ticker in sorted(tickers))
        self.books.connected(1, 0)
        self.scribe = Scribe(folder / "tape", time.time_ns) if tape else None
        self.publisher = Publisher(self.db, self.books, SecondBars(), self.scribe)

    def run(self, frames: list[bytes], decode: Callable[[bytes], object]) -> None:
        due = time.monotonic()
        for at in range(0, len(frames), BATCH):
            at_ns = time.time_ns()
            messages = [decode(raw) for raw in frames[at : at + BATCH]]
            if self.scribe:
                self.scribe.heard(at_ns, 1, messages)
            self.books.take(messages, at_ns // 1_000_000)
            if self.books.restart or self.books.lost:
                self.books.restart = ""  # the recorder changed to the next market: a new connection
                self.books.connected(1, at_ns // 1_000_000)
                self.books.lost.clear()
            if time.monotonic() >= due:
                self.publisher.publish(at_ns // 1_000_000)
                due = time.monotonic() + PUBLISH_S
        self.publisher.publish(time.time_ns() // 1_000_000)

    def close(self) -> None:
        if self.scribe:
            self.scribe.close(10)
        self.db.close()


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def each(work: Callable[[bytes], object], frames: list[bytes]) -> None:
    for raw in frames:
        work(raw)


def medians(count: int, variants: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Frames a second of each variant: the median of alternating runs, so that a noisy minute hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, run in variants.items():
            seconds[name].append(run())
    return {name: count / statistics.median(took) for name, took in seconds.items()}


def through_the_floor(frames: list[bytes], decode: Callable[[bytes], object], tickers: set[str], tape: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        floor = Floor(Path(folder), tickers, tape)
        took = timed(lambda: floor.run(frames, decode))
        floor.close()
        return took


def flood(frames: list[bytes], receive: Callable[[socket.socket], object]) -> float:
    """Seconds until a reader has taken all frames that a peer pushes as fast as it can."""
    ours, peer = socket.socketpair()
    data = b"".join(bytes([0x81, 126]) + len(frame).to_bytes(2, "big") + frame for frame in frames)
    pusher = threading.Thread(target=peer.sendall, args=(data,))
    pusher.start()
    took = timed(lambda: receive(ours))
    pusher.join()
    ours.close()
    peer.close()
    return took


def receive_ours(sock: socket.socket, count: int) -> None:
    frames, got = Frames(sock, lambda payload: None), 0
    while got < count:
        got += len(frames.read(5) or [])


def receive_theirs(sock: socket.socket, count: int) -> None:
    link = websocket.WebSocket()
    link.sock, link.connected = sock, True
    for _ in range(count):
        link.recv()


def taped(frames: list[bytes], times: list[int], decode: Callable[[bytes], object]) -> list[str]:
    """Bytes a delta at the pace it was recorded, and reading back, beside a table of plain integers."""
    messages = list(map(decode, frames))
    rows = [
        (at_ns // 1_000_000, d.seq, 1, d.price_cc if d.is_bid else -d.price_cc, d.change_ch)
        for at_ns, d in zip(times, messages, strict=True)
        if isinstance(d, Delta)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = sqlite3.connect(folder / "rows.db")
        plain.execute("CREATE TABLE d (at_ms INTEGER, seq INTEGER, market INTEGER, price INTEGER, change INTEGER)")
        plain.executemany("INSERT INTO d VALUES (?, ?, ?, ?, ?)", rows)
        plain.commit()
        scribe = Scribe(folder / "tape", time.time_ns)
        for at_ns, message in zip(times, messages, strict=True):
            scribe.heard(at_ns, 1, [message])
        scribe.close(30)
        (file,) = (folder / "tape").glob("*.db")

        def read_rows() -> None:
            total = 0
            for _, _, _, _, change in plain.execute("SELECT * FROM d"):
                total += change

        def read_columns() -> None:
            reader = Reader(file)
            for table in reader.tables("delta", 1):
                assert all(table.columns("at_ms", "seq", "symbol", "signed_price_cc", "change_ch"))
            reader.close()

        def read_tape() -> None:
            reader, total = Reader(file), 0
            for table in reader.tables("delta", 1):
                for _, _, _, _, change in zip(
                    *table.columns("at_ms", "seq", "symbol", "signed_price_cc", "change_ch"), strict=True
                ):
                    total += change
            reader.close()

        speeds = medians(
            len(rows),
            {
                "rows": lambda: timed(read_rows),
                "tape": lambda: timed(read_tape),
                "columns": lambda: timed(read_columns),
            },
        )
        reader = Reader(file)
        size = reader.counts()["delta"][1] / len(rows)
        reader.close()
        plain_size = (folder / "rows.db").stat().st_size / len(rows)
        plain.close()
    return [
        f"tape: {size:.1f} bytes a delta, integer rows {plain_size:.1f}: {size / plain_size:.2f} x",
        f"tape read back: {speeds['columns']:,.0f} deltas/s as columns, {speeds['tape']:,.0f}/s as rows in Python,"
        f" integer rows {speeds['rows']:,.0f}/s: {speeds['columns'] / speeds['rows']:.1f} x,"
        f" {speeds['tape'] / speeds['rows']:.1f} x",
    ]


def main() -> list[str]:
    what, frames, times, yes_prices = recorded()
    decode = Decoder(yes_prices=yes_prices).decode
    tickers = {message.ticker for message in map(decode, frames) if isinstance(message, Delta | Snapshot)}
    short = frames[: len(frames) // 4]
    speeds = medians(
        len(frames),
        {
            "json": lambda: timed(lambda: each(json.loads, frames)),
            "typed": lambda: timed(lambda: each(parse_typed, frames)),
            "decoded": lambda: timed(lambda: each(decode, frames)),
            "published": lambda: through_the_floor(frames, decode, tickers, tape=False),
            "taped": lambda: through_the_floor(frames, decode, tickers, tape=True),
        },
    )
    received = medians(
        len(short),
        {
            "recv": lambda: flood(short, lambda sock: receive_theirs(sock, len(short))),
            "frames": lambda: flood(short, lambda sock: receive_ours(sock, len(short))),
        },
    )
    json_s, typed_s = speeds["json"], speeds["typed"]
    return [
        f"{len(frames):,} {what} frames of {sum(map(len, frames)) // len(frames)} bytes, {len(tickers)} markets",
        f"received: {received['frames']:,.0f}/s, websocket-client recv {received['recv']:,.0f}/s:"
        f" {received['frames'] / received['recv']:.0f} x",
        f"decoded to integers: {speeds['decoded']:,.0f}/s, json.loads alone {json_s:,.0f}/s,"
        f" msgspec alone {typed_s:,.0f}/s: {speeds['decoded'] / json_s:.2f} x, {speeds['decoded'] / typed_s:.2f} x",
        f"decoded, applied, published: {speeds['published']:,.0f}/s: {speeds['published'] / json_s:.2f} x json.loads,"
        f" {speeds['published'] / typed_s:.2f} x msgspec",
        f"and taped: {speeds['taped']:,.0f}/s: {speeds['taped'] / json_s:.2f} x json.loads",
        *taped(frames, times, decode),
    ]


if __name__ == "__main__":
    print(*main(), sep="\n")
