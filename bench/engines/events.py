"""One walk of a book, the same for every engine: as a tape, as JSON lines, and as plain numbers for others."""

import json
import random
from array import array
from pathlib import Path

from outcry.research.compiler import compile_day
from outcry.store.tape import Tape

START_MS = 1_795_176_000_000
TICKER = "KXBTC15M-26NOV201215-15"
DAY = "2026-11-20.db"
LINES, NUMBERS = "lines.jsonl", "numbers.bin"


def make(folder: Path, changes: int) -> None:
    """Three files of the same changes; the book begins with 20 levels of 100 contracts a side.

    numbers.bin  (at_ms, signed price in centicents, the level's new size in hundredths), 64-bit each
    """
    draw, sizes = random.Random(1), dict.fromkeys([*range(3_000, 5_000, 100), *range(-7_000, -5_000, 100)], 10_000)
    draft, at_ms = folder / f"draft-{DAY}", START_MS
    tape = Tape(draft, START_MS * 1_000_000)
    bids = {price: size for price, size in sizes.items() if price > 0}
    symbol = tape.symbol(TICKER)
    tape.snapshot((1, at_ms, 1, 1, 1), TICKER, bids, {-price: size for price, size in sizes.items() if price < 0})
    numbers = array("q", [value for price, size in sizes.items() for value in (at_ms, price, size)])
    prices = sorted(sizes, key=lambda price: abs(abs(price) - 5_000))
    with (folder / LINES).open("w") as lines:
        for seq in range(2, changes + 2):
            at_ms += draw.choice((0, 0, 1, 2, 9))
            price = prices[min(int(draw.expovariate(0.25)), len(prices) - 1)]
            change = draw.randrange(-sizes[price], 20_000 - sizes[price] + 1) or 100
            sizes[price] += change
            tape.add("delta", [(seq, at_ms, 10, 1, 1, seq, symbol, price, change)])
            numbers.extend((at_ms, price, sizes[price]))
            lines.write(f"{json.dumps(_frame(seq, at_ms, price, change))}\n")
            if seq % 5_000 == 0:
                tape.flush()
    tape.close(at_ms * 1_000_000)
    compile_day(draft, folder / DAY)
    with (folder / NUMBERS).open("wb") as out:
        numbers.tofile(out)


def _frame(seq: int, at_ms: int, price: int, change: int) -> dict[str, object]:
    """A change as the stream tells it: NO bids at $1 less the YES ask."""
    dollars = (price if price > 0 else 10_000 + price) / 10_000
    body = {
        "market_ticker": TICKER, "price_dollars": f"{dollars:.4f}", "delta_fp": f"{change / 100:.2f}",
        "side": "yes" if price > 0 else "no", "ts_ms": at_ms,
    }  # fmt: skip
    return {"type": "orderbook_delta", "sid": 1, "seq": seq, "msg": body}
