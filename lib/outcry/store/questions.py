"""Questions about agents' edges: numbered as they arise, what each has seen, and which were answered yes."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from outcry.store.database import joined

STAGE, BIRTH, FLAG, CHALLENGE = "stage", "birth", "flag", "challenge"
GAIN, LOSS, POOR, AHEAD = "gain", "loss", "poor", "ahead"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. `place`: among those of its kind, from 1, which says how much proof it takes (review.bets.level).

    It is about what was entered from `began_at_ms` on and before `ended_at_ms`; None while it goes on.
    """

    number: int
    agent: str
    kind: str
    place: int
    stage: str
    began_at_ms: int
    ended_at_ms: int | None

    def covers(self, at_ms: int) -> bool:
        return self.began_at_ms <= at_ms and (self.ended_at_ms is None or at_ms < self.ended_at_ms)


def begin(db: sqlite3.Connection, agent: str, kind: str, stage: str, now_ms: int) -> int:
    """Ask anew, in the caller's transaction if there is one; what was asked before of this kind has ended.

    A stage's end is also a birth's, and the other way round.
    """
    with joined(db):
        if kind == CHALLENGE:
            end(db, agent, (CHALLENGE,), now_ms)
        elif kind == FLAG:
            end(db, agent, (FLAG,), now_ms)
        else:
            end(db, agent, (BIRTH, STAGE), now_ms)
        row = db.execute(
            "INSERT INTO questions (agent, kind, place, stage, began_at_ms) SELECT ?1, ?2, count(*) + 1, ?3, ?4"
            "  FROM questions WHERE kind = ?2 RETURNING number",
            (agent, kind, stage, now_ms),
        ).fetchone()
    return int(row["number"])


def end(db: sqlite3.Connection, agent: str, kinds: Iterable[str], now_ms: int) -> None:
    """What is entered from now on belongs to these questions no more."""
    with joined(db):
        db.executemany(
            "UPDATE questions SET ended_at_ms = ? WHERE agent = ? AND kind = ? AND ended_at_ms IS NULL",
            [(now_ms, agent, kind) for kind in kinds],
        )


def everything(db: sqlite3.Connection) -> list[Asked]:
    """All questions ever asked, in order."""
    return [Asked(*row) for row in db.execute("SELECT * FROM questions ORDER BY number")]


def answered(db: sqlite3.Connection, number: int, answer: str, now_ms: int) -> None:
    """A question was answered yes; once is enough."""
    with joined(db):
        db.execute("INSERT INTO discoveries VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (number, answer, now_ms))


def discoveries(db: sqlite3.Connection) -> set[tuple[int, str, str]]:
    """Every (number, kind, answer) that was a yes."""
    rows = db.execute("SELECT number, kind, answer FROM discoveries JOIN questions USING (number)")
    return {(row["number"], row["kind"], row["answer"]) for row in rows}


def others(found: set[tuple[int, str, str]], one: Asked, answer: str) -> int:
    """How many other questions of its kind were answered so: each makes room for the next (review.bets.level)."""
    return sum(number != one.number and (kind, said) == (one.kind, answer) for number, kind, said in found)


def observations(db: sqlite3.Connection, event_tickers: Iterable[str]) -> dict[tuple[int, str], dict[str, Any]]:
    """What questions have seen of some events."""
    found = {}
    for event_ticker in event_tickers:
        for row in db.execute("SELECT * FROM observations WHERE event_ticker = ?", (event_ticker,)):
            seen = dict(row)
            found[seen.pop("number"), seen.pop("event_ticker")] = seen
    return found


def evidence(db: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
    """What some questions have seen in all; those that saw nothing are missing."""
    found = {}
    for number in numbers:
        row = db.execute("SELECT * FROM evidence WHERE number = ?", (number,)).fetchone()
        if row is not None:
            found[number] = {key: row[key] for key in row.keys() if key != "number"}  # noqa: SIM118  a sqlite3.Row
    return found
