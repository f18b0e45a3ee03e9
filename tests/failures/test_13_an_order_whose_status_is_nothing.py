"""13: what became of an order is answered with nulls, then with a 500, and then with a not-found.

It stays what it was until the exchange says twice, definitely, that it knows no such order.
"""

import pytest

from local_exchange import TICKER
from outcry.store import orders
from played import Played
from survived import assert_told_once

pytestmark = pytest.mark.floor
ONE = "GET /portfolio/orders/*"


@pytest.fixture
def desk(tmp_path):
    played = Played(tmp_path, (), patient=("owl",), faulty=True)
    yield played
    played.close()


def test_only_a_definite_not_found_twice_ends_it(desk):
    name = desk.left_resting("owl")
    desk.wait(lambda: desk.state() == "READY", "the clerk")
    order_id = orders.get(desk.db, name).order_id
    nulls = desk.break_("missing", ONE, field="status")
    desk.break_("drop", "user_order*")
    status, _ = desk.client.ask("DELETE", f"/portfolio/events/orders/{order_id}?market_ticker={TICKER}")
    assert status == 200
    for answer, number in (("nulls", nulls), ("a 500", desk.break_("fail", ONE, status=500, after_s=3))):
        desk.wait(lambda number=number: desk.struck(number) >= 2, answer)
        assert orders.get(desk.db, name).state == "resting", answer
    desk.mend()
    desk.break_("drop", "user_order*")
    gone = desk.break_("fail", ONE, status=404)
    desk.wait(lambda: desk.struck(gone) == 1, "a not-found")
    desk.wait(lambda: orders.get(desk.db, name).state == "canceled", "the end")
    assert desk.struck(gone) >= 2, "once is not enough"
    desk.mend()
    desk.survived()
    assert_told_once(desk.floor.folder, "closed_order", name, "does not know it any more")
