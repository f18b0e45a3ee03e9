"""`score` and `evolve` by turns, as child processes, on a floor without cron: a demo."""

import time

from outcry.domain.errors import Unavailable
from outcry.ops.children import Children

SCORE_EVERY_S, EVOLVE_EVERY_S = 300.0, 3_600.0
LEAST_S, MOST_S = 15.0, 60.0  # a demo is over before its hour is


class Judges:
    """`follow` is asked often and never waits. They run one at a time, so that evolve sees what score has seen.

    children     nobody else's: they come and go
    time_factor  by how much this floor's windows are shortened
    """

    def __init__(self, children: Children, time_factor: float) -> None:
        self._children, self._running = children, ""
        self._every_s = {
            "score": min(MOST_S, max(LEAST_S, SCORE_EVERY_S / time_factor)),
            "evolve": min(MOST_S, max(LEAST_S, EVOLVE_EVERY_S / time_factor)),
        }
        now = time.monotonic()
        self._due = {program: now + every_s for program, every_s in self._every_s.items()}

    def follow(self) -> str:
        """Start who is due; returns what is to be said of one that failed, else "". "Try later" is no failure."""
        if self._running:
            child = self._children.all[self._running]
            if child.exit_code is None:
                return ""
            del self._children.all[self._running]
            self._running = ""
            if child.exit_code not in (0, Unavailable.exit_code):
                return f"{child.name} ended with exit code {child.exit_code}: {child.last_words(1)} (log: {child.log})"
        for program, due in self._due.items():
            if time.monotonic() >= due:
                self._due[program] = time.monotonic() + self._every_s[program]
                self._children.start(program, program)
                self._running = program
                break
        return ""

    def stop(self) -> None:
        """End the one that runs; what it did not finish is done by the next."""
        if self._running:
            self._children.stop([self._running])
            del self._children.all[self._running]
            self._running = ""
