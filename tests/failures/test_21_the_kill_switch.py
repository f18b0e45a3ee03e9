"""Failure 21: the kill switch is pulled and something trades on: a hung program, a restart, an order on its way.

Pulled by the file, by a limit, from another process, and while the trader hangs: what rests is gone within seconds,
what fills meanwhile is booked, nothing new is sent, and it stays so through a reboot until a person has looked.
"""

import math
import signal
import subprocess
import sys
import time

import pytest

from beside import BIN
from outcry.domain.errors import Misconfigured
from outcry.domain.limits import Limits
from outcry.domain.order import Side
from outcry.paper.engine.records import OrderStatus
from outcry.risk import drawdown
from outcry.store import system
from played import SETTINGS, Played
from survived import assert_told_once

GONE_WITHIN_S = 20  # of a few orders, on a busy machine; measured with 200 of them elsewhere


class Switched(Played):
    """A floor whose coins rest and take."""

    def resting(self) -> int:
        """In the exchange's own books: asking would cost budget, and hides nothing."""
        return sum(one.status is OrderStatus.RESTING for one in list(self.exchange.engine.state.orders.values()))

    def orders_there(self) -> int:
        return len(self.exchange.engine.state.orders)

    def fills_there(self) -> int:
        return len(self.exchange.engine.state.fills_of.get("floor", []))

    def verb(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, BIN / name, *arguments, "--state", self.floor.folder.parent]
        return subprocess.run(
            [*command, "--settings", self.settings], capture_output=True, text=True, check=False, timeout=60
        )

    def until_resting(self) -> None:
        self.wait(self.resting, "an order that rests", 120)

    def gone(self) -> None:
        self.wait(lambda: not self.resting(), "an empty book", GONE_WITHIN_S)

    def nothing_new(self) -> None:
        """The world moves on, and nobody enters."""
        sent = self.orders_there()
        for step in range(20):
            self.show(3_900 - 100 * (step % 2), 4_100 + 100 * (step % 2))
            self.publish()
            time.sleep(0.05)
        new = list(self.exchange.engine.state.orders.values())[sent:]
        exits = {row[0] for row in self.db.execute("SELECT client_order_id FROM orders WHERE purpose = 'exit'")}
        assert {order.client_order_id for order in new} <= exits

    def reboot(self) -> None:
        """Everything is killed, and begins anew."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                self.stopped_by(process, signal.SIGKILL)
        self.clerk()
        self.trader("heads")

    def goes_on(self) -> None:
        done = self.verb("resume", "--i-have-checked", "--reason", "a test")
        assert done.returncode == 0, done.stderr
        sent = self.orders_there()
        self.wait(lambda: self.orders_there() > sent, "the floor trades on", 120)


@pytest.fixture
def desk(tmp_path):
    switched = Switched(tmp_path, ("heads",))
    yield switched
    switched.close()


@pytest.mark.floor
def test_from_another_process_while_the_trader_hangs(desk):
    trader = desk.trader("heads")
    desk.until_resting()
    trader.send_signal(signal.SIGSTOP)
    done = desk.verb("halt", "--reason", "smoke in the room")
    assert done.returncode == 0 and "nothing rests" in done.stdout, done.stderr
    assert desk.resting() == 0
    trader.send_signal(signal.SIGCONT)
    desk.nothing_new()
    assert_told_once(desk.floor.folder, "halt halted", "smoke in the room", "until bin/resume --i-have-checked")
    desk.reboot()
    desk.nothing_new()
    assert "smoke in the room" in desk.verb("status").stdout
    refused = desk.verb("resume")
    assert refused.returncode == 1 and "smoke in the room" in refused.stderr and "--i-have-checked" in refused.stderr
    desk.goes_on()
    desk.survived()


@pytest.mark.floor
def test_by_the_file_alone_and_a_fill_on_its_way_counts(desk):
    trader = desk.trader("heads")
    desk.until_resting()
    trader.send_signal(signal.SIGSTOP)
    fills = desk.fills_there()
    desk.floor.halt_file.write_text("somebody: the file alone\n")
    for side, price_cc in ((Side.BID, 4_200), (Side.ASK, 3_800)):
        desk.trade_through(side, price_cc)  # it fills before its cancel is sent
    assert desk.fills_there() > fills
    trader.send_signal(signal.SIGCONT)
    desk.gone()
    desk.nothing_new()
    desk.reboot()
    desk.nothing_new()
    assert desk.beat_since("heads", 0) in ("READY", "ACTING"), "it lives, and enters nothing"
    desk.goes_on()
    desk.survived()


@pytest.mark.floor
def test_by_a_limit_and_never_without_a_trade(desk):
    """The floor may fall by a ten-thousandth of a cent for each dollar: the first fee is too much, no fee is none."""
    desk.settings.write_text(SETTINGS + "floor_drawdown_millionths = 1\n")
    desk.stopped_by(desk.processes[0], signal.SIGKILL)
    desk.clerk()
    desk.wait(lambda: desk.state() == "READY", "the clerk", 60)
    for _ in range(20):
        desk.show(1_000, 9_000)
        desk.show(3_900, 4_100)
        desk.publish()
        time.sleep(0.1)
    assert system.controls_now(desk.db) == [], "nothing was traded, so nothing fell"
    desk.trader("heads")
    desk.wait(lambda: "drawdown" in desk.controls(), "the limit", 120)
    desk.gone()
    desk.nothing_new()
    assert_told_once(
        desk.floor.folder, "clerk halted", "fell $0.", "highest equity", "until bin/resume --i-have-checked"
    )
    desk.reboot()
    desk.nothing_new()
    assert "drawdown" in desk.controls()
    desk.survived()


@pytest.mark.parametrize("name", ["floor_drawdown_millionths", "floor_daily_loss_millionths", "per_floor_millionths"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1, 0, True, None, "1"])
def test_no_value_that_compares_with_nothing_disables_a_limit(name, value):
    with pytest.raises(Misconfigured, match=name):
        Limits(**{name: value})


def test_a_floor_without_capital_or_trades_has_not_fallen():
    limits = Limits(floor_drawdown_millionths=1)
    assert drawdown.floor(0, 0, 1_000_000_000, limits) is None
    assert drawdown.floor(0, 0, 0, limits) is None
    assert drawdown.floor(0, -1_000, 1_000_000_000, limits) is not None
