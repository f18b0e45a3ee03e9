"""Heartbeats, system events and controls: how programs tell each other, and people, what state they are in."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from outcry.store.database import joined, quick

DAILY_LOSS = "daily_loss"  # the cause that stops entries until the trading day rolls: nothing else lifts it
HALT_ENDS = "until bin/resume --i-have-checked"  # what whoever hears of a halt is told with it


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A program's last sign of life. `detail` holds its figures for bin/status."""

    program: str
    pid: int
    started_at_ms: int
    state: str
    state_since_ms: int
    beat_at_ms: int
    checkpoint_at_ms: int | None
    version: str
    detail: dict[str, object]


@dataclass(frozen=True, slots=True)
class Control:
    """Something that is forbidden just now. Each cause latches, and clears, for itself."""

    scope: str
    name: str
    kind: str
    cause: str
    reason: str
    at_ms: int


def beat(
    db: sqlite3.Connection,
    program: str,
    *,
    pid: int,
    started_at_ms: int,
    state: str,
    state_since_ms: int,
    version: str,
    detail: Mapping[str, object],
    now_ms: int,
    checkpoint_at_ms: int | None = None,
) -> None:
    """Replace the program's heartbeat row."""
    with quick(db):
        db.execute(
            "INSERT OR REPLACE INTO heartbeats (program, pid, started_at_ms, state, state_since_ms, beat_at_ms,"
            " checkpoint_at_ms, version, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                program, pid, started_at_ms, state, state_since_ms, now_ms, checkpoint_at_ms, version,
                json.dumps(detail, default=str),
            ),
        )  # fmt: skip


def heartbeats(db: sqlite3.Connection) -> list[Heartbeat]:
    """Every program that ever beat here, by name."""
    rows = db.execute("SELECT * FROM heartbeats ORDER BY program").fetchall()
    return [Heartbeat(**{**dict(row), "detail": json.loads(row["detail"])}) for row in rows]


def event(db: sqlite3.Connection, level: str, program: str, what: str, detail: str = "", *, now_ms: int) -> None:
    """Keep a warning or a change of state. `what`: a past-tense verb first, like `stopped_entries`."""
    with joined(db):
        db.execute(
            "INSERT INTO system_events (at_ms, level, program, event, detail) VALUES (?, ?, ?, ?, ?)",
            (now_ms, level, program, what, detail),
        )


def recent_events(db: sqlite3.Connection, limit: int = 10) -> list[sqlite3.Row]:
    """The newest events, newest first: at_ms, level, program, event, detail."""
    return db.execute(
        "SELECT at_ms, level, program, event, detail FROM system_events ORDER BY id DESC LIMIT ?", (limit,)
    ).fetchall()


def set_control(
    db: sqlite3.Connection, scope: str, name: str, kind: str, active: bool, *, cause: str, reason: str, now_ms: int
) -> bool:
    """Forbid something, or lift what the same cause forbade; says whether that changed anything.

    scope, name  'floor' and '', or 'agent' / 'market' / 'program' and its name
    kind         'halt' (nothing but cancels and exits) or 'stop_entries'
    """
    with joined(db):
        last = db.execute(
            "SELECT active, reason FROM controls WHERE scope = ? AND name = ? AND kind = ? AND cause = ?"
            " ORDER BY id DESC LIMIT 1",
            (scope, name, kind, cause),
        ).fetchone()
        if (bool(last["active"]) if last else False) == active and (not active or last["reason"] == reason):
            return False
        db.execute(
            "INSERT INTO controls (at_ms, scope, name, kind, active, cause, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (now_ms, scope, name, kind, int(active), cause, reason),
        )
    return True


def last_change(db: sqlite3.Connection, scope: str, name: str, kind: str, cause: str) -> tuple[bool, int]:
    """Whether a cause forbids something now, and since when it does or does not; (False, 0) when it never did."""
    row = db.execute(
        "SELECT active, at_ms FROM controls WHERE scope = ? AND name = ? AND kind = ? AND cause = ?"
        " ORDER BY id DESC LIMIT 1",
        (scope, name, kind, cause),
    ).fetchone()
    return (bool(row["active"]), row["at_ms"]) if row else (False, 0)


def stop_for_the_day(db: sqlite3.Connection, scope: str, name: str, reason: str, program: str, now_ms: int) -> None:
    """Stop entries of the floor or an agent until the trading day rolls; in the transaction of the refusal.

    program  who found it, for the event; stopped already is stopped for the first reason
    """
    if any((row.scope, row.name, row.cause) == (scope, name, DAILY_LOSS) for row in controls_now(db)):
        return
    why = f"{reason}; until the trading day rolls"
    set_control(db, scope, name, "stop_entries", True, cause=DAILY_LOSS, reason=why, now_ms=now_ms)
    event(db, "critical", program, "stopped_entries", f"{DAILY_LOSS}: {why}", now_ms=now_ms)


def begin_the_day(db: sqlite3.Connection, day: str, now_ms: int) -> None:
    """Lift what was stopped for the day; in the very transaction that rolls it, so that nothing is lifted twice."""
    for row in controls_now(db):
        if row.cause == DAILY_LOSS:
            set_control(
                db, row.scope, row.name, row.kind, False, cause=DAILY_LOSS, reason=f"{day} began", now_ms=now_ms
            )


def controls_now(db: sqlite3.Connection) -> list[Control]:
    """All that is forbidden at this moment, oldest first."""
    rows = db.execute("SELECT scope, name, kind, cause, reason, at_ms FROM controls_now ORDER BY at_ms").fetchall()
    return [Control(**dict(row)) for row in rows]
