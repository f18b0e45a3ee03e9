"""One program of several on one account: says `ready`, waits for a line, then does its one thing until told to end.

Run as `hungry_program.py ROLE URL BUDGET_FILE SECONDS`; prints what came of it as JSON. The budget is opened only after
the line, as a program does that has just been started.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path

from outcry.domain.errors import RateLimited, Unavailable
from outcry.domain.order import Side, TimeInForce
from outcry.store.budget import BudgetFile
from outcry.venue.budget import SharedBudget
from outcry.venue.rest import NewOrder, Rest

ORDER = NewOrder("id", "M", Side.BID, 4300, 100, TimeInForce.GTC, 2)


def cancel(rest):
    time.sleep(0.05)
    rest.cancel_order("x", "M", 2)


ROLES = {
    "enter": lambda rest: rest.create_order(ORDER),
    "read": lambda rest: rest.balance(2),
    "cancel": cancel,
    "batch": lambda rest: rest.create_orders([ORDER] * 3),
}


def main(role, url, budget_file, seconds):
    print("ready", flush=True)
    sys.stdin.readline()
    budget = SharedBudget(BudgetFile(Path(budget_file)))
    rest, told, longest_s = Rest(url, None, budget), Counter(), 0.0
    until_s = time.monotonic() + float(seconds)
    while (began_s := time.monotonic()) < until_s:
        try:
            ROLES[role](rest)
            told["done"] += 1
        except RateLimited as error:
            told["refused" if "429" in str(error) else "held back"] += 1
        except Unavailable:
            told["unknown"] += 1
        longest_s = max(longest_s, time.monotonic() - began_s)
    print(json.dumps({**told, "longest_s": longest_s, "role": role}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
