"""The exchange's own record, read through a connection of the auditor's own, beside our first records.

A listing is judged some seconds after it was read, so that what both heard at the same moment is in both. Positions,
balances and what is missing count only when two judged readings in a row say the same of them.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from outcry.desk.auditing import rows as auditor_rows
from outcry.desk.auditing.ledger import LedgerLook
from outcry.desk.clerking.bookings import balances_by_shard
from outcry.desk.common import connect
from outcry.desk.common.exchange_calls import Exchange
from outcry.domain.errors import SchemaDrift
from outcry.ops.floor import Addresses, Floor
from outcry.review.checks import account
from outcry.review.checks.account import TheirOrder
from outcry.review.checks.rates import BASIC, Tier
from outcry.review.checks.records import Fill, Finding, Settlement
from outcry.store import accounts, audit, report
from outcry.venue.rest import Rest
from outcry.venue.wire import SettlementReport

OVERLAP_MS = 600_000  # each listing reaches back so far before the last one
RIPE_MS = 5_000  # a reading is judged so long after it was made
QUIET_MS = 3_000  # positions and balances are judged when nothing was booked from so long before it until then
TIMEOUT_S = (1.0, 1.2)  # three tries of one call end before the trail falls behind
YOUNG_MS = 30_000  # a fill so young may be in one record and not yet in the other


@dataclass(frozen=True, slots=True)
class Reading:
    """What the exchange said between `at_ms` and `ended_ms`; fills since `from_ms`."""

    at_ms: int
    ended_ms: int
    from_ms: int
    fills: tuple[Fill, ...]
    orders: tuple[TheirOrder, ...]
    settlements: tuple[Settlement, ...]
    positions_ch: dict[str, int]
    balances_micros: dict[int, int]
    shard_of: dict[str, int]
    opened_ms: dict[int, int]

    def concerns(self, fill: Fill) -> bool:
        """Whether a fill belongs to the listing: what is older than its shard's ledger is in its opening balance."""
        opened_ms = self.opened_ms.get(fill.exchange_index)
        return opened_ms is not None and fill.filled_at_ms >= max(opened_ms, self.from_ms)


class ExchangeLook:
    """Reads, waits, judges. `read` may raise Unavailable, Refused or SchemaDrift: nothing is concluded then."""

    def __init__(self, db: sqlite3.Connection, ledger: LedgerLook, floor_id: str) -> None:
        self._db, self._ledger, self._prefix = db, ledger, f"oc-{floor_id}-"
        self._until_ms = 0
        self._waiting: Reading | None = None
        self._doubted: set[tuple[str, str]] = set()

    @property
    def waiting(self) -> bool:
        """Whether a reading waits to be judged: no other is begun meanwhile."""
        return self._waiting is not None

    def forget(self) -> None:
        """Drop the reading and every doubt: while the database refuses, what is written elsewhere is not in it."""
        self._waiting, self._doubted = None, set()

    def read(self, exchange: Exchange, clock: Callable[[], int]) -> Iterator[None]:
        """Ask for everything, one call between two yields, so that other work goes on; keep the reading."""
        shards = accounts.shards(self._db)
        opened = {shard: at for shard in shards if (at := accounts.opened_at_ms(self._db, shard)) is not None}
        if not opened:
            return
        from_ms = max(min(opened.values()), self._until_ms - OVERLAP_MS)
        since_s = from_ms // 1000
        listed = {order.order_id: order for order in exchange.orders(min_ts=since_s)}
        yield
        paid = [_paid(said) for said in exchange.settlements(min_ts=since_s)]
        yield
        fills = [auditor_rows.their_fill(fill) for fill in exchange.fills(min_ts=since_s)]
        at_ms = clock()
        yield
        listed |= {order.order_id: order for order in exchange.orders(status="resting")}
        yield
        positions = {row.ticker: row.position_ch for row in exchange.positions() if row.position_ch}
        yield
        self._waiting = Reading(
            at_ms,
            clock(),
            from_ms,
            tuple(fills),
            tuple(auditor_rows.their_order(order) for order in listed.values()),
            tuple(settled for settled in paid if settled is not None),
            positions,
            balances_by_shard(self._db, exchange),
            {order.order_id: order.exchange_index for order in listed.values()},
            opened,
        )

    def judge(self, now_ms: int) -> list[Finding] | None:
        """Findings of the reading that is ripe; None while none is. The caller holds one snapshot."""
        reading = self._waiting
        if reading is None or now_ms - reading.ended_ms < RIPE_MS:
            return None
        self._waiting, self._until_ms = None, reading.at_ms
        ours = {
            (fill.trade_id, fill.order_id): fill
            for fill in map(auditor_rows.fill, audit.fills_since(self._db, reading.from_ms))
        }
        known = map(auditor_rows.order, audit.orders_since(self._db, reading.from_ms - OVERLAP_MS))
        planned = {order.client_order_id: order for order in known}
        for order in reading.orders:
            if order.client_order_id not in planned:
                row = audit.order(self._db, order.client_order_id)
                planned |= {} if row is None else {order.client_order_id: auditor_rows.order(row)}
        booked = {
            row["ticker"]: auditor_rows.settlement(row) for row in audit.settlements_since(self._db, reading.from_ms)
        }
        facts = [
            *account.fills(ours, reading.fills),
            *account.orders(planned, reading.orders),
            *account.settlements(booked, reading.settlements),
        ]
        states = [*self._states(reading, ours), *account.unplanned(planned, reading.orders, self._prefix)]
        doubted = {(state.subject, state.what) for state in states}
        twice = [state for state in states if (state.subject, state.what) in self._doubted]
        self._doubted = doubted
        return [*facts, *twice]

    def _states(self, reading: Reading, ours: dict[tuple[str, str], Fill]) -> list[Finding]:
        until_ms = reading.at_ms - YOUNG_MS
        theirs = {(fill.trade_id, fill.order_id): fill for fill in reading.fills if reading.concerns(fill)}
        ours = {key: fill for key, fill in ours.items() if reading.concerns(fill)}
        old_ours = {key: fill for key, fill in ours.items() if fill.filled_at_ms <= until_ms or key in theirs}
        old_theirs = {key: fill for key, fill in theirs.items() if fill.filled_at_ms <= until_ms or key in ours}
        states = list(account.absent(old_ours, old_theirs, reading.from_ms))
        if report.last_booking_ms(self._db) > reading.at_ms - QUIET_MS or not self._ledger.complete:
            return states
        states += account.positions(self._ledger.net_positions(), reading.positions_ch)
        for shard, balance_micros in reading.balances_micros.items():
            if shard not in reading.opened_ms:
                continue
            cash_micros, short_ch = self._ledger.shard(shard)
            resting = tuple(
                order for order in reading.orders if order.resting and reading.shard_of[order.order_id] == shard
            )
            moved_micros = accounts.deposits_micros(self._db, shard)
            states += account.balance(
                account.Shard(shard, balance_micros, moved_micros, cash_micros, short_ch, resting)
            )
        return states


class Connection(Protocol):
    """The way to the exchange. `broken`: the next `exchange` looks for it anew; `tier`: what it allows."""

    tier: Tier

    def exchange(self) -> Exchange: ...
    def broken(self) -> None: ...


class OwnConnection:
    """The auditor's way to the exchange: its address is looked up anew after a failure."""

    def __init__(self, floor: Floor) -> None:
        """Raises Misconfigured when the key is missing, or readable by others."""
        self._floor, self._key = floor, connect.signer(floor)
        self._addresses: Addresses | None = None
        self._rest: Rest | None = None
        self.tier: Tier = BASIC

    def exchange(self) -> Rest:
        """The connection. Raises Unavailable while nobody knows where the exchange is, or it does not answer."""
        addresses = self._floor.addresses()
        if self._rest is None or addresses != self._addresses:
            rest = connect.rest(self._floor, self._key, addresses.rest_url, TIMEOUT_S)
            limits = rest.limits()
            self.tier = Tier(limits.write.refill_rate, limits.write.bucket_capacity)
            self._rest, self._addresses = rest, addresses
        return self._rest

    def broken(self) -> None:
        self._rest = None


def _paid(said: SettlementReport) -> Settlement | None:
    """A settlement record; None for one that names no value."""
    try:
        settled = said.settlement()
    except SchemaDrift:
        return None
    return Settlement(
        settled.ticker, settled.exchange_index, settled.result, settled.value_cc, settled.settled_at_ms, 0
    )
