"""What a verdict depended on beside the decision's own view and intent, kept so that it can be asked again."""

import sqlite3
from dataclasses import dataclass

import msgspec

from outcry.domain.view import Exposure


@dataclass(frozen=True, slots=True)
class Circumstances:
    """`question_json`: facts, limits and the size asked, as whoever asked wrote them down."""

    question_json: str
    exposure: Exposure


def insert(db: sqlite3.Connection, decision_id: str, question_json: str, exposure: Exposure) -> None:
    """Keep them; inside the transaction that decided (see placing)."""
    db.execute(
        "INSERT INTO circumstances (decision_id, question, exposure) VALUES (?, ?, ?)",
        (decision_id, question_json, msgspec.json.encode(exposure).decode()),
    )


def get(db: sqlite3.Connection, decision_id: str) -> Circumstances | None:
    """Those of one decision; None for one from before they were kept.

    raises  msgspec.ValidationError when they are of a shape this build does not know
    """
    row = db.execute("SELECT question, exposure FROM circumstances WHERE decision_id = ?", (decision_id,)).fetchone()
    if row is None:
        return None
    return Circumstances(row["question"], msgspec.json.decode(row["exposure"], type=Exposure))
