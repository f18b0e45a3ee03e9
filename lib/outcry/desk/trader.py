"""Trade as one agent until asked to stop: the live shell around the coordinator.

    feed (database, halt file) -> events -> coordinator -> commands -> hands (gate, exchange) -> events -> ...

A turn takes what was committed since the last one, feeds it through, and ends; ten milliseconds later comes the next.
What breaks outside (database, exchange) is a state, ERROR, and never the end of the program.
"""

import random
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import msgspec

from outcry.desk.common import connect, strategies
from outcry.desk.common.owed import Owed
from outcry.desk.common.refusals import Refusals
from outcry.desk.dealing.exchange import Link, RestLink
from outcry.desk.dealing.feed import Feed
from outcry.desk.dealing.hands import Hands, Identity
from outcry.desk.dealing.memory import Memory
from outcry.desk.dealing.record import Record
from outcry.domain.errors import Unavailable
from outcry.ops import log
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.lock import one_instance
from outcry.ops.supervisor import BEAT_EVERY_S, Stopped, Supervisor
from outcry.risk.rules import Facts
from outcry.store import agents, database, feed, orders, shards, spool
from outcry.store.journal import Journal
from outcry.store.tape import same_day
from outcry.strategies import catalogue
from outcry.trading.coordinator import Coordinator
from outcry.trading.events import Clock, Control, Event, Note, Place
from outcry.trading.tempo import Tempo
from outcry.venue.tally import Tally

POLL_S = 0.010
CLOCK_EVERY_S = 1.0
FLUSH_EVERY_S = 5.0
TELL_EVERY_S = 1.0  # failed calls are told so soon: the clerk judges by them
CHECKPOINT_EVERY_S = 30.0
CLERK_SILENT_MS = 90_000  # three of its beats

_log = log.get(__name__)


def run(name: str, floor: Floor) -> None:
    """Trade as agent `name`.

    raises  Misconfigured (no database, agent, strategy or key), Unavailable when this agent's trader runs already
    """
    with one_instance(floor.folder, f"trader@{name}"):
        supervisor = Supervisor(f"trader@{name}")
        link = RestLink(floor)

        def begin() -> Trader:
            return Trader(name, floor, link, asking=supervisor.interruptible, calls=link.calls)

        trader = begin()
        try:
            supervisor.ready(floor.settings.environment)
            while not supervisor.stopping:
                trader.turn()
                if why := trader.outdated:
                    _log.info("beginning_anew", agent=name, why=why)
                    trader.close()
                    trader = begin()
                if trader.beat():
                    supervisor.beat()
                    supervisor.status(trader.status())
                supervisor.wait(POLL_S)
        except Stopped:
            _log.info("interrupted", agent=name)  # what was asked stays `sent`: the clerk finds out what became of it
        finally:
            trader.close(asked=supervisor.stopping)
            supervisor.stopped()


class Trader:
    """One agent at work. `turn` never blocks for longer than one answer of the exchange takes."""

    def __init__(
        self,
        name: str,
        floor: Floor,
        link: Link,
        *,
        clock: Callable[[], int] = now_ms,
        asking: Callable[[], AbstractContextManager[None]] = nullcontext,
        calls: Tally | None = None,
    ) -> None:
        """
        asking  entered around each call to the exchange (see Hands)
        calls   where they are counted
        """
        self.name, self._floor, self._clock, self._asking = name, floor, clock, asking
        self._calls, self._told_failed = calls or Tally(), 0
        self._db = connect.books(floor, timeout_ms=database.LOOP_TIMEOUT_MS)
        agent = agents.get(self._db, name)
        self._given = agent.parameters
        strategy = catalogue.build(agent.strategy, agent.parameters)
        self._started_at_ms = clock()
        self._seed = f"{name}:{self._started_at_ms}"
        factor = floor.settings.time_factor
        tempo = Tempo.of(factor, floor.settings.orders.expire_s)
        self.coordinator = Coordinator(strategy, tempo, factor, random.Random(self._seed).random)
        self._feed = Feed(self._db, name, self.coordinator.board.span_ms, floor.halt_file)
        self._journal = Journal(floor.folder / "journal", name)
        self._memory = Memory(self._journal)
        self._who = Identity(
            agent=name,
            floor_id=feed.floor_id(self._db) or "",
            environment=floor.settings.environment,
            parameters=msgspec.to_builtins(strategy),
            code_sha256="",
        )
        self._strategy_name, self._link = agent.strategy, link
        self._hands: Hands | None = None
        program = f"trader@{name}"
        refusals = Refusals(self._db, floor.database, program, "program", program, floor.settings.risk)
        self._owed = Owed(self._db, spool.file_of(floor.folder, program), program, refusals, clock)
        self._record = Record(self._db, name, self.coordinator, floor.checkpoints, clock, self._figures, self._owed)
        self._trouble, self._journal_fails, self._closed = "", False, False
        self._due: dict[str, float] = {}

    @property
    def outdated(self) -> str:
        """Why this life is to end and the next one to begin; "" while it may go on.

        A life ends with its UTC day, and with its collector's: one day of tape and journals is then all that it takes
        to run it again, and what a collector that was killed had not written yet is no part of what follows.
        """
        if self._feed.parameters not in (None, self._given):
            return "its parameters were changed"
        if self._feed.collector_anew:
            return "the collector began anew"
        return "" if same_day(self._started_at_ms, self._clock()) else "a new day"

    # ---- turns ------------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Take in what happened since the last turn and act on it."""
        try:
            if self._hands is None:
                self._begin()
            elif self._feed.news() or self._is_due("clock"):
                self._consume()
            elif paid := self._hands.pay_debts():
                self._memory.turn(self._clock(), self._feed.marks, (), after=paid)
                self._run(paid)
        except (sqlite3.Error, Unavailable) as error:
            self._owed.heard(error)
            self._in_trouble(f"database: {error}")
        self._housekeeping()

    def _begin(self) -> None:
        """Close what was never sent, read what we have, and start to calibrate."""
        at_ms = self._clock()
        self._owed.open()
        self._owed.pay()
        code_sha256 = strategies.keep_source(self._db, self._strategy_name, at_ms)
        self._who = replace(self._who, code_sha256=code_sha256)
        for order in orders.abandon_planned(self._db, self.name, at_ms):
            _log.info("abandoned", order=order.client_order_id, reason=order.reason)
        warm = self._record.warm()
        events = self._feed.restore(at_ms, warm)
        hands = Hands(
            self._db,
            self._who,
            self._link,
            self._floor.settings.risk,
            self._facts,
            self._clock,
            self._owed,
            self._journal.flush,
            self._asking,
            self._feed.halt_file_reason,
        )
        header = {
            "agent": self.name,
            "environment": self._who.environment,
            "strategy": self._strategy_name,
            "parameters": self._who.parameters,
            "code_sha256": code_sha256,
            "seed": self._seed,
            "time_factor": self._floor.settings.time_factor,
            "expire_s": self._floor.settings.orders.expire_s,
        }
        self._record.beat()  # before anything is sent: the clerk then knows that an earlier sender is gone
        self._hands = hands
        self._memory.begin(header, at_ms, self._feed.marks, events)
        self._run(events)
        _log.info(
            "restored",
            agent=self.name,
            environment=self._who.environment,
            positions=len(self.coordinator.positions.held()),
            resting=len(self.coordinator.orders.resting()),
        )

    def _consume(self) -> None:
        assert self._hands is not None
        at_ms = self._clock()
        told, shown = self._feed.read(at_ms)
        if self._trouble:
            self._trouble = ""
            over = replace(self.coordinator.control or Control(at_ms), at_ms=at_ms, trouble="")
            told.insert(0, over)  # what was read just now may forbid more
        clock = self._is_due("clock")
        if clock:
            self._next("clock", CLOCK_EVERY_S)
        paid = self._hands.pay_debts()
        self._memory.turn(at_ms, self._feed.marks, told, shown=shown, clock=clock, after=paid)
        self._run([*told, *shown, *([Clock(at_ms)] if clock else []), *paid])

    def _run(self, events: list[Event]) -> None:
        """Feed events through, and what comes of them, until nothing more does."""
        assert self._hands is not None
        waiting = deque(events)
        while waiting:
            for command in self.coordinator.step(waiting.popleft()):
                if isinstance(command, Note):
                    self._memory.said(command)
                    self._record.note(command)
                else:
                    self._memory.asked(self._clock(), command)
                    answers = self._hands.carry_out(command)
                    self._memory.answered(self._clock(), answers)
                    waiting.extend(answers)

    def _in_trouble(self, reason: str) -> None:
        """The outside is broken: no entries, keep trying. Said once, not at every turn."""
        if reason != self._trouble:
            _log.error("in_trouble", agent=self.name, reason=reason)
        self._trouble = reason
        if self._hands is not None:
            at_ms = self._clock()
            control = replace(self.coordinator.control or Control(at_ms), at_ms=at_ms, trouble=reason)
            self._memory.turn(at_ms, self._feed.marks, [control])
            self._run([control])

    def _facts(self, place: Place) -> Facts:
        """The world around an intent, read inside the turn that asks about it; the halt file at this very moment."""
        control = self.coordinator.control or Control(self._clock(), unready="controls not read yet")
        ticker = place.market.ticker
        stopped = control.stopped or dict(control.stopped_markets).get(ticker, "") or control.unready
        return Facts(
            market=place.market,
            quote=place.view.quote,
            predecessor_volume_ch=self._feed.predecessor_volume_ch(place.market),
            index_at_ms=place.index_at_ms,
            halted=self._feed.halt_file_reason() or control.halted,
            stopped=stopped or self._unbooked(),
            paused=control.paused,
            stage=self._feed.stage(),
            exchange_open=shards.trading(self._db, place.market.exchange_index),
        )

    def _unbooked(self) -> str:
        """Why nobody books just now: what is bought then is held by nobody's stop-loss. "" while the clerk lives."""
        beat_ms, at_ms = feed.clerk_beat_ms(self._db), self._clock()
        if beat_ms is None or abs(at_ms - beat_ms) <= CLERK_SILENT_MS:
            return ""
        return f"the clerk gave no sign of life for {(at_ms - beat_ms) // 1_000} s"

    # ---- what has its time ------------------------------------------------------------------------------------------

    def _housekeeping(self) -> None:
        """Counters, journal and checkpoint, each when its time has come."""
        if self._is_due("flush"):
            self._next("flush", FLUSH_EVERY_S)
            self._journal.flush()
            self._look_at_journal()
            self._record.flush_looks()
        if self._hands is not None and self._is_due("checkpoint"):
            self._next("checkpoint", CHECKPOINT_EVERY_S)
            self._record.checkpoint()

    def _look_at_journal(self) -> None:
        """A journal that cannot be written is said once, and once more when it can be again."""
        if (self._journal.failing != "") != self._journal_fails:
            self._journal_fails = not self._journal_fails
            if self._journal_fails:
                _log.error("failed_to_write_journal", agent=self.name, error=self._journal.failing)
            else:
                _log.info("resumed_journal", agent=self.name)

    def beat(self) -> bool:
        """Every 30 s, when the state machine moved, soon after a failed call: the heartbeat row. True when written."""
        failed = self._calls.failed != self._told_failed and self._is_due("tell")
        if not self._record.moved and not failed and not self._is_due("beat"):
            return False
        self._next("beat", BEAT_EVERY_S)
        self._next("tell", TELL_EVERY_S)
        self._told_failed = self._calls.failed
        self._record.try_to_beat()
        return True

    def status(self) -> str:
        """The state in words."""
        coordinator = self.coordinator
        return f"{coordinator.phase}{f': {coordinator.reason}' if coordinator.reason else ''}"

    def _figures(self) -> dict[str, object]:
        owed = self._hands.debts if self._hands else 0
        window_ms = self._floor.settings.risk.api_window_ms
        return {
            "environment": self._who.environment,
            "publish": self._feed.marks.publish,
            "owed_writes": owed,
            **self._calls.told(self._clock() - window_ms),
        }

    def _is_due(self, what: str) -> bool:
        return time.monotonic() >= self._due.get(what, 0.0)

    def _next(self, what: str, every_s: float) -> None:
        self._due[what] = time.monotonic() + every_s

    def close(self, *, asked: bool = False) -> None:
        """All that is in memory goes to disk, nothing new is asked. What rests is adopted at the next start or expires.

        asked  somebody wanted it to stop: the heartbeat row says so
        """
        if self._closed:
            return
        self._closed = True
        if self._hands is not None:
            self._hands.pay_debts()
            self._record.checkpoint()
        self._record.flush_looks()
        if asked:
            self._record.try_to_beat("STOPPED")
        self._memory.close(self._clock())
        self._owed.close()
        self._db.close()
