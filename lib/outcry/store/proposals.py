"""Proposals: parameters that a search found, what speaks for them, and what became of them."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outcry.domain.errors import Misconfigured
from outcry.store.database import joined


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal.

    trials       of its study, when it was judged
    tape         the digest of each day
    recommended  whether what it showed holds for all trials; `evolve` takes no other
    taken_as     the clone that was made of it; None while there is none
    taken_by     the rule of `evolve` that took it, or "person"
    """

    number: int
    strategy: str
    code_sha256: str
    parameters: dict[str, Any]
    study: str
    sampler: str
    trials: int
    tape: dict[str, str]
    evidence: dict[str, Any]
    recommended: bool
    created_at_ms: int
    taken_as: str | None = None
    taken_by: str | None = None
    taken_at_ms: int | None = None


def keep(
    db: sqlite3.Connection,
    *,
    strategy: str,
    code_sha256: str,
    parameters: Mapping[str, Any],
    study: str,
    sampler: str,
    trials: int,
    tape: Mapping[str, str],
    evidence: Mapping[str, Any],
    recommended: bool,
    now_ms: int,
) -> int:
    """Keep a proposal; returns its number. The same of the same study, judged after as many trials, is kept once."""
    key = (study, trials, _json(tape), _json(parameters))
    with joined(db):
        known = db.execute(
            "SELECT number FROM proposals WHERE (study, trials, tape, parameters) = (?, ?, ?, ?)", key
        ).fetchone()
        if known is not None:
            return int(known["number"])
        row = db.execute(
            "INSERT INTO proposals (study, trials, tape, parameters, strategy, code_sha256, sampler, evidence,"
            " recommended, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number",
            (*key, strategy, code_sha256, sampler, _json(evidence), recommended, now_ms),
        ).fetchone()
    return int(row["number"])


def everything(db: sqlite3.Connection) -> list[Proposal]:
    """All proposals, newest first."""
    return [_proposal(row) for row in db.execute("SELECT * FROM proposals ORDER BY number DESC")]


def get(db: sqlite3.Connection, number: int) -> Proposal:
    """One proposal. Raises Misconfigured when there is none of that number."""
    row = db.execute("SELECT * FROM proposals WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise Misconfigured(f"there is no proposal {number}", "bin/tune proposals lists them")
    return _proposal(row)


def waiting(db: sqlite3.Connection, strategy: str, code_sha256: str) -> list[Proposal]:
    """What is recommended for a strategy, of the code that it has now, and not taken; newest first."""
    rows = db.execute(
        "SELECT * FROM proposals WHERE strategy = ? AND code_sha256 = ? AND recommended = 1 AND taken_at_ms IS NULL"
        " ORDER BY number DESC",
        (strategy, code_sha256),
    )
    return [_proposal(row) for row in rows]


def take(db: sqlite3.Connection, number: int, agent: str, by: str, now_ms: int) -> None:
    """A clone was made of a proposal. Raises Misconfigured when there is one already."""
    with joined(db):
        taken_as = get(db, number).taken_as
        if taken_as is not None:
            raise Misconfigured(f"proposal {number} is taken already: {taken_as} was made of it")
        db.execute(
            "UPDATE proposals SET taken_as = ?, taken_by = ?, taken_at_ms = ? WHERE number = ?",
            (agent, by, now_ms, number),
        )


def trials_elsewhere(db: sqlite3.Connection, strategy: str, tape: Mapping[str, str], study: str) -> int:
    """How many trials other studies of a strategy had on the same tape when they were judged by it."""
    row = db.execute(
        "SELECT coalesce(sum(most), 0) AS trials FROM (SELECT max(trials) AS most FROM proposals"
        " WHERE strategy = ? AND tape = ? AND study <> ? GROUP BY study)",
        (strategy, _json(tape), study),
    ).fetchone()
    return int(row["trials"])


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)


def _proposal(row: sqlite3.Row) -> Proposal:
    found = dict(row)
    return Proposal(
        **found
        | {name: json.loads(found[name]) for name in ("parameters", "tape", "evidence")}
        | {"recommended": bool(found["recommended"])}
    )
