"""From an intent to a planned order in one durable transaction: read what is at risk, ask, keep the answer, reserve.

Check and reservation are one `BEGIN IMMEDIATE`, so ten traders together cannot exceed a limit that one would respect.
Nothing is sent from here, and no transaction is open when something is.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from outcry import failpoints
from outcry.domain.market import Market
from outcry.domain.order import Order, Purpose, State
from outcry.domain.view import Answer, Decision, Exposure, Intent, Verdict, View
from outcry.store import circumstances, decisions, exposure, orders, spooled, system
from outcry.store.database import write
from outcry.store.ids import client_order_id, ulid
from outcry.store.spool import Entry

Gate = Callable[[Exposure], Verdict]
Reserve = Callable[[Exposure, int], tuple[bool, int]]


@dataclass(frozen=True, slots=True)
class Request:
    """An intent on its way to the gate, with all that must be kept beside the decision.

    floor_id, environment  of this floor; both end up on the order
    view          the whole view it was made on; view.quote.publish says which publish that was
    parameters    the agent's parameters as used; code_sha256 which source of the strategy read them
    expires_at_ms the dead-man on the exchange's side; only for orders that may rest
    question_json what the gate is asked beside view and intent: with the exposure, the auditor asks it again
    """

    floor_id: str
    environment: str
    agent: str
    purpose: Purpose
    market: Market
    intent: Intent
    view: View
    parameters: Mapping[str, Any]
    code_sha256: str
    expires_at_ms: int | None = None
    question_json: str = "{}"


@dataclass(frozen=True, slots=True)
class Placement:
    """The decision as kept, the exposure it was made at, and the planned order where the verdict allows one."""

    decision: Decision
    order: Order | None
    at_risk: Exposure


@dataclass(frozen=True, slots=True)
class Asked:
    """One leg's question: what is kept beside it, whom it asks, and what it reserves."""

    request: Request
    gate: Gate
    reserve: Reserve


def place(db: sqlite3.Connection, request: Request, gate: Gate, reserve: Reserve, now_ms: int) -> Placement:
    """Ask the gate with the exposure of this instant; keep decision and, if allowed, the order, durably.

    gate     the risk rules for an entry, the reduce-only rule for an exit
    reserve  (exposure, count_ch) -> (whether the wire flag reduce_only may be set, worst-case cost in micro-dollars)
    raises   Unavailable when the database refuses; nothing was kept then
    """
    view_json = decisions.encode_view(request.view)
    with write(db):
        placement = _read_and_weigh(db, request, view_json, gate, reserve, now_ms)
        _keep(db, request, placement, now_ms)
    return placement


def place_together(
    db: sqlite3.Connection, legs: Callable[[int], Sequence[Asked]], most_ch: int, now_ms: int
) -> list[Placement]:
    """Ask for several entries that are worth having only together; keep all, in one size, or only a refusal.

    Each leg is asked with what is at risk once those before it are planned. When one can have less, all are asked
    again for no more than that: the size only falls, so this ends.

    legs     the questions in their order, when no more than so many hundredths are asked for
    returns  one placement a leg with an order each; or just that of the leg that was refused
    raises   Unavailable when the database refuses; nothing was kept then
    """
    with write(db):
        while True:
            db.execute("SAVEPOINT together")
            placements: list[Placement] = []
            for leg in legs(most_ch):
                view_json = decisions.encode_view(leg.request.view)
                placement = _read_and_weigh(db, leg.request, view_json, leg.gate, leg.reserve, now_ms)
                if placement.order is None:
                    db.execute("ROLLBACK TO together")
                    _keep(db, leg.request, placement, now_ms)
                    return [placement]
                _keep(db, leg.request, placement, now_ms)
                placements.append(placement)
            counts_ch = [placement.decision.verdict.count_ch for placement in placements]
            if min(counts_ch) == max(counts_ch):
                return placements
            most_ch = min(counts_ch)
            db.execute("ROLLBACK TO together")


def unwritten(
    db: sqlite3.Connection, request: Request, gate: Gate, reserve: Reserve, entries: Sequence[Entry], now_ms: int
) -> Placement:
    """What `place` would keep of an exit, while the database takes no writes: for the spool.

    entries  what is spooled already: exits among them count, and those that are over count no more
    """
    market = request.market
    flying_ch = spooled.exits_in_flight_ch(entries, market.ticker)
    try:
        at_risk = exposure.read(db, request.agent, market.ticker, market.exchange_index)
        flying_ch -= spooled.ended_exits_ch(db, entries, request.agent, market.ticker)
    except sqlite3.Error:  # it cannot even be read: then the trader's own view has to do
        at_risk = Exposure(0, 0, position_ch=request.view.position_ch)
    at_risk = replace(at_risk, exits_in_flight_ch=at_risk.exits_in_flight_ch + flying_ch)
    return _weigh(request, decisions.encode_view(request.view), at_risk, gate, reserve, now_ms)


def as_exit(request: Request, placement: Placement, sent_at_ms: int) -> spooled.Exit:
    """A placement as it is spooled, marked sent."""
    assert placement.order is not None
    return spooled.Exit(
        request.environment,
        placement.decision,
        dict(request.parameters),
        request.code_sha256,
        request.question_json,
        placement.at_risk,
        placement.order,
        sent_at_ms,
    )


def _read_and_weigh(
    db: sqlite3.Connection, request: Request, view_json: str, gate: Gate, reserve: Reserve, now_ms: int
) -> Placement:
    at_risk = exposure.read(db, request.agent, request.market.ticker, request.market.exchange_index)
    return _weigh(request, view_json, at_risk, gate, reserve, now_ms)


def _keep(db: sqlite3.Connection, request: Request, placement: Placement, now_ms: int) -> None:
    """Decision, circumstances, and the order or the latch, inside the caller's transaction."""
    decision = placement.decision
    decisions.insert(db, decision, request.parameters, request.code_sha256)
    circumstances.insert(db, decision.decision_id, request.question_json, placement.at_risk)
    if placement.order is not None:
        orders.insert(db, placement.order, request.environment)
        failpoints.reached("plan.commit")
    elif decision.verdict.latch:
        _latch(db, request.agent, decision.verdict, now_ms)


def _weigh(request: Request, view_json: str, at_risk: Exposure, gate: Gate, reserve: Reserve, now_ms: int) -> Placement:
    """Ask the gate; the decision and the order as they would be kept."""
    market, intent = request.market, request.intent
    verdict = gate(at_risk)
    decision = Decision(
        decision_id=ulid(now_ms),
        agent=request.agent,
        ticker=market.ticker,
        purpose=request.purpose,
        at_ms=now_ms,
        intent=intent,
        verdict=verdict,
        view_json=view_json,
        publish=request.view.quote.publish,
    )
    if verdict.answer is Answer.REFUSED:
        return Placement(decision, None, at_risk)
    reduce_only, reserved_micros = reserve(at_risk, verdict.count_ch)
    order = Order(
        client_order_id=client_order_id(request.floor_id, request.agent, now_ms),
        agent=request.agent,
        ticker=market.ticker,
        exchange_index=market.exchange_index,
        side=intent.side,
        price_cc=intent.limit_cc,
        count_ch=verdict.count_ch,
        time_in_force=intent.time_in_force,
        purpose=request.purpose,
        state=State.PLANNED,
        decision_id=decision.decision_id,
        created_at_ms=now_ms,
        reserved_micros=reserved_micros,
        expires_at_ms=request.expires_at_ms,
        post_only=intent.post_only,
        reduce_only=reduce_only,
        updated_at_ms=now_ms,
    )
    return Placement(decision, order, at_risk)


def _latch(db: sqlite3.Connection, agent: str, verdict: Verdict, now_ms: int) -> None:
    """A refusal that holds until the trading day rolls: it and its control are kept together, or not at all."""
    name = agent if verdict.latch == "agent" else ""
    system.stop_for_the_day(db, verdict.latch, name, verdict.reason, f"trader@{agent}", now_ms)
