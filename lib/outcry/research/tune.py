"""Search for parameters by backtest, and judge the winner by markets that no trial has seen. It proposes, no more.

tape -> split (train | validation | test) -> trials by many processes -> the winner -> its test, judged for all
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from outcry.research.tuning import judge
from outcry.research.tuning.hands import Task, who, work
from outcry.research.tuning.judge import Figures, Verdict
from outcry.research.tuning.study import Tried, best

WAIT_S = 1.0

__all__ = ["Outcome", "Task", "help_with", "judged", "search"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A winner, what it showed where the search could see it, and where it could not."""

    winner: Tried
    trials: int
    test: Figures
    verdict: Verdict

    def evidence(self) -> dict[str, Any]:
        return {**self.winner.figures, "test": self.test.plain(), "verdict": self.verdict.plain()}


def search(task: Task, processes: int, until_s: float | None, watch: Callable[[int], None]) -> list[Tried]:
    """Begin a study or go on with it, until it has its trials or the time is over; returns all that are done.

    until_s  by the monotonic clock
    watch    told now and then how many are done
    raises   Misconfigured when the study asks something else; KeyboardInterrupt once what was begun is given back
    """
    found = task.search(who())
    found.begin()
    if not task.where.shared:
        found.give_back()  # nobody else works on it: whoever was at something died
    watch(len(found.done()))
    try:
        while (left := found.trials - len(found.done())) > 0 and not _over(until_s):
            found.line_up()
            begun = found.running()
            if left > begun:
                work(task, min(processes, left - begun), until_s, lambda: watch(len(found.done())))
            else:
                time.sleep(WAIT_S)  # others are at the last ones
    finally:
        found.give_back(who())
        watch(len(found.done()))
    return found.done()


def help_with(
    task: Task, processes: int, until_s: float | None, watch: Callable[[int], None], patience_s: float
) -> bool:
    """Work on a study that somebody else began; False when nobody did within some patience."""
    found = task.search(who())
    given_up_s = time.monotonic() + patience_s
    while not found.join():
        if time.monotonic() >= given_up_s:
            return False
        time.sleep(WAIT_S)
    try:
        work(task, processes, until_s, lambda: watch(len(found.done())))
    finally:
        found.give_back(who())
        watch(len(found.done()))
    return True


def judged(task: Task, done: Sequence[Tried], before: int) -> Outcome | None:
    """The winner by the test markets; None when no trial is done.

    before  trials of other searches that looked at these test markets already
    """
    winner = best(done)
    if winner is None:
        return None
    test = judge.clusters(task.played(winner.parameters, task.split.test.tickers), task.split.test)
    return Outcome(winner, len(done), judge.figures(test), judge.judge(test, len(done) + before))


def _over(until_s: float | None) -> bool:
    return until_s is not None and time.monotonic() >= until_s
