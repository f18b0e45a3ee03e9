"""How the floor is, now: one block for people, the same for programs, or followed on a terminal."""

import json
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import asdict
from typing import Any

import click

from outcry.desk import dashboard
from outcry.desk.care import shown
from outcry.desk.common.day import trading_day
from outcry.desk.telling import block
from outcry.domain.errors import OutcryError
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.installed import place
from outcry.review.reports.hindrances import Kind
from outcry.store import accounts, database, system
from outcry.store import report as rows
from outcry.web import messages, source

WATCH_S = 2.0
HOME, TO_LINE_END, BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
LOUD = tuple(f"{kind.upper()} " for kind in Kind)


def run(floor: Floor, *, as_json: bool = False, watch: bool = False) -> int:
    """Print it once, or on a terminal every two seconds until Ctrl-C; returns 1 when something needs a person."""
    if as_json:
        told = _json(floor, now_ms())
        click.echo(json.dumps(told, indent=1))
        return int(bool(told["needs_person"]))
    if watch and sys.stdout.isatty():
        _follow(floor)
    lines, needs = _block(floor, now_ms())
    click.echo("\n".join(_coloured(line) for line in lines))
    return int(bool(needs))


def _follow(floor: Floor) -> None:
    """Draw over what was drawn before, so that nothing flickers; no more than the terminal has room for."""
    click.clear()
    while True:
        lines, _ = _block(floor, now_ms())
        size = shutil.get_terminal_size()
        drawn = [f"{_coloured(line[: size.columns])}{TO_LINE_END}" for line in lines[: size.lines - 1]]
        sys.stdout.write(HOME + "\n".join(drawn) + "\n" + BELOW)
        sys.stdout.flush()
        time.sleep(WATCH_S)


def _block(floor: Floor, at_ms: int) -> tuple[list[str], list[str]]:
    """The lines, and what needs a person."""
    if not floor.database.exists():
        return block.without_books(floor, at_ms, "none yet (next: bin/migrate)"), ["there is no database yet"]
    try:
        with closing(database.ready(floor.database)) as db, rows.one_instant(db):
            return block.lines(db, floor, at_ms), block.needs(db, floor, at_ms)
    except (OutcryError, sqlite3.Error) as error:
        return block.without_books(floor, at_ms, f"CANNOT BE READ: {error}"), ["the database cannot be read"]


def _json(floor: Floor, at_ms: int) -> dict[str, Any]:
    """The documented form (docs/status.md): what the dashboard shows, and what only this program looks at."""
    about: dict[str, Any] = {
        "v": messages.VERSION,
        "ts": at_ms,
        "build": place().build,
        "environment": floor.settings.environment,
        "folder": str(floor.folder),
        "error": "",
    }
    if not floor.database.exists():
        return about | {"error": "no database yet (next: bin/migrate)", "needs_person": ["there is no database yet"]}
    try:
        seen = source.look(dashboard.source_of(floor), at_ms, lambda: time.monotonic() * 1000)
        with closing(database.ready(floor.database)) as db, rows.one_instant(db):
            return about | messages.status(seen) | _beside(db, floor, at_ms)
    except (OutcryError, sqlite3.Error) as error:
        return about | {"error": str(error), "needs_person": ["the database cannot be read"]}


def _beside(db: sqlite3.Connection, floor: Floor, at_ms: int) -> dict[str, Any]:
    disk_line, filling = shown.of_disk(floor)
    alerts_line, untold = shown.of_alerts(floor)
    jobs_line, late = shown.of_jobs(db, floor, at_ms)
    start = rows.day_capital_micros(db, trading_day(floor.settings, at_ms).name)
    return {
        "needs_person": block.needs(db, floor, at_ms),
        "account": {
            "day_began_with_micros": start,
            "shards": [asdict(look) for look in accounts.reconciliations_now(db)],
        },
        "disk": {"said": disk_line, "needs_person": filling},
        "alerts": {"said": alerts_line, "needs_person": untold},
        "jobs": {"said": jobs_line, "needs_person": late},
        "events": [dict(row) for row in system.recent_events(db, block.EVENTS)],
    }


def _coloured(line: str) -> str:
    """What holds the floor back stands out; click takes colours away where nobody sees them."""
    label = next((label for label in LOUD if line.startswith(label)), "")
    return click.style(label, fg="red", bold=True) + line[len(label) :] if label else line
