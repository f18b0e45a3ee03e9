"""Commands carried out against an exchange that answers what the test says: every way an answer can fail to come."""

import json
import sqlite3
from dataclasses import replace

import pytest

from outcry.desk.common.owed import Owed
from outcry.desk.common.refusals import Refusals
from outcry.desk.dealing.hands import Hands, Identity
from outcry.domain.errors import InvariantBroken, Misconfigured, RateLimited, Refused, SchemaDrift, Unavailable
from outcry.domain.fill import Fill
from outcry.domain.limits import Limits
from outcry.domain.market import FeeTerms
from outcry.domain.order import Purpose, Side, State, TimeInForce
from outcry.domain.view import Answer, Intent
from outcry.risk.rules import Facts
from outcry.store import database, fills, orders
from outcry.store.spooled import Moved
from outcry.trading.events import Cancel, Place, Renew
from outcry.venue.wire import OrderReport, Placed
from placing_floor import furnish, market, view

NOW_MS = 100_000
LIMITS = Limits(max_spread_and_fee_millionths=200_000, per_trade_own_millionths=1_000_000)


class Exchange:
    """Answers from a queue: a value, or an exception to raise. Keeps every call."""

    def __init__(self):
        self.answers, self.calls, self.broken_links, self.reachable = [], [], 0, True
        self.signed_at_ms = None
        self.during = lambda: None

    def exchange(self):
        if not self.reachable:
            raise Unavailable("the local exchange is not running")
        return self

    def broken(self):
        self.broken_links += 1

    def _answer(self, *call):
        self.calls.append(call)
        self.during()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def create_order(self, new, *, urgent=False, signed_at_ms=None):
        self.signed_at_ms = signed_at_ms
        return self._answer("create", new, urgent)

    def cancel_order(self, order_id, ticker, exchange_index):
        return self._answer("cancel", order_id, ticker, exchange_index)

    def renew(self, *fields):
        return self._answer("renew", *fields)

    def order(self, order_id, *, urgent=False):
        return self._answer("order", order_id, urgent)


class Bench:
    """Hands over a database and that exchange."""

    def __init__(self, db, folder, limits=LIMITS, **facts):
        self.db, self.exchange, self.now_ms, self.flushed = db, Exchange(), NOW_MS, 0
        who = Identity("bull", "abcdef", "embedded", {"lookback_ms": 1}, "0" * 64)
        self.facts = {"predecessor_volume_ch": 10_000_000, "index_at_ms": NOW_MS, **facts}
        refusals = Refusals(db, folder / "kalshi.db", "trader@bull", "program", "trader@bull", limits)
        self.owed = Owed(db, folder / "trader@bull.jsonl", "trader@bull", refusals, lambda: self.now_ms)
        self.owed.open()
        self.hands = Hands(db, who, self.exchange, limits, self._facts, lambda: self.now_ms, self.owed, self._flush)

    def _facts(self, place):
        return Facts(market=place.market, quote=place.view.quote, **self.facts)

    def _flush(self):
        self.flushed += 1

    def place(self, *answers, **more):
        self.exchange.answers += answers
        return self.hands.carry_out(place(**more))

    def later(self):
        """So much that the database is tried again."""
        self.now_ms += 1_000

    def row(self, name=""):
        return orders.get(self.db, name or self.db.execute("SELECT client_order_id FROM orders").fetchone()[0])


def placed(filled_ch=0, remaining_ch=0, order_id="x1"):
    return Placed(order_id, "", filled_ch, remaining_ch, NOW_MS, None, None)


def place(purpose=Purpose.ENTRY, side=Side.BID, limit_cc=4_200, time_in_force=TimeInForce.IOC, **more):
    quote = {
        "heard_at_ms": NOW_MS, "changed_at_ms": NOW_MS, "ticker_moved_at_ms": NOW_MS, "published_at_ms": NOW_MS - 5,
    }  # fmt: skip
    seen = view(now_ms=NOW_MS, position_ch=more.pop("position_ch", 0))
    listed = replace(market(), fee=more.pop("fee", FeeTerms()))
    seen = replace(seen, market=listed, quote=replace(seen.quote, **quote))
    intent = Intent(listed.ticker, side, limit_cc, "because", time_in_force=time_in_force, stake_millionths=5_000)
    return Place(1, purpose, intent, listed, seen, **more)


def report(status, filled_ch=0, order_id="x1"):
    return OrderReport(order_id, "", "T", 2, Side.BID, 4_200, status, 1_000, filled_ch, 0, 0, None, None)


@pytest.fixture
def bench(db, tmp_path):
    furnish(db)
    bench = Bench(db, tmp_path)
    yield bench
    bench.owed.close()


# ---- placing --------------------------------------------------------------------------------------------------------


def test_an_order_is_planned_sent_and_answered_each_in_its_own_transaction(bench):
    seen = []
    bench.exchange.during = lambda: seen.append((bench.row().state, bench.db.in_transaction, bench.flushed))
    asked, answered = bench.place(placed(filled_ch=1_100))
    assert seen == [(State.SENT, False, 1)], "it may have left before it does; the journal is out; nothing is open"
    assert (asked.ticket, asked.order.state, asked.verdict.answer) == (1, State.PLANNED, Answer.ALLOWED)
    assert (answered.ticket, answered.order.state, answered.order.order_id) == (None, State.EXECUTED, "x1")
    assert answered.order == bench.row()
    history = [(event.state, event.source) for event in orders.events_since(bench.db, 0)]
    assert history == [(State.PLANNED, "trader"), (State.SENT, "trader"), (State.EXECUTED, "answer")]


def test_what_goes_out_is_what_was_reserved(bench):
    _, answered = bench.place(placed(remaining_ch=1_100), time_in_force=TimeInForce.GTC, expires_at_ms=700_000)
    ((_, new, urgent),) = bench.exchange.calls
    order = bench.row()
    assert (new.client_order_id, new.count_ch, new.price_cc, new.side) == (
        order.client_order_id, order.count_ch, 4_200, Side.BID,
    )  # fmt: skip
    assert (new.expires_at_s, new.cancel_on_pause, new.exchange_index, urgent) == (700, True, 2, False)
    assert order.reserved_micros > 4_200 * order.count_ch, "cost and fee"
    assert (answered.order.state, order.filled_ch) == (State.RESTING, 0)


@pytest.mark.parametrize(
    ("answer", "time_in_force", "state"),
    [
        (placed(filled_ch=400), TimeInForce.IOC, State.CANCELED),
        (placed(filled_ch=0), TimeInForce.IOC, State.CANCELED),
        (placed(filled_ch=400, remaining_ch=700), TimeInForce.GTC, State.RESTING),
        (placed(filled_ch=400, remaining_ch=0), TimeInForce.GTC, State.CANCELED),
    ],
)
def test_an_answer_says_what_an_order_is(bench, answer, time_in_force, state):
    bench.place(answer, time_in_force=time_in_force)
    assert (bench.row().state, bench.row().filled_ch) == (state, answer.filled_ch)


def test_a_timeout_is_not_a_rejection_and_nothing_is_sent_again(bench):
    bench.exchange.during = lambda: setattr(bench, "now_ms", NOW_MS + 10_000)
    _asked, lost, trouble = bench.place(Unavailable("read timed out"))
    assert trouble.order is None and trouble.failure.endswith("it is looked up and not sent again: read timed out")
    assert lost.order.state is State.UNKNOWN and bench.exchange.broken_links == 1
    assert bench.row().signed_at_ms == NOW_MS + 10_000, "signed no later than when the answer failed to come"
    assert len(bench.exchange.calls) == 1 and bench.hands.pay_debts() == []


@pytest.mark.parametrize(
    "no",
    [
        Refused("no funds", status=400),
        Refused("ioc_insufficient_volume", status=400),
        Refused("exceeded_per_market_risk_limit", status=400),
        RateLimited("429"),
    ],
)
def test_a_definite_no_is_a_rejection(bench, no):
    _, answered = bench.place(no)
    assert answered.order.state is State.REJECTED and str(no) in bench.row().reason
    assert orders.open_orders(bench.db) == [], "nothing is reserved any more"


def test_a_key_that_is_refused_pauses_the_trader_as_well(bench):
    _, answered, failure = bench.place(Misconfigured("401"))
    assert answered.order.state is State.REJECTED
    assert failure.order is None and "401" in failure.failure


def test_a_refused_intent_sends_nothing(bench):
    bench.facts["halted"] = "halt file"
    (refused,) = bench.place()
    assert refused.verdict.answer is Answer.REFUSED and refused.order is None
    assert bench.exchange.calls == []
    assert bench.db.execute("SELECT answer, reason FROM decisions").fetchone()["answer"] == "refused"


def test_a_market_whose_fees_nobody_can_compute_is_not_entered(bench):
    (refused,) = bench.place(fee=FeeTerms("flat"))
    assert (refused.verdict.rule, bench.exchange.calls) == ("fee", [])


def test_without_an_exchange_nothing_is_planned(bench):
    bench.exchange.reachable = False
    (failed,) = bench.place()
    assert "not running" in failed.failure and failed.order is None
    assert bench.db.execute("SELECT count(*) FROM orders").fetchone()[0] == 0


def test_a_program_that_slept_between_marking_and_posting_does_not_post(bench):
    bench.hands._before_send = lambda: setattr(bench, "now_ms", NOW_MS + 60_000)
    events = bench.place()
    assert events[-1].order.state is State.REJECTED and bench.exchange.calls == []


def test_a_request_is_signed_with_the_time_from_which_the_clerk_counts(bench):
    """However long it sleeps before it leaves: once the order may be given up, the exchange refuses it."""
    slept = []
    bench.exchange.during = lambda: slept.append(bench.row().signed_at_ms)
    bench.hands._before_send = lambda: setattr(bench, "now_ms", bench.now_ms + 4_000)
    bench.place(placed(filled_ch=1_100))
    assert slept == [NOW_MS] and bench.exchange.signed_at_ms == NOW_MS


def test_a_stop_while_the_exchange_hangs_leaves_the_order_sent_for_the_clerk_to_find(bench):
    class Asked(BaseException):
        pass

    def stop():
        raise Asked

    bench.exchange.during = stop
    with pytest.raises(Asked):
        bench.place(placed())
    assert bench.row().state is State.SENT and not bench.db.in_transaction and bench.hands.debts == 0


def test_a_halt_between_marking_and_posting_stops_an_entry_but_no_exit(bench):
    bench.hands._halted = lambda: "fire"
    assert bench.place()[-1].order.state is State.REJECTED
    assert bench.exchange.calls == [] and bench.row().reason == "not posted: fire"
    hold(bench.db, 1_000)
    bench.place(placed(filled_ch=1_000), purpose=Purpose.EXIT, side=Side.ASK, position_ch=1_000)
    assert len(bench.exchange.calls) == 1


def test_a_transaction_left_open_is_a_bug_that_stops_the_program(bench):
    bench.hands._before_send = lambda: bench.db.execute("BEGIN")
    with pytest.raises(InvariantBroken, match="network call"):
        bench.place(placed())
    assert bench.exchange.calls == []


# ---- exits ----------------------------------------------------------------------------------------------------------


def hold(db, count_ch, agent="bull"):
    """A position of an agent, as if a sibling order had filled."""
    side = Side.BID if count_ch > 0 else Side.ASK
    fill = Fill(
        f"t-{agent}", f"o-{agent}", market().ticker, 2, side, 4_000, abs(count_ch), 0, True, 5, f"oc-abcdef-{agent}-1"
    )
    fills.book(db, fill, "rest", 6)


def test_an_exit_is_urgent_and_reduce_only_where_the_account_holds_as_much(bench):
    hold(bench.db, 1_000)
    bench.place(placed(filled_ch=1_000), purpose=Purpose.EXIT, side=Side.ASK, limit_cc=3_000, count_ch=1_000)
    ((_, new, urgent),) = bench.exchange.calls
    assert (new.reduce_only, urgent, new.count_ch) == (True, True, 1_000)
    assert bench.row().reserved_micros < 200_000, "no more than its fee"


def test_an_exit_that_the_account_alone_would_not_cover_is_a_plain_order_with_collateral(bench):
    hold(bench.db, 1_000)
    hold(bench.db, -600, "bear")
    bench.place(placed(filled_ch=1_000), purpose=Purpose.EXIT, side=Side.ASK, limit_cc=3_000, count_ch=1_000)
    ((_, new, _urgent),) = bench.exchange.calls
    assert new.reduce_only is False
    assert bench.row().reserved_micros >= 1_000 * 7_000


def test_no_rule_stands_in_the_way_of_an_exit(bench):
    hold(bench.db, 1_000)
    bench.facts.update(halted="fire", stopped="drift", paused="drawdown", stage="retired", index_at_ms=None)
    bench.place(placed(filled_ch=1_000), purpose=Purpose.EXIT, side=Side.ASK, limit_cc=10, count_ch=1_000)
    assert bench.row().state is State.EXECUTED


def test_an_exit_never_closes_more_than_is_held_and_never_opens_the_other_side(bench):
    hold(bench.db, 300)
    bench.place(placed(filled_ch=300), purpose=Purpose.EXIT, side=Side.ASK, limit_cc=3_000, count_ch=1_000)
    assert bench.exchange.calls[0][1].count_ch == 300
    bench.db.execute("UPDATE orders SET booked_ch = filled_ch")
    (refused,) = bench.place(purpose=Purpose.EXIT, side=Side.BID, limit_cc=5_000, count_ch=1_000)
    assert (refused.verdict.rule, refused.order) == ("reduce_only", None)


def test_one_unresolved_exit_per_market(bench):
    hold(bench.db, 1_000)
    bench.place(Unavailable("timeout"), purpose=Purpose.EXIT, side=Side.ASK, limit_cc=3_000, count_ch=1_000)
    (refused,) = bench.place(purpose=Purpose.EXIT, side=Side.ASK, limit_cc=3_000, count_ch=1_000)
    assert refused.order is None and "under way" in refused.verdict.reason
    assert len(bench.exchange.calls) == 1


def test_an_exit_is_sent_even_where_fees_are_unknown(bench):
    hold(bench.db, 1_000)
    bench.place(
        placed(filled_ch=1_000), purpose=Purpose.EXIT, side=Side.ASK, limit_cc=3_000, count_ch=1_000,
        fee=FeeTerms("flat"),
    )  # fmt: skip
    assert bench.row().state is State.EXECUTED


# ---- resting orders -------------------------------------------------------------------------------------------------


@pytest.fixture
def resting(bench):
    _, answered = bench.place(
        placed(filled_ch=100, remaining_ch=1_000), time_in_force=TimeInForce.GTC, expires_at_ms=700_000
    )
    bench.exchange.calls.clear()
    return answered.order


def cancel(bench, order, *answers):
    bench.exchange.answers += answers
    return bench.hands.carry_out(Cancel(order, "paused"))


def test_a_cancel_that_took_the_rest_says_how_much_had_filled(bench, resting):
    left_ch = resting.count_ch - 300
    (canceled,) = cancel(bench, resting, left_ch)
    assert (canceled.order.state, canceled.order.filled_ch, canceled.order.reason) == (State.CANCELED, 300, "paused")
    assert bench.exchange.calls == [("cancel", "x1", resting.ticker, 2)]


@pytest.mark.parametrize("answer", [0, Refused("not found", status=404)])
def test_a_cancel_that_found_nothing_asks_what_became_of_the_order(bench, resting, answer):
    (update,) = cancel(bench, resting, answer, report(State.EXECUTED, resting.count_ch))
    assert update.order.state is State.EXECUTED
    assert bench.exchange.calls[-1] == ("order", "x1", True)


def test_a_cancel_without_an_answer_changes_nothing_but_says_that_the_exchange_is_gone(bench, resting):
    (failure,) = cancel(bench, resting, Unavailable("timeout"))
    assert failure.order is None and failure.failure == "timeout"
    assert bench.row() == resting and bench.exchange.broken_links == 1


def test_a_cancel_that_has_to_wait_for_its_budget_is_only_tried_again(bench, resting):
    assert cancel(bench, resting, RateLimited("429")) == []
    assert bench.row() == resting


@pytest.mark.parametrize("error", [Unavailable("timeout"), Refused("404", status=404), SchemaDrift("no status")])
def test_a_look_up_without_an_answer_changes_nothing(bench, resting, error):
    assert all(event.order is None for event in cancel(bench, resting, 0, error))
    assert bench.row() == resting


def test_a_renewal_keeps_the_new_expiry_and_id(bench, resting):
    bench.exchange.answers.append("x2")
    (renewed,) = bench.hands.carry_out(Renew(resting, 900_500))
    assert (renewed.order.expires_at_ms, renewed.order.order_id, renewed.order.state) == (900_500, "x2", State.RESTING)
    assert bench.exchange.calls == [("renew", "x1", resting.ticker, Side.BID, 4_200, resting.count_ch, 900, 2)]


def test_a_renewal_that_is_refused_asks_what_became_of_the_order(bench, resting):
    bench.exchange.answers += [Refused("gone", status=404), report(State.CANCELED, 100)]
    (update,) = bench.hands.carry_out(Renew(resting, 900_500))
    assert update.order.state is State.CANCELED


# ---- a database that refuses ----------------------------------------------------------------------------------------


def spool_of(bench):
    """What a program that is started now would find."""
    content = bench.owed._file.read_bytes().rstrip(b"\0")
    return [json.loads(line) for line in content.splitlines()]


@pytest.fixture
def on_disk(tmp_path):
    file = tmp_path / "kalshi.db"
    holder = database.connect(file)
    database.migrate(holder)
    furnish(holder)
    db = database.connect(file, timeout_ms=20)
    bench = Bench(db, tmp_path)
    bench.holder = holder
    yield bench
    bench.owed.close()
    holder.close()
    db.close()


def test_a_locked_database_means_nothing_is_sent(on_disk):
    on_disk.holder.execute("BEGIN IMMEDIATE")
    (failed,) = on_disk.place()
    assert failed.failure and on_disk.exchange.calls == []
    on_disk.holder.execute("ROLLBACK")
    assert on_disk.place(placed(filled_ch=1_100))[-1].order.state is State.EXECUTED


def test_an_answer_the_database_refuses_is_owed_and_written_as_soon_as_it_can_be(on_disk):
    on_disk.exchange.during = lambda: on_disk.holder.execute("BEGIN IMMEDIATE")
    events = on_disk.place(placed(filled_ch=1_100))
    assert [event.order.state for event in events] == [State.PLANNED, State.EXECUTED], "the coordinator need not wait"
    assert on_disk.row().state is State.SENT and on_disk.hands.debts == 1
    on_disk.later()
    assert on_disk.hands.pay_debts() == [] and on_disk.hands.debts == 1
    on_disk.holder.execute("ROLLBACK")
    assert on_disk.hands.pay_debts() == [], "tried a moment ago"
    on_disk.later()
    (paid,) = on_disk.hands.pay_debts()
    assert paid.order.state is State.EXECUTED and on_disk.hands.debts == 0


def test_no_entry_while_anything_is_owed(on_disk):
    on_disk.exchange.during = lambda: on_disk.holder.execute("BEGIN IMMEDIATE")
    on_disk.place(placed(filled_ch=1_100))
    on_disk.holder.execute("ROLLBACK")
    (failed,) = on_disk.place()
    assert failed.failure == "1 writes wait for the database" and len(on_disk.exchange.calls) == 1


def leaving(bench, *answers, position_ch=1_000, count_ch=1_000):
    return bench.place(
        *answers, purpose=Purpose.EXIT, side=Side.ASK, limit_cc=3_900, position_ch=position_ch, count_ch=count_ch
    )


def test_an_exit_leaves_while_the_database_is_locked_from_the_spool(on_disk):
    hold(on_disk.holder, 1_000)
    on_disk.holder.execute("BEGIN IMMEDIATE")
    in_spool = []
    on_disk.exchange.during = lambda: in_spool.extend(entry["type"] for entry in spool_of(on_disk))
    planned, answered = leaving(on_disk, placed(filled_ch=1_000))
    ((_, new, urgent),) = on_disk.exchange.calls
    assert in_spool == ["exit"], "its intent is on the disk before it leaves"
    assert (urgent, new.reduce_only, new.count_ch) == (True, True, 1_000)
    assert planned.verdict.answer is Answer.ALLOWED and answered.order.state is State.EXECUTED
    (again,) = leaving(on_disk)
    assert again.verdict.rule == "reduce_only", "it is filled and not booked: one exit at a time"
    on_disk.holder.execute("ROLLBACK")
    on_disk.later()
    *_, paid = on_disk.hands.pay_debts()
    assert paid.order == on_disk.row(new.client_order_id) and paid.order.state is State.EXECUTED
    history = [
        event.state for event in orders.events_since(on_disk.db, 0) if event.client_order_id == new.client_order_id
    ]
    assert history == [State.PLANNED, State.SENT, State.EXECUTED]
    assert (
        on_disk.db.execute("SELECT count(*) FROM decisions JOIN circumstances USING (decision_id)").fetchone()[0] == 1
    )
    assert on_disk.owed.entries == () and spool_of(on_disk) == []


def test_an_exit_that_found_nobody_may_be_tried_again_while_the_database_is_locked(on_disk):
    hold(on_disk.holder, 1_000)
    on_disk.holder.execute("BEGIN IMMEDIATE")
    assert leaving(on_disk, placed())[-1].order.state is State.CANCELED
    assert leaving(on_disk, placed(filled_ch=1_000, order_id="x2"))[-1].order.state is State.EXECUTED
    assert len(on_disk.exchange.calls) == 2
    on_disk.holder.execute("ROLLBACK")
    on_disk.later()
    assert [event.order.state for event in on_disk.hands.pay_debts()] == [
        State.SENT, State.CANCELED, State.SENT, State.EXECUTED,
    ]  # fmt: skip


def test_an_exit_under_way_when_the_lock_came_and_then_over_does_not_hinder_the_next(on_disk):
    hold(on_disk.holder, 1_000)
    on_disk.exchange.during = lambda: on_disk.holder.in_transaction or on_disk.holder.execute("BEGIN IMMEDIATE")
    assert leaving(on_disk, placed())[-1].order.state is State.CANCELED, "known here; the database says sent"
    assert leaving(on_disk, placed(filled_ch=1_000))[-1].order.state is State.EXECUTED


def test_killed_after_sending_from_the_spool_the_next_life_knows_that_it_may_have_left(on_disk):
    hold(on_disk.holder, 1_000)
    on_disk.holder.execute("BEGIN IMMEDIATE")

    class Killed(BaseException):
        pass

    def kill():
        raise Killed

    on_disk.exchange.during = kill
    with pytest.raises(Killed):
        leaving(on_disk, placed(filled_ch=1_000))
    on_disk.owed.close()
    on_disk.holder.execute("ROLLBACK")
    again = Owed(on_disk.db, on_disk.owed._file, "trader@bull", on_disk.owed.refusals, lambda: NOW_MS + 9)
    again.open()
    (left,) = again.pay()
    assert (left.state, left.signed_at_ms, left.purpose) == (State.SENT, NOW_MS, Purpose.EXIT)
    assert [order.client_order_id for order in orders.unresolved(on_disk.db)] == [left.client_order_id]
    again.close()


def test_a_fill_booked_before_the_spooled_order_came_back_is_counted_to_it(on_disk):
    hold(on_disk.holder, 1_000)
    on_disk.holder.execute("BEGIN IMMEDIATE")
    leaving(on_disk, placed(filled_ch=1_000))
    on_disk.holder.execute("ROLLBACK")
    fill = Fill("t9", "x1", view().market.ticker, 2, Side.ASK, 3_900, 1_000, 0, True, NOW_MS)
    fills.book(on_disk.holder, fill, "rest", NOW_MS)
    on_disk.later()
    *_, paid = on_disk.hands.pay_debts()
    assert (paid.order.booked_ch, paid.order.counts) == (1_000, False)


def test_an_entry_that_can_never_be_applied_holds_nothing_else_up(on_disk):
    on_disk.place(placed(filled_ch=1_100))
    on_disk.owed.keep(Moved("nobody", State.CANCELED, "answer", NOW_MS))
    on_disk.owed.keep(Moved(on_disk.row().client_order_id, State.CANCELED, "answer", NOW_MS, order_id="x1"))
    assert len(on_disk.owed.pay()) == 1 and on_disk.hands.debts == 0
    event = on_disk.db.execute("SELECT level, event, detail FROM system_events ORDER BY id DESC").fetchone()
    assert event["event"] == "dropped_entry" and "no order nobody" in event["detail"]


def test_without_spool_and_database_no_exit_leaves_but_a_cancel_does(on_disk):
    hold(on_disk.holder, 1_000)
    on_disk.owed.close()
    on_disk.holder.execute("BEGIN IMMEDIATE")
    *_, failed = leaving(on_disk)
    assert "there is no spool" in failed.failure and failed.order.state is State.ABANDONED
    assert on_disk.exchange.calls == []
    on_disk.exchange.answers.append(1_000)
    order = replace(failed.order, state=State.RESTING, order_id="x7")
    (canceled,) = on_disk.hands.carry_out(Cancel(order, "halted"))
    assert canceled.order.state is State.CANCELED and on_disk.exchange.calls[0][:2] == ("cancel", "x7")
    on_disk.holder.execute("ROLLBACK")


def test_a_cancel_is_noted_before_it_leaves_while_the_database_is_locked(on_disk):
    (_, resting) = on_disk.place(placed(remaining_ch=1_100), time_in_force=TimeInForce.GTC, expires_at_ms=700_000)
    on_disk.holder.execute("BEGIN IMMEDIATE")
    on_disk.owed.heard(database.DatabaseRefused("locked"))
    in_spool = []
    on_disk.exchange.during = lambda: in_spool.extend(entry["type"] for entry in spool_of(on_disk))
    on_disk.exchange.answers.append(resting.order.count_ch)
    (canceled,) = on_disk.hands.carry_out(Cancel(resting.order, "halted"))
    assert in_spool == ["cancel_asked"] and canceled.order.state is State.CANCELED
    on_disk.holder.execute("ROLLBACK")
    on_disk.later()
    on_disk.hands.pay_debts()
    details = [event.detail for event in orders.events_since(on_disk.db, 0)]
    assert details[-2:] == ["cancel asked: halted", "halted"] and on_disk.row().state is State.CANCELED


def test_an_order_that_could_not_be_marked_sent_is_not_posted_and_abandoned(on_disk, monkeypatch):
    real = orders.mark_sent

    def locked(*arguments):
        monkeypatch.setattr(orders, "mark_sent", real)
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(orders, "mark_sent", locked)
    events = on_disk.place()
    assert [event.order.state for event in events] == [State.PLANNED, State.ABANDONED]
    assert on_disk.exchange.calls == []
