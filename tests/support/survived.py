"""What has to be true after anything that goes wrong: read from the exchange's own file, and held against ours.

exposure  every order there is ours by its client id, once, and as we wrote it down; none of ours is missing there
ledger    cash of each shard, positions, fills with their fees, and settlements equal, to the micro-dollar
limits    were held at every instant (at_risk.py)
message   the operator was told, once, what is the matter

The two files are read beside the programs that share them, so the first two are waited for: what is doubled, invented
or lost stays so for ever, while what is only late arrives.
"""

import contextlib
import sqlite3
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from at_risk import Capital, breaches
from outcry.domain.limits import Limits
from outcry.ops import settings
from outcry.store import database

THERE = {"resting", "executed", "canceled"}
NEVER_THERE = {"abandoned", "rejected", "absent", "presumed_absent"}
DOLLAR_CC = 10_000


def assert_survived(state: Path, *, by_hand: Collection[str] = (), limits: Limits | None = None, seconds: float = 40):
    """All but the message. Stop the traders before, and leave clerk and exchange running.

    state    the folder with kalshi.db and exchange.db
    by_hand  client ids of orders that a person placed: the only ones there that need not be ours
    limits   of the floor, where they are not in floor.toml beside the folder
    """
    deadline = time.monotonic() + seconds
    while found := differences(state, by_hand):
        assert time.monotonic() < deadline, "\n".join(found)
        time.sleep(0.25)
    assert limit_breaches(state, limits) == []


def differences(state: Path, by_hand: Collection[str] = ()) -> list[str]:
    """Everything in which our books and the exchange's differ now."""
    with both(state) as (ours, theirs):
        checks = (_orders(ours, theirs, by_hand), _fills(ours, theirs, by_hand), _settlements(ours, theirs),
                  _positions(ours, theirs), _cash(ours, theirs), _totals(ours))  # fmt: skip
        return [difference for check in checks for difference in check]


def limit_breaches(state: Path, limits: Limits | None = None) -> list[str]:
    """Every instant at which a limit was passed at the exchange."""
    with both(state) as (ours, theirs):
        days = tuple(tuple(row) for row in ours.execute("SELECT at_ms, equity_micros FROM capital ORDER BY at_ms"))
        allocations = dict(ours.execute("SELECT name, allocation_micros FROM agents").fetchall())
        bounds = limits or settings.load(state.parent / "floor.toml").risk
        return breaches(theirs, _prefix(ours), bounds, Capital(days, allocations))


def assert_told_once(state: Path, says: str, *also: str, times: int = 1) -> str:
    """The operator heard of it `times` times: warnings and worse whose text has `says`. Each has the words of `also`.

    returns  the last of them, "" where there is none
    """
    with both(state) as (ours, _):
        rows = ours.execute("SELECT program, event, detail FROM system_events WHERE level <> 'info'").fetchall()
    every = [f"{row['program']} {row['event']} {row['detail']}" for row in rows]
    told = [text for text in every if says in text]
    assert len(told) == times, f"told {len(told)} times of {says!r}: {told or every}"
    assert all(word in text for word in also for text in told), told
    return told[-1] if told else ""


@contextlib.contextmanager
def both(state: Path) -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    """Our books and the exchange's, each as of one instant."""
    ours, theirs = (database.read_only(state / name) for name in ("kalshi.db", "exchange.db"))
    try:
        for db in (ours, theirs):
            db.execute("BEGIN")
        yield ours, theirs
    finally:
        ours.close()
        theirs.close()


def _prefix(ours: sqlite3.Connection) -> str:
    return f"oc-{ours.execute('SELECT floor_id FROM floor').fetchone()[0]}-"


def _orders(ours: sqlite3.Connection, theirs: sqlite3.Connection, by_hand: Collection[str]) -> Iterator[str]:
    columns = "client_order_id, order_id, ticker, exchange_index, side, price_cc, time_in_force, filled_ch"
    placed = theirs.execute(f"SELECT {columns}, initial_ch AS count_ch, status AS state FROM orders").fetchall()
    known = {row["client_order_id"]: row for row in ours.execute(f"SELECT {columns}, count_ch, state FROM orders")}
    names = [row["client_order_id"] for row in placed]
    yield from (
        f"order {name} is there {names.count(name)} times" for name in sorted(set(names)) if names.count(name) > 1
    )
    for row in placed:
        name = row["client_order_id"]
        if name in by_hand:
            continue
        if name not in known:
            yield f"order {name or row['order_id']} is at the exchange, and we never wrote it down"
        elif tuple(row) != tuple(known[name]):
            yield f"order {name}: there {dict(row)}, here {dict(known[name])}"
    for name, row in known.items():
        if row["state"] not in THERE | NEVER_THERE:
            yield f"order {name} is still {row['state']}"
        elif (row["state"] in THERE) != (name in names):
            yield f"order {name} is {row['state']} here, and {'' if name in names else 'not '}at the exchange"


def _fills(ours: sqlite3.Connection, theirs: sqlite3.Connection, by_hand: Collection[str]) -> Iterator[str]:
    columns = "trade_id, order_id, ticker, exchange_index, side, price_cc, count_ch, fee_micros, is_taker"
    prefix, given = _prefix(ours), {}
    for row in theirs.execute(f"SELECT client_order_id, {columns} FROM fills"):
        name = row["client_order_id"]
        agent = name.removeprefix(prefix).rpartition("-")[0] if name.startswith(prefix) else "manual"
        if agent == "manual" and name not in by_hand:
            yield f"fill {row['trade_id']} is of an order that is not ours: {name}"
        given[row["trade_id"], row["order_id"]] = (*tuple(row)[1:], agent)
    booked = [tuple(row) for row in ours.execute(f"SELECT {columns}, agent FROM booked_fills")]
    yield from (f"fill {fill} is booked, and the exchange has none such" for fill in set(booked) - set(given.values()))
    yield from (f"fill {fill} is not booked" for fill in set(given.values()) - set(booked))
    if len(booked) != len(set(booked)):
        yield "a fill is booked twice"


def _settlements(ours: sqlite3.Connection, theirs: sqlite3.Connection) -> Iterator[str]:
    columns = "ticker, exchange_index, result, value_cc"
    paid = sorted(tuple(row) for row in theirs.execute(f"SELECT {columns} FROM settlements"))
    booked = sorted(tuple(row) for row in ours.execute(f"SELECT {columns} FROM market_values"))
    if paid != booked:
        yield f"settlements there {sorted(set(paid) - set(booked))}, here {sorted(set(booked) - set(paid))}"


def _positions(ours: sqlite3.Connection, theirs: sqlite3.Connection) -> Iterator[str]:
    held = dict(
        theirs.execute("SELECT ticker, position_ch FROM positions WHERE settled = 0 AND position_ch <> 0").fetchall()
    )
    booked = dict(ours.execute("SELECT ticker, position_ch FROM account_positions WHERE position_ch <> 0").fetchall())
    if held != booked:
        yield f"positions there {held}, here {booked}"


def _cash(ours: sqlite3.Connection, theirs: sqlite3.Connection) -> Iterator[str]:
    """Per shard: what came in, and what trades and settlements moved, less a dollar for each contract short."""
    locked = dict(
        theirs.execute(
            f"SELECT exchange_index, sum(-position_ch * {DOLLAR_CC}) FROM positions"
            " WHERE settled = 0 AND position_ch < 0 GROUP BY exchange_index"
        ).fetchall()
    )
    came = dict(ours.execute("SELECT exchange_index, sum(amount_micros) FROM cash_events GROUP BY 1").fetchall())
    moved = dict(
        ours.execute("SELECT exchange_index, sum(cash_micros - fees_micros) FROM agent_cash GROUP BY 1").fetchall()
    )
    for shard, cash_micros in theirs.execute("SELECT exchange_index, sum(cash_micros) FROM cash GROUP BY 1"):
        expected = came.get(shard, 0) + moved.get(shard, 0) - locked.get(shard, 0)
        if cash_micros != expected:
            yield f"shard {shard}: the exchange holds {cash_micros} micro-dollars, our ledger says {expected}"


def _totals(ours: sqlite3.Connection) -> Iterator[str]:
    """Our running totals are what our first records add up to."""
    yield from (f"total of {tuple(row)} differs" for row in ours.execute("SELECT * FROM totals_check"))
    columns = "agent, ticker, exchange_index, position_ch, cash_micros, fees_micros, fills"
    kept = {tuple(row) for row in ours.execute(f"SELECT {columns} FROM holdings WHERE fills > 0")}
    made = {tuple(row) for row in ours.execute(f"SELECT {columns} FROM holdings_check")}
    yield from (f"holding {line} differs from its fills" for line in kept ^ made)
