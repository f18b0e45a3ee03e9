"""What a trader, or bin/halt, spools while the database refuses, and how each entry is applied when it returns.

Every entry may be applied twice (a crash can come between the last commit and the clearing of the spool): an order is
known by its id, reports of it are weighed like any other, and events and notes are looked for before they are written.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from outcry.domain.errors import InvariantBroken
from outcry.domain.order import TERMINAL, Order, Purpose, State
from outcry.domain.view import Decision, Exposure
from outcry.store import circumstances, decisions, orders
from outcry.store.database import joined
from outcry.store.spool import Entry


class Exit(Struct, tag="exit", frozen=True):
    """An exit that leaves without the database: all that its rows need. `order` is as planned; now it may have left."""

    environment: str
    decision: Decision
    parameters: dict[str, Any]
    code_sha256: str
    question_json: str
    exposure: Exposure
    order: Order
    sent_at_ms: int


class Moved(Struct, tag="moved", frozen=True):
    """What became of an order."""

    client_order_id: str
    state: State
    source: str
    at_ms: int
    filled_ch: int = 0
    order_id: str = ""
    reason: str = ""


class Lost(Struct, tag="lost", frozen=True):
    """The answer to an order never came."""

    client_order_id: str
    reason: str
    at_ms: int


class Renewed(Struct, tag="renewed", frozen=True):
    """A resting order has another expiry, and perhaps another id."""

    client_order_id: str
    order_id: str
    expires_at_ms: int
    at_ms: int


class CancelAsked(Struct, tag="cancel_asked", frozen=True):
    """A cancel is about to leave."""

    client_order_id: str
    why: str
    at_ms: int


class Happened(Struct, tag="happened", frozen=True):
    """A row of system_events."""

    level: str
    program: str
    event: str
    detail: str
    at_ms: int


Spooled = Exit | Moved | Lost | Renewed | CancelAsked | Happened


def entry(what: Spooled) -> Entry:
    """As it goes into the spool."""
    return msgspec.to_builtins(what)


def apply(db: sqlite3.Connection, written: Entry) -> Order | None:
    """Write one entry into the database; the order it is about as it is now, None when it is about none.

    raises  DatabaseRefused or sqlite3.Error when the database still refuses
            InvariantBroken for an entry that can never be applied: of another shape, or against what is known
    """
    try:
        what: Spooled = msgspec.convert(written, Spooled)
    except msgspec.ValidationError as error:
        raise InvariantBroken(f"a spooled entry is of no known shape: {error}") from error
    try:
        return _apply(db, what)
    except sqlite3.IntegrityError as error:
        raise InvariantBroken(
            f"a spooled {type(what).__name__.lower()} contradicts what is written: {error}"
        ) from error


def exits_in_flight_ch(entries: Iterable[Entry], ticker: str) -> int:
    """Contracts of spooled exits in a market that may have filled or still fill; the database knows none of them."""
    flying: dict[str, int] = {}
    for written in entries:
        if written["type"] == "exit" and written["order"]["ticker"] == ticker:
            flying[written["order"]["client_order_id"]] = written["order"]["count_ch"]
        elif written["type"] == "moved" and written["client_order_id"] in flying and written["state"] in TERMINAL:
            flying[written["client_order_id"]] = written["filled_ch"]
    return sum(flying.values())


def ended_exits_ch(db: sqlite3.Connection, entries: Iterable[Entry], agent: str, ticker: str) -> int:
    """Contracts of exits that the database counts in flight and whose spooled answer says that they never fill."""
    ended: dict[str, int] = {}
    for written in entries:
        if written["type"] == "moved" and written["state"] in TERMINAL:
            order = orders.get(db, written["client_order_id"])
            if order is None or (order.agent, order.ticker, order.purpose) != (agent, ticker, Purpose.EXIT):
                continue
            if order.state not in TERMINAL:
                ended[order.client_order_id] = order.count_ch - max(order.booked_ch, written["filled_ch"])
    return sum(ended.values())


def _apply(db: sqlite3.Connection, what: Spooled) -> Order | None:
    with joined(db):
        match what:
            case Exit():
                return _exit(db, what)
            case Moved():
                return _moved(db, what)
            case Lost():
                return orders.mark_unknown(db, what.client_order_id, what.reason, what.at_ms).order
            case Renewed():
                return orders.renew(db, what.client_order_id, what.order_id, what.expires_at_ms, what.at_ms)
            case CancelAsked():
                return orders.note(db, what.client_order_id, f"cancel asked: {what.why}", what.at_ms)
            case Happened():
                _happened(db, what)
                return None


def _exit(db: sqlite3.Connection, what: Exit) -> Order:
    known = orders.get(db, what.order.client_order_id)
    if known is not None:
        planned = known.state is State.PLANNED
        return orders.mark_sent(db, known.client_order_id, what.sent_at_ms) if planned else known
    decisions.insert(db, what.decision, what.parameters, what.code_sha256)
    circumstances.insert(db, what.decision.decision_id, what.question_json, what.exposure)
    orders.insert(db, what.order, what.environment)
    return orders.mark_sent(db, what.order.client_order_id, what.sent_at_ms)


def _moved(db: sqlite3.Connection, what: Moved) -> Order:
    update = orders.update(
        db,
        what.client_order_id,
        what.state,
        source=what.source,
        now_ms=what.at_ms,
        filled_ch=what.filled_ch,
        order_id=what.order_id,
        reason=what.reason,
    )
    if update.contradiction:
        detail = f"{what.client_order_id}: {update.contradiction}"
        _happened(db, Happened("error", f"trader@{update.order.agent}", "contradicted", detail, what.at_ms))
    return update.order


def _happened(db: sqlite3.Connection, what: Happened) -> None:
    row = (what.at_ms, what.level, what.program, what.event, what.detail)
    db.execute(
        "INSERT INTO system_events (at_ms, level, program, event, detail) SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS"
        " (SELECT 1 FROM system_events WHERE at_ms = ?1 AND program = ?3 AND event = ?4 AND detail = ?5)",
        row,
    )
