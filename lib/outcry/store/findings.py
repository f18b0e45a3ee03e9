"""Findings: what the auditor found, kept once, and how each of them ended."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from outcry.store.database import joined

GONE, PERSON = "gone", "person"


@dataclass(frozen=True, slots=True)
class Kept:
    """One finding. `evidence` holds the figures, units in their names."""

    finding_id: int
    found_at_ms: int
    check_name: str
    subject: str
    severity: str
    what: str
    evidence: dict[str, object]
    mend: str


def keep(
    db: sqlite3.Connection,
    check_name: str,
    subject: str,
    severity: str,
    what: str,
    evidence: Mapping[str, object],
    mend: str,
    now_ms: int,
) -> int | None:
    """Write a finding; None when it is known: open, or judged by a person. One that had gone and is back is new."""
    with joined(db):
        last = db.execute(
            "SELECT e.how FROM findings f LEFT JOIN finding_ends e ON e.finding_id = f.id"
            " WHERE f.check_name = ? AND f.subject = ? ORDER BY f.id DESC LIMIT 1",
            (check_name, subject),
        ).fetchone()
        if last is not None and last["how"] != GONE:
            return None
        return db.execute(
            "INSERT INTO findings (found_at_ms, check_name, subject, severity, what, evidence, mend)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (now_ms, check_name, subject, severity, what, msgspec.json.encode(evidence).decode(), mend),
        ).lastrowid


def end(db: sqlite3.Connection, finding_id: int, how: str, note: str, now_ms: int) -> bool:
    """Say that a finding is over; False when there is none of that number, or it is over already.

    how  GONE (it is not seen any more) or PERSON (somebody has judged it)
    """
    with joined(db):
        if not db.execute("SELECT 1 FROM findings_open WHERE id = ?", (finding_id,)).fetchone():
            return False
        db.execute("INSERT INTO finding_ends VALUES (?, ?, ?, ?)", (finding_id, now_ms, how, note))
    return True


def still_open(db: sqlite3.Connection, check_name: str | None = None) -> list[Kept]:
    """Findings that are not over, oldest first; of one check, or all."""
    rows = db.execute("SELECT * FROM findings_open WHERE ?1 IS NULL OR check_name = ?1 ORDER BY id", (check_name,))
    return [_kept(row) for row in rows]


def count(db: sqlite3.Connection) -> tuple[int, int]:
    """How many were ever found, and how many are still open."""
    row = db.execute("SELECT (SELECT count(*) FROM findings), (SELECT count(*) FROM findings_open)").fetchone()
    return row[0], row[1]


def _kept(row: sqlite3.Row) -> Kept:
    return Kept(
        row["id"],
        row["found_at_ms"],
        row["check_name"],
        row["subject"],
        row["severity"],
        row["what"],
        msgspec.json.decode(row["evidence"], type=dict[str, object]),
        row["mend"],
    )
