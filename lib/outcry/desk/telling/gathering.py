"""What goes into a briefing, read from the floor."""

import sqlite3
from collections.abc import Iterator

from outcry.desk.care import shown
from outcry.desk.telling import spans, whole
from outcry.desk.telling.hindrances import halted_by_file, needed
from outcry.ops.floor import Floor
from outcry.ops.installed import place, starts
from outcry.review.reports.briefing import Briefing, needs_of
from outcry.review.reports.hindrances import ENDS, LIFTED, PASSES
from outcry.review.reports.whole import Whole
from outcry.store import accounts, agents, looks, periods, system
from outcry.store import report as rows


def build(db: sqlite3.Connection, floor: Floor, at_ms: int) -> Briefing:
    """The briefing as of an instant."""
    settings = floor.settings
    today_span, before = spans.today(settings, at_ms), spans.day(settings, "yesterday", at_ms)
    today = whole.build(db, floor, today_span, at_ms)
    lived = any(roll.day == before.days[0] for roll in periods.rolls(db, before.days[0]))
    yesterday = whole.build(db, floor, before, at_ms) if lived else None
    with rows.one_instant(db):
        changes = whole.changes(db, spans.since(settings, before.days[0], at_ms), None)
        silence = tuple(_silence(db, today, yesterday, before.from_ms))
    ends_ms = spans.end_of_day(settings, at_ms)
    due = [line for line in today.report.positions if line.close_at_ms is not None and line.close_at_ms < ends_ms]
    return Briefing(
        day=today_span.days[0],
        needs=_needs(db, floor, today),
        yesterday=yesterday,
        today=today,
        due=tuple(sorted(due, key=lambda line: (line.close_at_ms or 0, line.ticker, line.agent))),
        changes=changes,
        silence=silence,
    )


def _needs(db: sqlite3.Connection, floor: Floor, today: Whole) -> tuple[str, ...]:
    forbidden = list(_forbidden(db, floor))
    told = "journalctl -u" if place().name else "Its log"
    dead = [
        f"{one.name} does not run ({one.state}{f': {one.why}' if one.why else ''}). {told} says why."
        for one in today.programs
        if one.running is False
    ]
    if not today.programs:
        dead.append(f"No program has ever run on this floor. {starts()}")
    dead += _stopped(db, floor, today)
    found = [
        f"The auditor's finding {one.finding_id} ({one.severity}): {one.what}. bin/auditor --findings has the mend."
        for one in today.findings
        if one.severity != "info"
    ]
    known = today.report.floor.reconciled
    others = [f"Ledger and exchange differ: {known.detail}."] if known.at_ms is not None and _differs(db) else []
    others += [f"Jobs are late: {today.jobs}."] if today.jobs_late else []
    disk, filling = shown.of_disk(floor)
    others += [f"The disk is filling: {disk}."] if filling else []
    alerts, untold = shown.of_alerts(floor)
    others += [f"Alerts: {alerts}. bin/alert lists them, bin/alert ack says that you know."] if untold else []
    return needs_of(found, forbidden, dead, others)


def _forbidden(db: sqlite3.Connection, floor: Floor) -> Iterator[str]:
    halted = False
    for one in system.controls_now(db):
        if one.scope == "floor" and one.kind == "halt":
            halted = True
            yield f"The floor is halted ({one.cause}): {one.reason}. {LIFTED}"
        elif one.scope == "floor":
            yield f"The floor enters nothing ({one.cause}): {one.reason}. {ENDS.get(one.cause, PASSES)}"
    if not halted and (why := halted_by_file(floor)):
        yield f"The floor is halted by its file: {why}. {LIFTED}"


def _stopped(db: sqlite3.Connection, floor: Floor, today: Whole) -> Iterator[str]:
    """What a person stopped, who may have forgotten it: programs that nobody can trade without, or every agent."""
    stopped = [one.name for one in today.programs if one.running is None]
    if stopped and not any(one.running for one in today.programs):
        yield f"Nothing runs: {', '.join(stopped)} stopped. {starts()}"
    elif absent := [name for name in needed(floor) if name in stopped]:
        yield f"Nobody can trade: {', '.join(absent)} stopped. {starts(*absent)}"
    trading = [one for one in agents.everyone(db) if one.stage != "retired"]
    if trading and all(one.paused for one in trading):
        reasons = "; ".join(f"{one.name} ({one.pause_reason or 'no reason given'})" for one in trading)
        yield f"Every agent is paused: {reasons}. bin/agent resume NAME lets one enter again."


def _differs(db: sqlite3.Connection) -> bool:
    """Whether a shard's newest look did not agree: a booking since needs nobody."""
    return any(not look.agreed for look in accounts.reconciliations_now(db))


def _silence(db: sqlite3.Connection, today: Whole, yesterday: Whole | None, from_ms: int) -> Iterator[str]:
    """A line for each agent that traded nothing since yesterday began, and why."""
    busy = {cost.agent for one in (today, yesterday) if one is not None for cost in one.costs}
    beats = {one.name for one in today.programs if one.running}
    for line in today.report.agents:
        name = line.facts.name
        if name in busy or line.facts.stage in ("retired", ""):
            continue
        if line.facts.paused:
            yield f"{name} is paused: bin/agent resume {name} lets it enter again."
            continue
        seen = looks.since(db, name, from_ms)
        total = sum(count for _, _, count in seen)
        conditions: dict[str, int] = {}
        for _, condition, count in seen:
            conditions[condition] = conditions.get(condition, 0) + count
        if conditions:
            most = max(conditions, key=lambda condition: conditions[condition])
            yield f"{name} looked {total} times; {100 * conditions[most] // total} % of them ended at: {most}."
        elif f"trader@{name}" not in beats:
            yield f"{name} did not look: its trader does not run."
        else:
            yield f"{name} has seen no market to look at."
