"""Whether every frame is there once: sequence numbers without holes, but for holes that the tape itself tells of.

Whether an exchange counts by subscription or by connection is found out from the numbers: of the two, the reading with
fewer holes in a connection is the one that is meant.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from outcry.research.tape import Session
from outcry.research.verifying.report import Finding, Report

REPLIES = {"ok", "failed", "subscribed", "unsubscribed"}  # may or may not count: advance only when exactly next
_DATA, _WHOLE, _REPLY = range(3)


class _Numbered(NamedTuple):
    arrival: int
    at_ms: int
    epoch: int
    sid: int
    seq: int
    what: int


class Hole(NamedTuple):
    """Numbers are missing before the row of this arrival."""

    arrival: int
    at_ms: int
    since_ms: int
    epoch: int
    sid: int
    missing: int
    after: int


@dataclass(slots=True)
class _Counter:
    """Holes of one connection under one reading of its numbers."""

    by_sid: bool
    last: dict[int, tuple[int, int]] = field(default_factory=dict)  # (seq, at_ms)
    holes: list[Hole] = field(default_factory=list)
    again: set[int] = field(default_factory=set)

    def take(self, row: _Numbered) -> None:
        key = row.sid if self.by_sid else 0
        last, since_ms = self.last.get(key, (0, row.at_ms))
        if row.seq <= last:
            if row.what == _DATA:
                self.again.add(row.arrival)
            return
        if row.seq > last + 1 and row.what == _REPLY:
            return
        if row.seq > last + 1 and last:
            missing = row.seq - last - 1
            self.holes.append(Hole(row.arrival, row.at_ms, since_ms, row.epoch, row.sid, missing, last))
        self.last[key] = (row.seq, row.at_ms)


@dataclass(frozen=True, slots=True)
class Sequence:
    """holes: in order of arrival; again: arrivals of rows that had been there before."""

    holes: list[Hole]
    again: set[int]


def check(session: Session, report: Report) -> Sequence:
    """Find holes and repetitions; those that the tape does not tell of are defects."""
    counters: dict[int, tuple[_Counter, _Counter]] = {}
    for row in _numbered(session):
        pair = counters.get(row.epoch)
        if pair is None:
            pair = counters[row.epoch] = (_Counter(True), _Counter(False))
        pair[0].take(row)
        pair[1].take(row)
        report.count("sequence numbers")
    meant = [min(pair, key=lambda counter: len(counter.holes) + len(counter.again)) for pair in counters.values()]
    holes = sorted(hole for counter in meant for hole in counter.holes)
    losses = session.losses()
    for hole in holes:
        told = any(hole.since_ms <= loss.at_ms <= hole.at_ms for loss in losses)
        what = f"{hole.missing} missing after seq {hole.after} of subscription {hole.sid}, connection {hole.epoch}"
        finding = Finding("sequence", session.number, hole.arrival, hole.at_ms, what)
        if told:
            report.remark(finding)
        else:
            report.defect(finding)
    again = set().union(*(counter.again for counter in meant))
    for arrival in sorted(again):
        report.remark(Finding("again", session.number, arrival, session.started_at_ms, "a frame that was there before"))
    return Sequence(holes, again)


def _numbered(session: Session) -> Iterator[_Numbered]:
    tables = (_of_tables(session, kind) for kind in ("delta", "print", "index"))
    whole = (_Numbered(it.arrival, it.at_ms, it.epoch, it.sid, it.seq, _WHOLE) for it in session.snapshots() if it.sid)
    return heapq.merge(*tables, whole, _of_notes(session))


def _of_tables(session: Session, kind: str) -> Iterator[_Numbered]:
    for table in session.tables(kind):
        columns = table.columns("arrival", "at_ms", "epoch", "sid", "seq")
        for arrival, at_ms, epoch, sid, seq in zip(*columns, strict=True):
            if seq:
                yield _Numbered(arrival, at_ms, epoch, sid, seq, _DATA)


def _of_notes(session: Session) -> Iterator[_Numbered]:
    for note in session.notes():
        if note.sid is not None and note.seq and note.kind != "own":
            what = _REPLY if note.kind in REPLIES else _DATA
            yield _Numbered(note.arrival, note.at_ns // 1_000_000, note.epoch, note.sid, note.seq, what)
