"""2: names do not resolve and nobody answers, while six orders rest. Twenty minutes are six seconds here.

None of the six is declared lost, entries stop, and afterwards all six are accounted for.
"""

import json
import time

import pytest

from local_exchange import OTHER, TICKER
from outcry.domain.order import Side
from outcry.store import orders
from played import Played
from survived import assert_told_once

pytestmark = pytest.mark.floor
OUTAGE_S = 6
OWNERS = ("owl", "ox", "otter")


@pytest.fixture
def desk(tmp_path):
    risk = "api_calls = 8\napi_window_ms = 10000\n"
    played = Played(tmp_path, ("flip",), (TICKER, OTHER), patient=OWNERS, faulty=True, risk=risk)
    yield played
    played.close()


def cut_off(desk):
    """No name resolves any more, and connections that are open close."""
    away = json.loads(desk.floor.exchange_file.read_text())
    for url in ("rest_url", "stream_url"):
        away[url] = away[url].replace("127.0.0.1", "exchange.invalid")
    desk.break_("hang_up", "* /*")
    desk.break_("disconnect")
    desk.floor.exchange_file.write_text(json.dumps(away))


def entries(desk):
    return desk.count("orders WHERE purpose = 'entry'")


def test_no_resting_order_is_lost_entries_stop_and_all_are_accounted_for_afterwards(desk):
    six = [desk.left_resting(name) for name in OWNERS]
    six += [desk.left_resting(name, Side.ASK, OTHER) for name in OWNERS]
    for name in (*OWNERS, "flip"):
        desk.trader(name)
    desk.wait(lambda: entries(desk) > 6, "the coin to trade", 60)
    cut_off(desk)
    desk.trade_through(Side.ASK, 3_800)
    desk.wait(lambda: "api_errors" in desk.controls(), "entries to stop", 60)
    sent, back = entries(desk), time.monotonic() + OUTAGE_S
    desk.wait(lambda: time.monotonic() > back, "the outage to be over", 60)
    assert {orders.get(desk.db, name).state for name in six} == {"resting"}, "none is declared lost"
    assert entries(desk) == sent, "nothing is entered meanwhile"
    desk.announce()
    desk.mend()
    desk.wait(lambda: all(orders.get(desk.db, name).booked_ch == 200 for name in six[:3]), "the fills", 60)
    desk.wait(lambda: desk.controls() == {}, "entries to go on", 60)
    assert {desk.theirs()[name]["status"] for name in six[3:]} <= {"resting", "canceled"}, "no longer wanted, perhaps"
    desk.survived()
    assert_told_once(desk.floor.folder, "stopped_entries api_errors", "calls to the exchange failed")
