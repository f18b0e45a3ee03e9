"""Score the agents: take in what settled since the last time, and rewrite the figures.

    settlements, owners of fills, findings  ->  settled work  ->  running sums, observations  ->  performance metrics

A run costs what is new. Nothing is added that was not taken back first, so the same settlement twice, one that was
corrected, a fill that went to somebody else, and a finding that came and went leave exactly what would be there if
only the last state had ever been seen.
"""

import sqlite3
from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from outcry.domain.fill import Settlement
from outcry.review import scores
from outcry.review.bets import Bets
from outcry.review.evidence import Evidence, Observation, compare, observe
from outcry.review.scores import Sums
from outcry.review.settled_work import Seen, Work, why_excluded, words, work
from outcry.store import agents, questions
from outcry.store import scores as rows
from outcry.store.questions import Asked

BATCH = 10  # settlements: a batch is written in a few milliseconds
HOUR_MS = 3_600_000
Key = tuple[str, str]  # agent, event


@dataclass(slots=True)
class Spans:
    """The widths of running sums: an hour and a day, shortened on a floor whose windows are."""

    hour_ms: int
    day_ms: int

    @classmethod
    def of(cls, time_factor: float) -> "Spans":
        hour_ms = max(1, int(HOUR_MS / time_factor))
        return cls(hour_ms, 24 * hour_ms)

    def starts(self, at_ms: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """(width, start) of the hour and of the day that an instant lies in."""
        return (self.hour_ms, at_ms - at_ms % self.hour_ms), (self.day_ms, at_ms - at_ms % self.day_ms)


@dataclass(slots=True)
class _Asked:
    """All questions by agent, and whose clone an agent is."""

    by_agent: dict[str, list[Asked]] = field(default_factory=lambda: defaultdict(list))
    parents: dict[str, str] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def stage(self, agent: str, at_ms: int) -> str:
        """The stage of an agent at an instant; of the first one where it is older than that."""
        staged = [one for one in self.by_agent.get(agent, ()) if one.kind in (questions.BIRTH, questions.STAGE)]
        return next(
            (one.stage for one in reversed(staged) if one.began_at_ms <= at_ms), staged[0].stage if staged else ""
        )


def take_in(db: sqlite3.Connection, spans: Spans, *, batch: int = BATCH) -> int:
    """Score what is new, batch by batch; returns how many markets were looked at."""
    asked, known = _asked(db), {agent.name for agent in agents.everyone(db)}
    looked = 0
    while True:
        done = rows.come_to(db)
        tickers, now = rows.due(db, done, batch)
        entries, order_row = rows.ended_entries(db, done.order_row, 20 * batch)
        if (now, order_row) == (done, done.order_row):
            return looked
        doubted = {word for text in rows.doubts(db) for word in words(text)}
        found = _Change(db, asked, spans)
        for ticker in tickers:
            found.market(ticker, known, doubted)
        found.write(entries, replace(now, order_row=order_row))
        looked += len(tickers)


def _asked(db: sqlite3.Connection) -> _Asked:
    asked = _Asked()
    for one in questions.everything(db):
        asked.by_agent[one.agent].append(one)
    for agent in agents.everyone(db):
        if agent.parent:
            asked.parents[agent.name] = agent.parent
            asked.children[agent.parent].append(agent.name)
    return asked


class _Change:
    """One batch: what a few markets were taken for, and what they are."""

    def __init__(self, db: sqlite3.Connection, asked: _Asked, spans: Spans) -> None:
        self._db, self._asked, self._spans = db, asked, spans
        self._tickers: list[str] = []
        self._new: list[Work] = []

    def market(self, ticker: str, known: set[str], doubted: set[str]) -> None:
        """Make everybody's work in a market anew from first records."""
        self._tickers.append(ticker)
        event_ticker, paid = rows.market(self._db, ticker)
        if paid is None:
            return
        by_agent: dict[str, list[rows.SeenFill]] = defaultdict(list)
        for seen in rows.seen_fills(self._db, ticker):
            by_agent[seen.agent].append(seen)
        for agent, fills in by_agent.items():
            self._new.append(self._work(agent, event_ticker, fills, paid, known, doubted))

    def _work(
        self,
        agent: str,
        event_ticker: str,
        fills: list[rows.SeenFill],
        paid: Settlement,
        known: set[str],
        doubted: set[str],
    ) -> Work:
        stage = self._asked.stage(agent, fills[0].fill.filled_at_ms)
        seen = [Seen(one.fill, one.names, one.is_entry, one.probability, one.touch_cc, one.later_cc) for one in fills]
        made = work(agent, event_ticker, stage, seen, paid)
        names = {name for one in fills for name in one.names}
        return replace(made, excluded=why_excluded(made, known, paid.value_cc, names, doubted))

    def write(self, entries: list[tuple[str, int, int, int]], marks: rows.Marks) -> None:
        """Replace the old by the new everywhere, in one transaction."""
        before = rows.work_of_markets(self._db, self._tickers)
        events = list(
            dict.fromkeys([*(row["event_ticker"] for row in before), *(one.event_ticker for one in self._new)])
        )
        old = _by_event(Work(**row) for row in rows.work_of_events(self._db, events))
        gone = set(self._tickers)
        new = {key: [one for one in done if one.ticker not in gone] for key, done in old.items()}
        for one in self._new:
            new.setdefault((one.agent, one.event_ticker), []).append(one)
        seen, evidence = self._observe(events, new)
        rows.keep(
            self._db,
            rows.Batch(
                marks,
                self._tickers,
                [asdict(one) for one in self._new],
                self._sums(old, new, entries),
                seen,
                evidence,
            ),
        )

    def _sums(
        self, old: dict[Key, list[Work]], new: dict[Key, list[Work]], entries: list[tuple[str, int, int, int]]
    ) -> dict[tuple[str, str, int, int], dict[str, float]]:
        """What is added to the running sums: the events as they are, less what they were taken for."""
        added: dict[tuple[str, str, int, int], Sums] = defaultdict(Sums)
        for times, clusters in ((-1, old), (1, new)):
            for (agent, _), done in clusters.items():
                if done:
                    stage = min(done, key=lambda one: one.entered_at_ms).stage
                    for width_ms, start_ms in self._spans.starts(min(one.settled_at_ms for one in done)):
                        key = (agent, stage, width_ms, start_ms)
                        added[key] = added[key].plus(scores.of_event(done), times)
        for agent, at_ms, asked_ch, filled_ch in entries:
            for width_ms, start_ms in self._spans.starts(at_ms):
                key = (agent, self._asked.stage(agent, at_ms), width_ms, start_ms)
                added[key] = added[key].plus(Sums(orders=1, asked_ch=asked_ch, filled_ch=filled_ch))
        changes = {key: {name: value for name, value in asdict(one).items() if value} for key, one in added.items()}
        return {key: change for key, change in changes.items() if change}

    def _observe(
        self, events: list[str], new: dict[Key, list[Work]]
    ) -> tuple[dict[tuple[int, str], dict[str, Any] | None], dict[int, dict[str, Any]]]:
        """What the questions concerned see of the events now, and all they have seen."""
        before = questions.observations(self._db, events)
        concerned = {one.number: one for agent, _ in new for one in self._concerned(agent)}
        kept = questions.evidence(self._db, concerned)
        found: dict[tuple[int, str], dict[str, Any] | None] = {}
        evidence = {number: evidence_of(kept.get(number)) for number in concerned}
        moved: set[int] = set()
        for event in events:
            for one in concerned.values():
                was = before.get((one.number, event))
                old = Observation(**was) if was else None
                now = self._observation(one, event, new)
                if now != old:
                    evidence[one.number].replace(old, now)
                    found[one.number, event] = asdict(now) if now else None
                    moved.add(one.number)
        latest = {key[0]: max(w.settled_at_ms for w in done) for key, done in new.items() if done}
        for number in moved:
            seen = evidence[number]
            seen.last_at_ms = max(seen.last_at_ms, latest.get(concerned[number].agent, 0))
        return found, {number: _row(evidence[number]) for number in moved}

    def _concerned(self, agent: str) -> list[Asked]:
        """The questions about an agent, and those of its clones that are measured against it."""
        mine = self._asked.by_agent.get(agent, [])
        theirs = [one for child in self._asked.children.get(agent, ()) for one in self._asked.by_agent.get(child, ())]
        return [*mine, *(one for one in theirs if one.kind == questions.CHALLENGE)]

    def _observation(self, asked: Asked, event: str, new: dict[Key, list[Work]]) -> Observation | None:
        def of(agent: str) -> Observation | None:
            return observe(one for one in new.get((agent, event), ()) if asked.covers(one.entered_at_ms))

        if asked.kind != questions.CHALLENGE:
            return of(asked.agent)
        return compare(of(asked.agent), of(self._asked.parents.get(asked.agent, "")))


def evidence_of(row: dict[str, Any] | None) -> Evidence:
    """What a question has seen, as it is kept; nothing where nothing is."""
    if row is None:
        return Evidence()
    bets = Bets.unpacked(row["bets"], row["events"])
    return Evidence(**{**row, "bets": bets})


def _row(seen: Evidence) -> dict[str, Any]:
    plain = {name: getattr(seen, name) for name in ("events", "settled", "net_micros", "contracts_ch", "last_at_ms")}
    return {**plain, "bets": seen.bets.packed()}


def _by_event(done: Any) -> dict[Key, list[Work]]:
    found: dict[Key, list[Work]] = defaultdict(list)
    for one in done:
        found[one.agent, one.event_ticker].append(one)
    return found
