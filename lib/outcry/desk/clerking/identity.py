"""The exchange identity: our ledger beside what the exchange says, and the names of what differs.

Per shard: balance (and the collateral of resting orders, where the balance leaves it out) = deposits and adjustments
+ cash of all agents - $1 for each contract the account is net short. Positions must agree market by market.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC, format_decimal
from outcry.store import accounts
from outcry.store.accounts import Reconciliation
from outcry.venue.wire import OrderReport

MOST_FEE_CC = 700  # per contract: no fee formula of the exchange takes more than 7 % of a dollar


@dataclass(frozen=True, slots=True)
class Reading:
    """What the exchange said in one pass. Balances by shard in micro-dollars; positions signed, flat ones left out."""

    balances_micros: Mapping[int, int]
    positions_ch: Mapping[str, int]
    resting: tuple[OrderReport, ...]


def reserved_micros(orders: Iterable[OrderReport], positions_ch: Mapping[str, int]) -> int:
    """Collateral of resting orders, as far as we know the exchange's rule, in micro-dollars.

    In each market bids risk their price, less the dollar already held for each contract the account is short; asks risk
    $1 less their price, less the dollar that each contract held would bring.
    """
    sides: dict[tuple[str, Side], int] = {}
    for order in orders:
        key = (order.ticker, order.side)
        sides[key] = sides.get(key, 0) + _risk_cc(order) * order.remaining_ch
    return sum(
        max(0, risk - ONE_DOLLAR_CC * max(0, -side.sign * positions_ch.get(ticker, 0)))
        for (ticker, side), risk in sides.items()
    )


def most_reserved_micros(orders: Iterable[OrderReport]) -> int:
    """The most any rule could reserve for them: all they can lose, and the highest fee."""
    return sum((_risk_cc(order) + MOST_FEE_CC) * order.remaining_ch for order in orders)


def _risk_cc(order: OrderReport) -> int:
    return order.price_cc if order.side is Side.BID else ONE_DOLLAR_CC - order.price_cc


def compare(
    db: sqlite3.Connection, reading: Reading, excludes_resting: Mapping[int, bool], now_ms: int
) -> list[Reconciliation]:
    """One look at every shard of a reading.

    excludes_resting  for shards where we have learnt it, whether the balance leaves resting collateral out. There the
                      reservation is known exactly; elsewhere, while orders rest, only its bound is checked
    """
    wrong_markets = [
        f"{ticker}: our position {format_decimal(ours, 2)}, the exchange's {format_decimal(theirs, 2)}"
        for ticker, (ours, theirs) in positions_that_differ(db, reading.positions_ch).items()
    ]
    return [
        _look(db, shard, reading, excludes_resting.get(shard), wrong_markets, now_ms)
        for shard in sorted(reading.balances_micros)
    ]


def learn(look: Reconciliation, reserved: int) -> bool | None:
    """What a look teaches about its shard: whether the balance leaves resting collateral out; None when nothing.

    Only a case where collateral rests and exactly one of the two readings is exact can tell.
    """
    if reserved == 0 or not look.agreed or look.detail:
        return None
    return look.resting_micros == reserved


def positions_that_differ(db: sqlite3.Connection, theirs_ch: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """(our net position, the exchange's) of each market, over the union of theirs and ours, where they differ."""
    ours_ch = accounts.net_positions(db)
    pairs = {name: (ours_ch.get(name, 0), theirs_ch.get(name, 0)) for name in sorted(ours_ch.keys() | theirs_ch.keys())}
    return {name: (ours, theirs) for name, (ours, theirs) in pairs.items() if ours != theirs}


def _look(
    db: sqlite3.Connection,
    shard: int,
    reading: Reading,
    excludes: bool | None,
    wrong_markets: list[str],
    now_ms: int,
) -> Reconciliation:
    resting = [order for order in reading.resting if order.exchange_index == shard and order.remaining_ch > 0]
    expected = accounts.expected_micros(db, shard)
    balance = reading.balances_micros[shard]
    reserved, most = reserved_micros(resting, reading.positions_ch), most_reserved_micros(resting)
    candidates = [reserved] if excludes else [0] if excludes is False else [0, reserved]
    added = next((micros for micros in candidates if balance + micros == expected), None)
    clauses = list(wrong_markets)
    agreed = not wrong_markets
    if added is None:
        added = 0 if excludes is False else reserved
        off = format_decimal(balance + added - expected, 6)
        if resting and excludes is None and balance <= expected <= balance + most:
            clauses.append(f"balance differs by {off}, within the collateral of {len(resting)} resting orders")
        else:
            agreed = False
            clauses.append(f"balance differs from the ledger by {off}")
    return Reconciliation(now_ms, shard, balance, added, expected, not wrong_markets, agreed, "; ".join(clauses))
