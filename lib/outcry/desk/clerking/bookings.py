"""Take over from the exchange, by REST, what our records lack: shards, fills, order states, settlements.

The private stream brings the same sooner; whatever it missed is found here. Everything may be done twice.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from outcry import failpoints
from outcry.desk.clerking import identity
from outcry.desk.clerking.lookups import cancel, take_report
from outcry.desk.common.exchange_calls import Exchange
from outcry.domain.errors import Refused
from outcry.domain.fill import Fill, Settlement
from outcry.domain.market import Market, Status
from outcry.domain.order import TERMINAL, Order, State
from outcry.domain.units import Money
from outcry.ops import log
from outcry.store import accounts, fills, markets, orders, settlements, system
from outcry.venue.wire import OrderReport, SettlementReport

OVERLAP_MS = 120_000  # fills listed so late are still found
FRESH_MS = 2_000  # an order so new may be missing from lists
UNRECORDED_MS = 30_000  # a final market without a settlement record for so long is booked from its own description
OFTENEST_MS, RAREST_MS = 1_000, 300_000  # how often a closed market is asked about: less, the longer it has been closed

_log = log.get(__name__)


@dataclass(slots=True)
class Memory:
    """What passes remember of each other: for speed and for counting, never for truth."""

    fills_until_ms: int = 0  # every fill up to here is booked
    excludes_resting: dict[int, bool] = field(default_factory=dict)  # shard -> what its balance means, where learnt
    inexact: set[int] = field(default_factory=set)  # shards that reserve by a rule that we do not know
    asked_at_ms: dict[str, int] = field(default_factory=dict)  # closed market -> when its settlement was asked about
    final_at_ms: dict[str, int] = field(default_factory=dict)  # market -> since when it is final without a record
    unknown: dict[str, int] = field(default_factory=dict)  # order -> how often the exchange did not know it


class Bookings:
    """Every method may raise Unavailable, Refused or SchemaDrift: what was booked until then stays booked."""

    def __init__(self, db: sqlite3.Connection, exchange: Exchange, memory: Memory) -> None:
        self._db, self._exchange, self._memory = db, exchange, memory

    # ---- opening --------------------------------------------------------------------------------------------------

    def open_shards(self, now_ms: int) -> None:
        """Begin the ledger of every shard that is not begun yet.

        Fills of markets that the account holds at that moment are booked whole (`manual`: nobody of ours traded), and
        the deposit is what makes the identity hold. So the ledger begins exact, whatever the account did before.
        """
        wanted = balances_by_shard(self._db, self._exchange).keys() | set(accounts.shards(self._db))
        new = sorted(shard for shard in wanted if not accounts.opened(self._db, shard))
        if not new:
            return
        held = [row for row in self._exchange.positions() if row.position_ch]
        for shard in new:
            for row in held:
                if row.exchange_index == shard:
                    for fill in self._exchange.fills(ticker=row.ticker):
                        fills.book(self._db, fill, "rest", now_ms)
            deposit = self._exchange.balance(shard).cash_micros - accounts.expected_micros(self._db, shard)
            resting = self._exchange.orders(status="resting", exchange_index=shard)
            if resting and self._memory.excludes_resting.get(shard, True):
                deposit += identity.reserved_micros(resting, {row.ticker: row.position_ch for row in held})
            failpoints.reached("shard.opening")
            accounts.open_shard(self._db, shard, deposit, now_ms)
            what = f"shard {shard} with ${Money(deposit)}"
            system.event(self._db, "info", "clerk", "opened_shard", what, now_ms=now_ms)
            _log.info("opened_shard", shard=shard, deposit_micros=deposit)

    # ---- fills ----------------------------------------------------------------------------------------------------

    def fills(self, now_ms: int) -> int:
        """Book every fill since the last whole listing, and those that finished orders still lack.

        returns  how many were new. Fills older than their shard's opening are in its opening balance already
        """
        opened = {shard: accounts.opened_at_ms(self._db, shard) for shard in accounts.shards(self._db)}
        begun_ms = min((at_ms for at_ms in opened.values() if at_ms is not None), default=now_ms)
        since_ms = max(self._memory.fills_until_ms - OVERLAP_MS, begun_ms)
        listed = self._exchange.fills(min_ts=since_ms // 1000)
        for order in orders.open_orders(self._db):
            if order.state in TERMINAL and order.booked_ch < order.filled_ch and order.order_id:
                listed += self._exchange.fills(order_id=order.order_id)
        new = self._book(listed, now_ms)
        self._memory.fills_until_ms = now_ms
        return new

    def fills_in(self, tickers: Iterable[str], now_ms: int) -> int:
        """Book every fill of these markets that our records lack, however old; returns how many were new."""
        return sum(self._book(self._exchange.fills(ticker=ticker), now_ms) for ticker in tickers)

    def _book(self, listed: list[Fill], now_ms: int) -> int:
        opened = {shard: accounts.opened_at_ms(self._db, shard) for shard in accounts.shards(self._db)}
        new = 0
        for fill in sorted(listed, key=lambda fill: fill.filled_at_ms):
            opened_at_ms = opened.get(fill.exchange_index)
            if opened_at_ms is not None and fill.filled_at_ms >= opened_at_ms:
                new += fills.book(self._db, fill, "rest", now_ms)
        return new

    # ---- orders ---------------------------------------------------------------------------------------------------

    def orders(self, now_ms: int) -> tuple[OrderReport, ...]:
        """Take over what rests at the exchange, and ask about each of ours that should rest and does not."""
        resting = tuple(self._exchange.orders(status="resting"))
        for report in resting:
            self._resting(report, now_ms)
        listed = {report.order_id for report in resting}
        for order in orders.open_orders(self._db):
            settled_in = now_ms - order.updated_at_ms >= FRESH_MS
            if order.state is State.RESTING and order.order_id not in listed and settled_in:
                self._rests_no_more(order, now_ms)
        return resting

    def _resting(self, report: OrderReport, now_ms: int) -> None:
        order = orders.get(self._db, report.client_order_id) or orders.by_order_id(self._db, report.order_id)
        if order is None:
            if fills.agent_named_in(self._db, report.client_order_id):
                cancel(self._db, self._exchange, report, "carries our name, but we have no record of it", now_ms)
        elif take_report(self._db, order, report, "rest", now_ms).contradiction:
            cancel(self._db, self._exchange, report, "rests although we had closed it", now_ms)
        elif order.state is State.PRESUMED_ABSENT:
            cancel(self._db, self._exchange, report, "appeared after it was presumed absent", now_ms)

    def _rests_no_more(self, order: Order, now_ms: int) -> None:
        """Learn how one of ours ended. Without an answer, only a definite not-found, twice, ends it."""
        times = self._memory.unknown.pop(order.order_id, 0) + 1
        try:
            report = self._exchange.order(order.order_id)
        except Refused as error:
            if error.status != 404:
                raise
            if times < 2:
                self._memory.unknown[order.order_id] = times
                return
            reason = "the exchange does not know it any more"
            name = order.client_order_id
            orders.update(self._db, name, State.CANCELED, source="rest", now_ms=now_ms, reason=reason)
            system.event(self._db, "warning", "clerk", "closed_order", f"{name}: {reason}", now_ms=now_ms)
        else:
            take_report(self._db, order, report, "rest", now_ms)

    # ---- settlements ----------------------------------------------------------------------------------------------

    def settlements(self, now_ms: int) -> int:
        """Ask about closed markets that we traded and that have not paid; returns how many have now."""
        awaited = settlements.awaited(self._db, now_ms)
        kept = {ticker for ticker, _ in awaited}
        self._memory.asked_at_ms = {name: at for name, at in self._memory.asked_at_ms.items() if name in kept}
        new = 0
        for ticker, closed_at_ms in awaited:
            if closed_at_ms == 0 and (market := self._described(ticker)) is not None:
                markets.save(self._db, [market], now_ms)  # nobody described it yet: it is awaited from its close
                continue
            every_ms = min(RAREST_MS, max(OFTENEST_MS, (now_ms - closed_at_ms) // 10))
            if now_ms - self._memory.asked_at_ms.get(ticker, 0) >= every_ms:
                self._memory.asked_at_ms[ticker] = now_ms
                new += self.settle(ticker, now_ms)
        return new

    def settlements_again(self, since_ms: int, now_ms: int) -> int:
        """Look again at what was paid since a time: a market may have been determined anew."""
        return sum(
            settlements.record(self._db, self._settlement(report), "rest", now_ms)
            for report in self._exchange.settlements(min_ts=since_ms // 1000)
            if settlements.in_force(self._db, report.ticker)
        )

    def settle(self, ticker: str, now_ms: int) -> bool:
        """Ask now what a market has paid, and book it; True when that is new."""
        reports = self._exchange.settlements(ticker=ticker)
        if reports:
            settled = self._settlement(max(reports, key=lambda report: report.settled_at_ms))
        elif (unrecorded := self._unrecorded(ticker, now_ms)) is not None:
            settled = unrecorded
        else:
            return False
        self._memory.final_at_ms.pop(ticker, None)
        source = "rest" if reports else "market"
        failpoints.reached("settlement.read")
        _log.info("settled", ticker=ticker, result=settled.result, value_cc=settled.value_cc, source=source)
        new = settlements.record(self._db, settled, source, now_ms)
        failpoints.reached("settlement.booked")
        return new

    def _settlement(self, report: SettlementReport) -> Settlement:
        """The record, with the market's exact value where the record only knows whole cents."""
        if report.result != "scalar":
            return report.settlement()
        market = self._described(report.ticker) or markets.load(self._db, report.ticker)
        return report.settlement(market.settlement_value_cc if market else None)

    def _unrecorded(self, ticker: str, now_ms: int) -> Settlement | None:
        """The settlement of a market that is final while the account's record of it stays away."""
        market = self._described(ticker)
        if market is None or market.status is not Status.FINALIZED or market.settlement_value_cc is None:
            return None
        final_at_ms = self._memory.final_at_ms.setdefault(ticker, now_ms)
        if now_ms - final_at_ms < UNRECORDED_MS:
            return None
        return Settlement(ticker, market.exchange_index, market.result, market.settlement_value_cc, final_at_ms)

    def _described(self, ticker: str) -> Market | None:
        """A market as the exchange describes it, from its archive where it has left the listings; None from neither.

        One that nobody knows any more must not keep the others from being paid.
        """
        for ask in (self._exchange.market, self._exchange.archived_market):
            try:
                return ask(ticker)
            except Refused as error:
                if error.status != 404:
                    raise
        return None


def balances_by_shard(db: sqlite3.Connection, exchange: Exchange) -> dict[int, int]:
    """The balance of every shard in micro-dollars: in one answer where the exchange breaks it down, else one by one."""
    found = dict(exchange.balance().by_shard_micros)
    for shard in accounts.shards(db) if found else {0, *accounts.shards(db), *accounts.market_shards(db)}:
        if shard not in found:
            found[shard] = exchange.balance(shard).cash_micros
    return found
