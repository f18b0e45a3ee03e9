"""Let go of what is old: quotes, counters, bars, tape, journals, hourly reports. First records always stay."""

import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import click

from outcry.desk.common import connect, jobs
from outcry.ops.clock import now_ms
from outcry.ops.disk import MEGABYTE
from outcry.ops.floor import Floor
from outcry.research.tape import COMPILED
from outcry.store import bars, pruning

DAY_MS = 86_400_000
RUNS_DAYS = 90
Prune = Callable[[sqlite3.Connection, int], int]
REST_S = 0.05  # between two short transactions: others write meanwhile
LOG_BYTES, LOGS = 64 * MEGABYTE, 5


def run(floor: Floor, *, if_due: bool) -> None:
    """Do it once; says what went, unless quiet."""
    went: list[str] = []

    def work() -> str:
        went.extend(prune(floor, now_ms()))
        return ", ".join(went)

    if jobs.run(floor, "upkeep", work, if_due=if_due) and not floor.quiet:
        click.echo("\n".join(went) or "nothing was old enough")


def prune(floor: Floor, at_ms: int) -> list[str]:
    """Everything that is due; one line for each kind that something went of."""
    kept = floor.settings.upkeep
    old_ms = at_ms - kept.quotes_days * DAY_MS
    with closing(connect.books(floor)) as db:
        rows: dict[str, tuple[Prune, int]] = {
            "quotes": (pruning.quotes, old_ms),
            "counters of looks": (pruning.looks, old_ms),
            "bars": (bars.prune, min(old_ms, at_ms - floor.settings.collector.bars_keep_s * 1000)),
            "reconciliations": (pruning.reconciliations, old_ms),
            "runs of jobs": (pruning.runs, at_ms - RUNS_DAYS * DAY_MS),
        }
        went = {name: _rows(db, *how) for name, how in rows.items()}
    went["files of tape"] = _tape(floor, at_ms)
    went["journals"] = _gone(_older(floor.folder / "journal", "*.journal", at_ms - kept.tape_days * DAY_MS))
    went["hourly reports"] = _gone(_older(floor.folder / "reports", "*T*", old_ms))
    _turn_log(floor.folder / "log" / "kalshi.log")
    return [f"{count} {name}" for name, count in went.items() if count]


def _rows(db: sqlite3.Connection, prune_some: Prune, before_ms: int) -> int:
    total = 0
    while some := prune_some(db, before_ms):
        total += some
        time.sleep(REST_S)
    return total


def _tape(floor: Floor, at_ms: int) -> int:
    """Days beyond their number, recorded and compiled. While all are too many bytes: what is there twice, then whole
    days, the oldest first. Never today's, which is written."""
    kept, today = floor.settings.upkeep, datetime.fromtimestamp(at_ms / 1000, UTC).date()
    files = [
        (day, file)
        for place in (floor.tape, floor.tape / COMPILED)
        for file in place.glob("????-??-??.db")
        if (day := _day(file)) and day < today
    ]
    compiled = {day for day, file in files if file.parent.name == COMPILED}
    gone = [file for day, file in files if (today - day).days > kept.tape_days]
    files = [it for it in files if it[1] not in gone]
    files.sort(key=lambda it: (it[1].parent.name == COMPILED or it[0] not in compiled, it))
    sizes = {file: _bytes(file) for _, file in files}
    room = kept.tape_megabytes * MEGABYTE - sum(_bytes(file) for file in floor.tape.glob(f"{today}.db*"))
    for _, file in files:
        if sum(sizes.values()) > room:
            gone.append(file)
            del sizes[file]
    for file in gone:
        for part in (file, *file.parent.glob(f"{file.name}-*")):
            part.unlink()
    return len(gone)


def _day(file: Path) -> date | None:
    try:
        return date.fromisoformat(file.stem)
    except ValueError:
        return None


def _bytes(file: Path) -> int:
    return file.stat().st_size


def _older(folder: Path, pattern: str, before_ms: int) -> Iterable[Path]:
    return [file for file in folder.glob(pattern) if file.stat().st_mtime * 1000 < before_ms]


def _gone(files: Iterable[Path]) -> int:
    count = 0
    for file in files:
        file.unlink()
        count += 1
    return count


def _turn_log(file: Path) -> None:
    """A log that grew large begins anew; programs notice and follow."""
    if not file.exists() or _bytes(file) < LOG_BYTES:
        return
    for number in range(LOGS - 1, 0, -1):
        older = file.with_name(f"{file.name}.{number}")
        if older.exists():
            older.rename(file.with_name(f"{file.name}.{number + 1}"))
    file.rename(file.with_name(f"{file.name}.1"))
