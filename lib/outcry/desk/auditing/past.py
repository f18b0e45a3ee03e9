"""The past, commit by commit: every first record goes once through every check that looks at records as they come.

After a start it begins with the first record again, in small steps: what it knows is in memory only, and the same
finding is kept once. Decisions are made again, and judged by the limits of today's settings, only the first time.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

from outcry.desk.auditing import replay as auditor_replay
from outcry.desk.auditing import rows as auditor_rows
from outcry.desk.auditing.replay import Replay
from outcry.domain.errors import OutcryError
from outcry.domain.limits import Limits
from outcry.domain.view import View
from outcry.review.checks import chart, fresh
from outcry.review.checks.forbidden import Forbidden
from outcry.review.checks.limits import Timeline
from outcry.review.checks.one_way import Ended, OneWay
from outcry.review.checks.rates import BASIC, Rates, Tier
from outcry.review.checks.records import CRITICAL, DOLLAR_CC, NOBODYS, Finding
from outcry.review.checks.stops import Held
from outcry.store import audit, decisions, first_records
from outcry.store.first_records import Happening

DEFAULT_STOP_MILLIONTHS = 200_000


class Past:
    """Everything read so far. `seq`: the newest record taken in."""

    def __init__(self, db: sqlite3.Connection, settings: Limits) -> None:
        self._db, self._ages, self._bounds = db, auditor_rows.ages(settings), auditor_rows.bounds(settings)
        self._replay = Replay(db)
        self._timeline, self._forbidden, self._rates, self._one_way = Timeline(), Forbidden(), Rates(), OneWay()
        self._new: set[str] = set()
        self._plans: dict[tuple[str, str], list[tuple[int | None, int | None]]] = {}
        self._acted_ms: dict[tuple[str, str], int] = {}
        self._owners: dict[str, set[str]] = {}
        self._nameless: dict[str, list[int]] = {}  # order at the exchange -> fills booked before we knew it is ours
        self.tier: Tier = BASIC
        self.seq = 0
        self.touched: set[tuple[str, str]] = set()
        self.replayed: list[tuple[str, str, str]] = []

    def read(self, limit: int) -> list[Finding]:
        """Take in the next records, up to `limit`; the caller holds one snapshot of the database meanwhile."""
        found: list[Finding] = []
        for happening in first_records.since(self._db, self.seq, limit):
            try:
                found += self._take(happening)
            except (ValueError, KeyError, TypeError, msgspec.MsgspecError, OutcryError) as error:
                found.append(_unreadable(happening, error))
            self.seq = happening.seq
        return found

    def _take(self, happening: Happening) -> Iterable[Finding]:
        row = first_records.row(self._db, happening.kind, happening.key)
        if row is None:
            return ()  # the chain names what is gone
        match happening.kind:
            case "decision":
                return self._decision(row)
            case "order":
                return self._order(happening.key)
            case "order_event":
                return self._event(row)
            case "attribution":
                return self._attribution(row["id"])
            case "settlement":
                return self._settled(row["ticker"], row["value_cc"])
            case "capital":
                self._timeline.rolled(row["equity_micros"], row["at_ms"])
            case "control":
                self._forbidden.control(auditor_rows.control(row))
            case "evolution":
                self._evolution(row)
        return ()

    # ---- records ----------------------------------------------------------------------------------------------------

    def _decision(self, row: sqlite3.Row) -> Iterator[Finding]:
        made = auditor_rows.decision(row)
        key = (made.agent, made.ticker)
        if made.purpose == "exit":
            self._acted_ms[key] = made.at_ms
            self._one_way.exited(made.agent)
        elif made.answer != "refused":
            self._plans.setdefault(key, []).append((made.stop_millionths, made.hold_ms))
        yield from chart.of_decision(made)
        if audit.replayed(self._db, made.decision_id):
            return
        self._new.add(made.decision_id)
        view = _view(row["view"])
        outcome = self._replay.again(row, view)
        self.replayed.append((made.decision_id, outcome.outcome, outcome.why))
        if (told := auditor_replay.finding(made.decision_id, outcome)) is not None:
            yield told
        if view is not None and made.purpose == "entry" and made.answer != "refused":
            yield from fresh.check(auditor_rows.seen(made, view), self._ages)

    def _order(self, client_order_id: str) -> Iterator[Finding]:
        row = audit.order(self._db, client_order_id)
        if row is None:
            return
        order = auditor_rows.order(row)
        decided = first_records.row(self._db, "decision", order.decision_id)
        decision = None if decided is None else auditor_rows.decision(decided)
        yield from chart.of_order(order, decision, audit.orders_of(self._db, order.decision_id))
        self._timeline.ordered(order)
        if decision is None or order.decision_id in self._new:
            self._new.discard(order.decision_id)
            yield from self._timeline.check(order, self._bounds)
            yield from self._forbidden.check(order)

    def _event(self, row: sqlite3.Row) -> Iterator[Finding]:
        event = auditor_rows.event(row)
        order_row = audit.order(self._db, event.client_order_id)
        order = None if order_row is None else auditor_rows.order(order_row)
        before = audit.event_before(self._db, event.client_order_id, event.event_id)
        yield from chart.of_event(order, None if before is None else auditor_rows.event(before), event)
        self._timeline.moved(event)
        for attribution_id in self._nameless.pop(order_row["order_id"], []) if order_row is not None else []:
            yield from self._attribution(attribution_id)
        if order_row is None or order is None:
            return
        yield from self._rates.spend(order.exchange_index, event, self.tier)
        last = audit.event_before(self._db, event.client_order_id, event.event_id + 10**12)
        if last is not None and last["id"] == event.event_id:
            yield from chart.of_row(order, event, (order_row["state"], order_row["filled_ch"]))

    def _attribution(self, attribution_id: int) -> Iterator[Finding]:
        row = audit.attributed(self._db, attribution_id)
        if row is None:
            return
        fill = auditor_rows.fill(row)
        self._timeline.owned(fill)
        self._owners.setdefault(fill.ticker, set()).add(fill.agent)
        self.touched |= {(owner, fill.ticker) for owner in self._owners[fill.ticker]}
        if not fill.client_order_id:
            self._nameless.setdefault(fill.order_id, []).append(attribution_id)
        else:
            order_row = audit.order(self._db, fill.client_order_id)
            if order_row is not None:
                order = auditor_rows.order(order_row)
                yield from chart.of_fill(order, fill, audit.fills_of_order(self._db, fill.order_id))

    def _settled(self, ticker: str, value_cc: int) -> list[Finding]:
        found: list[Finding] = []
        for held in self.held(set()):
            if held.ticker == ticker:
                paid_cc = value_cc if held.position_ch > 0 else DOLLAR_CC - value_cc
                left = held.exiting or held.acted_ms >= held.since_ms
                paid_micros = abs(held.position_ch) * paid_cc
                ended = Ended(held.agent, ticker, held.cost_micros, paid_micros, held.stop_millionths, left)
                found += self._one_way.ended(ended)
        self._timeline.settled(ticker)
        for kept in (self._plans, self._acted_ms):
            for key in [key for key in kept if key[1] == ticker]:
                del kept[key]
        self.touched |= {(owner, ticker) for owner in self._owners.pop(ticker, ())}
        return found

    def _evolution(self, row: sqlite3.Row) -> None:
        self._forbidden.agent(row["agent"], row["act"], row["at_ms"])
        micros = json.loads(row["evidence"]).get("allocation_micros")
        if row["act"] in ("added", "allocated") and isinstance(micros, int):
            self._timeline.allocated(row["agent"], micros)

    # ---- what is held -----------------------------------------------------------------------------------------------

    def held(self, stopped: set[str]) -> list[Held]:
        """Agents' open positions with the exits they were entered on. `stopped`: whose trader was asked to stop."""
        found = []
        for (agent, ticker), (position_ch, cost_micros, since_ms) in self._timeline.held().items():
            if agent in NOBODYS:
                continue
            plans = self._plans.get((agent, ticker), [])
            stops = [stop for stop, _ in plans if stop is not None]
            holds = [hold for _, hold in plans]
            found.append(
                Held(
                    agent,
                    ticker,
                    position_ch,
                    cost_micros,
                    since_ms,
                    max(stops, default=DEFAULT_STOP_MILLIONTHS),
                    None if None in holds else max((hold for hold in holds if hold is not None), default=None),
                    self._acted_ms.get((agent, ticker), 0),
                    self._timeline.exiting(agent, ticker),
                    agent not in stopped,
                )
            )
        return found


def _unreadable(happening: Happening, error: Exception) -> Finding:
    text = f"{happening} cannot be read: {type(error).__name__}: {error}"
    return Finding("unreadable", str(happening), CRITICAL, text, "bin/auditor --verify says whether it was edited")


def _view(text: str) -> View | None:
    """The view that a decision keeps; None when it is of another shape."""
    try:
        return decisions.decode_view(text)
    except msgspec.ValidationError:
        return None
