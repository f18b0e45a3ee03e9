"""5: leaving a position is refused, or fills nothing. It stays open, here as there, and everybody is shown so.

Only the exchange says that a position is gone; the exit is tried until it does.
"""

import subprocess
import sys

import pytest

from beside import BIN
from local_exchange import TICKER, now_ms
from outcry.paper.events import BookSet
from played import Played
from survived import assert_told_once, differences

pytestmark = pytest.mark.floor


@pytest.fixture
def desk(tmp_path):
    played = Played(tmp_path, ("flip",), faulty=True)
    yield played
    played.close()


def exits(desk, state):
    return desk.count(f"orders WHERE purpose = 'exit' AND state = '{state}' AND booked_ch = 0")


def held(desk):
    """What is held there, by its own listing; and what bin/status shows."""
    listed = desk.client.get("/portfolio/positions")["market_positions"]
    there = {row["ticker"]: float(row["position_fp"]) for row in listed if float(row["position_fp"])}
    options = ["--state", desk.floor.folder.parent, "--settings", desk.settings]
    said = subprocess.run([sys.executable, BIN / "status", *options], capture_output=True, text=True, check=False)
    return there, "".join(line for line in said.stdout.splitlines() if line.startswith("position "))


def test_it_stays_open_until_the_exchange_says_otherwise(desk):
    desk.trader("flip")
    desk.wait(lambda: desk.count("positions") == 1, "a position")
    desk.break_("fail", "POST /portfolio/events/orders", status=400)
    desk.wait(lambda: exits(desk, "rejected") >= 2, "two refused exits")
    there, shown = held(desk)
    assert set(there) == {TICKER} and TICKER in shown
    assert differences(desk.floor.folder) == []
    desk.exchange.feed(BookSet(TICKER, {}, {}, now_ms()))
    desk.mend()
    desk.wait(lambda: exits(desk, "canceled") >= 1, "an exit that fills nothing")
    there, shown = held(desk)
    assert set(there) == {TICKER} and TICKER in shown
    desk.show(3_900, 4_100)
    desk.wait(lambda: desk.count("orders WHERE purpose = 'exit' AND state = 'executed'") >= 1, "the exit that sells")
    desk.survived()
    assert_told_once(desk.floor.folder, "refused_exit", "trader@flip", TICKER, "stays open")
