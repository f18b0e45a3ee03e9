"""What a person sees of a drill: a line while it goes on, a table and figures at its end, and the record it leaves."""

import contextlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import click
from tabulate import tabulate

from outcry.desk.drilling.floor import DrillFloor, Recovery
from outcry.desk.drilling.rounds import Row
from outcry.ops.clock import now_ms
from outcry.ops.installed import place

PROMISE_S = 5.0  # a restarted program is READY so soon
RECORD = "drill.json"
LINE_EVERY_S = 30.0  # when nobody watches
WIDEST = 90


@dataclass(frozen=True, slots=True)
class Figures:
    """A whole drill in numbers. `kind`: "table" for every boundary once, "minutes" for kills at random."""

    kind: str
    passed: bool
    build: str
    machine: str
    ended_at: str
    seed: int
    took_s: int
    acts: int
    orders: int
    fills: int
    settlements: int
    fees_micros: int
    kills: int
    differences: int
    recoveries: int
    slowest_recovery_ms: int
    slowest_recovery_of: str
    over_promise: int
    disk: str


class Watch:
    """The line of progress: on a terminal always the same one, else one now and then."""

    def __init__(self, drilled: DrillFloor, what: str) -> None:
        self._drilled, self._what = drilled, what
        self._began = self._next = time.monotonic()
        self._watched = sys.stderr.isatty()
        self.rows = 0
        drilled.on_turn = self.look

    def told(self, row: Row) -> None:
        """An act is over. What went wrong is said at once."""
        self.rows += 1
        if row.result or row.missed:
            said = f"drill: {row.name}: {row.result or row.missed}"
            click.echo(f"\r{said}\033[K" if self._watched else said, err=True)

    def look(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + (1.0 if self._watched else LINE_EVERY_S)
        now, seconds = self._drilled.progress(), int(time.monotonic() - self._began)
        counts = f"orders {now.orders:,}  fills {now.fills:,}  settled {now.settled_markets:,}" if now else "(locked)"
        slowest_ms, slowest_of = slowest(self._drilled.recoveries)
        line = (
            f"{seconds // 60}:{seconds % 60:02d} {self._what}  acts {self.rows}  kills {self._drilled.kills}  {counts}"
            f"  slowest recovery {slowest_ms / 1000:.1f} s: {slowest_of}"
        )
        click.echo(f"\r{line}\033[K" if self._watched else line, err=True, nl=not self._watched)

    def over(self) -> None:
        """Leave the terminal with a line of its own."""
        self._drilled.on_turn = lambda: None
        if self._watched:
            click.echo(err=True)


def table(rows: Sequence[Row]) -> str:
    """Boundary, how often it was tried, kills, result; acts of one name on one line."""
    lines: dict[str, list[Row]] = {}
    for row in rows:
        lines.setdefault(row.name, []).append(row)
    body = []
    for name, some in lines.items():
        bad = next((row.result for row in some if row.result), "")
        missed = [row.missed for row in some if row.missed]
        good = f"agrees; {len(missed)} times {missed[0]}" if missed else "agrees"
        body.append([name, len(some), sum(row.kills for row in some), bad[:WIDEST] or good])
    return tabulate(body, ["boundary", "times", "kills", "result"], tablefmt="simple", disable_numparse=True)


def as_text(figures: Figures, recoveries: Sequence[Recovery]) -> str:
    """The figures in words."""
    worst = f"slowest {figures.slowest_recovery_ms / 1000:.1f} s ({figures.slowest_recovery_of})"
    within = f"{figures.recoveries - figures.over_promise} of {figures.recoveries} within {PROMISE_S:g} s"
    took = f"{figures.took_s // 60}:{figures.took_s % 60:02d}"
    return "\n".join(
        [
            f"orders       {figures.orders:,}; fills {figures.fills:,}; settlements {figures.settlements:,};"
            f" fees ${figures.fees_micros / 1_000_000:,.4f}",
            f"kills        {figures.kills:,}",
            f"differences  {figures.differences}",
            f"recovery     {worst}; {within}",
            *_by_program(recoveries),
            f"disk         {figures.disk}",
            f"seed         {figures.seed}; build {figures.build}; took {took}",
        ]
    )


def _by_program(recoveries: Sequence[Recovery]) -> list[str]:
    """Each kind of program's recoveries on a line."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for one in recoveries:
        kinds[one.program.partition("@")[0]].append(one.seconds)
    return [
        f"  {kind:10} {len(some)} times, half within {median(some):.1f} s, slowest {max(some):.1f} s"
        for kind, some in sorted(kinds.items())
    ]


def slowest(recoveries: Sequence[Recovery]) -> tuple[int, str]:
    """The longest of them in ms, and whose it was."""
    worst = max(recoveries, key=lambda one: one.seconds, default=None)
    if worst is None:
        return 0, ""
    return round(worst.seconds * 1000), f"{worst.program} after {worst.after}, load {worst.load:.1f} a core"


def build() -> str:
    """Which build this is."""
    return place().build


def ended_at() -> str:
    return datetime.fromtimestamp(now_ms() / 1000, UTC).isoformat(timespec="seconds")


def keep(state: Path, figures: Figures) -> Path:
    """Put the result into the state folder, beside the last one of the other kind; where it is."""
    file = state / RECORD
    kept: dict[str, object] = {}
    with contextlib.suppress(FileNotFoundError, ValueError):
        kept = json.loads(file.read_text())
    kept[figures.kind] = asdict(figures)
    state.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{RECORD}.{os.getpid()}")
    draft.write_text(json.dumps(kept, indent=1) + "\n")
    draft.replace(file)
    return file
