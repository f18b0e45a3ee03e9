"""Lines of bin/status on what looks after a floor: disk, jobs, alerts. Each says whether it needs somebody."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from outcry.desk.auditing import punctual
from outcry.desk.care import copies
from outcry.domain.errors import OutcryError
from outcry.ops import disk
from outcry.ops.alerts.book import Alert, Level
from outcry.ops.alerts.folder import Folder
from outcry.ops.floor import Floor
from outcry.store import jobs


def of_disk(floor: Floor) -> tuple[str, bool]:
    """How much is free, and what takes how much."""
    try:
        room = disk.room(floor.folder)
    except OutcryError as error:
        return str(error), True
    database = _megabytes([floor.database, floor.database.with_name(f"{floor.database.name}-wal")])
    days = {file.stem for file in floor.tape.rglob("????-??-??.db")}
    kept = copies.existing(copies.folder_of(floor), floor.settings.environment)
    parts = [f"database {database} MB", f"tape {_megabytes(floor.tape.rglob('*.db*'))} MB in {len(days)} days"]
    parts += [f"backups {_megabytes(kept)} MB in {len(kept)}"]
    return f"{room} · {' · '.join(parts)}", not room.for_the_tape


def _megabytes(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.exists()) // disk.MEGABYTE


def of_jobs(db: sqlite3.Connection, floor: Floor, at_ms: int) -> tuple[str, bool]:
    """Whether what cron starts is done; the late and the failed by name."""
    first_ms = jobs.first_at_ms(db)
    if first_ms is None:
        return "cron has started nothing on this floor", False
    turns = punctual.turns(db, floor.settings, at_ms)
    late = [turn for turn in turns if not turn.done and at_ms - first_ms >= turn.grace_ms]
    failed = [turn for turn in turns if turn.last_words and turn not in late]
    words = [f"{turn.name} LATE{f': {turn.last_words}' if turn.last_words else ''}" for turn in late]
    words += [f"{turn.name} failed, and is tried again: {turn.last_words}" for turn in failed]
    return "; ".join([*words, f"{len(turns) - len(late) - len(failed)} of {len(turns)} in time"]), bool(late)


def of_alerts(floor: Floor) -> tuple[str, bool]:
    """What is open, and whether anybody can be told."""
    book = Folder(floor.folder).load()
    still = [alert for alert in book.alerts if alert.open and alert.level is not Level.LOG]
    pressing = sum(urgent(alert) for alert in still)
    line = f"{len(still)} open, {pressing} of them critical and not acknowledged" if still else "none open"
    refusing = "".join(f"; {name} CANNOT SEND: {error}" for name, error in book.unsent.items())
    return line + refusing, bool(pressing or refusing)


def urgent(alert: Alert) -> bool:
    """Critical, and nobody has said that he knows."""
    return alert.open and alert.level is Level.CRITICAL and alert.acked_ms is None
