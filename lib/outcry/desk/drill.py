"""The crash drill: a floor of its own, killed and starved in every way we know, and the proof that the books agree.

Nothing of the user's own floor is touched: programs, database and exchange are the drill's, in a folder that is gone
afterwards, unless something differed. What is proved is read from the exchange's own file.
"""

import shutil
import signal
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click

from outcry.desk.drilling import mishaps, told
from outcry.desk.drilling.floor import DrillFloor, Stopped
from outcry.desk.drilling.mishaps import Disk
from outcry.desk.drilling.rounds import Rounds, Row
from outcry.ops import golive
from outcry.store import chain, findings


@dataclass(frozen=True, slots=True)
class Plan:
    """`minutes`: kills at random for so long; None for every boundary once."""

    minutes: float | None
    seed: int


def run(state: Path, plan: Plan) -> int:
    """Drill; prints the table and the figures, and keeps them in STATE/drill.json.

    returns  0 when nothing differed, every boundary was reached and nobody died on his own; 1 else; 130 interrupted
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    base = Path(tempfile.mkdtemp(prefix="outcry-drill-"))
    disk: Disk | None = None
    drilled: DrillFloor | None = None
    passed = interrupted = False
    try:
        disk = mishaps.Quota() if plan.minutes else mishaps.disk_for(base / "floor")
        drilled = DrillFloor(base / "floor", plan.seed, books=base)
        passed = _drill(state, plan, drilled, disk)
    except Stopped:
        interrupted = True
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if drilled is not None:
            drilled.close()
        keep = not passed and not interrupted
        if disk is not None:
            disk.close(keep=keep)
        if keep:
            click.echo(f"drill: everything is kept in {base}", err=True)
        else:
            shutil.rmtree(base, ignore_errors=True)
    return 130 if interrupted else 0 if passed else 1


def _interrupt(_number: int, _frame: object) -> None:
    raise Stopped


def _drill(state: Path, plan: Plan, drilled: DrillFloor, disk: Disk) -> bool:
    """Do it; True when it was passed."""
    began = time.monotonic()
    what = f"of {plan.minutes:g} min" if plan.minutes else "every boundary"
    watch = told.Watch(drilled, what)
    rounds = Rounds(drilled, disk, plan.seed, watch.told)
    rounds.begin(first=plan.minutes is None)
    if plan.minutes:
        rounds.at_random(plan.minutes * 60)
    else:
        rounds.table()
    rounds.finish()
    audited = _audited(drilled)
    drilled.stop()
    watch.over()
    faults = [*drilled.deaths, *audited]
    figures = _figures(plan, drilled, disk, rounds.rows, faults, round(time.monotonic() - began))
    click.echo(told.table(rounds.rows))
    click.echo()
    click.echo(told.as_text(figures, drilled.recoveries))
    for fault in dict.fromkeys([*(row.result or row.missed for row in rounds.rows), *faults]):
        if fault:
            click.echo(f"drill: {fault}", err=True)
    click.echo(f"record       {told.keep(state, figures)}")
    return figures.passed


def _audited(drilled: DrillFloor) -> list[str]:
    """What the drill's own auditor has against the floor, after all of that."""
    with closing(drilled.read()) as db:
        critical = [f"finding: {kept.what}" for kept in findings.still_open(db) if kept.severity == "critical"]
        fault = chain.verify(db).fault
    return critical + ([f"audit trail: {fault}"] if fault else [])


def _figures(
    plan: Plan, drilled: DrillFloor, disk: Disk, rows: list[Row], faults: list[str], took_s: int
) -> told.Figures:
    _, theirs = drilled.statements()
    slowest_ms, slowest_of = told.slowest(drilled.recoveries)
    return told.Figures(
        kind="minutes" if plan.minutes else "table",
        passed=not faults and not any(row.result or (row.missed and not plan.minutes) for row in rows),
        build=told.build(),
        machine=golive.machine(),
        ended_at=told.ended_at(),
        seed=plan.seed,
        took_s=took_s,
        acts=len(rows),
        orders=len(theirs.orders),
        fills=len(theirs.fills),
        settlements=len(theirs.paid),
        fees_micros=theirs.fees_micros,
        kills=drilled.kills,
        differences=sum(len(row.differences) for row in rows),
        recoveries=len(drilled.recoveries),
        slowest_recovery_ms=slowest_ms,
        slowest_recovery_of=slowest_of,
        over_promise=sum(one.seconds > told.PROMISE_S for one in drilled.recoveries),
        disk=disk.how,
    )
