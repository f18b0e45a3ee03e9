"""Times in which the database refuses a program: said once with the lock's holder, kept when over, and what follows.

Nothing can be written meanwhile, so no entry is placed. When it lasted too long (see risk.database_silence) entries
stay stopped until the database has proved that it takes writes again.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from outcry.domain.errors import Unavailable
from outcry.domain.limits import Limits
from outcry.ops import log
from outcry.risk import database_silence
from outcry.store import database, system
from outcry.store.database import DatabaseRefused
from outcry.store.holder import write_lock_holders

AGAIN_MS = 1_000  # between two attempts to write, each of which may block for the busy timeout

_log = log.get(__name__)


class Refusals:
    """One program's.

    scope, name  of the control that stops entries after a long time
    """

    def __init__(self, db: sqlite3.Connection, file: Path, program: str, scope: str, name: str, limits: Limits) -> None:
        self._db, self._file, self._program, self._scope, self._name = db, file, program, scope, name
        self._limits = limits
        self._since_ms: int | None = None
        self._tried_ms = 0
        self._why = ""
        self._stopped = True  # perhaps by an earlier life
        self._answering_since_ms: int | None = None

    @property
    def now(self) -> bool:
        """Whether it refuses, as far as was heard."""
        return self._since_ms is not None

    def of(self, error: Exception) -> bool:
        """Whether an error is the database's refusal, and not somebody else's."""
        return isinstance(error, DatabaseRefused | sqlite3.Error)

    def heard(self, error: Exception, now_ms: int) -> None:
        """It refused just now. The first time it is found out who holds it."""
        self._tried_ms = now_ms
        if self._since_ms is not None:
            return
        self._since_ms, self._answering_since_ms = now_ms, None
        holders = ", ".join(write_lock_holders(self._file)) or "nobody that can be seen"
        self._why = f"{error}; write lock held by {holders}"
        _log.error("database_refused", error=str(error), held_by=holders)

    def may_try(self, now_ms: int) -> bool:
        """Whether it is time to write again: always, unless it refused within the last second."""
        return self._since_ms is None or not 0 <= now_ms - self._tried_ms < AGAIN_MS

    def tend(self, now_ms: int, owed: Callable[[], object] = lambda: None) -> None:
        """While it refuses: try again each second, with what is `owed` first. Afterwards: lift what was stopped."""
        if self._since_ms is None:
            self._lift(now_ms)
        elif self.may_try(now_ms):
            try:
                owed()
                self._over(self._since_ms, now_ms)
            except (Unavailable, sqlite3.Error) as error:
                self.heard(error, now_ms)

    def _over(self, since_ms: int, now_ms: int) -> None:
        """Keep that it refused: the write that proves the contrary."""
        lasted_ms = max(0, now_ms - since_ms)
        what = f"for {lasted_ms / 1000:.1f} s: {self._why}"
        trip = database_silence.check(lasted_ms, self._limits)
        with database.write(self._db):
            level = "error" if trip else "warning"
            system.event(self._db, level, self._program, "database_refused", what, now_ms=now_ms)
            if trip:
                self._control(True, trip.reason, now_ms)
        self._since_ms, self._answering_since_ms = None, now_ms
        self._stopped = self._stopped or trip is not None
        _log.warning("database_answered", after_ms=lasted_ms)

    def _lift(self, now_ms: int) -> None:
        """Let entries go on when it has answered for long enough."""
        if not self._stopped:
            return
        if self._answering_since_ms is None:
            self._answering_since_ms = now_ms
        if not database_silence.good(now_ms - self._answering_since_ms, self._limits):
            return
        try:
            self._control(False, "the database takes writes again", now_ms)
        except (Unavailable, sqlite3.Error) as error:
            self.heard(error, now_ms)
        else:
            self._stopped = False

    def _control(self, active: bool, reason: str, now_ms: int) -> None:
        changed = system.set_control(
            self._db,
            self._scope,
            self._name,
            "stop_entries",
            active,
            cause=database_silence.CAUSE,
            reason=reason,
            now_ms=now_ms,
        )
        if changed:
            (_log.error if active else _log.info)("stopped_entries" if active else "allowed_entries", reason=reason)
