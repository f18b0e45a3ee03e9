"""The trader as a process, beside a clerk and the local exchange. The test plays the collector, and the killer."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from beside import BIN
from local_exchange import TICKER, market, now_ms
from outcry.domain.order import Side
from outcry.paper.events import Closed, Determined, Settled
from outcry.store import accounts, markets, orders, settlements
from played import Played

pytestmark = pytest.mark.floor


@pytest.fixture
def desk(tmp_path):
    played = Played(tmp_path)
    yield played
    played.close()


def test_two_agents_trade_and_the_ledger_agrees_to_the_cent_through_settlement(desk):
    heads, tails = desk.trader("heads"), desk.trader("tails")
    assert desk.ready_after_s < 5
    desk.wait(lambda: desk.count("fills") >= 6, "six fills", 40)
    for process in (heads, tails):
        assert desk.stopped_by(process, signal.SIGTERM) == 0
    over, at_ms = market(closes_in_ms=-1_000), now_ms()
    desk.exchange.list(over)
    markets.save(desk.db, [over], at_ms)
    desk.exchange.feed(Closed(TICKER, at_ms), Determined(TICKER, "yes", 10_000, at_ms), Settled(TICKER, at_ms + 1))
    desk.wait(lambda: settlements.in_force(desk.db, TICKER), "the settlement")
    desk.wait(desk.agrees, "agreement")
    desk.wait(lambda: orders.open_orders(desk.db) == [], "every order to be over and booked")
    assert accounts.floor_equity_micros(desk.db) == accounts.reconciliations_now(desk.db)[0].balance_micros
    assert desk.count("totals_check") == 0
    assert desk.count("decisions") >= desk.count("orders") >= 6


def test_a_stop_loss_leaves_the_position(desk):
    desk.trader("heads")
    desk.wait(lambda: desk.count("positions") == 1, "a position", 40)
    long = desk.db.execute("SELECT position_ch FROM positions").fetchone()[0] > 0
    desk.show(*((1_900, 2_100) if long else (7_900, 8_100)))
    desk.wait(lambda: desk.count("orders WHERE purpose = 'exit' AND state = 'executed'") >= 1, "the exit")
    exit_side = desk.db.execute("SELECT side FROM orders WHERE purpose = 'exit'").fetchone()[0]
    assert exit_side == (Side.ASK if long else Side.BID)
    why = desk.db.execute("SELECT why FROM decisions WHERE purpose = 'exit'").fetchone()[0]
    assert why.startswith("stop-loss")


def test_killed_at_any_instant_it_places_nothing_twice_and_is_ready_again_within_five_seconds(desk):
    for round_ in range(6):
        process = desk.trader("heads")
        assert desk.ready_after_s < 5, desk.said()
        before = desk.count("orders")
        desk.wait(lambda before=before: desk.count("orders") > before, "another order", 30)
        time.sleep(0.003 * round_)
        desk.stopped_by(process, signal.SIGKILL)
    desk.wait(lambda: not orders.unresolved(desk.db), "the clerk to find out about every order")
    ours = {row["client_order_id"]: row for row in desk.db.execute("SELECT * FROM orders")}
    theirs = desk.theirs()
    assert set(theirs) <= set(ours), "the exchange has no order that we did not write down first"
    for name, row in ours.items():
        never = row["state"] in ("planned", "abandoned", "rejected", "absent", "presumed_absent")
        assert never or name in theirs, (name, row["state"])
    desk.wait(desk.agrees, "agreement")


def test_the_halt_file_pulls_what_rests_and_lets_nothing_new_through(desk):
    desk.trader("heads")
    desk.wait(lambda: any(row["status"] == "resting" for row in desk.theirs().values()), "a resting order", 60)
    desk.floor.halt_file.write_text("drill")
    desk.wait(lambda: all(row["status"] != "resting" for row in desk.theirs().values()), "an empty book", 5)
    sent = len(desk.theirs())
    for _ in range(20):
        desk.publish()
        time.sleep(0.05)
    assert len(desk.theirs()) == sent


def test_a_second_trader_of_the_same_agent_is_refused_and_an_unknown_one_too(desk):
    desk.trader("heads")
    options = ["--state", desk.floor.folder.parent, "--settings", desk.settings]
    for name, code, words in (("heads", 75, "already runs"), ("nobody", 78, "no agent")):
        again = subprocess.run(
            [sys.executable, BIN / "trader", name, *options], capture_output=True, text=True, check=False, timeout=20
        )
        assert (again.returncode, words in again.stderr) == (code, True), again.stderr


def test_an_exchange_that_goes_away_is_an_error_that_passes(desk):
    desk.trader("tails")
    desk.floor.exchange_file.rename(desk.floor.folder / "away.json")
    host, port = desk.exchange.host, desk.exchange.port
    desk.exchange.stop()
    desk.wait(lambda: desk.beat_since("tails", 0) == "ERROR", "the error", 60)
    assert desk.processes[-1].poll() is None, f"it stays up while {host}:{port} is gone"


def test_an_exchange_that_hangs_does_not_delay_a_stop(desk):
    process = desk.trader("heads")
    desk.wait(lambda: desk.count("fills") >= 1, "a fill", 40)
    turn, desk.exchange.server.turn = desk.exchange.server.turn, time.sleep
    try:
        desk.wait(lambda: desk.count("orders WHERE state = 'sent'"), "a request that waits for its answer", 40)
        asked = time.monotonic()
        assert desk.stopped_by(process, signal.SIGTERM) == 0
        assert time.monotonic() - asked < 2
    finally:
        desk.exchange.server.turn = turn
    assert desk.beat_since("heads", 0) == "STOPPED"
    desk.trader("heads")
    assert desk.ready_after_s < 5, desk.said()
    desk.wait(lambda: not desk.count("orders WHERE state IN ('sent', 'unknown')"), "its fate")


def test_a_stranger_s_lock_of_45_seconds_loses_nothing_and_exits_leave_meanwhile(desk):
    desk.trader("heads")
    stranger = sqlite3.connect(desk.floor.database, isolation_level=None, timeout=10)

    def caught() -> bool:
        """Locked at a moment when a position is held and nothing is under way."""
        stranger.execute("BEGIN IMMEDIATE")
        if desk.count("positions") == 1 and not orders.open_orders(desk.db):
            return True
        stranger.execute("ROLLBACK")
        return False

    desk.wait(caught, "a position", 60)
    locked, before = time.monotonic(), set(desk.theirs())
    long = desk.db.execute("SELECT position_ch FROM positions").fetchone()[0] > 0
    how = {"side": "bid", "price": "0.4100"} if long else {"side": "ask", "price": "0.3900"}
    by_hand = desk.client.place(count="3.00", time_in_force="immediate_or_cancel", **how)
    while time.monotonic() - locked < 45:
        time.sleep(0.5)
    during = {name: row for name, row in desk.theirs().items() if name not in before | {by_hand["client_order_id"]}}
    kept = {
        name for name in during if desk.db.execute("SELECT 1 FROM orders WHERE client_order_id = ?", (name,)).fetchone()
    }
    assert len(during) == 1 and kept == set(), (
        "the exit left, and the database knows nothing of it; nothing was entered"
    )
    stranger.execute("ROLLBACK")
    stranger.close()
    (left,) = during
    desk.wait(lambda: orders.get(desk.db, left) and not orders.get(desk.db, left).counts, "the exit to be booked", 20)
    assert orders.get(desk.db, left).purpose == "exit"
    desk.wait(desk.agrees, "agreement", 20)
    theirs = {row["trade_id"] for row in desk.client.get("/portfolio/fills?limit=1000")["fills"]}
    assert {row[0] for row in desk.db.execute("SELECT trade_id FROM fills")} == theirs
    said = "\n".join(log.read_text() for log in desk.floor.folder.glob("*.log"))
    assert said.count("database_refused") >= 2 and f"pid {os.getpid()} (" in said, "the clerk and the trader name us"
    refused = "SELECT DISTINCT program FROM system_events WHERE event = 'database_refused'"
    both = {"clerk", "trader@heads"}
    desk.wait(lambda: both <= {row[0] for row in desk.db.execute(refused)}, "both to tell it, each in its time", 40)
    assert accounts.reconciliations_now(desk.db)[0].agreed and desk.count("totals_check") == 0
