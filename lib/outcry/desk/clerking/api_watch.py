"""Whether the exchange's API is good enough to enter on: looked after by the clerk, whose reads never stop.

Every program counts its own calls and tells them with its heartbeat. One program whose calls fail is enough, as reads
may work where orders do not; so is the floor as a whole.
"""

import sqlite3

from outcry.desk.common.standing import Standing
from outcry.domain.limits import Limits
from outcry.risk import api_errors
from outcry.risk.api_errors import Slice
from outcry.store import system
from outcry.venue.tally import Tally

OLD_MS = 90_000  # a program that told nothing for so long makes no calls
OURS = "clerk"


class ApiWatch:
    """`look` is asked every second. Raises Unavailable when the database refuses."""

    def __init__(self, db: sqlite3.Connection, limits: Limits, calls: Tally, standing: Standing) -> None:
        """calls: the clerk's own; those of others come with their heartbeats."""
        self._db, self._limits, self._calls, self._standing = db, limits, calls, standing

    def look(self, at_ms: int) -> None:
        """Stop entries, or let them go on, by the calls made since either was last done."""
        stopped, since_ms = system.last_change(self._db, "floor", "", "stop_entries", api_errors.CAUSE)
        programs = self._programs(at_ms)
        everything = [told for slices in programs.values() for told in slices]
        if stopped:
            calls, failed = api_errors.counted(everything, since_ms, at_ms, self._limits)
            if api_errors.good(calls, failed, self._limits):
                reason = f"{calls - failed} of the last {calls} calls to the exchange were good"
                self._standing.allow(api_errors.CAUSE, reason, at_ms)
            return
        for name, slices in [("", everything), *programs.items()]:
            calls, failed = api_errors.counted(slices, since_ms, at_ms, self._limits)
            if trip := api_errors.check(calls, failed, self._limits):
                self._standing.forbid(api_errors.CAUSE, f"{name}: {trip.reason}" if name else trip.reason, at_ms)
                return

    def _programs(self, at_ms: int) -> dict[str, list[Slice]]:
        """The slices of each program that is there."""
        known: dict[str, list[Slice]] = {OURS: list(self._calls.slices(at_ms - self._limits.api_window_ms))}
        for beat in system.heartbeats(self._db):
            if beat.program != OURS and at_ms - beat.beat_at_ms <= OLD_MS:
                known[beat.program] = read(beat.detail.get("calls"))
        return known


def read(told: object) -> list[Slice]:
    """Slices as a heartbeat of any build tells them; what is none is left out."""
    rows = told if isinstance(told, list) else []
    return [
        (row[0], row[1], row[2])
        for row in rows
        if isinstance(row, list) and len(row) == 3 and all(type(figure) is int for figure in row)
    ]
