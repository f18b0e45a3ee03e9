"""What is wrong with a floor at this moment, for people to be told: controls, findings, programs, database, disk.

Programs write nothing for this and never wait on mail: all of it is read from what they keep anyway. What cannot be
read is itself an alarm, and then nothing is concluded from the silence of the rest.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from outcry.desk.common.living import alive
from outcry.domain.errors import OutcryError, Unavailable
from outcry.ops import disk
from outcry.ops.alerts.book import Level, Raised
from outcry.ops.floor import Floor
from outcry.store import database, findings, system
from outcry.store.holder import write_lock_holders

SILENT_MS = 150_000  # a program that is restarted within this was no alarm
TRANSIENT_MS = 60_000  # a stop of entries that lasts longer is told: lost connections mend themselves
BY_HAND = "person"  # the cause of what somebody did himself
WATCHED = ("control ", "finding ", "database", "disk")  # not seen is well; a program has to be seen alive
_OF_FINDING = {"critical": Level.CRITICAL, "warning": Level.DIGEST}


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is wrong, what keys begin with whose absence means that all is well, and what was seen to be well."""

    wrong: list[Raised]
    watched: tuple[str, ...]
    well: frozenset[str] = frozenset()


def look(floor: Floor, at_ms: int) -> Seen:
    """One look, from outside every program."""
    wrong = list(_disk(floor, at_ms))
    if not floor.database.exists():  # a floor that was never made ready has nothing to tell
        return Seen(wrong, ("disk",))
    try:
        db = database.read_only(floor.database)
        try:
            beats = system.heartbeats(db)
            programs = list(_programs(beats, at_ms))
            wrong += [*_controls(db, floor, at_ms), *_findings(db, at_ms), *programs]
            if any(not one.faint for one in programs):  # silent perhaps because the database refuses them
                wrong += [_database(f"is locked by {holder}", at_ms) for holder in write_lock_holders(floor.database)]
        finally:
            db.close()
    except (OutcryError, sqlite3.Error) as error:
        return Seen([*wrong, _database(f"cannot be read: {error}", at_ms)], ("disk",))
    return Seen(wrong, WATCHED, frozenset(f"program {beat.program}" for beat in beats if _well(beat, at_ms)))


def _database(what: str, at_ms: int) -> Raised:
    mend = "stop the floor; bin/doctor says more; bin/backup restore brings back the last copy"
    return Raised("database", Level.CRITICAL, f"the database {what}", mend, at_ms)


def _disk(floor: Floor, at_ms: int) -> Iterator[Raised]:
    try:
        room = disk.room(floor.folder)
    except Unavailable as error:
        yield Raised("disk", Level.CRITICAL, str(error), "look at the disk", at_ms)
        return
    mend = f"make room on the disk of {floor.folder}: bin/status says what takes how much"
    if not room.for_entries:
        yield Raised("disk", Level.CRITICAL, f"the disk is nearly full, entries stop: {room}", mend, at_ms)
    elif not room.for_the_tape:
        yield Raised("disk", Level.DIGEST, f"the disk is filling, the tape stops: {room}", mend, at_ms)


def _controls(db: sqlite3.Connection, floor: Floor, at_ms: int) -> Iterator[Raised]:
    """The floor's are critical, an agent's or a program's degradation; a market's is daily business."""
    controls = system.controls_now(db)
    for control in controls:
        where = f"{control.scope} {control.name}".strip()
        what = "is halted" if control.kind == "halt" else "enters nothing"
        level = Level.CRITICAL if control.scope == "floor" else Level.DIGEST
        if control.cause == BY_HAND or control.scope == "market":
            level = Level.LOG
        faint = control.kind != "halt" and at_ms - control.at_ms < TRANSIENT_MS
        yield Raised(
            f"control {where} {control.kind} {control.cause}", level, f"the {where} {what}: {control.cause}",
            control.reason, at_ms, faint,
        )  # fmt: skip
    if floor.halt_file.exists() and not any(control.kind == "halt" for control in controls):
        text = floor.halt_file.read_text(errors="replace").strip()
        yield Raised("control floor halt file", Level.CRITICAL, "the floor is halted by its file", text, at_ms)


def _findings(db: sqlite3.Connection, at_ms: int) -> Iterator[Raised]:
    for kept in findings.still_open(db):
        level = _OF_FINDING.get(kept.severity, Level.LOG)
        mend = f"{kept.mend}; then: auditor --resolve {kept.finding_id} --note …"
        yield Raised(f"finding {kept.finding_id}", level, f"{kept.check_name}: {kept.what}", mend, at_ms)


def _well(beat: system.Heartbeat, at_ms: int) -> bool:
    """Alive, or stopped just now by somebody."""
    return alive(beat, at_ms) or (beat.state == "STOPPED" and at_ms - beat.beat_at_ms < SILENT_MS)


def _programs(beats: Iterable[system.Heartbeat], at_ms: int) -> Iterator[Raised]:
    """Those that ran and were not asked to stop."""
    for beat in beats:
        if beat.state == "STOPPED" or alive(beat, at_ms):
            continue
        silent_ms = at_ms - beat.beat_at_ms
        why = beat.detail.get("why") or "nothing"
        yield Raised(
            f"program {beat.program}",
            Level.CRITICAL,
            f"{beat.program} does not run",
            f"no sign of life for {silent_ms // 1000} s; its last word: {beat.state}, {why}",
            at_ms,
            faint=silent_ms < SILENT_MS,
        )
