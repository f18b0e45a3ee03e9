"""Search parameters by backtest, keep what came of it as a proposal, and list proposals. Nothing is deployed here."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from outcry.desk import backtest
from outcry.desk.common import connect, jobs, strategies
from outcry.desk.tuning import telling
from outcry.domain.errors import Misconfigured, Unavailable
from outcry.ops.bar import More, bar
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.lock import one_instance
from outcry.research import tape, tune
from outcry.research.backtest import Terms
from outcry.research.tape import Day
from outcry.research.tune import Outcome, Task
from outcry.research.tuning import space, split, storage
from outcry.research.tuning.split import Split, TooFew
from outcry.research.tuning.storage import Where
from outcry.research.tuning.study import GRID, Question
from outcry.store import database, proposals
from outcry.store.proposals import Proposal

NAME = "tune"
PATIENCE_S = 60.0  # for a study that another machine is about to begin
NICE = 19


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    strategy: str
    days: tuple[str, ...] = ()
    trials: int = 100
    sampler: str = "tpe"
    named: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    latency_ms: int = 150
    queue: str = "pessimistic"
    processes: int | None = None
    minutes: float | None = None
    storage: str | None = None
    study: str | None = None
    worker: bool = False
    as_json: bool = False


def run(floor: Floor, wanted: Wanted) -> Proposal | None:
    """Search, judge and keep; or only help with a search, as a worker. Returns what was kept."""
    task = prepared(floor, wanted)
    if not floor.quiet:
        click.echo(telling.begins(task), err=True)
    processes = wanted.processes or os.cpu_count() or 1
    until_s = None if wanted.minutes is None else time.monotonic() + 60 * wanted.minutes
    with bar("trials", task.trials, quiet=floor.quiet) as more:
        watch = _Count(more)
        try:
            if wanted.worker:
                if not tune.help_with(task, processes, until_s, watch, PATIENCE_S):
                    raise Unavailable(f"nobody has begun the study {task.where.study}", "start one without --worker")
                return None
            with _alone(floor, task.where):
                done = tune.search(task, processes, until_s, watch)
        except KeyboardInterrupt:
            click.echo(f"\nstopped with {watch.done} trials done; the same command goes on", err=True)
            raise
    return _concluded(floor, wanted, task, done)


@contextmanager
def _alone(floor: Floor, where: Where) -> Iterator[None]:
    """On a study of this machine one search works at a time. Raises Unavailable while another is at it."""
    if where.shared:
        yield
        return
    with one_instance(floor.folder, f"tune-{where.study}"):
        yield


def _concluded(floor: Floor, wanted: Wanted, task: Task, done: Sequence[tune.Tried]) -> Proposal | None:
    question = task.question
    with closing(connect.books(floor)) as db:
        before = proposals.trials_elsewhere(db, question.strategy, question.tape, task.where.study)
        outcome = tune.judged(task, done, before)
        if outcome is None:
            if not floor.quiet:
                click.echo("no trial is done: nothing is proposed")
            return None
        kept = _keep(db, wanted, task, outcome)
    if wanted.as_json:
        click.echo(json.dumps(asdict(kept)))
    elif not floor.quiet:
        click.echo(telling.ended(kept, outcome))
    return kept


def _keep(db: sqlite3.Connection, wanted: Wanted, task: Task, outcome: Outcome) -> Proposal:
    question = task.question
    with database.write(db):
        sha256 = strategies.keep_source(db, question.strategy, now_ms())
        number = proposals.keep(
            db,
            strategy=question.strategy,
            code_sha256=sha256,
            parameters=_whole(question.strategy, outcome.winner.parameters),
            study=task.where.study,
            sampler=wanted.sampler,
            trials=outcome.trials,
            tape=question.tape,
            evidence={**outcome.evidence(), "split": telling.parts(task.split), "terms": dict(question.terms)},
            recommended=outcome.verdict.recommended,
            now_ms=now_ms(),
        )
        return proposals.get(db, number)


def _whole(strategy: str, found: dict[str, Any]) -> dict[str, Any]:
    """Every setting that the winner ran with, but those that say how much: they are its parent's to keep."""
    running = strategies.parameters(strategy, found)
    return {name: value for name, value in running.items() if name not in space.SIZES}


def prepared(floor: Floor, wanted: Wanted) -> Task:
    """Everything a search needs. Raises Misconfigured, in one line, for what cannot be searched."""
    storage.needed(shared=wanted.storage is not None)
    if wanted.worker and wanted.storage is None:
        raise Misconfigured("--worker helps with a study that is elsewhere", "say where with --storage")
    if not wanted.worker:
        connect.books(floor).close()  # a proposal will be kept there: better to know before a night of trials
    fixed = backtest.settings_given(wanted.strategy, wanted.changed)
    axes = space.axes(wanted.strategy, fixed, wanted.named)
    files = _closed(floor) if not wanted.days else tuple(tape.find(floor.tape, wanted.days))
    where = _where(floor, wanted, files)
    digests, parts = _read(files)
    terms = replace(backtest.terms_of(floor), latency_ms=wanted.latency_ms, proportional=wanted.queue == "proportional")
    question = Question(wanted.strategy, strategies.sha256_of(wanted.strategy), digests, axes, fixed, _plain(terms))
    return Task(where, question, wanted.sampler, wanted.trials, parts, terms, files)


def _closed(floor: Floor) -> tuple[Path, ...]:
    """All days that will not change any more. Raises Misconfigured when there is none."""
    found = []
    for file in tape.find(floor.tape, ()):
        with Day(file) as day:
            if "digest" in day.manifest:
                found.append(file)
    if not found:
        raise Misconfigured(f"no compiled day in {floor.tape}", "bin/tape compile, once a day is over")
    return tuple(found)


def _read(files: Sequence[Path]) -> tuple[dict[str, str], Split]:
    """The digests of days, and their markets as they are split. Raises Misconfigured for a day that still grows."""
    digests: dict[str, str] = {}
    with ExitStack() as stack:
        days = [stack.enter_context(Day(file)) for file in files]
        for day in days:
            if "digest" not in day.manifest:
                raise Misconfigured(f"{day.name} is not compiled", f"bin/tape compile {day.name}, or bring it compiled")
            digests[day.name] = day.manifest["digest"]
        return digests, split.split(split.paid(one for day in days for one in day.sessions))


def _where(floor: Floor, wanted: Wanted, files: Sequence[Path]) -> Where:
    grid = f"{GRID}{wanted.trials}" if wanted.sampler == GRID else wanted.sampler
    days = f"{files[0].stem}-{files[-1].stem}" if len(files) > 1 else files[0].stem
    study = wanted.study or f"{wanted.strategy}-{grid}-{days}"
    if wanted.storage is not None:
        return storage.postgres(wanted.storage, study)
    return storage.local(floor.folder / NAME, study)


def _plain(terms: Terms) -> dict[str, Any]:
    """Everything a backtest assumes, as it is compared and kept."""
    plain = asdict(terms) | {"zone": terms.zone.key}
    del plain["only"]  # the split says it
    return plain


class _Count:
    """Moves a bar to how many are done."""

    def __init__(self, more: More) -> None:
        self._more, self.done = more, 0

    def __call__(self, done: int) -> None:
        if done > self.done:
            self._more(done - self.done)
            self.done = done


# ---- the night -----------------------------------------------------------------------------------------------------


def nightly(floor: Floor, *, if_due: bool) -> None:
    """Search each strategy that the settings name, on the newest compiled days, with what is left of the time."""

    def work() -> str:
        chosen = floor.settings.tune
        if not chosen.strategies:
            return "nothing is named in [tune]"
        compiled = sorted((floor.tape / "compiled").glob("????-??-??.db"))
        days = tuple(str(file) for file in compiled[-chosen.days :])
        if not days:
            return "no day of tape is compiled yet"
        os.nice(NICE)
        until_s = time.monotonic() + 60 * chosen.minutes
        told = []
        for strategy in chosen.strategies:
            left_minutes = (until_s - time.monotonic()) / 60
            late = left_minutes <= 0
            told.append(f"{strategy}: no time left" if late else _by_night(floor, strategy, days, left_minutes))
        return "; ".join(told)

    jobs.run(floor, NAME, work, if_due=if_due)


def _by_night(floor: Floor, strategy: str, days: tuple[str, ...], minutes: float) -> str:
    chosen = floor.settings.tune
    wanted = Wanted(strategy, days, chosen.trials, chosen.sampler, processes=chosen.processes, minutes=minutes)
    try:
        return telling.briefly(strategy, run(replace(floor, quiet=True), wanted))
    except TooFew as error:
        return f"{strategy}: {error}"


# ---- what there is --------------------------------------------------------------------------------------------------


def list_proposals(floor: Floor, *, as_json: bool) -> None:
    """All proposals, newest first."""
    with closing(database.ready(floor.database)) as db:
        found = proposals.everything(db)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found]))
    else:
        click.echo(telling.table(found))
