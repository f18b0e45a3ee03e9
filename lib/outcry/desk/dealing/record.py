"""The trader's records beside the ledger: counted looks, events, heartbeat, checkpoint. None of them is truth.

Each is written when its time has come, and what the database refuses is kept, or said again, the next time.
"""

import os
import sqlite3
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from outcry.desk.common.owed import Owed
from outcry.domain.errors import Unavailable
from outcry.ops import log
from outcry.ops.installed import place
from outcry.store import checkpoints, looks, system
from outcry.trading.coordinator import Coordinator, Phase
from outcry.trading.events import Note, Topic

SAME_TROUBLE_MS = 600_000  # what went wrong again within this is the same trouble: told once, logged each time

_log = log.get(__name__)


class Record:
    """What is told about one trader.

    figures  the shell's own numbers for the heartbeat
    owed     where events wait that the database refuses
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        agent: str,
        coordinator: Coordinator,
        checkpoint_folder: Path,
        clock: Callable[[], int],
        figures: Callable[[], dict[str, object]],
        owed: Owed,
    ) -> None:
        self._db, self._agent, self._coordinator = db, agent, coordinator
        self._folder, self._clock, self._figures, self._owed = checkpoint_folder, clock, figures, owed
        self._program = f"trader@{agent}"
        self._started_at_ms = clock()
        self._counts: Counter[tuple[str, int, str, str]] = Counter()
        self._phase = Phase.IDLE
        self._troubles: dict[str, int] = {}  # what went wrong -> when it did last
        self._checkpoint_at_ms: int | None = None
        self.moved = True

    def note(self, note: Note) -> None:
        """Count it, log it, or keep it; `moved` is set when the state machine went anywhere worth a heartbeat."""
        match note.topic:
            case Topic.LOOKED:
                self._counts[note.ticker, note.at_ms // looks.MINUTE_MS * looks.MINUTE_MS, note.text, note.step] += 1
            case Topic.RAISED:
                trace = "".join(traceback.format_exception(note.error)) if note.error else ""
                _log.error("raised", agent=self._agent, ticker=note.ticker, reason=note.text, traceback=trace)
                if self._is_news(type(note.error).__name__, note.at_ms):
                    self._owed.happened("error", "raised", f"{note.ticker}: {note.text}")
            case Topic.STATE:
                self._state(note)

    def warm(self) -> dict[str, object]:
        """The last checkpoint, or {} for a cold start."""
        payload, why = checkpoints.load(self._folder, self._program, self._clock())
        if payload is None:
            _log.info("started_cold", agent=self._agent, reason=why)
        return payload or {}

    def checkpoint(self) -> None:
        at_ms = self._clock()
        try:
            checkpoints.save(self._folder, self._program, self._coordinator.warm(), at_ms)
        except OSError as error:
            _log.warning("failed_to_checkpoint", agent=self._agent, error=str(error))
            return
        self._checkpoint_at_ms = at_ms

    def flush_looks(self) -> None:
        """Add the counted looks to the table."""
        if not self._counts:
            return
        try:
            looks.add(self._db, self._agent, self._counts)
        except (sqlite3.Error, Unavailable) as error:
            self._owed.heard(error)
            _log.warning("kept_looks", agent=self._agent, looks=self._counts.total(), error=str(error))
            return
        self._counts.clear()

    def beat(self, state: str = "") -> None:
        """The heartbeat row, with the state machine's state or another.

        raises  Unavailable or sqlite3.Error when it could not be written
        """
        coordinator, at_ms = self._coordinator, self._clock()
        self.moved = False
        system.beat(
            self._db,
            self._program,
            pid=os.getpid(),
            started_at_ms=self._started_at_ms,
            state=state or coordinator.phase,
            state_since_ms=at_ms if state else coordinator.phase_since_ms or self._started_at_ms,
            version=place().build,
            detail={
                "reason": coordinator.reason,
                "positions": len(coordinator.positions.held()),
                "resting": len(coordinator.orders.resting()),
                **self._figures(),
            },
            now_ms=at_ms,
            checkpoint_at_ms=self._checkpoint_at_ms,
        )

    def try_to_beat(self, state: str = "") -> None:
        """The same, for a loop that goes on (or ends) in any case."""
        try:
            self.beat(state)
        except (sqlite3.Error, Unavailable) as error:
            self._owed.heard(error)
            _log.warning("failed_to_beat", agent=self._agent, error=str(error))

    def _state(self, note: Note) -> None:
        phase = self._coordinator.phase
        if {phase, self._phase} == {Phase.READY, Phase.ACTING}:
            _log.debug("moved", agent=self._agent, state=note.text)
        else:
            _log.info("moved", agent=self._agent, state=note.text)
            trouble = phase is Phase.ERROR and self._is_news(note.text, note.at_ms)
            self._owed.happened("error" if trouble else "info", "moved", note.text)
            self.moved = True
        self._phase = phase

    def _is_news(self, trouble: str, at_ms: int) -> bool:
        """Whether people have not been told of this: a strategy that raises at each look does so all day long."""
        self._troubles = {what: last for what, last in self._troubles.items() if 0 <= at_ms - last < SAME_TROUBLE_MS}
        known = trouble in self._troubles
        self._troubles[trouble] = at_ms
        return not known
