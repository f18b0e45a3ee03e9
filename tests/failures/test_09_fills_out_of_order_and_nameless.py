"""9: stream and REST tell of the same fills, twice, out of order, one of them missing, none with a client id.

Quantity, cost and fee are the exchange's, once.
"""

import pytest

from beside import Desk
from buying import buy
from local_exchange import TICKER
from outcry.domain.order import Side
from outcry.store import accounts, fills
from survived import assert_survived

pytestmark = pytest.mark.floor


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path, faulty=True)
    desk.clerk()
    desk.wait(lambda: desk.state() == "READY", "the clerk", 60)
    yield desk
    desk.close()


def test_each_is_booked_once_to_its_agent(desk):
    desk.break_("reorder", "fill", count=2)
    desk.break_("drop", "fill", skip=2, count=1)
    desk.break_("duplicate", "fill")
    desk.break_("missing", "fill", field="client_order_id")
    desk.break_("missing", "GET /portfolio/fills", field="client_order_id")
    for number, (count_ch, side, price_cc) in enumerate(
        [(100, Side.BID, 4_100), (300, Side.BID, 4_100), (37, Side.ASK, 3_900), (250, Side.BID, 4_100),
         (600, Side.ASK, 3_900), (113, Side.BID, 4_100)], start=1
    ):  # fmt: skip
        buy(desk, number, count_ch, side, price_cc)
    desk.wait(lambda: accounts.net_positions(desk.db).get(TICKER) == 126, "the fills", 60)
    desk.wait(lambda: not fills.parked(desk.db), "their owners", 60)
    assert_survived(desk.floor.folder)
    assert {row["source"] for row in desk.db.execute("SELECT source FROM fills")} == {"stream", "rest"}
    assert fills.misbooked(desk.db) == []
