"""Where the dashboard's figures come from: everything about the floor, read at one instant.

A room that only shows things knows no settings and no folders: `Source` hands it what it may look at.
"""

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from outcry.domain.order import Order
from outcry.review.reports import today
from outcry.review.reports.hindrances import Hindrance
from outcry.store import accounts, agents, dashboard, database, findings, orders, report, system
from outcry.store.report import Feeds
from outcry.store.system import Heartbeat

RECENT_FILLS = 50
RECENT_EVENTS = 12
EVOLUTION = 20
CURVE_DAYS = 366
CURVE_POINTS = 240
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Source:
    """What the dashboard may look at.

    report   today's report as of a time, from an open database
    alive    whether a program's process exists and still beats
    held     what holds the floor back as of a time, from an open database
    """

    environment: str
    build: str
    database: Path
    budget_file: Path
    halt_file: Path
    report: Callable[[sqlite3.Connection, int], today.Report]
    alive: Callable[[Heartbeat, int], bool]
    held: Callable[[sqlite3.Connection, int], list[Hindrance]]


@dataclass(frozen=True, slots=True)
class Look:
    """The whole floor at one instant. Times in ms UTC, money in micro-dollars.

    halted   why the floor is halted by its file; "" when it is not
    curve    (at_ms, equity): the newest rolls of the day, today's closed trades, now
    """

    at_ms: int
    environment: str
    build: str
    halted: str
    hindrances: tuple[Hindrance, ...]
    report: today.Report
    feeds: Feeds
    beats: tuple[Heartbeat, ...]
    living: frozenset[str]
    memory_bytes: dict[str, int]
    controls: tuple[system.Control, ...]
    cash_micros: int
    agent_cash: dict[str, int]
    open_orders: tuple[Order, ...]
    asked: dict[str, dashboard.Asked]
    fills: tuple[dashboard.ShownFill, ...]
    executed: dashboard.Executed
    fills_last_minute: int
    answer_ms: float | None
    curve: tuple[tuple[int, int], ...]
    agents: tuple[agents.Agent, ...]
    findings: tuple[findings.Kept, ...]
    findings_ever: int
    evolution: tuple[dict[str, object], ...]
    events: tuple[dict[str, object], ...]
    markets: tuple[dashboard.ShownMarket, ...]
    buckets: tuple[dashboard.Bucket, ...]
    query_ms: float


def look(source: Source, at_ms: int, clock_ms: Callable[[], float]) -> Look:
    """Read everything.

    clock_ms  a running clock, for how long the reading took
    raises    Misconfigured when there is no database yet; Unavailable or sqlite3.Error when it cannot be read
    """
    began = clock_ms()
    db = database.ready(source.database)
    try:
        told = source.report(db, at_ms)
        with report.one_instant(db):
            return _look(db, source, told, at_ms, lambda: clock_ms() - began)
    finally:
        db.close()


def _look(db: sqlite3.Connection, source: Source, told: today.Report, at_ms: int, took: Callable[[], float]) -> Look:
    since_ms = told.day.from_ms
    beats = system.heartbeats(db)
    living = frozenset(beat.program for beat in beats if source.alive(beat, at_ms))
    return Look(
        at_ms=at_ms,
        environment=source.environment,
        build=source.build,
        halted=_halted(source.halt_file),
        hindrances=tuple(source.held(db, at_ms)),
        report=told,
        feeds=report.feeds(db),
        beats=tuple(beats),
        living=living,
        memory_bytes={beat.program: _memory_bytes(beat.pid) for beat in beats if beat.program in living},
        controls=tuple(system.controls_now(db)),
        cash_micros=sum(accounts.expected_micros(db, shard) for shard in accounts.shards(db)),
        agent_cash=dashboard.agent_cash(db),
        open_orders=tuple(orders.open_orders(db)),
        asked=dashboard.asked(db, since_ms),
        fills=tuple(dashboard.recent_fills(db, RECENT_FILLS)),
        executed=dashboard.executed(db, since_ms),
        fills_last_minute=dashboard.fills_since(db, at_ms - MINUTE_MS),
        answer_ms=dashboard.answer_ms(db, at_ms),
        curve=_curve(db, told),
        agents=tuple(agents.everyone(db)),
        findings=tuple(findings.still_open(db)),
        findings_ever=findings.count(db)[0],
        evolution=tuple(agents.events(db, None, EVOLUTION)),
        events=tuple(dict(row) for row in system.recent_events(db, RECENT_EVENTS)),
        markets=tuple(dashboard.shown_markets(db)),
        buckets=tuple(dashboard.buckets(source.budget_file, at_ms)),
        query_ms=took(),
    )


def _curve(db: sqlite3.Connection, told: today.Report) -> tuple[tuple[int, int], ...]:
    """Equity at the rolls of the days, then today's cash results as they came, then now, open positions at mark."""
    points = dashboard.day_capitals(db, CURVE_DAYS)
    level = points[-1][1] if points else told.floor.deposits_micros
    steps = dashboard.results_since(db, points[-1][0] if points else told.day.from_ms)
    for at_ms, moved_micros in steps:
        level += moved_micros
        points.append((at_ms, level))
    points.append((told.day.now_ms, told.floor.equity_micros))
    every = -(-len(points) // CURVE_POINTS)
    return tuple(points[:-1][::every] + points[-1:])


def _halted(file: Path) -> str:
    return (file.read_text(errors="replace").strip() or "by its file") if file.exists() else ""


def _memory_bytes(pid: int) -> int:
    """What a process of ours holds in memory; 0 where that is not for us to see."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
