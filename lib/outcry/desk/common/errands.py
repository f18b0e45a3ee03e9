"""Errands: calls that may take seconds, done beside a loop that must not wait for them.

One thread, one errand at a time, each under a name; a name that is still under way is not started twice. Results are
picked up by the loop, so all state stays in one thread.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from outcry.domain.errors import OutcryError


@dataclass(frozen=True, slots=True)
class Done:
    """An errand that came to its end: with a result, or with the error it died of."""

    name: str
    result: Any = None
    error: OutcryError | None = None


class Errands:
    """A thread that runs errands; a daemon, so that a call that hangs never keeps a program from ending."""

    def __init__(self) -> None:
        self._todo: queue.SimpleQueue[tuple[str, Callable[[], object]] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Done | Exception] = queue.SimpleQueue()
        self._under_way: set[str] = set()
        threading.Thread(target=self._run, name="errands", daemon=True).start()

    def start(self, name: str, work: Callable[[], object]) -> bool:
        """Have something done; False, and nothing started, while the last of that name is still under way."""
        if name in self._under_way:
            return False
        self._under_way.add(name)
        self._todo.put((name, work))
        return True

    def finished(self) -> list[Done]:
        """What ended since the last look, in order.

        raises  whatever an errand raised that is no OutcryError: a bug belongs to the loop, not to a dead thread
        """
        found = []
        while not self._done.empty():
            done = self._done.get()
            if isinstance(done, Exception):
                raise done
            self._under_way.discard(done.name)
            found.append(done)
        return found

    def close(self) -> None:
        """No more errands; the one under way is left to itself."""
        self._todo.put(None)

    def _run(self) -> None:
        while (item := self._todo.get()) is not None:
            name, work = item
            try:
                self._done.put(Done(name, work()))
            except OutcryError as error:
                self._done.put(Done(name, error=error))
            except Exception as error:
                self._done.put(error)
