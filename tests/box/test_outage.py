"""What befalls the whole floor: a stop amid orders, one of them resting; an exchange gone for long; a power cut."""

import time
from pathlib import Path

import pytest

from boxed import TRADERS, UNITS, Box

pytestmark = pytest.mark.box
AWAY_S = 20  # for an hour: every wait of a reconnect and each read that fails happens within the first seconds
EAGER = "kalshi-trader@eager"  # enters at every look
BY_HAND = """
from outcry.desk.common import connect
from outcry.domain.order import Side, TimeInForce
from outcry.ops import floor, settings
from outcry.ops.installed import place
from outcry.venue.order_rows import NewOrder

here = floor.open_floor(settings.load(place().settings), place().state)
ticker, shard = sqlite3.connect(BOOKS).execute(
    "SELECT ticker, exchange_index FROM markets WHERE status = 'active' ORDER BY close_at_ms DESC"
).fetchone()
rest = connect.rest(here, connect.signer(here), here.addresses().rest_url)
rest.create_order(NewOrder("by-hand", ticker, Side.BID, 100, 100, TimeInForce.GTC, shard, post_only=True))
"""


def test_a_stop_with_orders_resting_an_outage_and_a_power_cut(box: Box, tmp_path: Path):
    box.trading()
    box.filled()
    box("kalshi", "agent", "add", "eager", "--strategy", "coin_flip", "--set", "chance_millionths=1000000")
    box("systemctl", "enable", "--now", EAGER)
    ordered = "SELECT count(*) FROM orders WHERE agent = 'eager' AND purpose = 'entry'"
    box.wait_for(lambda: box.number(ordered) > 3, "orders, one after the other")
    box.python(BY_HAND)
    box("systemctl", "stop", "kalshi-*")
    assert box.states([*UNITS, EAGER]) == ["inactive"] * (len(UNITS) + 1)
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
    box("systemctl", "stop", EAGER, *(f"kalshi-trader@{name}" for name in TRADERS))
    box.reconciled()
    box.survived(tmp_path, by_hand=["by-hand"])
