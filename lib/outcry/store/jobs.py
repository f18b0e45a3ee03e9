"""Jobs: what cron or a person started, which turn it was, and how it went."""

import sqlite3
from dataclasses import dataclass

from outcry.store.database import write

DONE, FAILED = "done", "failed"


@dataclass(frozen=True, slots=True)
class JobRow:
    """One run. `due_at_ms`: which turn it was, None when a person started it; `result`: '' while it runs."""

    name: str
    due_at_ms: int | None
    started_at_ms: int
    ended_at_ms: int | None
    result: str
    detail: str


def begin(db: sqlite3.Connection, name: str, due_at_ms: int | None, now_ms: int, *, only_last: bool = False) -> int:
    """Write that a run began; returns its number.

    only_last  forget the job's earlier good runs: for jobs of every minute
    """
    with write(db):
        if only_last:
            db.execute(
                "DELETE FROM jobs WHERE name = ? AND result = 'done' AND id > (SELECT min(id) FROM jobs"
                " WHERE due_at_ms IS NOT NULL)",
                (name,),
            )
        row: int = db.execute(
            "INSERT INTO jobs (name, due_at_ms, started_at_ms) VALUES (?, ?, ?) RETURNING id", (name, due_at_ms, now_ms)
        ).fetchone()[0]
    return row


def end(db: sqlite3.Connection, number: int, result: str, detail: str, now_ms: int) -> None:
    """Write how a run ended."""
    with write(db):
        db.execute("UPDATE jobs SET ended_at_ms = ?, result = ?, detail = ? WHERE id = ?",
                   (now_ms, result, detail, number))  # fmt: skip


def done(db: sqlite3.Connection, name: str, due_at_ms: int) -> bool:
    """Whether a job's turn, or a later one, was done."""
    row = db.execute(
        "SELECT 1 FROM jobs WHERE name = ? AND result = 'done' AND due_at_ms >= ? LIMIT 1", (name, due_at_ms)
    ).fetchone()
    return row is not None


def last(db: sqlite3.Connection) -> dict[str, JobRow]:
    """The newest run of each job, by name."""
    rows = db.execute(
        "SELECT name, due_at_ms, started_at_ms, ended_at_ms, result, detail FROM jobs"
        " WHERE id IN (SELECT max(id) FROM jobs GROUP BY name) ORDER BY name"
    )
    return {row["name"]: JobRow(*row) for row in rows}


def first_at_ms(db: sqlite3.Connection) -> int | None:
    """When cron first started anything on this floor; None when it never did."""
    found: int | None = db.execute("SELECT min(started_at_ms) FROM jobs WHERE due_at_ms IS NOT NULL").fetchone()[0]
    return found


def prune(db: sqlite3.Connection, before_ms: int, limit: int) -> int:
    """Forget at most `limit` runs that began before a time, but never the first; says how many went."""
    with write(db):
        return db.execute(
            "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE started_at_ms < ?"
            " AND id <> (SELECT min(id) FROM jobs WHERE due_at_ms IS NOT NULL) LIMIT ?)",
            (before_ms, limit),
        ).rowcount
