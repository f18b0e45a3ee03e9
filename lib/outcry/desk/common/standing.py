"""Where a program stands: its state and why, its heartbeat, and the entries it stops. Told to people and programs."""

import os
import sqlite3
import sys
from collections.abc import Mapping

from outcry.domain.errors import Unavailable
from outcry.ops import log
from outcry.ops.installed import place
from outcry.ops.supervisor import BEAT_EVERY_S, Supervisor
from outcry.store import system
from outcry.store.database import write

LOOK_S = 0.25  # a change of state is shown so soon

_log = log.get(__name__)


def parting() -> tuple[str, str]:
    """The last state of a program that leaves now, and why: call it from the `finally` of its run."""
    error = sys.exc_info()[1]
    return ("STOPPED", "asked to stop") if error is None else ("FAILED", str(error) or type(error).__name__)


class Standing:
    """One program's. A database that refuses is no reason to fail here: it hears everything at the next turn."""

    def __init__(self, db: sqlite3.Connection, program: str, supervisor: Supervisor, state: str, now_ms: int) -> None:
        self._db, self._program, self._supervisor = db, program, supervisor
        self._started_ms = self._since_ms = now_ms
        self._beat_ms = 0
        self.state, self.why = state, "starting"
        self.checkpoint_ms: int | None = None
        self._owed: dict[str, tuple[bool, str]] = {}  # cause -> what the database has not been told yet

    def enter(self, state: str, why: str, now_ms: int) -> None:
        """Be in a state for a reason; a change is logged and shown soon, the same again is nothing."""
        if (state, why) == (self.state, self.why):
            return
        if state != self.state:
            self._since_ms = now_ms
            say = _log.warning if state == "ERROR" else _log.info
            say("entered", state=state, why=why)
        self.state, self.why = state, why
        self._supervisor.status(f"{state}: {why}")
        self._beat_ms = 0

    def beat_if_due(self, figures: Mapping[str, object], now_ms: int) -> float:
        """Write the heartbeat when due and after each change; returns the seconds until it is to be asked again."""
        self._tell(now_ms)
        if now_ms - self._beat_ms >= BEAT_EVERY_S * 1000:
            self._supervisor.beat()  # the loop lives, whatever the database says
            system.beat(
                self._db,
                self._program,
                pid=os.getpid(),
                started_at_ms=self._started_ms,
                state=self.state,
                state_since_ms=self._since_ms,
                version=place().build,
                detail={"why": self.why, **figures},
                now_ms=now_ms,
                checkpoint_at_ms=self.checkpoint_ms,
            )
            self._beat_ms = now_ms
        return LOOK_S

    def forbid(self, cause: str, reason: str, now_ms: int) -> None:
        """Stop entries on the whole floor until the same cause allows them again."""
        self._control(True, cause, reason, now_ms)

    def allow(self, cause: str, reason: str, now_ms: int) -> None:
        """Let entries go on, as far as this cause is concerned."""
        self._control(False, cause, reason, now_ms)

    def _control(self, active: bool, cause: str, reason: str, now_ms: int) -> None:
        known = self._owed.get(cause)
        self._owed[cause] = (active, reason)
        self._tell(now_ms, aloud=known is None)

    def _tell(self, now_ms: int, *, aloud: bool = False) -> None:
        """Write what is owed, oldest cause first; what the database refuses is tried again with the next beat."""
        for cause, (active, reason) in list(self._owed.items()):
            what = "stopped_entries" if active else "allowed_entries"
            try:
                changed = self._write(active, cause, reason, what, now_ms)
            except (Unavailable, sqlite3.Error) as error:
                if aloud:
                    _log.error("failed_to_tell", what=what, cause=cause, error=str(error))
                return
            del self._owed[cause]
            if changed:
                (_log.error if active else _log.info)(what, cause=cause, reason=reason)

    def _write(self, active: bool, cause: str, reason: str, what: str, now_ms: int) -> bool:
        """The control and its event together, or neither. What is forbidden already was told, with how it began."""
        db, level = self._db, "critical" if active else "info"
        with write(db):
            if active and system.last_change(db, "floor", "", "stop_entries", cause)[0]:
                return False
            changed = system.set_control(
                db, "floor", "", "stop_entries", active, cause=cause, reason=reason, now_ms=now_ms
            )
            if changed:
                system.event(db, level, self._program, what, f"{cause}: {reason}", now_ms=now_ms)
        return changed
