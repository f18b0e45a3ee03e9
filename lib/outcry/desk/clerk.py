"""Keep the account's books: the private stream as it comes, REST at intervals, until asked to stop.

    WAITING -> SYNCING -> READY        any of them -> ERROR, and back by itself

WAITING  the exchange does not answer yet
SYNCING  connected; not everything compared yet
READY    ledger and exchange agree
ERROR    a pass failed, or something differs; bin/status says what
"""

import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import FrameType

from outcry.desk.clerking import orphans
from outcry.desk.clerking.api_watch import ApiWatch
from outcry.desk.clerking.backlog import Backlog
from outcry.desk.clerking.breakers import Breakers
from outcry.desk.clerking.link import NAME, Link, find, recall, remember
from outcry.desk.common import connect
from outcry.desk.common.day import priceless, roll, trading_day
from outcry.desk.common.disk_watch import DiskWatch
from outcry.desk.common.refusals import Refusals
from outcry.desk.common.standing import Standing, parting
from outcry.domain.errors import InvariantBroken, Misconfigured, OutcryError, SchemaDrift, Unavailable
from outcry.ops import log
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.lock import one_instance
from outcry.ops.supervisor import Supervisor
from outcry.store import database, report, spool
from outcry.venue.messages import FillMessage, MarketPosition, UserOrder
from outcry.venue.stream import Connected, Disconnected, Event
from outcry.venue.tally import Tally

CHANNELS = ("fill", "user_orders", "market_positions")
PRIVATE = (FillMessage, UserOrder, MarketPosition)
POLL_S = 0.1
WATCH_S = 1.0  # how often look-ups, settlements and the day are thought of; most of the time nothing is due
CHECKPOINT_S, TIDY_S, ADOPT_S = 60.0, 5.0, 15.0
AGAIN_S, AGAIN_MS = 600.0, 2 * 86_400_000  # how often settlements that were booked are read again, how far back
HURRY_S, LIVELY_S, CALM_S = 1.0, 3.0, 10.0  # between two passes: in doubt, after bookings, else
SYNC_S = 0.4  # ... in doubt while not READY yet: each pass in which somebody trades may see a difference that is none
LIVELY_MS = 60_000
LONGEST_PAUSE_S = 15.0  # between two attempts while the exchange does not answer
UNREAD_MS = 60_000  # no whole pass for so long: entries stop
RAW_KEPT = 4_000  # bytes of a body that nobody understood
CAUSES = ("schema", "ledger", "unread")  # why the clerk itself stops entries, beside a difference

_log = log.get(__name__)


class Stopped(BaseException):
    """Raised by the signal handler, so that a slow exchange cannot delay a stop; every booking is a transaction."""


@dataclass(slots=True)
class _Job:
    """Something done at intervals: `run` takes the time in ms and returns the seconds until its next turn."""

    run: Callable[[int], float]
    due: float = 0.0  # on the monotonic clock


def run(floor: Floor) -> None:
    """Run until SIGTERM or SIGINT.

    raises  Misconfigured for a key that is missing, shared, or refused; Unavailable when another clerk runs
    """
    with one_instance(floor.folder, NAME):
        supervisor = Supervisor(NAME)
        db = connect.books(floor, timeout_ms=database.LOOP_TIMEOUT_MS, checkpoints=True)
        try:
            Clerk(floor, db, supervisor).run()
        finally:
            db.close()
            supervisor.stopped()


class Clerk:
    """One life of the program."""

    def __init__(self, floor: Floor, db: sqlite3.Connection, supervisor: Supervisor) -> None:
        self._floor, self._db, self._supervisor = floor, db, supervisor
        self._key = connect.signer(floor)
        self._memory = recall(floor, now_ms())
        self._calls = Tally()
        self._link: Link | None = None
        self._backlog = Backlog(spool.file_of(floor.folder, NAME))
        self._refusals = Refusals(db, floor.database, NAME, "floor", "", floor.settings.risk)
        self._standing = Standing(db, NAME, supervisor, "WAITING", now_ms())
        self._disk = DiskWatch(floor.folder, self._standing)
        self._api = ApiWatch(db, floor.settings.risk, self._calls, self._standing)
        self._breakers = Breakers(db, floor.settings.risk, floor.settings.time_factor)
        self._passed_ms = now_ms()
        self._day = ""
        self._failures = 0
        self._abortable = False
        self._pass = _Job(self._reconcile)
        self._jobs = [
            self._pass,
            _Job(self._beat),
            _Job(self._tend),
            _Job(self._adopt),
            _Job(self._look_up),
            _Job(self._judge),
            _Job(self._settlements),
            _Job(self._settlements_again, time.monotonic() + AGAIN_S),
            _Job(self._checkpoint, time.monotonic() + CHECKPOINT_S),
            _Job(self._tidy, time.monotonic() + TIDY_S),
        ]

    # ---- the loop -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Until asked to stop: then a checkpoint, a last beat, and out."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        self._supervisor.ready(self._floor.settings.environment)
        try:
            self._abortable = True
            while not self._supervisor.stopping:
                self._step()
        except Stopped:
            _log.debug("interrupted")
        finally:
            self._abortable = False
            self._leave()

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._supervisor.stop()
        if self._abortable:
            self._abortable = False
            raise Stopped

    def _step(self) -> None:
        if self._link is None:
            self._guarded(self._connect)
        if self._link is None:
            self._supervisor.wait(POLL_S)
        else:
            self._backlog.extend(self._link.stream.events(POLL_S))
            self._guarded(self._drain)
        for job in self._jobs:
            if time.monotonic() >= job.due:
                pause_s = self._guarded(partial(job.run, now_ms()))
                job.due = time.monotonic() + (self._pause_s() if pause_s is None else pause_s)

    def _guarded(self, work: Callable[[], float | None]) -> float | None:
        """Do something that may fail for a cause outside this program: say so once, and go on. None when it failed."""
        try:
            return work()
        except Misconfigured:
            raise
        except SchemaDrift as error:
            raw = error.raw if isinstance(error.raw, str) else error.raw.decode(errors="replace")
            self._failed(f"{error} {raw[:RAW_KEPT]}".rstrip(), "schema")
        except InvariantBroken as error:
            self._failed(str(error), "ledger")
        except (OutcryError, sqlite3.Error) as error:
            if self._refusals.of(error):
                self._refusals.heard(error, now_ms())
            self._failed(str(error), "")
        return None

    def _failed(self, what: str, cause: str) -> None:
        self._failures += 1
        if cause:
            self._standing.forbid(cause, what, now_ms())
        self._enter("ERROR" if self._link else "WAITING", what)

    def _pause_s(self) -> float:
        return min(LONGEST_PAUSE_S, HURRY_S * 2 ** min(max(self._failures - 1, 0), 10))

    # ---- the exchange ---------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        """Find where the exchange answers now. What was learnt of the account stays."""
        self._link = find(self._floor, self._db, self._key, self._memory, self._calls)
        self._failures = 0
        self._enter("SYNCING", f"connecting to {self._link.addresses.rest_url}")
        self._link.rest.learn()

    def _drain(self) -> None:
        """Book what was heard, in order; an event leaves the backlog when it is done, or can never be."""
        while self._backlog and self._link:
            if not self._refusals.may_try(now_ms()):
                self._backlog.keep()
                return
            try:
                self._take(self._backlog.first, self._link)
            except (Unavailable, sqlite3.Error) as error:
                if self._refusals.of(error):
                    self._backlog.keep()
                raise  # the same event again, next time
            except OutcryError:
                self._backlog.done()
                self._hurry()
                raise
            self._backlog.done()

    def _take(self, event: Event, link: Link) -> None:
        if isinstance(event, Connected):
            link.stream.subscribe(CHANNELS)
            _log.info("connected", epoch=event.epoch)
            self._hurry()
        elif isinstance(event, Disconnected):
            _log.warning("disconnected", reason=event.reason, retry_s=round(event.retry_s, 1))
            self._hurry()
            if link.moved(self._floor):
                self._link = None
        elif link.feed.take(event, now_ms()):
            self._hurry()
        elif isinstance(event, PRIVATE):
            self._hurry(HURRY_S)

    def _hurry(self, within_s: float = 0.0) -> None:
        """Have the next pass soon: something happened, or does not fit."""
        self._pass.due = min(self._pass.due, time.monotonic() + within_s)

    # ---- jobs: each takes the time and returns the seconds until its next turn --------------------------------------

    def _reconcile(self, at_ms: int) -> float:
        if self._link is None:
            return POLL_S
        agreed = self._link.sync.reconcile(at_ms)
        self._failures, self._passed_ms = 0, now_ms()
        for cause in CAUSES:
            self._standing.allow(cause, "a whole pass went well", at_ms)
        settings = self._floor.settings
        day = trading_day(settings, at_ms).name
        if day != self._day and not priceless(self._db, settings, at_ms):
            roll(self._db, settings, at_ms)
            self._day = day
        if agreed is None:
            if self._standing.state == "READY":
                return HURRY_S
            self._enter("SYNCING", "a difference waits to be seen again")
            return SYNC_S
        if agreed:
            self._enter("READY", "ledger and exchange agree")
        else:
            self._enter("ERROR", "ledger and exchange differ")
        lively = at_ms - report.last_booking_ms(self._db) < LIVELY_MS
        return LIVELY_S if lively or not agreed else CALM_S

    def _look_up(self, at_ms: int) -> float:
        if self._link is not None:
            self._link.lookups.resolve_orders(at_ms)
            self._link.lookups.resolve_fills(at_ms)
        return WATCH_S

    def _judge(self, at_ms: int) -> float:
        """Ask the breakers."""
        self._api.look(at_ms)
        self._breakers.look(at_ms)
        return WATCH_S

    def _settlements(self, at_ms: int) -> float:
        if self._link is not None and self._link.sync.bookings.settlements(at_ms):
            self._hurry()
        return WATCH_S

    def _settlements_again(self, at_ms: int) -> float:
        if self._link is not None:
            self._link.sync.bookings.settlements_again(at_ms - AGAIN_MS, at_ms)
        return AGAIN_S

    def _checkpoint(self, at_ms: int) -> float:
        try:
            remember(self._floor, self._memory, at_ms)
        except OSError as error:  # never truth: a disk that refuses it ends nothing
            _log.error("failed_to_checkpoint", error=str(error))
        else:
            self._standing.checkpoint_ms = at_ms
        return CHECKPOINT_S

    def _tidy(self, at_ms: int) -> float:
        """Fold the write-ahead log into the database; see that we are not blind for too long, nor the disk full."""
        self._disk.look(at_ms)
        database.checkpoint(self._db)
        if at_ms - self._passed_ms > UNREAD_MS:
            why = f"the account could not be read for {UNREAD_MS // 1000} s: {self._standing.why}"
            self._standing.forbid("unread", why, at_ms)
        return TIDY_S

    def _tend(self, at_ms: int) -> float:
        self._refusals.tend(at_ms)
        return WATCH_S

    def _adopt(self, at_ms: int) -> float:
        """Write what programs spooled that run no more."""
        orphans.adopt(self._db, self._floor.folder / spool.FOLDER, NAME, at_ms)
        return ADOPT_S

    def _beat(self, at_ms: int) -> float:
        stream = self._link.stream if self._link else None
        figures = {
            "stream": "connected" if stream and stream.connected else "disconnected",
            "heard_at_ms": stream.heard_at_ms if stream else 0,
            "passed_at_ms": self._passed_ms,
            "waiting_to_book": len(self._backlog),
            **self._calls.told(at_ms - self._floor.settings.risk.api_window_ms),
        }
        return self._standing.beat_if_due(figures, at_ms)

    def _enter(self, state: str, why: str) -> None:
        self._standing.enter(state, why, now_ms())

    def _leave(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if self._link is not None:
            self._link.stream.close()
        self._enter(*parting())
        for job in (self._checkpoint, self._beat):
            self._guarded(partial(job, now_ms()))
        self._backlog.close()
