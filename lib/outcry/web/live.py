"""The newest look at the floor, and the messages made of it: at most one of a kind a second, whoever asks.

However many pages are open, the database is read once a second. A client that is slow skips messages: it is always sent
the newest of each kind, and nothing waits for it.
"""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping

from outcry.domain.errors import OutcryError, Unavailable
from outcry.web import messages
from outcry.web.source import Look, Source, look

EVERY_S = 1.0
SHARE = 5  # a look that takes long is taken less often: no more than a fifth of the time is spent on them

log = logging.getLogger(__name__)


def _running_ms() -> float:
    return time.monotonic() * 1000


class Live:
    """One for the whole server. `now_ms` is the wall clock, `run` the loop of a thread."""

    def __init__(self, source: Source, now_ms: Callable[[], int]) -> None:
        self._source, self._now_ms = source, now_ms
        self._taking = threading.Lock()
        self._changed = threading.Condition()
        self._look: Look | None = None
        self._taken_s = float("-inf")
        self._error = ""
        self._data: dict[str, Mapping[str, object]] = {}
        self._sent: dict[str, tuple[int, str]] = {}  # kind -> its number, the message
        self._number = 0
        self.stopping = False

    def now(self) -> Look:
        """A look no older than a second (or five times what the last one took).

        raises  Unavailable when the database cannot be read: what is old is not shown as if it were new
        """
        with self._taking:
            patience_s = max(EVERY_S, SHARE * self._look.query_ms / 1000) if self._look else EVERY_S
            if time.monotonic() - self._taken_s >= patience_s - 0.05:
                self._take()
            if self._look is None or self._error:
                raise Unavailable(f"the database cannot be read: {self._error}")
            return self._look

    def _take(self) -> None:
        self._taken_s = time.monotonic()
        try:
            self._look, error = look(self._source, self._now_ms(), _running_ms), ""
        except (OutcryError, sqlite3.Error, OSError) as failed:
            error = str(failed)
        if error != self._error:
            (log.error if error else log.info)("read the database: %s", error or "well again")
        self._error = error

    def run(self) -> None:
        """Make the messages, once a second, until `stop`."""
        while not self.stopping:
            began = time.monotonic()
            try:
                self._tell(self.now())
            except Unavailable:
                self._data.clear()  # what comes back is told anew
            with self._changed:
                self._changed.wait_for(lambda: self.stopping, EVERY_S - min(EVERY_S, time.monotonic() - began))

    def _tell(self, seen: Look) -> None:
        fresh = {kind: messages.message(kind, seen) for kind in messages.KINDS}
        with self._changed:
            for kind, data in fresh.items():
                if data != self._data.get(kind):
                    self._number += 1
                    text = json.dumps(messages.envelope(kind, self._number, seen.at_ms, data))
                    self._sent[kind] = (self._number, text)
            self._data = dict(fresh)
            self._changed.notify_all()

    def newer(self, than: int, timeout_s: float) -> tuple[int, list[str]]:
        """(the newest number, messages after one), waiting so long for any. The newest of each kind alone is kept."""
        with self._changed:
            self._changed.wait_for(lambda: self._number > than or self.stopping, timeout_s)
            found = sorted(pair for pair in self._sent.values() if pair[0] > than)
            return (found[-1][0] if found else than), [text for _, text in found]

    def stop(self) -> None:
        """Wake everybody who waits; `run` returns."""
        with self._changed:
            self.stopping = True
            self._changed.notify_all()
