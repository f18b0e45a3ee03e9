"""Agents: who trades here, with which strategy, parameters and capital; every change beside its evidence."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outcry.domain.errors import Misconfigured
from outcry.store import questions
from outcry.store.database import joined, write

RESERVED = frozenset({"manual", "parked", "rounding"})  # owners of fills and cash that no agent earned


@dataclass(frozen=True, slots=True)
class Agent:
    """One row.

    parameters    only what differs from the strategy's defaults
    began_micros  what it had won or lost when it was brought back: its allocation answers for what came after
    """

    name: str
    strategy: str
    parameters: dict[str, Any]
    stage: str
    allocation_micros: int
    code_sha256: str
    created_at_ms: int
    paused: bool = False
    pause_reason: str = ""
    flagged: bool = False
    parent: str | None = None
    generation: int = 0
    began_micros: int = 0


def keep_version(db: sqlite3.Connection, strategy: str, source: str, now_ms: int) -> str:
    """Keep a strategy's source for ever under its sha256, which is returned."""
    sha256 = hashlib.sha256(source.encode()).hexdigest()
    with joined(db):
        db.execute(
            "INSERT INTO strategy_versions VALUES (?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING",
            (sha256, strategy, source, now_ms),
        )
    return sha256


def add(db: sqlite3.Connection, agent: Agent, *, rule: str = "person") -> None:
    """Bring an agent onto the floor.

    raises  Misconfigured when the name is taken, reserved or not lower-case letters, digits, `-` and `_`
    """
    if agent.name in RESERVED or not is_name(agent.name):
        raise Misconfigured(
            f"{agent.name!r} cannot be an agent's name", "a lower-case letter, then letters, digits, - and _, up to 32"
        )
    with joined(db):
        try:
            db.execute(
                "INSERT INTO agents (name, strategy, parameters, stage, paused, pause_reason, flagged,"
                " allocation_micros, parent, generation, code_sha256, created_at_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    agent.name,
                    agent.strategy,
                    json.dumps(agent.parameters, sort_keys=True),
                    agent.stage,
                    agent.paused,
                    agent.pause_reason,
                    agent.flagged,
                    agent.allocation_micros,
                    agent.parent,
                    agent.generation,
                    agent.code_sha256,
                    agent.created_at_ms,
                ),
            )
        except sqlite3.IntegrityError as error:
            if db.execute("SELECT 1 FROM agents WHERE name = ?", (agent.name,)).fetchone():
                raise Misconfigured(f"there is already an agent {agent.name}", "choose another name") from None
            raise Misconfigured(f"agent {agent.name} does not fit: {error}") from None
        facts = {
            "strategy": agent.strategy,
            "stage": agent.stage,
            "allocation_micros": agent.allocation_micros,
            "code_sha256": agent.code_sha256,
        }
        _ask(db, agent.name, agent.stage, agent.created_at_ms)
        _evolved(db, agent.name, agent.created_at_ms, rule=rule, act="added", evidence=facts)


def is_name(text: str) -> bool:
    """Whether a name may go into unit names, file names and order ids: a-z first, then a-z 0-9 - _, at most 32."""
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-_")
    return 0 < len(text) <= 32 and "a" <= text[0] <= "z" and set(text) <= allowed


def everyone(db: sqlite3.Connection) -> list[Agent]:
    """All agents, retired ones too, by name."""
    return [_agent(row) for row in db.execute("SELECT * FROM agents ORDER BY name")]


def get(db: sqlite3.Connection, name: str) -> Agent:
    """One agent.

    raises  Misconfigured when there is none of that name, with the names there are
    """
    row = db.execute("SELECT * FROM agents WHERE name = ?", (name,)).fetchone()
    if row is None:
        known = ", ".join(agent.name for agent in everyone(db)) or "none yet"
        raise Misconfigured(f"no agent {name!r}", f"agents here: {known}")
    return _agent(row)


def set_paused(
    db: sqlite3.Connection,
    name: str,
    paused: bool,
    *,
    reason: str,
    now_ms: int,
    rule: str = "person",
    evidence: Mapping[str, Any] | None = None,
) -> bool:
    """Pause an agent's entries (its exits go on), or let it enter again; False when nothing changed."""
    with joined(db):
        changed = db.execute(
            "UPDATE agents SET paused = ?, pause_reason = ? WHERE name = ? AND (paused, pause_reason) <> (?, ?)",
            (paused, reason, name, paused, reason),
        ).rowcount
        if changed:
            facts = {"reason": reason, **(evidence or {})}
            _evolved(db, name, now_ms, rule=rule, act="paused" if paused else "resumed", evidence=facts)
    return bool(changed)


def set_allocation(
    db: sqlite3.Connection, name: str, allocation_micros: int, now_ms: int, *, rule: str, evidence: Mapping[str, Any]
) -> None:
    """Give an agent another share of the capital."""
    with joined(db):
        db.execute("UPDATE agents SET allocation_micros = ? WHERE name = ?", (allocation_micros, name))
        facts = {"allocation_micros": allocation_micros, **evidence}
        _evolved(db, name, now_ms, rule=rule, act="allocated", evidence=facts)


def set_stage(
    db: sqlite3.Connection, name: str, stage: str, now_ms: int, *, rule: str, act: str, evidence: Mapping[str, Any]
) -> None:
    """Move an agent to a stage: what it does from now on is judged by itself. A flag stays behind."""
    with joined(db):
        db.execute("UPDATE agents SET stage = ?, flagged = 0 WHERE name = ?", (stage, name))
        _ask(db, name, stage, now_ms)
        _evolved(db, name, now_ms, rule=rule, act=act, evidence={"stage": stage, **evidence})


def begin_anew(db: sqlite3.Connection, name: str, result_micros: int) -> None:
    """What an agent won or lost so far is history; in the caller's transaction."""
    with joined(db):
        db.execute("UPDATE agents SET began_micros = ? WHERE name = ?", (result_micros, name))


def set_flagged(
    db: sqlite3.Connection, name: str, flagged: bool, now_ms: int, *, rule: str, evidence: Mapping[str, Any]
) -> None:
    """Flag an agent, or take its flag off."""
    with joined(db):
        stage = db.execute("UPDATE agents SET flagged = ? WHERE name = ? RETURNING stage", (flagged, name)).fetchone()[
            "stage"
        ]
        if flagged:
            questions.begin(db, name, questions.FLAG, stage, now_ms)
        else:
            questions.end(db, name, [questions.FLAG], now_ms)
        _evolved(db, name, now_ms, rule=rule, act="flagged" if flagged else "unflagged", evidence=evidence)


def set_parameters(
    db: sqlite3.Connection, name: str, parameters: Mapping[str, Any], now_ms: int, *, evidence: Mapping[str, Any]
) -> None:
    """Let an agent run with other parameters; what it showed with the old ones is no evidence for these."""
    with joined(db):
        row = db.execute(
            "UPDATE agents SET parameters = ? WHERE name = ? RETURNING stage, flagged",
            (json.dumps(dict(parameters), sort_keys=True), name),
        ).fetchone()
        _ask(db, name, row["stage"], now_ms)
        _evolved(db, name, now_ms, rule="person", act="set", evidence={"parameters": dict(parameters), **evidence})


def note(db: sqlite3.Connection, name: str, now_ms: int, *, rule: str, act: str, evidence: Mapping[str, Any]) -> None:
    """Keep what was decided about an agent that changes nothing in its own row."""
    with joined(db):
        _evolved(db, name, now_ms, rule=rule, act=act, evidence=evidence)


def _ask(db: sqlite3.Connection, name: str, stage: str, now_ms: int) -> None:
    """Begin the question of a stage; whoever retires is asked nothing more."""
    questions.end(db, name, [questions.BIRTH, questions.STAGE, questions.FLAG], now_ms)
    if stage == "retired":
        questions.end(db, name, [questions.CHALLENGE], now_ms)
    else:
        questions.begin(db, name, questions.BIRTH if stage == "birth" else questions.STAGE, stage, now_ms)


def events(db: sqlite3.Connection, name: str | None, limit: int) -> list[dict[str, Any]]:
    """What happened to an agent, or (None) to all, the newest first."""
    rows = db.execute(
        "SELECT at_ms, agent, rule, act, evidence FROM evolution_events WHERE ?1 IS NULL OR agent = ?1"
        " ORDER BY id DESC LIMIT ?2",
        (name, limit),
    )
    return [{**dict(row), "evidence": json.loads(row["evidence"])} for row in rows]


def set_code(db: sqlite3.Connection, name: str, code_sha256: str, now_ms: int) -> bool:
    """Say which version of its strategy's source an agent runs from now on; False when it runs that one already."""
    with write(db):
        changed = db.execute(
            "UPDATE agents SET code_sha256 = ? WHERE name = ? AND code_sha256 <> ?", (code_sha256, name, code_sha256)
        ).rowcount
        if changed:
            _evolved(db, name, now_ms, rule="build", act="changed code", evidence={"code_sha256": code_sha256})
    return bool(changed)


def history(db: sqlite3.Connection, name: str) -> list[dict[str, Any]]:
    """What happened to an agent and why, oldest first."""
    rows = db.execute("SELECT at_ms, rule, act, evidence FROM evolution_events WHERE agent = ? ORDER BY id", (name,))
    return [{**dict(row), "evidence": json.loads(row["evidence"])} for row in rows]


def last_time(db: sqlite3.Connection, name: str, act: str) -> tuple[str, int]:
    """Which rule last did this to an agent, and when; ("", 0) when none did."""
    row = db.execute(
        "SELECT rule, at_ms FROM evolution_events WHERE agent = ? AND act = ? ORDER BY id DESC LIMIT 1", (name, act)
    ).fetchone()
    return (row["rule"], row["at_ms"]) if row else ("", 0)


def last_decided(db: sqlite3.Connection, name: str) -> tuple[str, int]:
    """What a person last did to an agent beside adding and cloning it, and when; ("", 0) for nothing."""
    row = db.execute(
        "SELECT act, at_ms FROM evolution_events WHERE agent = ? AND rule = 'person' AND act NOT IN ('added', 'cloned')"
        " ORDER BY id DESC LIMIT 1",
        (name,),
    ).fetchone()
    return (row["act"], row["at_ms"]) if row else ("", 0)


def open_floor(db: sqlite3.Connection, floor_id: str, environment: str, now_ms: int) -> str:
    """Write the floor's one row if it is missing; returns the id that counts.

    raises  Misconfigured when the database belongs to another environment
    """
    with write(db):
        db.execute(
            "INSERT INTO floor (one, floor_id, environment, created_at_ms) VALUES (1, ?, ?, ?)"
            " ON CONFLICT (one) DO NOTHING",
            (floor_id, environment, now_ms),
        )
    row = db.execute("SELECT floor_id, environment FROM floor").fetchone()
    if row["environment"] != environment:
        raise Misconfigured(
            f"this database belongs to environment {row['environment']}, not {environment}",
            "books of two environments never mix",
        )
    return row["floor_id"]


def _agent(row: sqlite3.Row) -> Agent:
    return Agent(
        name=row["name"],
        strategy=row["strategy"],
        parameters=json.loads(row["parameters"]),
        stage=row["stage"],
        allocation_micros=row["allocation_micros"],
        code_sha256=row["code_sha256"],
        created_at_ms=row["created_at_ms"],
        paused=bool(row["paused"]),
        pause_reason=row["pause_reason"],
        flagged=bool(row["flagged"]),
        parent=row["parent"],
        generation=row["generation"],
        began_micros=row["began_micros"],
    )


def _evolved(
    db: sqlite3.Connection, agent: str, at_ms: int, *, rule: str, act: str, evidence: Mapping[str, Any]
) -> None:
    db.execute(
        "INSERT INTO evolution_events (agent, at_ms, rule, act, evidence) VALUES (?, ?, ?, ?, ?)",
        (agent, at_ms, rule, act, json.dumps(dict(evidence), sort_keys=True)),
    )
