"""Look after the tape: list its days, verify, close, export and import them."""

import json
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from tabulate import tabulate

from outcry.desk.common import jobs
from outcry.domain.errors import InvariantBroken, Misconfigured, OutcryError, Unavailable
from outcry.ops import disk, log
from outcry.ops.bar import bar
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.research import tape
from outcry.research.tape import COMPILED, IMPORTED, Day

TURNED_MS = 600_000  # so long after midnight, UTC, the collector has turned to the next day's file

_log = log.get(__name__)


def ls(floor: Floor, days: tuple[str, ...], *, as_json: bool) -> None:
    """What tape there is: days, where they are, rows, sessions, what is wrong."""
    rows = []
    for file in tape.find_all(floor.tape) if not days else tape.find(floor.tape, days):
        try:
            with Day(file) as day:
                rows.append(_row(floor, day))
        except OutcryError as error:
            rows.append({"day": file.stem, "file": _where(floor, file), "state": str(error)})
    if as_json:
        click.echo(json.dumps(rows))
        return
    shown = [row | {"rows": _count(row, "rows"), "notes": None} for row in rows]
    columns = ("day", "file", "state", "sessions", "first", "last", "rows", "bytes")
    click.echo(tabulate([[row.get(name, "") for name in columns] for row in shown], columns))
    if not rows and not floor.quiet:
        click.echo(
            f"no tape in {floor.tape} (next: bin/collector records it, bin/tape import brings others')", err=True
        )


def verify(floor: Floor, days: tuple[str, ...], *, as_json: bool) -> int:
    """Replay days and print what is wrong; 1 when something is."""
    from outcry.research.verify import verify as verified

    reports: dict[str, Any] = {}
    for file in tape.find(floor.tape, days):
        with Day(file) as day:
            report = verified(day, _bar(floor))
        reports[str(file)] = report.plain()
        if not as_json and (not floor.quiet or not report.sound):
            click.echo(f"{_where(floor, file)}: {'sound' if report.sound else 'DEFECTS'}")
            click.echo("".join(f"  {line}\n" for line in report.lines()), nl=False)
    if as_json:
        click.echo(json.dumps(reports))
    return 0 if all(report["sound"] for report in reports.values()) else 1


def compile_days(floor: Floor, days: tuple[str, ...], *, remove: bool) -> int:
    """Close recorded days; 1 when one of them has defects (it is compiled, and says so)."""
    from outcry.research.compiler import compile_day

    sound = True
    for file in [_recorded(floor, day) for day in days] or _unclosed(floor):
        _must_be_over(file)
        target = floor.tape / COMPILED / file.name
        manifest = compile_day(file, target, _bar(floor))
        sound = sound and manifest["verified"]["sound"]
        _say(floor, _words(manifest), target)
        if remove:
            _remove(file, target, manifest)
    return 0 if sound else 1


def compile_due(floor: Floor) -> int:
    """What cron asks for at night: close the days that are over. 1 when one has defects, or is too damaged for it.

    raises  Unavailable when the disk is so full that the tape itself stops: it is tried again
    """
    wrong: list[str] = []

    def work() -> str:
        closed = _close_all(floor, wrong)
        return "; ".join([f"{closed} days closed" if closed else "no day to close", *wrong])

    if jobs.run(floor, "tape-compile", work, if_due=True):
        for what in wrong:  # also when quiet: cron mails it
            click.echo(what)
    return 1 if wrong else 0


def _close_all(floor: Floor, wrong: list[str]) -> int:
    """Close every day that is over; how many were. Adds what is wrong with them, or keeps one from being closed."""
    from outcry.research.compiler import compile_day

    closed = 0
    for file in _unclosed(floor):
        if not (room := disk.room(floor.tape)).for_the_tape:
            raise Unavailable(f"no room to close {file.name}: {room}")
        try:
            manifest = compile_day(file, floor.tape / COMPILED / file.name)
        except InvariantBroken as error:
            wrong.append(f"{file.name} cannot be closed: {error}")
            continue
        closed += 1
        if not manifest["verified"]["sound"]:
            wrong.append(_words(manifest))
    return closed


def export(floor: Floor, days: tuple[str, ...], out: Path) -> None:
    """Write days as Parquet."""
    from outcry.research.export import export as exported

    for file in tape.find(floor.tape, days):
        with Day(file) as day:
            rows = exported(day, out, _bar(floor))
        if not floor.quiet:
            told = ", ".join(f"{count:,} {name}" for name, count in rows.items() if count)
            click.echo(f"{day.name}: {told} in {out}")


def import_(floor: Floor, paths: tuple[Path, ...], to: Path | None) -> int:
    """Bring recordings of others; 1 when what they made has defects (it is kept, and says so)."""
    from outcry.research.importer import bring

    folder = to or floor.tape / IMPORTED
    say = _unsaid if sys.stderr.isatty() else lambda name: _log.info("importing", source=name)  # a bar says it there
    made = bring(list(paths), folder, say, _bar(floor))
    for file, manifest in made.days:
        _say(floor, _words(manifest), file)
    if not floor.quiet:
        for what in made.strange:
            click.echo(f"left out {what}")
        if made.unsettled:
            click.echo(f"nobody knows how {len(made.unsettled)} markets ended: they are not settled")
    return 0 if all(manifest["verified"]["sound"] for _, manifest in made.days) else 1


def _row(floor: Floor, day: Day) -> dict[str, Any]:
    span = day.reader.span_ms()
    killed = sum(session.ended_at_ms is None for session in day.sessions)
    state = "compiled" if day.manifest else "recorded"
    if day.manifest and not day.manifest["verified"]["sound"]:
        state += ", with defects"
    if day.reader.torn:
        state += ", torn"
    elif killed:
        state += f", {killed} of {len(day.sessions)} sessions without an end"
    return {
        "day": day.name,
        "file": _where(floor, day.file),
        "state": state,
        "sessions": len(day.sessions),
        "first": _clock(span[0]) if span else "",
        "last": _clock(span[1]) if span else "",
        "rows": {kind: rows for kind, (rows, _) in day.reader.counts().items()},
        "bytes": day.file.stat().st_size,
        "digest": day.manifest.get("digest"),
    }


def _count(row: dict[str, Any], name: str) -> str:
    return f"{sum(row[name].values()):,}" if name in row else ""


def _clock(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%H:%M:%S}"


def _where(floor: Floor, file: Path) -> str:
    return str(file.relative_to(floor.tape)) if file.is_relative_to(floor.tape) else str(file)


def _unclosed(floor: Floor) -> list[Path]:
    """Recorded days that are over and not compiled."""
    today = f"{datetime.fromtimestamp((now_ms() - TURNED_MS) / 1000, UTC):%Y-%m-%d}"
    files = sorted(floor.tape.glob("????-??-??.db"))
    return [file for file in files if file.stem < today and not (floor.tape / COMPILED / file.name).exists()]


def _recorded(floor: Floor, day: str) -> Path:
    """The recording of a day, not what was compiled from it."""
    file = Path(day) if Path(day).is_file() else floor.tape / f"{day}.db"
    if not file.is_file():
        raise Misconfigured(f"no recording of {day} in {floor.tape}", "bin/tape ls shows what there is")
    return file


def _must_be_over(file: Path) -> None:
    """Refuse a day that is still being written."""
    today = f"{datetime.fromtimestamp(now_ms() / 1000, UTC):%Y-%m-%d}"
    with Day(file) as day:
        if file.stem >= today and any(session.ended_at_ms is None for session in day.sessions):
            raise Misconfigured(f"{file.name} is still being recorded", "tomorrow, or stop the collector")


def _remove(file: Path, compiled: Path, manifest: dict[str, Any]) -> None:
    """Remove a recording whose compiled day, read back, says the same."""
    from outcry.research.compiler import digest_of

    if digest_of(compiled) != manifest["digest"]:
        raise Misconfigured(f"{compiled} does not read back as it was written", f"{file.name} is kept; check the disk")
    for suffix in ("-wal", "-shm", ""):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _words(manifest: dict[str, Any]) -> str:
    rows, verified = manifest["rows"], manifest["verified"]
    told = ", ".join(f"{count:,} {kind}" for kind, count in rows.items())
    wrong = sum(verified["counts"].get(name, 0) for name in {finding["check"] for finding in verified["defects"]})
    sound = "sound" if verified["sound"] else f"{wrong} DEFECTS"
    return f"{manifest['day']}: {told}; {sound}; {manifest['digest'][:19]}"


def _bar(floor: Floor) -> tape.Bar:
    return partial(bar, quiet=floor.quiet)


def _unsaid(_name: str) -> None:
    """Somebody watches a bar instead."""


def _say(floor: Floor, what: str, file: Path) -> None:
    if not floor.quiet:
        click.echo(f"{what} -> {_where(floor, file)}")
