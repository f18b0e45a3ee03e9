"""The clerk as a process, against the local exchange: it books, survives kills, and leaves when asked."""

import signal
import sqlite3
import time

import pytest

from account import our_id, plan
from beside import Desk
from local_exchange import TICKER, market, now_ms
from outcry.domain.order import Side, State
from outcry.paper.events import Closed, Determined, Settled
from outcry.store import accounts, fills, orders, settlements, system

pytestmark = pytest.mark.floor


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def held(db: sqlite3.Connection) -> int:
    return accounts.net_positions(db).get(TICKER, 0)


def test_it_books_what_the_stream_tells_and_agrees_to_the_cent_through_settlement(desk):
    desk.clerk()
    desk.wait(lambda: desk.state() == "READY", "the clerk to be ready")
    assert accounts.deposits_micros(desk.db, 2) == 1_000_000_000
    assert accounts.capital_micros(desk.db) == 1_000_000_000
    name = desk.buy(1)
    desk.wait(lambda: held(desk.db) == 1_000, "the fill")
    row = desk.db.execute("SELECT agent, source FROM booked_fills").fetchone()
    assert tuple(row) == ("momentum", "stream")
    desk.wait(lambda: orders.get(desk.db, name).state is State.EXECUTED, "the order's end")
    desk.client.place(side="ask", price="0.9000")  # by hand, and it rests
    desk.wait(desk.agrees, "agreement while something rests")
    at_ms = now_ms()
    closed = market(closes_in_ms=-1_000)
    desk.exchange.list(closed)
    desk.exchange.feed(Closed(TICKER, at_ms), Determined(TICKER, "yes", 10_000, at_ms), Settled(TICKER, at_ms + 1))
    desk.wait(lambda: settlements.in_force(desk.db, TICKER), "the settlement", 15)
    desk.wait(desk.agrees, "agreement after the settlement")
    assert held(desk.db) == 0
    fee = desk.db.execute("SELECT sum(fee_micros) FROM fills").fetchone()[0]
    assert fee > 0
    assert accounts.floor_equity_micros(desk.db) == 1_000_000_000 + 1_000 * (10_000 - 4_100) - fee


def test_a_fill_while_it_was_dead_is_booked_once_and_the_lost_answer_found(desk):
    first = desk.clerk()
    desk.wait(lambda: desk.state() == "READY", "the clerk to be ready")
    first.send_signal(signal.SIGKILL)
    first.wait()
    name = desk.buy(1)  # nobody heard the answer, and nobody listened to the stream
    orders.mark_unknown(desk.db, name, "connection broke", now_ms())
    desk.clerk()
    desk.wait(lambda: orders.get(desk.db, name).state is State.EXECUTED, "the look-up")
    desk.wait(lambda: held(desk.db) == 1_000 and not fills.parked(desk.db), "the fill")
    desk.wait(desk.agrees, "agreement")
    order = orders.get(desk.db, name)
    assert (order.filled_ch, order.booked_ch) == (1_000, 1_000)
    assert [row["agent"] for row in desk.db.execute("SELECT agent FROM booked_fills")] == ["momentum"]


def test_a_locked_database_loses_no_fill(desk):
    desk.clerk()
    desk.wait(lambda: desk.state() == "READY", "the clerk to be ready")
    name = our_id("momentum", 1)
    plan(desk.db, name, "momentum", State.SENT, price_cc=4_100, created_at_ms=now_ms(), signed_at_ms=now_ms())
    stranger = sqlite3.connect(desk.floor.database, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    desk.client.place(client_order_id=name, price="0.4100", time_in_force="immediate_or_cancel")
    time.sleep(1.5)
    assert held(desk.db) == 0
    stranger.execute("ROLLBACK")
    stranger.close()
    desk.wait(lambda: held(desk.db) == 1_000, "the fill")
    desk.wait(desk.agrees, "agreement")
    assert desk.db.execute("SELECT count(*) FROM fills").fetchone()[0] == 1


def test_it_waits_for_an_exchange_that_is_not_there_and_leaves_when_asked(desk):
    desk.floor.exchange_file.unlink()
    process = desk.clerk()
    desk.wait(lambda: desk.state() == "WAITING", "the clerk to wait")
    desk.announce()
    desk.wait(lambda: desk.state() == "READY", "the clerk to be ready")
    asked = time.monotonic()
    process.terminate()
    assert process.wait(5) == 0
    assert time.monotonic() - asked < 2
    assert desk.state() == "STOPPED"
    assert (desk.floor.checkpoints / "clerk.json").exists()


def test_a_second_clerk_is_refused(desk):
    desk.clerk()
    desk.wait(lambda: desk.state() == "READY", "the clerk to be ready")
    assert desk.clerk().wait(10) == 75
    assert "clerk already runs on this floor" in (desk.floor.folder / "clerk.log").read_text()


def test_a_wrong_side_of_the_ledger_stops_entries_by_name(desk):
    desk.clerk()
    desk.wait(lambda: desk.state() == "READY", "the clerk to be ready")
    accounts.record_cash(desk.db, "adjustment", 2, 17, at_ms=now_ms(), reference="a test")
    desk.nudge()
    desk.wait(lambda: system.controls_now(desk.db), "entries to stop")
    (control,) = system.controls_now(desk.db)
    assert (control.kind, control.cause) == ("stop_entries", "drift")
    assert control.reason.startswith("shard 2: balance differs from the ledger by -0.000017")
    desk.wait(lambda: desk.state() == "ERROR", "the state to say so")
    accounts.record_cash(desk.db, "adjustment", 2, -17, at_ms=now_ms(), reference="its opposite")
    desk.wait(lambda: not system.controls_now(desk.db), "entries to go on")


def test_the_side_of_a_manual_trade_is_nobodys(desk):
    desk.clerk()
    desk.wait(lambda: desk.state() == "READY", "the clerk to be ready")
    desk.client.place(side="ask", price="0.3900", count="3.00", time_in_force="immediate_or_cancel")
    desk.wait(lambda: held(desk.db) == -300, "the fill")
    desk.wait(lambda: not fills.parked(desk.db), "its owner to be looked up")
    row = desk.db.execute("SELECT agent, side FROM booked_fills").fetchone()
    assert tuple(row) == ("manual", Side.ASK)
    desk.wait(desk.agrees, "agreement")


def test_an_exchange_that_hangs_does_not_delay_a_stop(desk):
    process = desk.clerk()
    desk.wait(lambda: desk.state() == "READY", "the clerk to be ready")
    desk.nudge()
    time.sleep(0.3)
    turn, desk.exchange.server.turn = desk.exchange.server.turn, time.sleep
    try:
        time.sleep(1.2)  # the next pass has asked by now, and waits for its answer
        asked = time.monotonic()
        process.terminate()
        assert process.wait(5) == 0
        assert time.monotonic() - asked < 2
    finally:
        desk.exchange.server.turn = turn


def test_a_disk_that_refuses_its_checkpoint_ends_nothing(desk):
    desk.floor.checkpoints.write_text("a file where the folder should be")
    process = desk.clerk()
    desk.wait(lambda: desk.state() == "READY", "the clerk to be ready")
    process.terminate()
    assert process.wait(5) == 0, (desk.floor.folder / "clerk.log").read_text()
    assert desk.state() == "STOPPED"
