"""7: positions, fills and balances by REST are older than what the stream just said; and five fills in one millisecond.

A position that is booked is never taken back by an old reading, and nobody cries wolf.
"""

import time

import pytest

from beside import Desk
from buying import buy
from local_exchange import TICKER, now_ms
from outcry.paper.events import BookSet
from outcry.store import accounts, system
from survived import assert_survived, assert_told_once

pytestmark = pytest.mark.floor


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path, faulty=True)
    desk.clerk()
    desk.wait(lambda: desk.state() == "READY", "the clerk", 60)
    yield desk
    desk.close()


def held(desk):
    return accounts.net_positions(desk.db).get(TICKER, 0)


def test_what_the_stream_said_stays_while_rest_says_what_was_before(desk):
    desk.break_("read_lag", ms=2_500)
    for number in range(1, 4):
        buy(desk, number)
        desk.wait(lambda number=number: held(desk) == number * 100, "the fill", 60)
        until = time.monotonic() + 2
        while time.monotonic() < until:
            assert held(desk) == number * 100, "an old reading takes nothing back"
            time.sleep(0.05)
    desk.mend()
    assert_survived(desk.floor.folder)
    assert system.controls_now(desk.db) == []
    assert_told_once(desk.floor.folder, "stopped_entries", times=0)


def test_five_fills_of_one_millisecond_are_booked_in_their_order(desk):
    asks = dict.fromkeys((3700, 3800, 3900, 4000, 4100), 100)
    desk.exchange.feed(BookSet(TICKER, {3_000: 50_000}, asks, now_ms()))
    buy(desk, 1, 500)
    desk.wait(lambda: held(desk) == 500, "the fills", 60)
    assert_survived(desk.floor.folder)
    booked = desk.db.execute("SELECT filled_at_ms, price_cc FROM fills ORDER BY id").fetchall()
    assert len({row["filled_at_ms"] for row in booked}) == 1
    assert [row["price_cc"] for row in booked] == sorted(asks)
