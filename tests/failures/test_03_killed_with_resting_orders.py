"""3: `kill -9` of traders and clerk with resting orders; some fill, and a market is gone, before they are back.

What filled is booked, what rests is adopted or cancelled by its owner, and only then is anything new placed.
"""

import signal

import pytest

from local_exchange import OTHER, TICKER
from outcry.domain.order import Side
from outcry.store import orders
from played import Played
from survived import assert_told_once

pytestmark = pytest.mark.floor
GONE = "KXBTC15M-26NOV201230-30"


@pytest.fixture
def desk(tmp_path):
    played = Played(tmp_path, ("flip",), (TICKER, OTHER, GONE), patient=("owl",))
    yield played
    played.close()


def test_the_filled_is_booked_the_stale_cancelled_the_rest_adopted_before_anything_new(desk):
    ours = {"filled": desk.left_resting("flip"), "stale": desk.left_resting("flip", ticker=GONE)}
    ours["adopted"] = desk.left_resting("owl", Side.ASK, OTHER)
    desk.trader("owl")
    for process in desk.processes:
        desk.stopped_by(process, signal.SIGKILL)
    desk.processes.clear()
    desk.trade_through(Side.ASK, 3_800)
    desk.forget(GONE)
    last = desk.db.execute("SELECT max(id) FROM order_events").fetchone()[0]
    desk.clerk()
    for name in ("owl", "flip"):
        desk.trader(name)
    desk.wait(lambda: desk.count("orders WHERE purpose = 'entry'") > 3, "a new entry", 90)
    filled, stale, adopted = (orders.get(desk.db, ours[what]) for what in ("filled", "stale", "adopted"))
    assert (filled.state, filled.booked_ch) == ("executed", 200)
    assert (stale.state, adopted.state) == ("canceled", "resting")
    events = desk.db.execute(
        "SELECT client_order_id, e.state FROM order_events e JOIN orders USING (client_order_id)"
        " WHERE id > ? AND purpose = 'entry' ORDER BY id",
        (last,),
    )
    happened = [tuple(row) for row in events]
    new = next(number for number, (name, _) in enumerate(happened) if name not in ours.values())
    assert {(ours["filled"], "executed"), (ours["stale"], "canceled")} <= set(happened[:new])
    assert desk.count("orders WHERE agent = 'owl'") == 1, "what was adopted is not placed again"
    desk.survived()
    assert_told_once(desk.floor.folder, "stopped_entries", times=0)
