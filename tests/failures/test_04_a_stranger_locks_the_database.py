"""4: another program holds the write lock while fills arrive. Its 45 seconds are six here.

Nothing is lost or doubled: it is spooled and written later; the log names who held the lock. And no program of ours
holds that lock while it waits for the exchange, so that none is the stranger of another.
"""

import sqlite3
import subprocess
import sys
import time

import pytest

from local_exchange import TICKER
from played import Played
from survived import assert_told_once

pytestmark = pytest.mark.floor
LOCKED_S = 6
STRANGER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
db.execute("ROLLBACK")
"""


@pytest.fixture
def desk(tmp_path):
    played = Played(tmp_path, ("flip",), faulty=True)
    yield played
    played.close()


def test_fills_that_arrive_meanwhile_are_booked_once_and_the_holder_is_named(desk):
    desk.trader("flip")
    desk.wait(lambda: desk.count("fills") >= 2, "the coin to trade")
    command = [sys.executable, "-c", STRANGER, str(desk.floor.database), str(LOCKED_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as stranger:
        assert stranger.stdout.readline() == b"locked\n"
        booked = desk.count("fills")
        how = {"time_in_force": "immediate_or_cancel", "count": "3.00", "side": "bid", "price": "0.4100"}
        by_hand = [desk.client.place(**how)["client_order_id"] for _ in range(2)]
        stranger.wait(60)
    assert desk.count("fills") == booked, "nobody could write them meanwhile"
    desk.wait(lambda: desk.count("booked_fills WHERE agent = 'manual'") == 2, "the fills")
    desk.survived(by_hand)
    assert_told_once(desk.floor.folder, "clerk database_refused", f"pid {stranger.pid} (", "write lock held by")


def test_nobody_holds_the_lock_while_the_exchange_keeps_him_waiting(desk):
    desk.trader("flip")
    desk.wait(lambda: desk.count("orders") >= 1, "the coin to trade")
    muted = desk.break_("mute", "* /*")
    other = sqlite3.connect(desk.floor.database, isolation_level=None, timeout=2)
    desk.wait(lambda: desk.struck(muted) >= 2, "trader and clerk to wait for the exchange")
    until = time.monotonic() + 3
    while time.monotonic() < until:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
        time.sleep(0.01)
    other.close()
    desk.mend()
    desk.survived()
    assert desk.count(f"quotes WHERE ticker = '{TICKER}'") == 1
