"""bin/halt as a process, alone beside the exchange: 200 orders, a locked database, none at all, and every position."""

import sqlite3
import subprocess
import sys
import time

import pytest

from account import our_id, plan
from beside import BIN, Desk
from local_exchange import TICKER, now_ms
from outcry.desk.clerking import orphans
from outcry.domain.fill import Fill
from outcry.domain.order import Purpose, Side, State
from outcry.paper.engine.records import OrderStatus, Reject
from outcry.paper.events import BookSet, Closed
from outcry.store import accounts, agents, fills, orders, report, spool, system

pytestmark = pytest.mark.floor
LIMIT_S = 5.0


class Alone(Desk):
    """A desk with nothing running but the exchange, its shard opened in the ledger."""

    def __init__(self, folder) -> None:
        super().__init__(folder)
        accounts.open_shard(self.db, 2, 1_000_000_000, now_ms() - 10)
        (self.floor.folder / "clerk.log").touch()
        agents.add(self.db, agents.Agent("bear", "momentum", {}, "birth", 0, self._sha256(), 1))

    def _sha256(self) -> str:
        return self.db.execute("SELECT code_sha256 FROM agents").fetchone()[0]

    def start_halt(self, *arguments: str) -> subprocess.Popen[str]:
        options = ["--state", str(self.floor.folder.parent), "--settings", str(self.settings)]
        command = [sys.executable, str(BIN / "halt"), *arguments, *options]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def halt(self, *arguments: str, code: int = 0) -> str:
        process = self.start_halt(*arguments)
        out, said = process.communicate(timeout=120)
        assert process.returncode == code, (out, said)
        return out + said

    def resting(self) -> int:
        """In the exchange's own books: asking by REST would cost the account's budget."""
        return sum(order.status is OrderStatus.RESTING for order in list(self.exchange.engine.state.orders.values()))

    def positions(self) -> dict[str, str]:
        listed = self.client.get("/portfolio/positions")["market_positions"]
        return {row["ticker"]: row["position_fp"] for row in listed if float(row["position_fp"])}

    def book(self) -> None:
        self.exchange.feed(BookSet(TICKER, {3_900: 50_000}, {4_100: 50_000}, now_ms()))

    def hold(self, number: int, agent: str = "momentum", side: Side = Side.BID, count_ch: int = 1_000) -> None:
        """An agent's entry that filled, and was booked as the clerk books."""
        name, price_cc = our_id(agent, number), 4_100 if side is Side.BID else 3_900
        how = {"side": side, "price_cc": price_cc, "count_ch": count_ch}
        plan(self.db, name, agent, State.SENT, created_at_ms=now_ms(), signed_at_ms=now_ms(), **how)
        placed = self.client.place(
            client_order_id=name, side=side, price=f"0.{price_cc}", count=f"{count_ch / 100:.2f}",
            time_in_force="immediate_or_cancel",
        )  # fmt: skip
        self.book()
        order_id = placed["order_id"]
        orders.update(
            self.db, name, State.EXECUTED, source="answer", now_ms=now_ms(), filled_ch=count_ch, order_id=order_id
        )
        for row in self.client.get(f"/portfolio/fills?order_id={order_id}")["fills"]:
            fee_micros = round(float(row["fee_cost"]) * 1_000_000)
            one = Fill(row["trade_id"], order_id, TICKER, 2, side, price_cc, count_ch, fee_micros, True, now_ms(), name)
            fills.book(self.db, one, "rest", now_ms())

    def held(self) -> dict[str, int]:
        return {row.agent: row.position_ch for row in report.open_positions(self.db)}


@pytest.fixture
def desk(tmp_path):
    desk = Alone(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def locked(desk):
    stranger = sqlite3.connect(desk.floor.database, isolation_level=None)
    yield stranger
    stranger.close()


@pytest.mark.parametrize("cancel_all_works", [True, False])
def test_200_resting_orders_are_gone_within_five_seconds_at_the_basic_tier(desk, cancel_all_works, record_property):
    for number in range(200):
        desk.client.place(price=f"0.{10 + number % 20}00", count="1.00")
    assert desk.resting() == 200
    desk.exchange.exchange.set_tier("floor", "basic")
    if not cancel_all_works:

        def broken(*_arguments, **_more):
            raise Reject(500, "internal_server_error")

        desk.exchange.engine.cancel_all = broken
    began = time.monotonic()
    process = desk.start_halt("--reason", "a test")
    while desk.resting():
        assert time.monotonic() - began < 20 and process.poll() is None, process.communicate()
        time.sleep(0.005)
    took_s = time.monotonic() - began
    record_property("halt_to_nothing_resting_s", round(took_s, 2))
    print(f"from halt to nothing resting, 200 orders, Basic, cancel-all works {cancel_all_works}: {took_s:.2f} s")
    out, said = process.communicate(timeout=30)
    assert process.returncode == 0 and "nothing rests" in out, (out, said)
    assert took_s < LIMIT_S


def test_a_locked_database_delays_nothing_and_what_was_found_is_written_later(desk, locked):
    name = our_id("momentum", 1)
    plan(desk.db, name, "momentum", State.SENT, price_cc=3_000, created_at_ms=now_ms())
    placed = desk.client.place(client_order_id=name, price="0.3000")
    orders.update(desk.db, name, State.RESTING, source="answer", now_ms=now_ms(), order_id=placed["order_id"])
    locked.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    process = desk.start_halt("--reason", "locked out")
    desk.wait(lambda: desk.resting() == 0, "the order to go", seconds=LIMIT_S)
    assert time.monotonic() - began < LIMIT_S
    out, said = process.communicate(timeout=30)
    assert process.returncode == 0 and "the file suffices" in said and "for the clerk" in said, (out, said)
    locked.execute("ROLLBACK")
    assert orders.get(desk.db, name).state is State.RESTING
    assert orphans.adopt(desk.db, desk.floor.folder / spool.FOLDER, "clerk", now_ms()) == 2
    assert orders.get(desk.db, name).state is State.CANCELED
    assert "halted" in [row["event"] for row in system.recent_events(desk.db)]


def test_without_any_database_it_cancels_all_the_same(desk):
    desk.client.place(price="0.3000")
    desk.db.close()
    for file in desk.floor.folder.glob("kalshi.db*"):
        file.unlink()
    desk.halt("--reason", "no database")
    assert desk.resting() == 0 and not desk.floor.database.exists()


def test_flattened_alone_every_position_is_left_recorded_and_booked(desk):
    desk.hold(1)
    desk.hold(2, "bear", Side.ASK, 300)
    desk.client.place(price="0.3000")
    assert desk.positions() == {TICKER: "7.00"} and desk.held() == {"momentum": 1_000, "bear": -300}
    said = desk.halt("--flatten", "--reason", "leaving")
    assert "nothing is held" in said and "momentum left" in said
    assert desk.positions() == {} and desk.resting() == 0
    assert desk.held() == {"momentum": 300, "bear": -300}, "the account is flat; what is left covers itself"
    exit_of = desk.db.execute("SELECT * FROM orders WHERE purpose = 'exit'").fetchall()
    assert [(row["agent"], row["state"], row["reduce_only"], row["booked_ch"]) for row in exit_of] == [
        ("momentum", State.EXECUTED, 1, 700),
    ]  # fmt: skip
    why = desk.db.execute("SELECT why FROM decisions WHERE purpose = ?", (Purpose.EXIT,)).fetchone()["why"]
    assert why == "halt --flatten: leaving"
    assert fills.misbooked(desk.db) == []


def test_flattened_while_the_database_is_locked_the_exits_are_in_the_spool_first(desk, locked):
    desk.hold(1)
    locked.execute("BEGIN IMMEDIATE")
    said = desk.halt("--flatten")
    assert desk.positions() == {} and "nothing is held" in said
    locked.execute("ROLLBACK")
    assert desk.held() == {"momentum": 1_000}, "nobody could book it yet"
    desk.clerk()
    desk.wait(lambda: desk.held() == {} and not orders.open_orders(desk.db), "the clerk to write it down", seconds=30)
    desk.wait(desk.agrees, "agreement", seconds=15)
    (row,) = desk.db.execute(
        "SELECT agent, state, booked_ch, reduce_only FROM orders WHERE purpose = 'exit'"
    ).fetchall()
    assert tuple(row) == ("momentum", "executed", 1_000, 1)
    assert [row["agent"] for row in desk.db.execute("SELECT agent FROM booked_fills")] == ["momentum", "momentum"]


def test_what_can_not_be_left_any_more_is_said(desk):
    desk.hold(1)
    desk.exchange.feed(Closed(TICKER, now_ms()))
    said = desk.halt("--flatten", code=1)
    assert f"still held: {TICKER} 10.00: the market is closed" in said
