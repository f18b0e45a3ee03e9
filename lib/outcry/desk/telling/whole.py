"""The whole report: the figures of a span, and what stands beside them, all of one instant."""

import sqlite3
from collections.abc import Mapping
from itertools import pairwise

from outcry.desk import report
from outcry.desk.care import shown
from outcry.desk.common.day import capital_micros
from outcry.desk.common.living import alive
from outcry.desk.evolving import spent
from outcry.desk.telling import targets
from outcry.desk.telling.hindrances import halted_by_file
from outcry.ops.floor import Floor
from outcry.review.reports import whole
from outcry.review.reports.sentences import sentence
from outcry.review.standing import MILLIONTHS
from outcry.store import chain, findings, first_records, periods, questions, system
from outcry.store import report as rows

SETTLEMENTS, LISTED, CHANGES = 8, 1_000, 50
CURVE_DAYS = 30


def build(
    db: sqlite3.Connection,
    floor: Floor,
    span: whole.Span,
    at_ms: int,
    *,
    agent: str | None = None,
    market: str | None = None,
    everything: bool = False,
) -> whole.Whole:
    """
    everything  list many settlements of the span, not only the newest
    raises      Misconfigured when there is no such agent
    """
    with rows.one_instant(db):
        figures = report.of_span(db, floor.settings, span, agent=agent, market=market)
        limit = LISTED if everything else SETTLEMENTS
        paid = periods.paid_markets(db, span.from_ms, span.to_ms, agent, market, limit + 1)
        jobs_line, late = shown.of_jobs(db, floor, at_ms)
        programs = tuple(_program(beat, at_ms) for beat in system.heartbeats(db))
        still = findings.still_open(db)
        ever, open_count = findings.count(db)
        head = chain.head(db)
        costs = tuple(
            whole.Cost(
                one.agent, one.fills, one.taker_fills, one.count_ch, one.taker_ch, one.traded_micros, one.fees_micros
            )
            for one in periods.traded(db, span.from_ms, span.to_ms)
            if agent in (None, one.agent)
        )
        audit = whole.Audit(
            head.seq, head.link, head.chained_at_ms, first_records.ever(db) - head.seq,
            periods.replays(db, span.from_ms, span.to_ms), ever, open_count,
        )  # fmt: skip
        return whole.Whole(
            span=span,
            report=figures,
            scored=span.to_ms - span.from_ms > report.LONG_MS,
            unscored=periods.unscored(db),
            settlements=tuple(
                whole.Settlement(one.ticker, one.result, one.value_cc, one.settled_at_ms, one.agents, one.net_micros)
                for one in paid[:limit]
            ),
            complete=len(paid) <= limit,
            findings=tuple(whole.Finding(one.finding_id, one.found_at_ms, one.severity, one.what) for one in still),
            programs=programs,
            forbidden=_forbidden(db, floor),
            jobs=jobs_line,
            jobs_late=late,
            targets=targets.build(
                floor.settings, figures, span, programs, open_count, late, capital_micros(db, floor), _sharpes(db)
            ),
            costs=costs,
            audit=audit,
            curve=curve(db, span, figures.floor.equity_micros),
            evolution=changes(db, span, agent),
            budget=whole.Budget(
                floor.settings.evolution.false_discoveries_millionths,
                sum(one.kind != questions.BIRTH for one in questions.everything(db)),
                len(questions.discoveries(db)),
                spent.read(db, floor.settings.evolution.false_discoveries_millionths / MILLIONTHS),
            ),
        )


def curve(db: sqlite3.Connection, span: whole.Span, equity_micros: int) -> tuple[whole.Point, ...]:
    """Equity at the rolls of the span's days, at least of the last month, and at its end."""
    rolls = [one for one in periods.rolls(db, "") if one.at_ms < span.to_ms]
    wanted = max(len(span.days), CURVE_DAYS)
    ends = [(one.day, one.at_ms, one.equity_micros) for one in rolls[-wanted:]]
    ends.append(("now" if not span.ended else "end", span.to_ms, equity_micros))
    points = [whole.Point(*ends[0], None)]
    for before, one in pairwise(ends):
        moved = periods.cash_micros(db, before[1] + 1, one[1] + 1)
        points.append(whole.Point(*one, one[2] - before[2] - moved))
    return tuple(points)


def changes(db: sqlite3.Connection, span: whole.Span, agent: str | None) -> tuple[whole.Change, ...]:
    """What was decided about agents in the span, oldest first."""
    found = periods.decided(db, span.from_ms, span.to_ms, agent, CHANGES)
    return tuple(
        whole.Change(
            one["at_ms"],
            one["agent"],
            one["act"],
            one["rule"],
            sentence(one["agent"], one["act"], one["rule"], one["evidence"]),
        )
        for one in reversed(found)
    )


def _forbidden(db: sqlite3.Connection, floor: Floor) -> tuple[str, ...]:
    controls = system.controls_now(db)
    told = [f"{one.scope} {one.name}".strip() + f" {one.kind.replace('_', ' ')}: {one.reason}" for one in controls]
    if not any((one.scope, one.kind) == ("floor", "halt") for one in controls) and (why := halted_by_file(floor)):
        told.insert(0, f"floor halt: {why}")
    return tuple(told)


def _program(beat: system.Heartbeat, at_ms: int) -> whole.Program:
    running = True if alive(beat, at_ms) else None if beat.state == "STOPPED" else False
    up_ms = max(0, at_ms - beat.started_at_ms) if running else None
    return whole.Program(beat.program, beat.state, running, up_ms, str(beat.detail.get("why") or ""))


def _sharpes(db: sqlite3.Connection) -> Mapping[str, float]:
    return periods.metric(db, "7d", "sharpe")
