"""8: the second page of the positions fails, or the size of a page is refused.

Half a list is no list: nothing is deleted, nobody is flat, nothing is concluded. That it stays so is told, once.
"""

import pytest

from beside import Desk
from local_exchange import OTHER, TICKER, market, now_ms
from outcry.desk.clerking.statesync import StateSync
from outcry.desk.common import connect
from outcry.domain.errors import Refused, Unavailable
from outcry.paper.events import BookSet
from outcry.store import accounts, system
from outcry.venue import paging
from survived import assert_survived, assert_told_once

pytestmark = pytest.mark.floor
POSITIONS = "GET /portfolio/positions"


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path, faulty=True)
    desk.settings.write_text("[risk]\napi_calls = 5\napi_window_ms = 10000\n")
    desk.exchange.list(market(OTHER))
    desk.exchange.feed(BookSet(OTHER, {3_900: 50_000}, {4_100: 50_000}, now_ms()))
    yield desk
    desk.close()


def by_hand(desk):
    """A person buys in both markets."""
    how = {"price": "0.4100", "count": "2.00", "time_in_force": "immediate_or_cancel"}
    return [desk.client.place(ticker=ticker, **how)["client_order_id"] for ticker in (TICKER, OTHER)]


def looks(desk):
    return desk.db.execute("SELECT count(*) FROM reconciliations").fetchone()[0]


@pytest.mark.parametrize(("how", "said"), [({"status": 503}, Unavailable), ({"status": 400}, Refused)])
def test_a_second_page_that_does_not_come_concludes_nothing(desk, monkeypatch, how, said):
    rest = connect.rest(desk.floor, connect.signer(desk.floor), desk.floor.addresses().rest_url)
    sync = StateSync(desk.db, rest)
    assert sync.reconcile(now_ms()) is True
    by_hand(desk)
    assert sync.reconcile(now_ms()) is True
    held, before = accounts.net_positions(desk.db), looks(desk)
    assert held == {TICKER: 200, OTHER: 200}
    monkeypatch.setitem(paging.every.__kwdefaults__, "limit", 1)
    failing = desk.break_("fail", POSITIONS, pages=True, **how)
    for _ in range(3):
        with pytest.raises(said):
            sync.reconcile(now_ms())
    assert desk.struck(failing) >= 3
    assert (accounts.net_positions(desk.db), looks(desk)) == (held, before)
    assert system.controls_now(desk.db) == []
    desk.mend()
    assert sync.reconcile(now_ms()) is True


def test_that_the_list_stays_away_is_told_once_and_entries_wait(desk):
    desk.clerk()
    desk.wait(lambda: desk.state() == "READY", "the clerk", 60)
    hand = by_hand(desk)
    desk.wait(lambda: len(accounts.net_positions(desk.db)) == 2, "the fills", 60)
    desk.break_("fail", POSITIONS, status=503)
    desk.wait(lambda: system.controls_now(desk.db), "entries to stop", 60)
    assert desk.state() == "ERROR" and len(accounts.net_positions(desk.db)) == 2
    desk.mend()
    desk.wait(lambda: not system.controls_now(desk.db), "entries to go on", 60)
    assert_survived(desk.floor.folder, by_hand=hand)
    assert_told_once(desk.floor.folder, "clerk stopped_entries api_errors", "calls to the exchange failed")
