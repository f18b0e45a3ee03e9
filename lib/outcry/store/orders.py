"""Orders: written before they are sent, and never moved backwards by whoever reports on them.

Three programs write here: the trader (plans, sends, hears the answer), the clerk (private stream, REST, look-ups of
orders whose answer never came) and halt. They may report late, twice or out of order. So every report is a claim that
is weighed against the row: the state follows only arrows of the chart (`domain.order.NEXT`), the fill count only
rises, and the order's id at the exchange is learnt once. What a report changed is appended to `order_events`.

All functions open their own short transaction, or take part in the caller's when one is open.
"""

import sqlite3
from dataclasses import dataclass, fields

from outcry.domain.errors import InvariantBroken
from outcry.domain.order import UNRESOLVED, Order, Purpose, Side, State, TimeInForce, may_follow
from outcry.store.database import joined

_COLUMNS = (
    "client_order_id, order_id, decision_id, agent, ticker, exchange_index, side, price_cc, count_ch, time_in_force,"
    " purpose, post_only, reduce_only, state, filled_ch, booked_ch, reserved_micros, expires_at_ms, created_at_ms,"
    " signed_at_ms, updated_at_ms, reason"
)
_NEVER_PLACED = frozenset({State.ABANDONED, State.REJECTED, State.ABSENT})


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One change of one order; `event_id` only grows, so it is where a reader goes on from."""

    event_id: int
    client_order_id: str
    at_ms: int
    state: State
    filled_ch: int
    source: str
    detail: str


@dataclass(frozen=True, slots=True)
class Update:
    """What became of a report.

    order          the row after it
    changed        whether anything moved
    contradiction  not "" when the report cannot be squared with the row: life in an order that we had closed as never
                   placed, or a second exchange id. Somebody has to look, and cancel what rests
    """

    order: Order
    changed: bool
    contradiction: str = ""


def insert(db: sqlite3.Connection, order: Order, environment: str) -> None:
    """Write a planned order with its first event; inside the transaction that checked the limits (see placing)."""
    with joined(db):
        row = {field.name: getattr(order, field.name) for field in fields(Order)} | {"environment": environment}
        names = ", ".join(row)
        marks = ", ".join(f":{name}" for name in row)
        db.execute(f"INSERT INTO orders ({names}) VALUES ({marks})", row)  # noqa: S608
        _record(db, order, order.created_at_ms, "trader", "planned")


def mark_sent(db: sqlite3.Connection, client_order_id: str, now_ms: int) -> Order:
    """Commit, before the request leaves, that it may have left.

    raises  InvariantBroken when the order is not `planned`: it must not be sent (again)
    """
    with joined(db):
        moved = db.execute(
            "UPDATE orders SET state = 'sent', signed_at_ms = ?1, updated_at_ms = max(updated_at_ms, ?1)"
            " WHERE client_order_id = ?2 AND state = 'planned'",
            (now_ms, client_order_id),
        ).rowcount
        order = _existing(db, client_order_id)
        if not moved:
            raise InvariantBroken(f"order {client_order_id} is {order.state} and must not be sent")
        _record(db, order, now_ms, "trader", "sent")
    return order


def mark_unknown(db: sqlite3.Connection, client_order_id: str, reason: str, now_ms: int) -> Update:
    """The answer never came. The request was signed no later than now: from here the wait for `absent` counts."""
    with joined(db):
        db.execute(
            "UPDATE orders SET signed_at_ms = max(coalesce(signed_at_ms, 0), ?)"
            " WHERE client_order_id = ? AND state = 'sent'",
            (now_ms, client_order_id),
        )
        return update(db, client_order_id, State.UNKNOWN, source="trader", now_ms=now_ms, reason=reason)


def update(
    db: sqlite3.Connection,
    client_order_id: str,
    state: State,
    *,
    source: str,
    now_ms: int,
    filled_ch: int = 0,
    order_id: str = "",
    reason: str = "",
) -> Update:
    """Weigh a report: state, fill count and exchange id move forward or not at all.

    source     'trader', 'answer', 'stream', 'rest', 'clerk' or 'halt'
    filled_ch  contracts filled so far, as reported; an order filled whole is `executed`, whatever the report calls it
    reason     why, where the exchange (or we) said so; kept on the row
    raises     InvariantBroken for an order we do not have, or a fill count above its size
    """
    with joined(db):
        old = _existing(db, client_order_id)
        if filled_ch > old.count_ch:
            raise InvariantBroken(
                f"order {client_order_id} of {old.count_ch} hundredths reported with {filled_ch} filled"
            )
        new_filled_ch = max(old.filled_ch, filled_ch)
        new_state = _weigh(old.state, state, whole=new_filled_ch == old.count_ch)
        new_order_id = old.order_id or order_id
        contradiction = _contradiction(old, state, filled_ch, order_id)
        if (new_state, new_filled_ch, new_order_id) == (old.state, old.filled_ch, old.order_id):
            return Update(old, False, contradiction)
        db.execute(
            "UPDATE orders SET state = ?, filled_ch = ?, order_id = ?, updated_at_ms = max(updated_at_ms, ?),"
            " reason = CASE WHEN ? <> '' THEN ? ELSE reason END WHERE client_order_id = ?",
            (new_state, new_filled_ch, new_order_id, now_ms, reason, reason, client_order_id),
        )
        if new_order_id != old.order_id:
            _count_booked(db, client_order_id, new_order_id)
        order = _existing(db, client_order_id)
        _record(db, order, now_ms, source, contradiction or reason)
    return Update(order, True, contradiction)


def renew(db: sqlite3.Connection, client_order_id: str, order_id: str, expires_at_ms: int, now_ms: int) -> Order:
    """Keep a resting order's new expiry, and its id where the exchange gave it another one."""
    with joined(db):
        db.execute(
            "UPDATE orders SET order_id = CASE WHEN ?1 <> '' THEN ?1 ELSE order_id END, expires_at_ms = ?2,"
            " updated_at_ms = max(updated_at_ms, ?3) WHERE client_order_id = ?4",
            (order_id, expires_at_ms, now_ms, client_order_id),
        )
        order = _existing(db, client_order_id)
        _record(db, order, now_ms, "answer", f"expires_at_ms={expires_at_ms}")
    return order


def note(db: sqlite3.Connection, client_order_id: str, detail: str, at_ms: int) -> Order:
    """Something that was done about an order and moved nothing: kept once, however often it is told."""
    with joined(db):
        order = _existing(db, client_order_id)
        known = "SELECT 1 FROM order_events WHERE client_order_id = ? AND at_ms = ? AND detail = ?"
        if not db.execute(known, (client_order_id, at_ms, detail)).fetchone():
            _record(db, order, at_ms, "trader", detail)
    return order


def abandon_planned(db: sqlite3.Connection, agent: str, now_ms: int) -> list[Order]:
    """At start: what was planned and never marked sent was never sent. Returns what it closed."""
    with joined(db):
        planned = _select(db, "agent = ? AND state = 'planned'", agent)
        reason = "never sent: its trader stopped first"
        return [
            update(db, order.client_order_id, State.ABANDONED, source="trader", now_ms=now_ms, reason=reason).order
            for order in planned
        ]


def get(db: sqlite3.Connection, client_order_id: str) -> Order | None:
    """One order by our id."""
    return next(iter(_select(db, "client_order_id = ?", client_order_id)), None)


def by_order_id(db: sqlite3.Connection, order_id: str) -> Order | None:
    """One order by the exchange's id."""
    return next(iter(_select(db, "order_id = ? AND order_id <> ''", order_id)), None)


def open_orders(db: sqlite3.Connection, agent: str | None = None) -> list[Order]:
    """Orders that still count at worst case, oldest first; of one agent, or of the whole floor."""
    return _open(db, "?1 IS NULL OR agent = ?1", agent)


def unresolved(db: sqlite3.Connection) -> list[Order]:
    """Orders whose fate the exchange has not told us: sent, unknown or presumed absent; oldest first."""
    return _open(db, f"state IN ({', '.join('?' * len(UNRESOLVED))})", *sorted(UNRESOLVED))


def events_since(db: sqlite3.Connection, event_id: int, agent: str | None = None) -> list[OrderEvent]:
    """Changes after one that was seen, in order; of one agent's orders, or of the whole floor's."""
    rows = db.execute(
        "SELECT e.id, e.client_order_id, e.at_ms, e.state, e.filled_ch, e.source, e.detail FROM order_events e"
        "  JOIN orders o ON o.client_order_id = e.client_order_id"
        " WHERE e.id > ?1 AND (?2 IS NULL OR o.agent = ?2) ORDER BY e.id",
        (event_id, agent),
    )
    return [OrderEvent(row[0], row[1], row[2], State(row[3]), row[4], row[5], row[6]) for row in rows]


def order_of(row: sqlite3.Row) -> Order:
    """A row of `orders` or `open_orders`. An unknown state or side is an error here, not later."""
    named = {field.name: row[field.name] for field in fields(Order)}
    return Order(
        **named
        | {
            "side": Side(row["side"]),
            "time_in_force": TimeInForce(row["time_in_force"]),
            "purpose": Purpose(row["purpose"]),
            "state": State(row["state"]),
            "post_only": bool(row["post_only"]),
            "reduce_only": bool(row["reduce_only"]),
        }
    )


def _weigh(old: State, claimed: State, *, whole: bool) -> State:
    """Where the chart allows a report to take an order: its claim, `executed` when filled whole, or nowhere."""
    if whole and may_follow(old, State.EXECUTED):
        return State.EXECUTED
    return claimed if may_follow(old, claimed) else old


def _contradiction(old: Order, claimed: State, filled_ch: int, order_id: str) -> str:
    if old.state in _NEVER_PLACED and (claimed in (State.RESTING, State.EXECUTED) or filled_ch > 0):
        return f"the exchange says {claimed} of an order we closed as {old.state}"
    if order_id and old.order_id and order_id != old.order_id:
        return f"reported under {order_id}, known as {old.order_id}"
    return ""


def _count_booked(db: sqlite3.Connection, client_order_id: str, order_id: str) -> None:
    """Count the fills that were booked under an exchange's id before this order learnt that it is its own."""
    db.execute(
        "UPDATE orders SET booked_ch = max(booked_ch,"
        " (SELECT coalesce(sum(count_ch), 0) FROM fills WHERE order_id = ?)) WHERE client_order_id = ?",
        (order_id, client_order_id),
    )


def _select(db: sqlite3.Connection, where: str, *values: str) -> list[Order]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM orders WHERE {where} ORDER BY created_at_ms, client_order_id", values)  # noqa: S608
    return [order_of(row) for row in rows]


def _open(db: sqlite3.Connection, where: str, *values: str | None) -> list[Order]:
    """Of the orders that still count: few, and found by their own index. (Without the + all are walked, in time.)"""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM open_orders WHERE {where} ORDER BY +created_at_ms, client_order_id",  # noqa: S608
        values,
    )
    return [order_of(row) for row in rows]


def _existing(db: sqlite3.Connection, client_order_id: str) -> Order:
    order = get(db, client_order_id)
    if order is None:
        raise InvariantBroken(f"no order {client_order_id}")
    return order


def _record(db: sqlite3.Connection, order: Order, at_ms: int, source: str, detail: str) -> None:
    db.execute(
        "INSERT INTO order_events (client_order_id, at_ms, state, filled_ch, source, detail) VALUES (?, ?, ?, ?, ?, ?)",
        (order.client_order_id, at_ms, order.state, order.filled_ch, source, detail),
    )
