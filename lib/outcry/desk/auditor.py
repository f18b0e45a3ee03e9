"""Recompute the floor from its first records, keep the audit trail, and stop entries when something is wrong.

    CATCHING_UP -> WATCHING <-> ALARMED        any of them -> ERROR, and back by itself

CATCHING_UP  reading the past, from the first record on
WATCHING     everything written is read and chained; no critical finding is open
ALARMED      a critical finding is open: entries are stopped until it is gone, or a person has judged it
ERROR        the database does not answer

It writes nothing but its own: the trail, findings, replays, and the one control that stops entries.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator

from outcry.desk.auditing import findings as auditor_findings
from outcry.desk.auditing import punctual
from outcry.desk.auditing.exchange import Connection, ExchangeLook, OwnConnection
from outcry.desk.auditing.ledger import LedgerLook
from outcry.desk.auditing.past import Past
from outcry.desk.common import connect
from outcry.desk.common.standing import Standing
from outcry.domain.errors import Misconfigured, OutcryError, Unavailable
from outcry.ops import log
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.lock import one_instance
from outcry.ops.supervisor import Stopped, Supervisor
from outcry.review.checks import account, lots, stops
from outcry.review.checks.records import WARNING, Finding
from outcry.store import audit, chain, database, findings, first_records, markets, quotes, report, system

NAME = "auditor"
POLL_S = 0.25
CHAIN_S, LEDGER_S, STOPS_S, EXCHANGE_S, JOBS_S, HEAD_S = 1.0, 2.0, 0.5, 10.0, 60.0, 3_600.0
WATCHDOG_S = 30.0
STEP = 200  # records read in one turn
LONGEST_PAUSE_S = 30.0  # between two attempts while the exchange does not answer

_log = log.get(__name__)


def run(floor: Floor) -> None:
    """Run until SIGTERM or SIGINT.

    raises  Misconfigured (no database or key); Unavailable when another auditor runs
    """
    with one_instance(floor.folder, NAME):
        supervisor = Supervisor(NAME)
        db = connect.books(floor, timeout_ms=database.LOOP_TIMEOUT_MS)
        try:
            auditor = Auditor(floor, db, supervisor, OwnConnection(floor))
            supervisor.ready(floor.settings.environment)
            try:
                while not supervisor.stopping:
                    supervisor.wait(POLL_S if auditor.turn() else 0.0)
            except Stopped:
                _log.debug("interrupted")
            auditor.leave()
        finally:
            db.close()
            supervisor.stopped()


class Auditor:
    """One life of the program. `turn` does what is due; what fails outside is a state, and tried again."""

    def __init__(
        self,
        floor: Floor,
        db: sqlite3.Connection,
        supervisor: Supervisor,
        connection: Connection,
        *,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._floor, self._db, self._supervisor, self._clock = floor, db, supervisor, clock
        self._connection = connection
        self._standing = Standing(db, NAME, supervisor, "CATCHING_UP", clock())
        self._past = Past(db, floor.settings.risk)
        self._ledger = LedgerLook(db)
        self._exchange = ExchangeLook(db, self._ledger, report.floor_facts(db)[0])
        self._stops = stops.Stops()
        self._due: dict[str, float] = {}
        self._failures = 0
        self._unreachable = ""
        self._untold: list[Finding] = []
        self._watching_since_ms = clock()
        self._reading: Iterator[None] | None = None

    def turn(self) -> bool:
        """Chain, read, compare, tell; each when its time has come. False while there is more to read at once."""
        self._when("watchdog", WATCHDOG_S, self._supervisor.beat)  # also while the database refuses the heartbeat
        try:
            self._when("chain", CHAIN_S, self._chain)
            caught_up = self._read()
            if caught_up:
                self._when("ledger", LEDGER_S, self._look_at_ledger)
                self._when("stops", STOPS_S, self._look_at_stops)
                self._when("jobs", JOBS_S, self._look_at_jobs)
                self._ask()
                self._judge()
            critical = auditor_findings.enforce(self._db, self._clock())
            why = f"{len(critical)} critical findings open" if critical else "everything written is read"
            state = "CATCHING_UP" if not caught_up else "ALARMED" if critical else "WATCHING"
            if state != self._standing.state:
                self._standing.enter(state, why, self._clock())
            self._when("head", HEAD_S, self._tell_head)
            self._standing.beat_if_due(self._figures(), self._clock())
            return caught_up
        except sqlite3.Error as error:
            self._past = Past(self._db, self._floor.settings.risk)  # half a record may be in it: begin again
            self._standing.enter("ERROR", f"database: {error}", self._clock())
        except Unavailable as error:
            self._exchange.forget()
            self._untold = [finding for finding in self._untold if finding.check != account.NOW]
            self._standing.enter("ERROR", f"database: {error}", self._clock())
        return True

    def leave(self) -> None:
        """Chain what is left, say the head, and beat once more."""
        try:
            self._chain()
            self._tell_head()
            self._standing.enter("STOPPED", "asked to stop", self._clock())
            self._standing.beat_if_due(self._figures(), self._clock())
        except (Unavailable, sqlite3.Error) as error:
            _log.warning("failed_to_leave", error=str(error))

    # ---- the trail --------------------------------------------------------------------------------------------------

    def _chain(self) -> None:
        at_ms = self._clock()
        for _ in range(20):
            chained, late = chain.append(self._db, at_ms)
            self._tell([_late(str(happening)) for happening in late])
            if chained < chain.BATCH:
                return

    def _tell_head(self) -> None:
        head = chain.head(self._db)
        _log.info("chained", links=head.seq, head=head.link)

    # ---- the past ---------------------------------------------------------------------------------------------------

    def _read(self) -> bool:
        """Take in what was written; whether that is all there is. Found and replayed are kept outside the snapshot."""
        self._past.tier = self._connection.tier
        with report.one_instant(self._db):
            before = self._past.seq
            found = self._past.read(STEP)
        self._tell(found)
        if self._past.replayed:
            audit.keep_replays(self._db, self._past.replayed, self._clock())
            self._past.replayed = []
        return self._past.seq - before < STEP

    def _look_at_ledger(self) -> None:
        with report.one_instant(self._db):
            found = self._past.read(STEP)
            touched = sorted(self._past.touched)[:STEP]
            lines, looked = self._ledger.look(touched)
            self._past.touched.difference_update(touched)
            whole = self._ledger.complete and not self._past.touched
            complete = whole and first_records.newest(self._db) == self._past.seq
            totals = self._ledger.totals() if complete else []
        at_ms = self._clock()
        self._tell([*found, *lines, *totals])
        seen = {finding.subject for finding in (*lines, *totals)}
        gone = [
            kept
            for kept in findings.still_open(self._db, lots.CHECK)
            if kept.subject not in seen
            and (kept.subject.rpartition(" ")[0] in looked or (complete and " shard " in kept.subject))
        ]
        auditor_findings.end_gone(self._db, gone, "the ledger agrees again", at_ms)

    # ---- the present ------------------------------------------------------------------------------------------------

    def _look_at_stops(self) -> None:
        at_ms = self._clock()
        beats = {beat.program: beat.state for beat in system.heartbeats(self._db)}
        stopped = {name.removeprefix("trader@") for name, state in beats.items() if state == "STOPPED"}
        held = self._past.held(stopped)
        touches = {ticker: touch for ticker in {one.ticker for one in held} if (touch := self._touch(ticker, at_ms))}
        self._tell(self._stops.look(held, touches, at_ms))

    def _touch(self, ticker: str, at_ms: int) -> stops.Touch | None:
        quote, market = quotes.load(self._db, ticker), markets.load(self._db, ticker)
        if quote is None or market is None:
            return None
        trades = market.status == "active" and market.open_at_ms <= at_ms < market.close_at_ms
        return stops.Touch(quote.bid_cc, quote.ask_cc, quote.trusted, quote.heard_at_ms, trades)

    def _look_at_jobs(self) -> None:
        punctual.look(self._db, self._floor.settings, self._watching_since_ms, self._clock())

    def _ask(self) -> None:
        """One call of a reading, when the exchange can be reached; when not, that is the clerk's to tell of."""
        if self._reading is None and (self._exchange.waiting or time.monotonic() < self._due.get("ask", 0.0)):
            return
        try:
            with self._supervisor.interruptible():
                if self._reading is None:
                    self._reading = self._exchange.read(self._connection.exchange(), self._clock)
                going_on = next(self._reading, self) is None
        except Misconfigured:
            raise
        except OutcryError as error:
            self._connection.broken()
            self._failures += 1
            pause_s, going_on = min(LONGEST_PAUSE_S, EXCHANGE_S * self._failures), False
            if not self._unreachable:
                _log.warning("unreachable", error=str(error))
            self._unreachable = str(error)
        else:
            pause_s = EXCHANGE_S
            if self._unreachable:
                _log.info("reached_again")
            self._failures, self._unreachable = 0, ""
        if not going_on:
            self._reading, self._due["ask"] = None, time.monotonic() + pause_s

    def _judge(self) -> None:
        at_ms = self._clock()
        with report.one_instant(self._db):
            found = self._exchange.judge(at_ms)
        if found is None:
            return
        self._tell(found)
        seen = {finding.subject for finding in found}
        gone = [kept for kept in findings.still_open(self._db, account.NOW) if kept.subject not in seen]
        auditor_findings.end_gone(self._db, gone, "the exchange agrees again", at_ms)

    def _tell(self, found: Iterable[Finding]) -> None:
        """Keep findings; what the database refuses is kept the next time."""
        self._untold += found
        auditor_findings.keep(self._db, self._untold, self._clock())
        self._untold = []

    # ---- what has its time ------------------------------------------------------------------------------------------

    def _when(self, what: str, every_s: float, work: Callable[[], None]) -> None:
        if time.monotonic() >= self._due.get(what, 0.0):
            self._due[what] = time.monotonic() + every_s
            work()

    def _figures(self) -> dict[str, object]:
        ever, still = findings.count(self._db)
        head = chain.head(self._db)
        return {
            "read": self._past.seq,
            "findings": ever,
            "open_findings": still,
            "links": head.seq,
            "head": head.link,
            "exchange": self._unreachable or "reached",
        }


def _late(record: str) -> Finding:
    text = f"{record} was written after records that are younger than it says it is"
    return Finding("trail", record, WARNING, text, "find out who wrote it, and when")
