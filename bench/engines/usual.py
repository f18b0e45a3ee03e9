"""The usual way: JSON lines, a dataclass an event, a dict of Decimals a side, and a call for each event."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from measured import main


@dataclass
class Event:
    seq: int
    ts_ms: int
    price: Decimal
    size: Decimal
    side: str


def run(folder: Path) -> tuple[int, int]:
    """How often the touch moved; it sends no orders."""
    book = {side: {Decimal(price) / 100: Decimal(100) for price in range(30, 50)} for side in ("yes", "no")}
    moves = 0
    touch = tuple((max(levels), levels[max(levels)]) for levels in book.values())
    with (folder / "lines.jsonl").open() as source:
        for line in source:
            raw = json.loads(line)
            body = raw["msg"]
            event = Event(
                raw["seq"], body["ts_ms"], Decimal(body["price_dollars"]), Decimal(body["delta_fp"]), body["side"]
            )
            side = book[event.side]
            size = side.get(event.price, Decimal(0)) + event.size
            if size:
                side[event.price] = size
            else:
                side.pop(event.price, None)
            now = tuple((max(levels), levels[max(levels)]) if levels else None for levels in book.values())
            moves, touch = moves + (now != touch), now
    return moves, 0


if __name__ == "__main__":
    main(run)
