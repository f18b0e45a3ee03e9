"""A backtest: changes a second of the hot loop and of a whole backtest, beside an engine written the usual way.

The usual way is JSON lines, a dataclass an event, a dict of Decimals a side, and a call for each event. Both find the
same touches; ours reads the columns of a tape and calls where the touch moves. One market, one core, one process.
"""

import json
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from outcry.research.backtest import Terms, run
from outcry.research.backtesting.books import NEVER, Book, play
from outcry.research.made_tape import make
from outcry.research.tape import Day
from outcry.store.tape import Tape
from outcry.strategies import catalogue

CHANGES = 300_000
ROUNDS = 3
START_MS = 1_795_176_000_000
TICKER = "KXBTC15M-26NOV201215-15"


def made_up(folder: Path) -> tuple[Path, Path]:
    """The same walk of a book as a tape and as JSON lines."""
    draw, sizes = random.Random(1), dict.fromkeys([*range(3_000, 5_000, 100), *range(-7_000, -5_000, 100)], 10_000)
    tape, lines, at_ms = Tape(folder / "2026-11-20.db", START_MS * 1_000_000), folder / "lines.jsonl", START_MS
    bids = {price: size for price, size in sizes.items() if price > 0}
    asks = {-price: size for price, size in sizes.items() if price < 0}
    symbol = tape.symbol(TICKER)
    tape.snapshot((1, at_ms, 1, 1, 1), TICKER, bids, asks)
    prices = sorted(sizes, key=lambda price: abs(abs(price) - 5_000))
    with lines.open("w") as out:
        for seq in range(2, CHANGES + 2):
            at_ms += draw.choice((0, 0, 1, 2, 9))
            price = prices[min(int(draw.expovariate(0.25)), len(prices) - 1)]
            change = draw.randrange(-sizes[price], 20_000 - sizes[price] + 1)
            if change == 0:
                change = 100 if sizes[price] == 0 else -sizes[price]
            sizes[price] += change
            tape.add("delta", [(seq, at_ms, 10, 1, 1, seq, symbol, price, change)])
            side = "yes" if price > 0 else "no"
            cents = abs(price) if price > 0 else 10_000 + price
            body = {"price_dollars": f"{cents / 10_000:.4f}", "delta_fp": f"{change / 100:.2f}", "side": side}
            out.write(json.dumps({"type": "orderbook_delta", "seq": seq, "ts_ms": at_ms, "msg": body}) + "\n")
            if seq % 5_000 == 0:
                tape.flush()
    tape.close(at_ms * 1_000_000)
    return folder / "2026-11-20.db", lines


@dataclass
class Event:
    seq: int
    ts_ms: int
    price: Decimal
    size: Decimal
    side: str


def usual(lines: Path) -> int:
    """How often the touch moved, the usual way."""
    book = {
        "yes": {Decimal(price) / 10_000: Decimal(100) for price in range(3_000, 5_000, 100)},
        "no": {Decimal(price) / 10_000: Decimal(100) for price in range(3_000, 5_000, 100)},
    }
    moves, touch = 0, None
    with lines.open() as source:
        for line in source:
            raw = json.loads(line)
            body = raw["msg"]
            event = Event(
                raw["seq"], raw["ts_ms"], Decimal(body["price_dollars"]), Decimal(body["delta_fp"]), body["side"]
            )
            side = book[event.side]
            size = side.get(event.price, Decimal(0)) + event.size
            if size:
                side[event.price] = size
            else:
                side.pop(event.price, None)
            now = tuple((max(levels), levels[max(levels)]) if levels else None for levels in book.values())
            moves, touch = moves + (now != touch), now
    return moves


class Counting:
    """A stage that counts moves of the touch."""

    def __init__(self) -> None:
        self.books: dict[int, Book] = {}
        self.due_ms, self.moves = NEVER, 0

    def moved(self, book: Book, at_ms: int) -> None:
        self.moves += 1

    def wake(self, at_ms: int) -> None: ...

    def changed(self, book: Book, at_ms: int, signed_price_cc: int, change_ch: int) -> None: ...

    def broken(self, symbol: int, book: Book, at_ms: int) -> None:
        raise AssertionError(f"a level below zero at {at_ms}")


def loop(file: Path) -> int:
    """The same from the columns of a tape."""
    stage = Counting()
    with Day(file) as day:
        for session in day.sessions:
            for whole in session.snapshots():
                book = stage.books[1] = Book(whole.ticker, 100)
                book.replace(whole.bids, whole.asks)
            play(session.deltas(), [], stage)
    return stage.moves


def timed(what: Callable[[], int]) -> tuple[float, int]:
    """Median seconds of one core, and what it counted."""
    seconds, found = [], 0
    for _ in range(ROUNDS):
        started = time.process_time()
        found = what()
        seconds.append(time.process_time() - started)
    return statistics.median(seconds), found


def whole(folder: Path) -> str:
    """A whole backtest: coordinator, gate, fees, queue and latency, of generated markets."""
    file = make(folder / "2026-11-21.db", START_MS + 86_400_000, 600)
    lines = []
    for name in ("coin_flip", "digital", "spread_capture"):
        started = time.process_time()
        with Day(file) as day:
            result = run(catalogue.build(name, {}), day.sessions, Terms())
        lines.append(f"{name} {result.changes / (time.process_time() - started):,.0f}/s")
    return f"whole backtests, everything on, {result.changes:,} changes: {', '.join(lines)}"


def main() -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, lines = made_up(folder)
        (ours_s, ours), (usual_s, theirs) = timed(lambda: loop(file)), timed(lambda: usual(lines))
        if abs(ours - theirs) > 1:  # the usual way counts the first book as a move
            raise AssertionError(f"{ours} moves of the touch, {theirs} the usual way")
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
        return [
            f"hot loop, reading the tape included: {CHANGES / ours_s:,.0f} changes/s, {ours:,} moves of the touch",
            f"the usual way: {CHANGES / usual_s:,.0f} changes/s; ours is {usual_s / ours_s:.1f} times as fast",
            whole(folder),
            f"peak memory {peak_mb:.0f} MB",
        ]
