"""Orders of unknown outcome, and fills of unknown orders: asked about until the exchange has answered.

A timeout is not a rejection and nothing is ever resent. An order is looked for by the id we gave it, in whole listings
of its market. Two of them without it, begun when the exchange's reads must have caught up, make it presumed absent:
its agent may go on while its reservation stays. Only when even a delayed request can no longer be accepted, 90 s after
the signature, a last listing without it makes it absent. If it appears after having been presumed absent, it is
cancelled.
"""

import sqlite3
from collections import defaultdict

from outcry import failpoints
from outcry.desk.common.exchange_calls import Exchange
from outcry.domain.errors import Refused
from outcry.domain.order import Order, State
from outcry.ops import log
from outcry.store import fills, orders, system
from outcry.venue.wire import OrderReport

READ_LAG_MS = 1_000  # REST reads may lag the matching by about so much
BETWEEN_MS = 1_000  # at least so long between two listings that count
SIGNATURE_DIES_MS = 90_000  # after this a delayed request is refused for its timestamp
OVERDUE_MS = 2_000  # a sent order is asked about from then on
ANSWER_MS = 20_000  # a sender that lives has its answer, or knows that it has none, by then
CLOCK_SLACK_S = 60

_log = log.get(__name__)


class Lookups:
    """Keeps count of whole listings that lacked an order; everything else is in the database."""

    def __init__(self, db: sqlite3.Connection, exchange: Exchange) -> None:
        self._db, self._exchange = db, exchange
        self._missed: dict[str, list[int]] = {}  # client_order_id -> when each listing that lacked it began
        self._strangers: dict[int, int] = {}  # fill -> how often its order was unknown

    def resolve_orders(self, now_ms: int) -> int:
        """Look for every order of unknown outcome once; returns how many still are.

        raises  Unavailable when a listing does not come whole: nothing is concluded then
        """
        waiting: dict[tuple[str, int], list[Order]] = defaultdict(list)
        for order in orders.unresolved(self._db):
            if order.state is not State.SENT or self._overdue(order, now_ms):
                waiting[order.ticker, order.exchange_index].append(order)
        for (ticker, shard), some in waiting.items():
            oldest_s = min(self._signed(order) for order in some) // 1000 - CLOCK_SLACK_S
            listed = self._exchange.search_orders(ticker=ticker, min_ts=oldest_s, exchange_index=shard)
            found = {report.client_order_id: report for report in listed}
            for order in some:
                if report := found.get(order.client_order_id):
                    self._found(order, report, now_ms)
                else:
                    self._lacking(order, now_ms)
        left = {order.client_order_id for order in orders.unresolved(self._db)}
        self._missed = {name: times for name, times in self._missed.items() if name in left}
        return len(left)

    def _found(self, order: Order, report: OrderReport, now_ms: int) -> None:
        failpoints.reached("order.found")
        take_report(self._db, order, report, "clerk", now_ms)
        _log.info("found_order", order=order.client_order_id, was=order.state, now=report.status)
        if order.state is State.PRESUMED_ABSENT and report.status is State.RESTING:
            cancel(self._db, self._exchange, report, "appeared after it was presumed absent", now_ms)

    def _lacking(self, order: Order, now_ms: int) -> None:
        """A whole listing lacked it: move it along its chart, as far as its age allows."""
        name, age_ms = order.client_order_id, now_ms - self._signed(order)
        if order.state is State.SENT:
            if age_ms <= ANSWER_MS and not self._sender_is_gone(order):
                return  # its answer may still be on the way
            reason = "its trader stopped before the answer"
            orders.update(self._db, name, State.UNKNOWN, source="clerk", now_ms=now_ms, reason=reason)
        times = self._missed.setdefault(name, [])
        if age_ms >= READ_LAG_MS and (not times or now_ms - times[-1] >= BETWEEN_MS):
            times.append(now_ms)
        if order.state is State.PRESUMED_ABSENT:
            if age_ms > SIGNATURE_DIES_MS and times and times[-1] - self._signed(order) > SIGNATURE_DIES_MS:
                reason = "not at the exchange 90 s after its signature"
                orders.update(self._db, name, State.ABSENT, source="clerk", now_ms=now_ms, reason=reason)
                _log.info("closed_order", order=name, state=State.ABSENT)
        elif len(times) >= 2:
            reason = "two whole listings lack it"
            orders.update(self._db, name, State.PRESUMED_ABSENT, source="clerk", now_ms=now_ms, reason=reason)
            _log.warning("presumed_absent", order=name)

    def _overdue(self, order: Order, now_ms: int) -> bool:
        """Whether a sent order is worth asking about: most have their answer within milliseconds."""
        return now_ms - self._signed(order) > OVERDUE_MS or self._sender_is_gone(order)

    def _sender_is_gone(self, order: Order) -> bool:
        """Whether the trader that sent it has since been started anew."""
        name = f"trader@{order.agent}"
        return any(
            beat.program == name and beat.started_at_ms > self._signed(order) for beat in system.heartbeats(self._db)
        )

    @staticmethod
    def _signed(order: Order) -> int:
        return order.created_at_ms if order.signed_at_ms is None else order.signed_at_ms

    def resolve_fills(self, now_ms: int) -> int:
        """Ask about the order of every parked fill once; returns how many still wait.

        An order that is not ours makes its fills `manual`; so does one that the exchange twice says it does not know.
        """
        waiting = fills.parked(self._db)
        for booked in waiting:
            if known := fills.owner(self._db, booked.fill.order_id):  # its order has learnt its id since
                self._give(booked, known, "its order is known by now", "", now_ms)
                continue
            try:
                report = self._exchange.order(booked.fill.order_id)
            except Refused as error:
                if error.status != 404:
                    raise
                self._strangers[booked.fill_id] = self._strangers.get(booked.fill_id, 0) + 1
                if self._strangers[booked.fill_id] >= 2:
                    self._give(booked, fills.MANUAL, "the exchange does not know its order", "", now_ms)
                continue
            agent = fills.owner(self._db, report.order_id, report.client_order_id)
            why = f"its order is {report.client_order_id or 'without an id of ours'}"
            self._give(booked, agent or fills.MANUAL, why, report.client_order_id, now_ms)
            if ours := orders.get(self._db, report.client_order_id):
                take_report(self._db, ours, report, "clerk", now_ms)
        return len(fills.parked(self._db))

    def _give(self, booked: fills.Booked, agent: str, why: str, client_order_id: str, now_ms: int) -> None:
        fills.attribute(self._db, booked.fill_id, agent, why=why, now_ms=now_ms, client_order_id=client_order_id)
        self._strangers.pop(booked.fill_id, None)
        detail = f"fill {booked.fill.trade_id} of {booked.fill.ticker} to {agent}: {why}"
        system.event(self._db, "warning", "clerk", "attributed_fill", detail, now_ms=now_ms)
        _log.warning("attributed_fill", trade=booked.fill.trade_id, agent=agent, why=why)


def take_report(
    db: sqlite3.Connection, order: Order, report: OrderReport, source: str, now_ms: int, reason: str = ""
) -> orders.Update:
    """Weigh what the exchange says of an order of ours against its row; a contradiction is kept as an event."""
    update = orders.update(
        db,
        order.client_order_id,
        report.status,
        source=source,
        now_ms=now_ms,
        filled_ch=report.filled_ch,
        order_id=report.order_id,
        reason=reason,
    )
    if update.contradiction:
        detail = f"{order.client_order_id}: {update.contradiction}"
        system.event(db, "error", "clerk", "contradicted", detail, now_ms=now_ms)
        _log.error("contradicted", order=order.client_order_id, what=update.contradiction)
    return update


def cancel(db: sqlite3.Connection, exchange: Exchange, report: OrderReport, why: str, now_ms: int) -> None:
    """Take an order off the book that nobody stands behind; one that is gone already is as good."""
    try:
        exchange.cancel_order(report.order_id, report.ticker, report.exchange_index)
    except Refused as error:
        _log.info("found_gone", order=report.order_id, why=str(error))
    detail = f"{report.client_order_id or report.order_id} of {report.ticker}: {why}"
    system.event(db, "warning", "clerk", "canceled_order", detail, now_ms=now_ms)
    _log.warning("canceled_order", order=report.client_order_id or report.order_id, why=why)
