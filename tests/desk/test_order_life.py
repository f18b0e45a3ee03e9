"""An order's life, whatever happens in between: programs die at every boundary, answers are lost or late, the stream
repeats itself and speaks of the past, a stranger holds the database; and still no order is placed twice or forgotten,
no fill lost, no limit passed, and in the end everything is resolved and agrees to the micro-dollar.

Real hands, spool, look-ups, bookings and database file; the exchange is a model, because it has to lie on request.
`HYPOTHESIS_PROFILE=deep` walks for minutes.
"""

import shutil
import sqlite3
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from account import FLOOR_ID, SHARD, T0, TICKER, describe, furnish, market
from histories import histories
from outcry import failpoints
from outcry.desk.clerking import orphans
from outcry.desk.clerking.backlog import Backlog
from outcry.desk.clerking.lookups import Lookups
from outcry.desk.clerking.private import PrivateFeed
from outcry.desk.clerking.statesync import StateSync
from outcry.desk.common import refusals
from outcry.desk.common.owed import Owed
from outcry.desk.common.refusals import Refusals
from outcry.desk.dealing.hands import Hands, Identity
from outcry.domain.errors import Refused, Unavailable
from outcry.domain.limits import Limits
from outcry.domain.order import NEXT, TERMINAL, Order, Purpose, Side, State, TimeInForce
from outcry.domain.view import Intent, Quote, View
from outcry.risk.rules import Facts
from outcry.store import accounts, database, fills, orders, spool, system
from outcry.trading.events import Cancel, Place
from outcry.venue.messages import FillMessage, UserOrder
from unreliable import Fate, UnreliableExchange

AGENTS = ("bull", "bear")
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # processes die here, not the machine: no disk is needed
ASK_CC, BID_CC, ALLOCATION_MICROS = 4_200, 4_000, 10_000_000
MARKET = market(close_at_ms=T0 + 86_400_000)
LIMITS = Limits(max_spread_and_fee_millionths=500_000)
PLACING = ("", "plan.commit", "plan.committed", "sent.committed", "post.answered", "answer.booked",
           "exit.spooled", "spool.written", "spool.appended", "cancel.answered")  # fmt: skip
BOOKING = ("", "fill.heard", "fill.commit", "fill.booked", "order.heard", "order.updated", "order.found",
           "spool.applied", "spool.written", "spool.appended")  # fmt: skip
assert {*PLACING[1:], *BOOKING[1:]} <= failpoints.POINTS.keys()


def _reach(state: State) -> set[State]:
    return {state}.union(*(_reach(after) for after in NEXT.get(state, ())))


REACHABLE = {state: _reach(state) for state in State}


class Died(BaseException):
    """What SIGKILL is to a process."""


@cache
def furnished() -> bytes:
    """A database with two agents, as a file's content."""
    with tempfile.TemporaryDirectory(prefix="outcry-life-") as folder:
        file = Path(folder) / "kalshi.db"
        db = database.connect(file, checkpoints=True)
        database.migrate(db)
        furnish(db, *AGENTS)
        describe(db, MARKET)
        accounts.open_shard(db, SHARD, 1_000_000_000, T0)
        accounts.record_day(db, "2026-11-20", 1_000_000_000, {}, T0)
        db.close()
        return file.read_bytes()


class Dealer:
    """What a trader sends and hears with. All of it is lost when it dies; `begin` is how it starts again."""

    def __init__(self, life: "OrderLife", agent: str) -> None:
        self.agent, self.program, self.life, self.ready = agent, f"trader@{agent}", life, False
        self.db = life.connect()
        refused = Refusals(self.db, life.file, self.program, "program", self.program, LIMITS)
        self.owed = Owed(self.db, spool.file_of(life.folder, self.program), self.program, refused, life.clock)
        who = Identity(agent, FLOOR_ID, "embedded", {}, "0" * 64)
        self.hands = Hands(self.db, who, life.exchange, LIMITS, self._facts, life.clock, self.owed)

    def begin(self) -> None:
        """As the trader begins: pay what an earlier life owed, close what it never sent, say that we are new."""
        now_ms = self.life.clock()
        try:
            self.owed.open()
            self.owed.pay()
            orders.abandon_planned(self.db, self.agent, now_ms)
            beat = {"pid": 1, "started_at_ms": now_ms, "state": "READY", "state_since_ms": now_ms, "version": ""}
            system.beat(self.db, self.program, **beat, detail={}, now_ms=now_ms)
        except (Unavailable, sqlite3.Error) as error:
            self.owed.heard(error)
        else:
            self.ready = True

    def enter(self, stake_millionths: int, time_in_force: TimeInForce) -> None:
        intent = Intent(TICKER, Side.BID, ASK_CC, "", time_in_force=time_in_force, stake_millionths=stake_millionths)
        self.hands.carry_out(Place(1, Purpose.ENTRY, intent, MARKET, self._view()))

    def leave(self) -> None:
        intent = Intent(TICKER, Side.ASK, BID_CC, "stop")
        self.hands.carry_out(Place(2, Purpose.EXIT, intent, MARKET, self._view()))

    def cancel(self, order: Order) -> None:
        self.hands.carry_out(Cancel(order, "no longer wanted"))

    def end(self) -> None:
        self.owed.close()
        self.db.close()

    def _view(self) -> View:
        now_ms = self.life.clock()
        quote = Quote(
            TICKER, 7, now_ms, ((BID_CC, 1_000_000),), ((ASK_CC, 1_000_000),), trusted=True, heard_at_ms=now_ms,
            changed_at_ms=now_ms, ticker_moved_at_ms=now_ms,
        )  # fmt: skip
        held = self.db.execute(
            "SELECT position_ch FROM holdings WHERE agent = ? AND ticker = ?", (self.agent, TICKER)
        ).fetchone()
        return View(now_ms, MARKET, quote, position_ch=held["position_ch"] if held else 0)

    @staticmethod
    def _facts(place: Place) -> Facts:
        return Facts(market=place.market, quote=place.view.quote, predecessor_volume_ch=10_000_000)


class Clerk:
    """What the clerk hears, looks up and books with."""

    def __init__(self, life: "OrderLife") -> None:
        self.db, self._life = life.connect(), life
        self.sync = StateSync(self.db, life.exchange)
        self._lookups, self._feed = Lookups(self.db, life.exchange), PrivateFeed(self.db, life.exchange)
        self._backlog = Backlog(spool.file_of(life.folder, "clerk"))

    def hear(self, *messages: FillMessage | UserOrder) -> None:
        """Messages of the stream, behind those that the database has not taken yet."""
        self._backlog.extend(messages)
        try:
            while len(self._backlog):
                self._feed.take(self._backlog.first, self._life.clock())
                self._backlog.done()
        except Unavailable:
            self._backlog.keep()

    def look(self, what: str) -> None:
        """One of the things it does in turn."""
        now_ms = self._life.clock()
        doing = {
            "unresolved": lambda: self._lookups.resolve_orders(now_ms),
            "parked": lambda: self._lookups.resolve_fills(now_ms),
            "resting": lambda: self.sync.bookings.orders(now_ms),
            "fills": lambda: self.sync.bookings.fills(now_ms),
            "orphans": lambda: orphans.adopt(self.db, self._life.folder / spool.FOLDER, "clerk", now_ms),
        }
        with suppress(Unavailable, Refused, sqlite3.OperationalError):  # it does not answer, or the database refuses
            doing[what]()

    def end(self) -> None:
        self._backlog.close()
        self.db.close()


class OrderLife(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now_ms, self.dies_at = T0, ""
        self.folder = Path(tempfile.mkdtemp(prefix="outcry-life-", dir=MEMORY))
        self.file = self.folder / "kalshi.db"
        self.file.write_bytes(furnished())
        self.patch = pytest.MonkeyPatch()
        self.patch.setitem(spool.Spool.__init__.__kwdefaults__, "size", 1 << 16)
        self.patch.setattr(failpoints, "reached", self._reached)
        self.patch.setattr(refusals, "write_lock_holders", lambda _file: [])
        self.exchange = UnreliableExchange(T0)
        self.exchange.described[TICKER] = MARKET
        self.db, self.stranger = self.connect(), self.connect()
        self.dealers = {agent: Dealer(self, agent) for agent in AGENTS}
        self.clerk = Clerk(self)
        self.seen: dict[str, Order] = {}
        for dealer in self.dealers.values():
            dealer.begin()

    def connect(self) -> sqlite3.Connection:
        return database.connect(self.file, timeout_ms=1)

    def clock(self) -> int:
        return self.now_ms

    def _reached(self, point: str) -> None:
        if point == self.dies_at:
            raise Died(point)

    # ---- what traders do --------------------------------------------------------------------------------------------

    @rule(
        agent=some.sampled_from(AGENTS),
        stake_millionths=some.sampled_from((500, 3_000, 10_000)),
        time_in_force=some.sampled_from((TimeInForce.IOC, TimeInForce.GTC)),
        fate=some.sampled_from(Fate),
        cross_ch=some.sampled_from((0, 100, 700, 2_300)),
        dies_at=some.sampled_from(PLACING),
    )
    def enter(self, agent, stake_millionths, time_in_force, fate, cross_ch, dies_at):
        self.exchange.fate, self.exchange.cross_ch = fate, cross_ch
        self._deal(agent, dies_at, lambda dealer: dealer.enter(stake_millionths, time_in_force))

    @rule(
        agent=some.sampled_from(AGENTS),
        fate=some.sampled_from(Fate),
        cross_ch=some.sampled_from((0, 100, 700, 2_300)),
        dies_at=some.sampled_from(PLACING),
    )
    def leave(self, agent, fate, cross_ch, dies_at):
        self.exchange.fate, self.exchange.cross_ch = fate, cross_ch
        self._deal(agent, dies_at, Dealer.leave)

    @precondition(lambda self: self._known(State.RESTING))
    @rule(data=some.data(), fate=some.sampled_from(Fate), dies_at=some.sampled_from(PLACING))
    def cancel(self, data, fate, dies_at):
        order = data.draw(some.sampled_from(self._known(State.RESTING)))
        self.exchange.fate = fate
        self._deal(order.agent, dies_at, lambda dealer: dealer.cancel(order))

    @rule(agent=some.sampled_from(AGENTS), dies_at=some.sampled_from(BOOKING))
    def turn(self, agent, dies_at):
        """A trader goes on, or begins again after it died."""
        dealer = self.dealers[agent]
        go_on = (lambda _dealer: dealer.hands.pay_debts()) if dealer.ready else Dealer.begin
        self._living(agent, dies_at, go_on)

    def _deal(self, agent, dies_at, act):
        if self.dealers[agent].ready:
            self._living(agent, dies_at, act)
        self.exchange.fate, self.exchange.cross_ch = Fate.ANSWERED, 0

    def _living(self, agent, dies_at, act):
        self.dies_at = dies_at
        try:
            act(self.dealers[agent])
        except Died:
            self.trader_dies(agent)
        finally:
            self.dies_at = ""

    @rule(agent=some.sampled_from(AGENTS))
    def trader_dies(self, agent):
        self.dealers[agent].end()
        self.dealers[agent] = Dealer(self, agent)

    # ---- what the exchange does -------------------------------------------------------------------------------------

    @precondition(lambda self: self.exchange.waiting)
    @rule(cross_ch=some.sampled_from((0, 700)))
    def a_delayed_request_arrives(self, cross_ch):
        self.exchange.cross_ch = cross_ch
        self.exchange.deliver()
        self.exchange.cross_ch = 0

    @precondition(lambda self: self.exchange.resting())
    @rule(data=some.data(), count_ch=some.sampled_from((100, 300, 10_000)))
    def a_resting_order_trades(self, data, count_ch):
        self.exchange.trade(data.draw(some.sampled_from(self.exchange.resting())).order_id, count_ch)

    @precondition(lambda self: self.exchange.resting())
    @rule(data=some.data())
    def a_resting_order_ends(self, data):
        self.exchange.end(data.draw(some.sampled_from(self.exchange.resting())).order_id)

    @rule(down=some.booleans())
    def reads_stop_or_go_on(self, down):
        self.exchange.down = down

    # ---- what the clerk does ----------------------------------------------------------------------------------------

    @precondition(lambda self: self.exchange.filled)
    @rule(data=some.data(), dies_at=some.sampled_from(BOOKING))
    def the_stream_tells_of_a_fill(self, data, dies_at):
        """Any that ever was, once more if need be."""
        fill = data.draw(some.sampled_from(self.exchange.filled))
        name, held_ch = self.exchange.book[fill.order_id].client_order_id, self.exchange.held[TICKER]
        told = FillMessage(
            1, fill.trade_id, fill.order_id, name, TICKER, SHARD, fill.side, fill.price_cc, fill.count_ch,
            fill.fee_micros, True, held_ch, fill.filled_at_ms,
        )  # fmt: skip
        self._clerk(dies_at, lambda clerk: clerk.hear(told))

    @precondition(lambda self: self.exchange.told)
    @rule(data=some.data(), dies_at=some.sampled_from(BOOKING))
    def the_stream_tells_of_an_order(self, data, dies_at):
        """Of any state that it ever was in, however long ago."""
        was = data.draw(some.sampled_from(self.exchange.told))
        told = UserOrder(
            2, was.order_id, was.client_order_id, TICKER, SHARD, was.side, was.price_cc, was.status, was.initial_ch,
            was.filled_ch, was.remaining_ch, was.fees_micros, T0, None, None, "",
        )  # fmt: skip
        self._clerk(dies_at, lambda clerk: clerk.hear(told))

    @rule(
        what=some.sampled_from(("unresolved", "parked", "resting", "fills", "orphans")),
        dies_at=some.sampled_from(BOOKING),
    )
    def the_clerk_looks(self, what, dies_at):
        self._clerk(dies_at, lambda clerk: clerk.look(what))

    def _clerk(self, dies_at, act):
        self.dies_at = dies_at
        try:
            act(self.clerk)
        except Died:
            self.the_clerk_dies()
        finally:
            self.dies_at = ""

    @rule()
    def the_clerk_dies(self):
        self.clerk.end()
        self.clerk = Clerk(self)

    # ---- what happens to all ----------------------------------------------------------------------------------------

    @rule(seconds=some.sampled_from((1, 3, 30, 95)))
    def time_passes(self, seconds):
        self.now_ms += seconds * 1_000
        self.exchange.now_ms = self.now_ms
        self.exchange.forget_old()

    @rule()
    def a_stranger_holds_the_database_or_lets_it_go(self):
        self.stranger.execute("ROLLBACK" if self.stranger.in_transaction else "BEGIN IMMEDIATE")

    # ---- what must always hold --------------------------------------------------------------------------------------

    def _orders(self) -> dict[str, Order]:
        names = self.db.execute("SELECT client_order_id FROM orders").fetchall()
        return {name: order for (name,) in names if (order := orders.get(self.db, name))}

    def _known(self, state: State) -> list[Order]:
        return [order for order in self._orders().values() if order.state is state]

    @invariant()
    def no_order_is_sent_twice(self):
        assert max(self.exchange.sent.values(), default=0) <= 1
        names = [order.client_order_id for order in self.exchange.book.values()]
        assert len(names) == len(set(names))

    @invariant()
    def no_order_moves_backwards(self):
        now = self._orders()
        assert self.seen.keys() <= now.keys()
        for name, old in self.seen.items():
            new = now[name]
            assert new.state in REACHABLE[old.state], (old, new)
            assert new.filled_ch >= old.filled_ch and new.booked_ch >= old.booked_ch, (old, new)
            assert old.order_id in ("", new.order_id), (old, new)
        self.seen = now

    @invariant()
    def nothing_the_exchange_may_do_is_forgotten(self):
        """What rests, may still arrive, or has filled without being booked, counts; at worst it waits in a spool."""
        rows = self._orders()
        owed = "".join(file.read_bytes().decode() for file in (self.folder / spool.FOLDER).glob("trader@*.jsonl"))
        booked = {row["trade_id"] for row in self.db.execute("SELECT trade_id FROM fills")}
        alive = {report.client_order_id for report in self.exchange.resting()}
        alive |= {new.client_order_id for new, _ in self.exchange.waiting}
        unbooked = [fill for fill in self.exchange.filled if fill.trade_id not in booked]
        alive |= {self.exchange.book[fill.order_id].client_order_id for fill in unbooked}
        for name in alive:
            assert name in owed or (name in rows and rows[name].counts), name

    @invariant()
    def the_ledger_has_no_fill_that_was_not(self):
        theirs = {fill.trade_id for fill in self.exchange.filled}
        assert {row["trade_id"] for row in self.db.execute("SELECT trade_id FROM fills")} <= theirs
        assert fills.misbooked(self.db) == []

    @invariant()
    def limits_hold_at_the_exchange(self):
        """No agent is short of what it bought, and none has more at stake than its allocation."""
        book = self.exchange.book
        for agent in AGENTS:
            mine = f"oc-{FLOOR_ID}-{agent}-"
            held_ch = sum(
                fill.position_change_ch
                for fill in self.exchange.filled
                if book[fill.order_id].client_order_id.startswith(mine)
            )
            coming = [(order.client_order_id, order.side, order.remaining_ch) for order in self.exchange.resting()]
            coming += [(new.client_order_id, new.side, new.count_ch) for new, _ in self.exchange.waiting]
            entering_ch = sum(ch for name, side, ch in coming if name.startswith(mine) and side is Side.BID)
            leaving_ch = sum(ch for name, side, ch in coming if name.startswith(mine) and side is Side.ASK)
            assert held_ch >= leaving_ch, f"{agent} may sell what it has not"
            assert (held_ch + entering_ch) * ASK_CC <= ALLOCATION_MICROS, f"{agent} has more at stake than it may"

    # ---- how it ends ------------------------------------------------------------------------------------------------

    def teardown(self):
        try:
            self._everything_is_resolved()
        finally:
            for dealer in self.dealers.values():
                dealer.end()
            self.clerk.end()
            self.db.close()
            self.stranger.close()
            self.patch.undo()
            shutil.rmtree(self.folder)

    def _everything_is_resolved(self):
        if self.stranger.in_transaction:
            self.stranger.execute("ROLLBACK")
        self.exchange.down = False
        for _ in range(4):
            self.time_passes(35)
            for agent in AGENTS:
                self.turn(agent, "")
            for what in ("orphans", "unresolved", "resting", "fills", "parked"):
                self.clerk.look(what)
        rows = self._orders()
        theirs = {report.client_order_id: report for report in self.exchange.book.values()}
        assert orders.unresolved(self.db) == []
        assert {name: (row.state, row.order_id, row.filled_ch, row.booked_ch) for name, row in rows.items()
                if name in theirs} == {
            name: (report.status, report.order_id, report.filled_ch, report.filled_ch)
            for name, report in theirs.items()
        }  # fmt: skip
        assert all(row.state in TERMINAL and not row.counts for name, row in rows.items() if name not in theirs)
        assert sorted(fills.sums_by_order(self.db).values()) == sorted(
            (report.filled_ch, report.fees_micros) for report in theirs.values() if report.filled_ch
        )
        assert [len(dealer.owed) for dealer in self.dealers.values()] == [0, 0]
        told = [(row["event"], row["detail"]) for row in system.recent_events(self.db, 1_000)]
        assert not [event for event in told if event[0] in ("contradicted", "dropped_entry")]
        self.time_passes(30)
        assert self.clerk.sync.reconcile(self.now_ms) in (True, None)
        self.time_passes(30)
        assert self.clerk.sync.reconcile(self.now_ms) is True


OrderLife.TestCase.settings = histories(quick=40, deep=2_000)
TestOrderLife = OrderLife.TestCase
