"""Worker processes of a search on this machine: one a core, each with the study and the tape in its own hands.

They never get the terminal's Ctrl-C, and end when whoever started them ends, however it ends: what they were at is then
given back and done again.
"""

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from outcry.domain.errors import OutcryError, Unavailable
from outcry.research.backtest import run
from outcry.research.backtesting.terms import Result, Terms
from outcry.research.tape import Day
from outcry.research.tuning import judge
from outcry.research.tuning.split import Split
from outcry.research.tuning.storage import Where
from outcry.research.tuning.study import Question, Search
from outcry.strategies import catalogue

LOOK_S, STOP_S = 0.5, 10.0
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Task:
    """All that a worker needs. `trials`: how many the study shall have in all."""

    where: Where
    question: Question
    sampler: str
    trials: int
    split: Split
    terms: Terms
    files: tuple[Path, ...]

    def search(self, by: str) -> Search:
        return Search(self.where, self.question, self.sampler, self.trials, by)

    def played(self, parameters: dict[str, Any], tickers: frozenset[str]) -> Result:
        """One backtest in which only these markets may be traded."""
        strategy = catalogue.build(self.question.strategy, parameters)
        with ExitStack() as stack:
            sessions = (one for file in self.files for one in stack.enter_context(Day(file)).sessions)
            return run(strategy, sessions, replace(self.terms, only=tickers))

    def try_out(self, parameters: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """What parameters are worth, by the markets that a search may see."""
        result = self.played(parameters, self.split.searched)
        train = judge.figures(judge.clusters(result, self.split.train))
        validation = judge.figures(judge.clusters(result, self.split.validation))
        return judge.objective(train, validation), {"train": train.plain(), "validation": validation.plain()}


def who() -> str:
    """Who works, as trials remember it."""
    return f"{socket.gethostname()}:{os.getpid()}:"


def work(task: Task, processes: int, until_s: float | None, watch: Callable[[], None]) -> None:
    """Let so many processes work on a study that is there, until nothing is left to begin or the time is over.

    until_s  by the monotonic clock
    watch    called now and then
    raises   what went wrong in a worker, once all have ended
    """
    started: list[tuple[SpawnProcess, Connection]] = []
    with _deaf():
        started += [_start(task, f"{who()}{number}") for number in range(processes)]
    try:
        while alive := [process.sentinel for process, _ in started if process.is_alive()]:
            connection.wait(alive, timeout=LOOK_S)
            watch()
            if until_s is not None and time.monotonic() >= until_s:
                break
            for process, heard in started:
                _complain(process, heard)
    finally:
        for process, _ in started:
            process.terminate()
        for process, _ in started:
            process.join(STOP_S)
            if process.is_alive():  # it waits for a database that does not answer
                process.kill()
                process.join()
    for process, heard in started:
        _complain(process, heard)


def _start(task: Task, by: str) -> tuple[SpawnProcess, Connection]:
    heard, say = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_worker, args=(task, by, say), daemon=True)
    process.start()
    say.close()
    return process, heard


def _complain(process: SpawnProcess, heard: Connection) -> None:
    """What a worker ended with, if that was no good end."""
    if process.exitcode in (None, 0, -signal.SIGTERM):
        return
    try:
        error: OutcryError = heard.recv()
    except EOFError:
        died = f"died of signal {-process.exitcode}" if process.exitcode < 0 else f"ended with {process.exitcode}"
        raise Unavailable(f"a worker {died}", "the same command goes on with the study") from None
    raise error


def _worker(task: Task, by: str, say: Connection) -> None:
    """One process: its life ends with its parent's."""
    stop = _Stop()
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        search = task.search(by)
        with stop.here():
            if not search.join():
                raise Unavailable(f"the study {task.where.study} is gone")
        search.work(task.try_out, stop.here)
    except OutcryError as error:
        say.send(error)
        raise SystemExit(error.exit_code) from None


class _Stop:
    """SIGTERM ends a worker where its trial bears its name, or was told; elsewhere it waits until then."""

    def __init__(self) -> None:
        self._here = self._asked = False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, *_: object) -> None:
        self._asked = True
        if self._here:
            os._exit(0)

    @contextmanager
    def here(self) -> Iterator[None]:
        self._here = True
        if self._asked:
            os._exit(0)
        try:
            yield
        finally:
            self._here = False


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(Unavailable.exit_code)


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that are started now ignore Ctrl-C from their first moment."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
