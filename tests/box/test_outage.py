"""What befalls the whole floor: orders rest at a stop, the exchange is gone for long, the power is cut."""

import time
from pathlib import Path

import pytest

from boxed import TRADERS, UNITS, Box

pytestmark = pytest.mark.box
AWAY_S = 20  # for an hour: every wait of a reconnect and each read that fails happens within the first seconds
EAGER = "kalshi-trader@eager"  # enters at every look, and half the time rests


def test_a_stop_with_orders_resting_an_outage_and_a_power_cut(box: Box, tmp_path: Path):
    box.trading()
    box.filled()
    box("kalshi", "agent", "add", "eager", "--strategy", "coin_flip", "--set", "chance_millionths=1000000")
    box("systemctl", "enable", "--now", EAGER)
    box.wait_for(lambda: box.number("SELECT count(*) FROM orders WHERE state = 'resting'"), "an order to rest")
    box("systemctl", "stop", "kalshi-*")
    assert box.states([*UNITS, EAGER]) == ["inactive"] * (len(UNITS) + 1)
    box("systemctl", "disable", EAGER)
    box("systemctl", "start", "kalshi-*")
    box.trading()

    others = {unit: pid for unit, pid in box.pids().items() if unit != "kalshi-exchange"}
    box("systemctl", "stop", "kalshi-exchange")
    time.sleep(AWAY_S)
    now = box.pids()
    assert {unit: now[unit] for unit in others} == others, "somebody left for a cause outside itself"
    box("systemctl", "start", "kalshi-exchange")
    box.trading()
    box.works_on()
    now = box.pids()
    assert {unit: now[unit] for unit in others} == others

    fills = box.fills()
    box.cut_power()
    box.trading()
    assert box.fills() >= fills
    box.works_on()
    box("systemctl", "stop", *(f"kalshi-trader@{name}" for name in TRADERS))
    box.reconciled()
    box.survived(tmp_path)
