"""What befalls the whole floor: the exchange is gone for long, the machine is switched off, orders rest at a stop."""

import time
from pathlib import Path

import pytest

from boxed import TRADERS, UNITS, Box

pytestmark = pytest.mark.box
AWAY_S = 20  # for an hour: every wait of a reconnect and each read that fails happens within the first seconds


def test_the_exchange_is_away_and_the_machine_is_switched_off(box: Box, tmp_path: Path):
    box.trading()
    box.filled()
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

    resting = "SELECT count(*) FROM orders WHERE state = 'resting'"
    box.wait_for(lambda: box.number(resting), "an order to rest")
    box("systemctl", "stop", "kalshi-*")
    assert box.states() == ["inactive"] * len(UNITS)
    box("systemctl", "start", "kalshi-*")
    box.trading()

    box.works_on()
    fills = box.fills()
    box.cut_power()
    box.trading()
    assert box.fills() >= fills
    box.works_on()
    box("systemctl", "stop", *(f"kalshi-trader@{name}" for name in TRADERS))
    box.reconciled()
    box.survived(tmp_path)
