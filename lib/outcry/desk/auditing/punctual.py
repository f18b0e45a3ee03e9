"""Whether the jobs that cron starts were done: their schedule beside their rows."""

import sqlite3

from outcry.desk.auditing import findings as auditor_findings
from outcry.desk.common.jobs import JOBS, Job
from outcry.ops.settings import Settings
from outcry.review.checks import punctual
from outcry.review.checks.punctual import Turn
from outcry.store import findings, jobs


def turns(db: sqlite3.Connection, settings: Settings, at_ms: int) -> list[Turn]:
    """Each job's newest turn whose grace is over, and whether it was done; none where cron never started anything."""
    if jobs.first_at_ms(db) is None:
        return []
    last = jobs.last(db)
    return [_turn(db, settings, name, job, last.get(name), at_ms) for name, job in JOBS.items()]


def _turn(
    db: sqlite3.Connection, settings: Settings, name: str, job: Job, last: jobs.JobRow | None, at_ms: int
) -> Turn:
    due_at_ms = job.turn_ms(settings.zone(), at_ms - job.grace_ms, settings.time_factor)
    words = last.detail if last is not None and last.result == jobs.FAILED else ""
    return Turn(name, due_at_ms, jobs.done(db, name, due_at_ms), job.grace_ms, words)


def look(db: sqlite3.Connection, settings: Settings, watched_since_ms: int, at_ms: int) -> None:
    """Keep a finding for each job that was missed, and end those of jobs that were done since."""
    first_ms = jobs.first_at_ms(db)
    due = turns(db, settings, at_ms)
    auditor_findings.keep(db, punctual.check(due, max(watched_since_ms, first_ms or 0), at_ms), at_ms)
    waiting = {turn.name for turn in due if not turn.done}
    gone = [kept for kept in findings.still_open(db, punctual.CHECK) if kept.subject not in waiting]
    auditor_findings.end_gone(db, gone, "done since", at_ms)
