"""The audit trail: every first record in the order of its commit, each link holding the one before it.

    link = sha256(link before | number | kind | key | sha256 of the row | when it was chained)

Only the auditor appends. Whoever edits, removes or inserts a record, or a link, breaks the chain at that place, unless
he rewrites everything after it; then the newest link is another one, and whoever kept an earlier head notices.
"""

import hashlib
import sqlite3
from dataclasses import dataclass

import msgspec

from outcry import failpoints
from outcry.store import first_records
from outcry.store.database import write
from outcry.store.first_records import SOURCES, Happening

BATCH = 500
LATE_MS = 120_000  # a record so much older than the links before it was not there when they were made


@dataclass(frozen=True, slots=True)
class Head:
    """The newest link. `seq` 0 and the floor's own beginning while there is none."""

    seq: int
    link: str
    chained_at_ms: int


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk over the whole chain found.

    fault    "" when all is as it was chained; else what became of the first record that is not
    waiting  records not chained yet
    """

    links: int
    head: Head
    waiting: int
    fault: str = ""


def beginning(db: sqlite3.Connection) -> str:
    """What the first link holds in place of one before it: chains of two floors are never alike."""
    row = db.execute("SELECT floor_id, created_at_ms FROM floor").fetchone()
    return _sha256(["outcry", row[0], row[1]] if row else ["outcry"])


def head(db: sqlite3.Connection) -> Head:
    """The newest link."""
    row = db.execute("SELECT seq, link, chained_at_ms FROM audit_chain ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(row[0], row[1], row[2]) if row else Head(0, beginning(db), 0)


def append(db: sqlite3.Connection, now_ms: int, limit: int = BATCH) -> tuple[int, list[Happening]]:
    """Chain what was committed since the newest link, up to `limit` records, in one transaction.

    returns  how many were chained, and those that were not there when their time says they were written
    raises   Unavailable when the database refuses; nothing was chained then
    """
    last = head(db)
    link, links, late = last.link, [], []
    for happening in first_records.since(db, last.seq, limit):
        row = first_records.row(db, happening.kind, happening.key)
        digest = _digest(row)
        link = _link(link, happening, digest, now_ms)
        links.append((happening.seq, digest, link, now_ms))
        if _is_late(row, happening.kind, last):
            late.append(happening)
    if links:
        with write(db):
            db.executemany("INSERT INTO audit_chain (seq, digest, link, chained_at_ms) VALUES (?, ?, ?, ?)", links)
            failpoints.reached("trail.commit")
        failpoints.reached("trail.committed")
    return len(links), late


def verify(db: sqlite3.Connection, known_link: str = "") -> Verified:
    """Walk the chain from its beginning and compare each link with the record as it is now.

    known_link  a head that was noted earlier: it has to be one of the links
    """
    before, seen, last = beginning(db), not known_link, Head(0, beginning(db), 0)
    fault = ""
    rows = db.execute(
        "SELECT c.seq, c.digest, c.link, c.chained_at_ms, h.kind, h.row_key FROM audit_chain c"
        "  LEFT JOIN happenings h ON h.seq = c.seq ORDER BY c.seq"
    )
    for seq, row in enumerate(rows, 1):
        fault = _fault(db, row, seq, before)
        if fault:
            break
        before, last = row["link"], Head(row["seq"], row["link"], row["chained_at_ms"])
        seen = seen or row["link"] == known_link
    fault = fault or _rest_fault(db, last)
    if not fault and not seen:
        fault = f"no link is {known_link}: the chain was written anew, or cut, since that head was noted"
    return Verified(last.seq, last, max(0, first_records.newest(db) - last.seq), fault)


def _fault(db: sqlite3.Connection, row: sqlite3.Row, seq: int, before: str) -> str:
    """What is wrong with one link and its record; "" when nothing is."""
    if row["seq"] != seq:
        return f"link {seq} was removed" + _named(db, seq)
    if row["kind"] is None:
        return f"the happening of link {seq} was removed"
    happening = Happening(seq, row["kind"], row["row_key"])
    if _link(before, happening, row["digest"], row["chained_at_ms"]) != row["link"]:
        return f"link {seq} ({happening}) was edited or inserted"
    record = first_records.row(db, happening.kind, happening.key)
    if record is None:
        return f"{happening} (link {seq}) was removed"
    if _digest(record) != row["digest"]:
        return f"{happening} (link {seq}) was edited"
    return ""


def _rest_fault(db: sqlite3.Connection, last: Head) -> str:
    """What is wrong beyond the links: records past the triggers, numbers that are gone, records that came too late."""
    if strangers := first_records.unannounced(db):
        kind, key = strangers[0]
        return f"{kind} {key} was inserted"
    waiting = first_records.since(db, last.seq, first_records.ever(db) + 1)
    for number, happening in enumerate(waiting, last.seq + 1):
        record = first_records.row(db, happening.kind, happening.key)
        if happening.seq != number or record is None:
            return f"record number {number} was removed"
        if _is_late(record, happening.kind, last):
            return f"{happening} was inserted: it is dated before link {last.seq}"
    if first_records.ever(db) > last.seq + len(waiting):
        return f"record number {last.seq + len(waiting) + 1} was removed"
    return ""


def _is_late(row: sqlite3.Row | None, kind: str, last: Head) -> bool:
    at = SOURCES[kind].at if kind in SOURCES else ""
    return bool(row is not None and at and last.seq and row[at] < last.chained_at_ms - LATE_MS)


def _named(db: sqlite3.Connection, seq: int) -> str:
    found = first_records.since(db, seq - 1, 1)
    return f" ({found[0]})" if found and found[0].seq == seq else ""


def _digest(row: sqlite3.Row | None) -> str:
    return _sha256(None if row is None else [[name, row[name]] for name in row.keys()])  # noqa: SIM118


def _link(before: str, happening: Happening, digest: str, at_ms: int) -> str:
    return _sha256([before, happening.seq, happening.kind, happening.key, digest, at_ms])


def _sha256(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()
