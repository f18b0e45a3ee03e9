"""One of many processes that want the last dollar of the floor: told to go, it asks the whole gate once.

usage  python racing.py DATABASE AGENT        a line on stdin is a round; a line on stdout is the contracts it got
"""

import sys
from dataclasses import replace
from pathlib import Path

from outcry.domain.limits import Limits
from outcry.risk import rules
from outcry.store import database, placing
from placing_floor import market, request, reserve_whole, view

NOW_MS = 200_000
LIMITS = Limits(orders_per_day=100_000, trades_per_day=100_000)


def main(path: str, agent: str) -> None:
    db = database.connect(Path(path), timeout_ms=60_000)
    db.execute("PRAGMA synchronous = OFF")
    order = request(agent)
    quote = replace(view().quote, heard_at_ms=NOW_MS, changed_at_ms=NOW_MS, volume_ch=1_000_000)
    facts = rules.Facts(market(), quote, index_at_ms=NOW_MS)

    def gate(exposure):
        return rules.gate(order.intent, facts, exposure, LIMITS, NOW_MS, lambda *_: 0)

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        placed = placing.place(db, order, gate, reserve_whole(order), NOW_MS).order
        sys.stdout.write(f"{placed.count_ch if placed else 0}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
