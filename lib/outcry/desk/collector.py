"""Hold the public stream: find markets, keep their books, publish what changed, write the tape, until asked to stop.

    CONNECTING -> LIVE        LIVE -> FALLBACK -> LIVE        any of them -> ERROR, and back by itself

CONNECTING  no books yet
LIVE        books come by the stream
FALLBACK    the stream is away; books are polled, and marked so
ERROR       the database refuses, or the exchange sends what nobody can read; bin/status says what
"""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from outcry.desk.collecting.books import Books
from outcry.desk.collecting.choosing import Choosing
from outcry.desk.collecting.discovery import Exchange
from outcry.desk.collecting.figures import figures, restore
from outcry.desk.collecting.index_prices import IndexPrices
from outcry.desk.collecting.market_breaker import MarketBreaker
from outcry.desk.collecting.market_watch import MarketWatch
from outcry.desk.collecting.pen import Pen
from outcry.desk.collecting.publisher import Publisher
from outcry.desk.collecting.scribe import Scribe
from outcry.desk.collecting.subscriptions import LIFECYCLE, Subscriptions
from outcry.desk.collecting.unreadable import Unreadable
from outcry.desk.common import connect
from outcry.desk.common.errands import Done, Errands
from outcry.desk.common.refusals import Refusals
from outcry.desk.common.standing import Standing, parting
from outcry.domain.errors import Misconfigured, SchemaDrift, Unavailable
from outcry.domain.market import Market
from outcry.ops import log
from outcry.ops.clock import now_ms, now_ns
from outcry.ops.floor import Floor
from outcry.ops.lock import one_instance
from outcry.ops.supervisor import Supervisor
from outcry.signals.second_bars import SecondBars
from outcry.store import bars as bar_rows
from outcry.store import database, markets, shards, system
from outcry.venue.messages import EventFee, EventListed, Failed, Lifecycle, Message, Trade
from outcry.venue.stream import Connected, Disconnected, Event, Garbled, Stream

NAME = "collector"
SECOND_S, DISCOVER_S, STATUS_S, OVERDUE_S, POLL_BOOKS_S = 1.0, 30.0, 30.0, 3.0, 1.0
CHECKPOINT_S, PRUNE_S, RETRY_S = 60.0, 60.0, 3.0
FALLBACK_AFTER_S = 2.0  # without a stream, before books are polled
SNAPSHOT_LIMIT_S = 15.0  # an open market's book that is missing for longer: begin again
REFUSED_S = 1.5  # a database that refused so lately counts as refusing

_log = log.get(__name__)


def run(floor: Floor) -> None:
    """Run until SIGTERM or SIGINT.

    raises  Misconfigured for a key that is missing, shared, or refused; Unavailable when another collector runs
    """
    with one_instance(floor.folder, NAME):
        supervisor = Supervisor(NAME)
        db = connect.books(floor, timeout_ms=database.LOOP_TIMEOUT_MS)
        try:
            Collector(floor, db, supervisor).run()
        finally:
            db.close()
            supervisor.stopped()


class Collector:
    """One life of the program."""

    def __init__(self, floor: Floor, db: sqlite3.Connection, supervisor: Supervisor) -> None:
        settings = floor.settings
        key = connect.signer(floor)
        self._floor, self._db, self._supervisor, self._settings = floor, db, supervisor, settings
        self._stream = Stream(lambda: floor.addresses().stream_url, key)
        self._books, self._bars = Books(), SecondBars()
        self._watch, self._choosing = MarketWatch(settings.discovery.ahead_s * 1000), Choosing(db, settings.discovery)
        self._index = IndexPrices(floor, self._bars)
        self._wanted = Subscriptions(self._stream, self._index.index_ids)
        self._errands, self._exchange = Errands(), Exchange(floor, key)
        self._scribe = Scribe(floor.tape, now_ns) if settings.collector.tape else None
        self._pen = Pen(self._scribe, self._stream, self._index.named)
        self._breaker = MarketBreaker(db, settings.risk, settings.time_factor)
        self._publisher = Publisher(db, self._books, self._bars, self._scribe, self._breaker)
        self._standing = Standing(db, NAME, supervisor, "CONNECTING", now_ms())
        self._unreadable = Unreadable(self._standing)
        self._refusals = Refusals(db, floor.database, NAME, "program", NAME, settings.risk)
        self._due: dict[str, float] = {}
        self._following: list[str] = []
        self._failing: set[str] = set()  # errands whose last try failed: complained about once
        self._lost_at = self._whole_at = time.monotonic()
        self._refused_at = float("-inf")  # when the database last refused
        self._counters = restore(floor, NAME, now_ms())
        self._restore()

    # ---- the loop -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Until asked to stop; then what was heard is on the tape, and out."""
        self._supervisor.ready(self._settings.environment)
        publish_s = self._settings.collector.publish_ms / 1000
        next_publish = time.monotonic()
        try:
            while not self._supervisor.stopping:
                wait_s = min(max(next_publish - time.monotonic(), 0.001), publish_s)
                if events := self._stream.events(wait_s):
                    self._hear(events)
                for done in self._errands.finished():
                    self._finish(done)
                if self._is_due("second", SECOND_S):
                    self._guarded(self._each_second)
                if (now := time.monotonic()) >= next_publish:
                    self._publish()
                    next_publish = now + publish_s
        finally:
            self._leave()

    def _publish(self) -> None:
        self._index.take(self._scribe)
        self._books.heard(self._stream.heard_at_ms)
        self._pen.alive()
        at_ms = now_ms()
        self._pen.new_day(at_ms, self._publisher.showing)
        if self._refusals.may_try(at_ms):
            self._guarded(partial(self._publisher.publish, at_ms))

    def _is_due(self, name: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(name, 0.0):
            return False
        self._due[name] = now + every_s
        return True

    def _guarded(self, work: Callable[[], object]) -> None:
        """Do something that needs the database, which may refuse for a while: say so once, and try again later."""
        try:
            work()
        except (Unavailable, sqlite3.Error) as error:
            self._refused_at = time.monotonic()
            if self._refusals.of(error):
                self._refusals.heard(error, now_ms())
            self._standing.enter("ERROR", f"database: {error}", now_ms())

    # ---- the stream -----------------------------------------------------------------------------------------------

    def _hear(self, events: list[Event]) -> None:
        """What one read brought: connections apart, then books, then the rest; all of it to the tape, in order."""
        at_ms = self._stream.heard_at_ms
        messages: list[Message] = []
        for event in events:
            if isinstance(event, Connected | Disconnected | Garbled):
                self._connection(event, now_ns())
            else:
                messages.append(event)
        if not messages:
            return
        self._pen.heard(at_ms, messages)
        for message in self._books.take(messages, at_ms):
            self._other(message, at_ms)
        if self._books.lost or self._books.resync or self._books.restart:
            self._mend(now_ns())

    def _connection(self, event: Connected | Disconnected | Garbled, at_ns: int) -> None:
        self._pen.connection(at_ns, event)
        if isinstance(event, Connected):
            _log.info("connected", epoch=event.epoch)
            self._books.connected(event.epoch, at_ns // 1_000_000)
            self._whole_at = time.monotonic()
            self._wanted.begin()
            self._wanted.want(self._following)
            self._due.pop("discover", None)
        elif isinstance(event, Disconnected):
            if self._books.connection:
                self._lost_at = time.monotonic()
                self._counters.reconnects += 1
                _log.warning("disconnected", reason=event.reason, retry_s=round(event.retry_s, 1))
                self._books.disconnected()
        else:
            self._unreadable.heard(event.what, event.raw, now_ms())

    def _other(self, message: Message, at_ms: int) -> None:
        """What is not about books."""
        if isinstance(message, Trade):
            if not message.is_block:
                self._bars.add(
                    message.ticker,
                    bar_rows.EXCHANGE,
                    message.price_cc,
                    message.at_ms,
                    message.count_ch,
                    message.taker_side,
                )
        elif isinstance(message, Lifecycle):
            self._lifecycle(message, at_ms)
        elif isinstance(message, EventListed):
            if message.series_ticker in self._settings.discovery.series:
                self._due.pop("discover", None)
        elif isinstance(message, EventFee):
            if self._watch.fee_changed(message):
                self._due.pop("discover", None)
        elif not self._index.hear(message) and (why := self._wanted.hear(message)):
            self._refused(message, why)

    def _lifecycle(self, message: Lifecycle, at_ms: int) -> None:
        if self._watch.told(message, at_ms):
            self._due.pop("second", None)
        elif message.ticker.startswith(tuple(f"{series}-" for series in self._settings.discovery.series)):
            self._due.pop("discover", None)  # the name is a hint only: the list says what it is

    def _refused(self, message: Message, why: str) -> None:
        if isinstance(message, Failed) and not message.terminal:
            _log.warning("refused_subscription", why=why)

    def _mend(self, at_ns: int) -> None:
        """Do what the books ask for after something was lost."""
        books = self._books
        for sid, count in books.lost:
            channel = self._wanted.channel_of(sid)
            self._counters.gaps += 1
            _log.warning("lost", messages=count, channel=channel, epoch=self._stream.epoch)
            self._pen.lost(at_ns, {"sid": sid, "channel": channel, "messages": count})
            if channel == LIFECYCLE:
                self._due.pop("discover", None)
        books.lost.clear()
        if books.restart:
            self._stream.drop(books.restart)
            books.restart = ""
        elif self._stream.connected:
            for sid, tickers in books.resync:
                if tickers:
                    self._stream.get_snapshot(sid, tickers)
        books.resync.clear()

    # ---- every second ---------------------------------------------------------------------------------------------

    def _each_second(self) -> None:
        at_ms = now_ms()
        self._watch.tick(at_ms)
        self._follow(at_ms)
        self._ask(at_ms)
        self._look_after_books()
        self._breaker.settle(at_ms)
        self._settle_state(at_ms)
        self._housekeeping(at_ms)

    def _follow(self, at_ms: int) -> None:
        """Write what changed of the markets, and hold exactly the books that are near."""
        changed = self._watch.take_changed()
        try:
            markets.save(self._db, changed, at_ms)
        except Unavailable:
            self._watch.changed_again(changed)
            raise
        self._pen.markets(changed)
        following = self._choosing.choose(self._watch.near(at_ms), at_ms)
        self._pen.followed(self._books.follow(self._watch.markets[ticker] for ticker in following))
        if following != self._following:
            markets.set_subscribed(self._db, following, at_ms)
            _log.info("following", markets=len(following), tickers=",".join(following[:4]))
            self._following = following
        self._choosing.watch(self._books.books.values(), at_ms)
        if self._stream.connected:
            self._wanted.want(following)

    def _ask(self, at_ms: int) -> None:
        """Start the calls that are due."""
        exchange = self._exchange
        if self._is_due("discover", DISCOVER_S):
            self._errands.start("discover", exchange.markets)
        if (late := self._watch.overdue(at_ms)) and self._is_due("overdue", OVERDUE_S):
            self._errands.start("overdue", partial(exchange.named, late))
        where = {market.exchange_index for market in self._watch.markets.values()}
        if where and self._is_due("status", STATUS_S):
            self._errands.start("status", partial(exchange.trading, where))
        if self._polling and self._following and self._is_due("books", POLL_BOOKS_S):
            self._errands.start("books", partial(exchange.books, self._following))
        for symbol in self._index.without_history(self._db, at_ms):
            self._errands.start(f"history {symbol}", partial(exchange.history, symbol, at_ms))

    def _finish(self, done: Done) -> None:
        """Take the result of a call; one that failed is simply due again soon."""
        at_ms = now_ms()
        if done.error is not None:
            if isinstance(done.error, Misconfigured):
                raise done.error
            if done.name not in self._failing:
                _log.warning("failed", errand=done.name, error=str(done.error)[:500])
            self._failing.add(done.name)
            if isinstance(done.error, SchemaDrift):
                self._unreadable.heard(f"{done.name}: {done.error}", done.error.raw, at_ms)
            if done.name in ("discover", "status"):
                self._due[done.name] = time.monotonic() + RETRY_S
            return
        self._failing.discard(done.name)
        if done.name == "discover":
            self._choosing.listed(done.result)
            self._listed([listing.market for listing in done.result], at_ms)
        elif done.name == "overdue":
            self._listed(done.result, at_ms)
        elif done.name == "status":
            self._status(done.result, at_ms)
        elif done.name == "books":
            self._polled(done, at_ms)
        else:
            self._index.history_known(done.name.removeprefix("history "))
            self._publisher.history(done.result)
            self._pen.past(done.result)

    def _listed(self, found: list[Market], at_ms: int) -> None:
        self._watch.listed(found, at_ms)
        self._due.pop("second", None)

    def _status(self, trading: dict[int, bool], at_ms: int) -> None:
        """Whether each shard trades: nobody enters where it does not, and its books are marked."""
        paused = frozenset(shard for shard, trades in trading.items() if not trades)
        if self._books.pause(paused):
            self._pen.paused(paused)
        self._guarded(partial(shards.keep, self._db, trading, at_ms))

    def _polled(self, done: Done, at_ms: int) -> None:
        self._pen.polled(at_ms, done.result)
        self._books.polled(done.result, at_ms)

    @property
    def _polling(self) -> bool:
        return not self._stream.connected and time.monotonic() - self._lost_at > FALLBACK_AFTER_S

    def _look_after_books(self) -> None:
        """A snapshot that never comes is a connection that does not work; a new tape begins with whole books."""
        now = time.monotonic()
        if not self._stream.connected or not self._books.missing:
            self._whole_at = now
        elif now - self._whole_at > SNAPSHOT_LIMIT_S:
            self._stream.drop(f"no snapshot of {self._books.missing[0]} for {SNAPSHOT_LIMIT_S:.0f} s")
        if self._pen.wants_books:
            self._pen.markets(list(self._watch.markets.values()))
            self._pen.books(self._books.whole())

    def _settle_state(self, at_ms: int) -> None:
        untrusted = self._books.untrusted()
        if time.monotonic() - self._refused_at < REFUSED_S:
            return
        if self._unreadable.lasts(at_ms):
            return
        if self._stream.connected and self._books.trusted:
            self._standing.enter("LIVE", "books come by the stream", at_ms)
        elif self._polling and self._books.trusted:
            self._standing.enter("FALLBACK", "the stream is away; books are polled", at_ms)
        elif self._stream.connected:
            why = next(iter(untrusted.values()), "no open market")
            self._standing.enter("CONNECTING", why, at_ms)
        else:
            self._standing.enter("CONNECTING", "the exchange does not answer", at_ms)

    # ---- now and then ---------------------------------------------------------------------------------------------

    def _housekeeping(self, at_ms: int) -> None:
        self._refusals.tend(at_ms)
        if self._is_due("checkpoint", CHECKPOINT_S):
            self._checkpoint(at_ms)
        if self._is_due("prune", PRUNE_S):
            while bar_rows.prune(self._db, at_ms - self._settings.collector.bars_keep_s * 1000) == bar_rows.PRUNE_ROWS:
                _log.debug("pruned", rows=bar_rows.PRUNE_ROWS)
        self._standing.beat_if_due(self._figures(), at_ms)

    def _figures(self) -> dict[str, object]:
        told = figures(self._stream, self._books, self._publisher, self._index, self._scribe, self._counters)
        return {**told, **self._exchange.calls.told(now_ms() - self._settings.risk.api_window_ms)}

    def _checkpoint(self, at_ms: int) -> None:
        try:
            self._counters.save(self._floor, NAME, self._books.deltas, at_ms)
        except OSError as error:
            _log.error("failed_to_checkpoint", error=str(error))
        else:
            self._standing.checkpoint_ms = at_ms

    def _restore(self) -> None:
        """Begin with the markets known from the last life: books are asked for before discovery has answered."""
        known = markets.unfinished(self._db)
        self._watch.listed([replace(market, exhaustive_of=0) for market in known], now_ms())  # as set today, not then
        self._watch.take_changed()

    def _leave(self) -> None:
        at_ms = now_ms()
        self._stream.close()
        self._index.close()
        self._errands.close()
        self._books.disconnected()
        self._pen.left()
        self._guarded(partial(self._publisher.publish, at_ms))
        if not self._pen.close(wait_s=1.0):
            _log.warning("left_tape", why="the disk is slow")
        self._guarded(partial(self._checkpoint, at_ms))
        self._standing.enter(*parting(), at_ms)
        self._guarded(lambda: self._standing.beat_if_due(self._figures(), at_ms))
        self._guarded(partial(system.event, self._db, "info", NAME, "stopped", now_ms=at_ms))
