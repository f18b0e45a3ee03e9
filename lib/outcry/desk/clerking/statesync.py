"""StateSync: make our records agree with the exchange's, and say what does not.

One pass books what is missing and compares. Reads lag and trading goes on meanwhile, so a difference counts only when
it is seen twice alike and nothing was booked for 3 s; then entries stop and the culprit is named. Agreement counts at
once, and lets entries go on.
"""

import sqlite3
from dataclasses import dataclass

from outcry import failpoints
from outcry.desk.clerking import identity
from outcry.desk.clerking.bookings import OVERLAP_MS, Bookings, Memory, balances_by_shard
from outcry.desk.common.exchange_calls import Exchange
from outcry.domain.units import Money, format_decimal
from outcry.ops import log
from outcry.store import accounts, fills, settlements, system
from outcry.store import report as rows
from outcry.store.accounts import Reconciliation

QUIET_MS = 3_000  # a difference counts only when nothing was booked for so long
ROW_EVERY_MS = 10_000  # a look like the one before is kept only so often
NAMED = 5  # so many culprits are named; the rest is counted
DRIFT = "drift"

_log = log.get(__name__)


@dataclass(slots=True)
class _Doubt:
    """A difference that was seen and waits to be seen again."""

    what: str = ""
    since_ms: int = 0


class StateSync:
    """The clerk's core. `reconcile` may raise Unavailable, Refused or SchemaDrift: nothing is concluded then."""

    def __init__(self, db: sqlite3.Connection, exchange: Exchange, memory: Memory | None = None) -> None:
        self._db, self._exchange = db, exchange
        self.memory = memory or Memory()
        self.bookings = Bookings(db, exchange, self.memory)
        self._doubt = _Doubt()
        self._kept: dict[int, Reconciliation] = {}
        self._differed_resting: set[int] = set()  # shards that differed while orders rested, and not yet otherwise

    def reconcile(self, now_ms: int) -> bool | None:
        """Book what is missing and compare; True when all agrees, False when it does not, None when it is too soon."""
        failpoints.reached("reconcile.begun")
        self.bookings.open_shards(now_ms)
        resting = self.bookings.orders(now_ms)
        self.bookings.fills(now_ms)
        self.bookings.settlements(now_ms)
        reading = identity.Reading(
            balances_by_shard(self._db, self._exchange),
            {row.ticker: row.position_ch for row in self._exchange.positions() if row.position_ch},
            resting,
        )
        differing = identity.positions_that_differ(self._db, reading.positions_ch)
        gone = [ticker for ticker, (_, theirs_ch) in differing.items() if theirs_ch == 0]
        if sum(self.bookings.settle(ticker, now_ms) for ticker in gone):
            return None  # paid earlier than it should have closed: look again with that booked
        if self._doubt.what and self.bookings.fills_in(differing, now_ms):
            return None  # traded before the listing began, of which a restored backup knows nothing
        failpoints.reached("reconcile.done")
        return self._judge(identity.compare(self._db, reading, self.memory.excludes_resting, now_ms), reading, now_ms)

    def _judge(self, looks: list[Reconciliation], reading: identity.Reading, now_ms: int) -> bool | None:
        what = "; ".join(f"shard {look.exchange_index}: {look.detail}" for look in looks if not look.agreed)
        if what != self._doubt.what:
            self._doubt = _Doubt(what, now_ms)
            if what:
                return None
        if what and now_ms - rows.last_booking_ms(self._db) < QUIET_MS:
            return None
        for look in looks:
            self._learn(look, reading)
            self._keep(look)
        if what:
            what = "; ".join([what, *self._culprits()])
        changed = system.set_control(
            self._db, "floor", "", "stop_entries", bool(what), cause=DRIFT, reason=what, now_ms=now_ms
        )
        if changed and what:
            system.event(self._db, "critical", "clerk", "stopped_entries", what, now_ms=now_ms)
            _log.error("stopped_entries", reason=what)
        elif changed:
            system.event(self._db, "info", "clerk", "reconciled", "entries may go on", now_ms=now_ms)
            _log.info("reconciled")
        return not what

    def _learn(self, look: Reconciliation, reading: identity.Reading) -> None:
        """Learn what the shard's balance means; unlearn it when a difference came and went with resting orders."""
        shard, memory = look.exchange_index, self.memory
        resting = [order for order in reading.resting if order.exchange_index == shard]
        learnt = identity.learn(look, identity.reserved_micros(resting, reading.positions_ch))
        if not look.agreed and resting and look.positions_agree:
            self._differed_resting.add(shard)
            return
        if look.agreed and not resting and shard in self._differed_resting:
            self._differed_resting.discard(shard)
            memory.excludes_resting.pop(shard, None)
            memory.inexact.add(shard)
            what = f"shard {shard}: it reserves by a rule we do not know; while orders rest only a bound is checked"
        elif learnt is not None and shard not in memory.inexact and memory.excludes_resting.get(shard) != learnt:
            memory.excludes_resting[shard] = learnt
            what = f"shard {shard}: the balance {'excludes' if learnt else 'includes'} collateral of resting orders"
        else:
            return
        system.event(self._db, "info", "clerk", "learnt_balance", what, now_ms=look.at_ms)
        _log.info("learnt_balance", what=what)

    def _keep(self, look: Reconciliation) -> None:
        """Store a look when it says something new, or nothing new for a while."""
        last = self._kept.get(look.exchange_index)
        known = last is not None and _figures(last) == _figures(look) and look.at_ms - last.at_ms < ROW_EVERY_MS
        if known and last and rows.last_booking_ms(self._db) < last.at_ms:
            return
        accounts.record_reconciliation(self._db, look)
        self._kept[look.exchange_index] = look

    def _culprits(self) -> list[str]:
        """Orders and settlements whose figures at the exchange differ from ours since all last agreed."""
        since_s = max(accounts.last_agreed_ms(self._db) - OVERLAP_MS, 0) // 1000
        booked = fills.sums_by_order(self._db)
        found = []
        for order in self._exchange.orders(min_ts=since_s):
            count_ch, fees_micros = booked.get(order.order_id, (0, 0))
            if (count_ch, fees_micros) != (order.filled_ch, order.fees_micros):
                found.append(
                    f"order {order.client_order_id or order.order_id} of {order.ticker}: booked"
                    f" {format_decimal(count_ch, 2)} with fees ${Money(fees_micros)}, the exchange says"
                    f" {format_decimal(order.filled_ch, 2)} with ${Money(order.fees_micros)}"
                )
        traded = accounts.traded_positions(self._db)
        for paid in self._exchange.settlements(min_ts=since_s):
            net_ch = traded.get(paid.ticker, 0)
            value = settlements.in_force(self._db, paid.ticker)
            if paid.net_ch != net_ch:
                found.append(
                    f"settlement of {paid.ticker}: paid on {format_decimal(paid.net_ch, 2)}, our fills give"
                    f" {format_decimal(net_ch, 2)}"
                )
            elif net_ch and value is None:
                found.append(f"settlement of {paid.ticker}: paid, and not booked")
        return found if len(found) <= NAMED else [*found[:NAMED], f"and {len(found) - NAMED} more"]


def _figures(look: Reconciliation) -> tuple[object, ...]:
    return look.balance_micros, look.resting_micros, look.expected_micros, look.agreed, look.detail
