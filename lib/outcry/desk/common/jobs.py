"""What cron starts: when each job is due, whether it was done, and a row that says how it went.

Cron fires in machine time, knows nothing of the floor's zone, and may fire as often as it likes: a job looks for the
newest turn of its schedule, and leaves at once when that turn is done. So it runs once on a day of 23 or 25 hours,
once when cron fires twice, and once, late, when the machine was off at its hour. One that failed is tried again.

To add a job: a line in `JOBS`, one in cron/kalshi.in, and `jobs.run` in its verb.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from outcry.desk.common import connect
from outcry.domain.errors import OutcryError, Unavailable
from outcry.ops import log
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.lock import one_instance
from outcry.store import jobs as rows
from outcry.store.jobs import DONE, FAILED

MINUTE_MS, HOUR_MS = 60_000, 3_600_000

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """
    every_ms   from turn to turn; or, 0:
    at         the time of the day, in the floor's zone, at which it is due
    grace_ms   not done so long after its turn: it was missed
    shortens   its turns are as short as the floor's windows are: it judges what happened in so many of them, or follows
    """

    every_ms: int = 0
    at: time = time()
    grace_ms: int = 2 * HOUR_MS
    shortens: bool = False

    def turn_ms(self, zone: ZoneInfo, at_ms: int, time_factor: float = 1.0) -> int:
        """When its newest turn was due. An hour that the clocks skip counts as the one after it.

        time_factor  by how much the floor's windows are shortened

        >>> new_york, noon = ZoneInfo("America/New_York"), 1_793_552_400_000  # 2026-11-01, the day of 25 hours
        >>> turn = Job(at=time(1, 30)).turn_ms(new_york, noon)
        >>> datetime.fromtimestamp(turn / 1000, UTC).isoformat()
        '2026-11-01T05:30:00+00:00'
        """
        if self.every_ms:
            return at_ms - at_ms % max(1, int(self.every_ms / (time_factor if self.shortens else 1.0)))
        today = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).date()
        turns = (datetime.combine(today - timedelta(days=back), self.at, zone) for back in (0, 1, 2))
        return next(turn for turn in (int(one.timestamp() * 1000) for one in turns) if turn <= at_ms)


JOBS = {
    "alert": Job(every_ms=MINUTE_MS, grace_ms=10 * MINUTE_MS),
    "score": Job(every_ms=5 * MINUTE_MS, grace_ms=HOUR_MS, shortens=True),
    "evolve": Job(every_ms=HOUR_MS, grace_ms=HOUR_MS, shortens=True),
    "score-markets": Job(every_ms=5 * MINUTE_MS, grace_ms=HOUR_MS),
    "boss": Job(every_ms=MINUTE_MS, grace_ms=10 * MINUTE_MS, shortens=True),
    "report-hourly": Job(every_ms=HOUR_MS, grace_ms=HOUR_MS),
    "report-daily": Job(at=time(0, 10)),  # of the day before, which is over by then
    "briefing": Job(at=time(7)),
    "backup": Job(at=time(3, 30)),
    "upkeep": Job(at=time(4, 10)),
    "tape-compile": Job(at=time(4, 40)),  # after upkeep made room
    "tune": Job(at=time(5, 30), grace_ms=6 * HOUR_MS),  # on what was compiled
}


def run(floor: Floor, name: str, work: Callable[[], str], *, if_due: bool, books_needed: bool = True) -> bool:
    """Do a job under its lock and keep a row of it; False when it was not due, or somebody is at it.

    work          does it; returns a few words for the row. What it raises is kept there too
    if_due        cron asks: only when its newest turn is not done. Else a person asks, and it is done at once
    books_needed  False: what has to work while the database refuses; it then leaves no row
    raises        Unavailable when a person asks and somebody is at it already; and what `work` raises
    """
    job, at_ms = JOBS[name], now_ms()
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(one_instance(floor.folder, f"job-{name}"))
        except Unavailable:
            if if_due:
                return False
            raise
        ledger = _Ledger(floor, held, books_needed=books_needed)
        turn_ms = job.turn_ms(floor.settings.zone(), at_ms, floor.settings.time_factor) if if_due else None
        if turn_ms is not None and ledger.done(name, turn_ms):
            return False
        ledger.begin(name, turn_ms, at_ms, only_last=job.every_ms == MINUTE_MS)
        try:
            detail = work()
        except (OutcryError, sqlite3.Error, OSError) as error:
            ledger.end(FAILED, str(error) or type(error).__name__)
            raise
        ledger.end(DONE, detail)
    return True


class _Ledger:
    """The job's row; without books it says nothing is done and keeps nothing, where the job can live with that."""

    def __init__(self, floor: Floor, held: contextlib.ExitStack, *, books_needed: bool) -> None:
        self._needed, self._number = books_needed, 0
        self._db: sqlite3.Connection | None = None
        with self._tolerant():
            self._db = held.enter_context(contextlib.closing(connect.books(floor)))

    def done(self, name: str, turn_ms: int) -> bool:
        with self._tolerant():
            return self._db is not None and rows.done(self._db, name, turn_ms)
        return False

    def begin(self, name: str, turn_ms: int | None, at_ms: int, *, only_last: bool) -> None:
        with self._tolerant():
            if self._db is not None:
                self._number = rows.begin(self._db, name, turn_ms, at_ms, only_last=only_last)

    def end(self, result: str, detail: str) -> None:
        with self._tolerant():
            if self._db is not None and self._number:
                rows.end(self._db, self._number, result, detail, now_ms())

    @contextlib.contextmanager
    def _tolerant(self) -> Iterator[None]:
        try:
            yield
        except (OutcryError, sqlite3.Error) as error:
            if self._needed:
                raise
            _log.warning("failed_to_keep_job", error=str(error))
