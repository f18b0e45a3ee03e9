"""The gate to real money: what the paper floor has shown, what a person has read, and the record of both.

It asks a paper floor, and writes the record into the production floor's folder beside it. Every program that could
enter something reads that record at its start.
"""

import getpass
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import click

from outcry.desk.common.living import alive
from outcry.desk.report import reconciled
from outcry.domain.errors import Misconfigured
from outcry.domain.limits import Limits
from outcry.ops import golive
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.golive import Record
from outcry.ops.installed import place
from outcry.store import chain, database, fills, findings, first_records, progress, report, system

DRILL, DRILL_DAYS = "drill.json", 30
LIMITS_READ = "limits reviewed"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that has to be so. `said` is the evidence."""

    name: str
    met: bool
    said: str


def run(floor: Floor, *, only_look: bool) -> int:
    """Look; when all is met and a person confirms, write the record. Returns 1 when something is not met.

    raises  Misconfigured unless this is a paper floor
    """
    if floor.settings.environment != "paper":
        raise Misconfigured(
            f"golive asks what a paper floor has shown, and this is {floor.settings.environment!r}",
            "run it with environment = 'paper'; after a change of limits or machine: golive --review",
        )
    with closing(database.ready(floor.database)) as db:
        conditions = look(floor, db, now_ms())
        floor_id, _ = report.floor_facts(db)
    _tell(conditions)
    if not all(condition.met for condition in conditions):
        click.echo("golive: not yet: the floor stays on paper", err=True)
        return 1
    if only_look:
        return 0
    _review(floor.settings.risk, {})
    said = _confirm(f"real money {floor_id}", "From here on orders cost real money, and all that is paid can be lost.")
    evidence = {condition.name: condition.said for condition in conditions}
    _write(floor, evidence, said)
    click.echo("now set environment = 'production' and live = true in the settings, and restart the floor")
    return 0


def review(floor: Floor) -> int:
    """Read the limits again, or admit another machine, on the evidence of the first time. Returns 1 when not met.

    raises  Misconfigured unless there is a record to begin with
    """
    if floor.settings.environment != "production":
        raise Misconfigured("--review is for a production floor", "on paper, plain golive does it all")
    record = golive.read(floor.golive_file)
    conditions = [_drill(floor, now_ms())]
    if record.machine != golive.machine():
        _tell(conditions)
        if not conditions[0].met:
            return 1
    _review(floor.settings.risk, record.limits)
    said = _confirm("real money goes on", "The floor goes on with these limits, on this machine.")
    _write(floor, record.evidence | {condition.name: condition.said for condition in conditions}, said)
    return 0


# ---- conditions -----------------------------------------------------------------------------------------------------


def look(floor: Floor, db: sqlite3.Connection, at_ms: int) -> list[Condition]:
    """Every condition, in the order they are told."""
    return [
        _days(floor, db),
        _trades(floor, db),
        *(check(db, at_ms) for check in _AUDIT),
        _drill(floor, at_ms),
    ]


def _days(floor: Floor, db: sqlite3.Connection) -> Condition:
    zone, wanted = floor.settings.zone(), floor.settings.golive.paper_days
    days = {datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).date() for at in fills.times_of_agents(db)}
    since = f", from {min(days)} to {max(days)}" if days else ""
    return Condition("days of paper", len(days) >= wanted, f"{len(days)} days with trades of {wanted}{since}")


def _trades(floor: Floor, db: sqlite3.Connection) -> Condition:
    settled, wanted = progress.read(db).settled_trades, floor.settings.golive.settled_trades
    return Condition("settled trades", settled >= wanted, f"{settled} of {wanted}")


def _open_findings(db: sqlite3.Connection, _at_ms: int) -> Condition:
    still = [kept for kept in findings.still_open(db) if kept.severity != "info"]
    ever, _ = findings.count(db)
    return Condition("audit", not still, f"{len(still)} open of {ever} found (bin/auditor --findings)")


def _auditor(db: sqlite3.Connection, at_ms: int) -> Condition:
    """It is there, and has read everything: no finding is worth something only then."""
    beat = next((beat for beat in system.heartbeats(db) if beat.program == "auditor"), None)
    if beat is None or not alive(beat, at_ms):
        return Condition("auditor", False, "does not run")
    behind = first_records.newest(db) - int(str(beat.detail.get("read") or 0))
    met = beat.state == "WATCHING" and behind < chain.BATCH
    return Condition("auditor", met, f"{beat.state}, {behind} records behind its last heartbeat")


def _trail(db: sqlite3.Connection, _at_ms: int) -> Condition:
    found = chain.verify(db)
    return Condition("audit trail", not found.fault, found.fault or f"{found.links} links hold, head {found.head.link}")


def _reconciled(db: sqlite3.Connection, _at_ms: int) -> Condition:
    known = reconciled(db)
    return Condition("reconciled", known.agreed, known.detail or "ledger and exchange agree")


_AUDIT: tuple[Callable[[sqlite3.Connection, int], Condition], ...] = (_open_findings, _auditor, _trail, _reconciled)


def _drill(floor: Floor, at_ms: int) -> Condition:
    """The crash drill: of every boundary, by this build, on this machine, and not long ago."""
    file = floor.folder.parent / DRILL
    try:
        drilled = json.loads(file.read_text())["table"]
        passed, build, ended = drilled["passed"], drilled["build"], datetime.fromisoformat(drilled["ended_at"])
        where = drilled["machine"]
    except FileNotFoundError:
        return Condition("drill", False, f"no record at {file}: run bin/drill")
    except (ValueError, KeyError, TypeError) as error:
        return Condition("drill", False, f"{file} cannot be read ({type(error).__name__}): run bin/drill")
    age = datetime.fromtimestamp(at_ms / 1000, UTC) - ended
    if passed is not True:
        return Condition("drill", False, f"failed at {ended.isoformat()}")
    if where != golive.machine():
        return Condition("drill", False, "passed on another machine: run bin/drill here")
    if build != place().build:
        return Condition("drill", False, f"passed by build {build}, this is {place().build}: run bin/drill")
    if age > timedelta(days=DRILL_DAYS):
        return Condition("drill", False, f"passed {age.days} days ago: run bin/drill")
    return Condition("drill", True, f"passed at {ended.isoformat()}, build {build}")


# ---- a person -------------------------------------------------------------------------------------------------------


def _tell(conditions: list[Condition]) -> None:
    for condition in conditions:
        click.echo(f"{'ok' if condition.met else 'NOT MET':<8}{condition.name}: {condition.said}")


def _review(limits: Limits, reviewed: dict[str, int]) -> None:
    """Show every limit: beside its default, and what it was when it was reviewed last."""
    click.echo("\nthe limits, as [risk] of the settings has them:")
    for name, default in asdict(Limits()).items():
        now = getattr(limits, name)
        marks = [f"default {default}"] if now != default else []
        marks += [f"was {reviewed[name]}"] if reviewed.get(name, now) != now else []
        click.echo(f"  {name:<36}{now:>15}{'   <- ' + ', '.join(marks) if marks else ''}")
    _confirm(LIMITS_READ, "Each of them decides how much can be lost, and how fast.")


def _confirm(words: str, why: str) -> str:
    """Have a person type something; anything else ends it."""
    click.echo(f"\n{why}")
    said: str = click.prompt(f"type: {words}\n", prompt_suffix="> ")
    if said.strip() != words:
        raise Misconfigured("that was something else: nothing was changed", f"type exactly: {words}")
    return words


def _write(floor: Floor, evidence: dict[str, str], said: str) -> None:
    """Into the production floor's folder, whole or not at all."""
    record = golive.sealed(
        Record(
            at_ms=now_ms(),
            machine=golive.machine(),
            build=place().build,
            who=os.environ.get("SUDO_USER") or getpass.getuser(),
            said=said,
            evidence=evidence,
            limits=asdict(floor.settings.risk),
        )
    )
    file = floor.folder.parent / "production" / golive.RECORD
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_bytes(golive.encode(record))
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.replace(file)
    click.echo(f"written: {file}")
