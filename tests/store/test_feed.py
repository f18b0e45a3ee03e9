import pytest

from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.store import feed, fills, settlements, system
from placing_floor import TICKER, furnish, plan, request


@pytest.fixture
def floor(db):
    furnish(db)
    return db


def book(db, trade_id, client_order_id=""):
    fill = Fill(trade_id, f"x{trade_id}", TICKER, 2, Side.BID, 4_000, 100, 0, True, 3_000, client_order_id)
    fills.book(db, fill, "stream", 3_001)
    return fill


def test_every_mark_grows_with_what_it_marks(floor):
    before = feed.marks(floor)
    plan(floor, request())
    book(floor, "t1")
    settlements.record(floor, Settlement(TICKER, 2, "yes", 10_000, 4_000), "rest", 4_001)
    system.set_control(floor, "floor", "", "halt", True, cause="person", reason="test", now_ms=5)
    floor.execute("INSERT INTO publishes VALUES (1, 42, 5)")
    after = feed.marks(floor)
    grown = {name for name, old, new in zip(feed.Marks._fields, before, after, strict=True) if new > old}
    assert grown == {"publish", "order_event", "attribution", "settlement", "control"}
    assert after.publish == 42


def test_a_fill_is_mine_once_it_is_attributed_to_me_and_no_more_when_it_is_taken_back(floor):
    fill = book(floor, "t1")  # parked: nobody's yet
    assert feed.attributed_since(floor, "bull", 0) == []
    seen = feed.marks(floor).attribution
    fill_id = floor.execute("SELECT id FROM fills").fetchone()[0]
    fills.attribute(floor, fill_id, "bull", why="its order was found", now_ms=5_000)
    ((gained, undone),) = feed.attributed_since(floor, "bull", seen)
    assert (gained.trade_id, undone) == (fill.trade_id, False)
    seen = feed.marks(floor).attribution
    fills.attribute(floor, fill_id, "manual", why="it was not ours", now_ms=6_000)
    ((lost, undone),) = feed.attributed_since(floor, "bull", seen)
    assert (lost.trade_id, undone) == (fill.trade_id, True)
    assert feed.attributed_since(floor, "bear", 0) == []


def test_what_a_start_restores_are_the_fills_of_markets_that_have_not_paid(floor):
    order = plan(floor, request())
    book(floor, "t1", order.client_order_id)
    assert [fill.trade_id for fill in feed.unsettled_fills(floor, "bull")] == ["t1"]
    assert feed.unsettled_fills(floor, "bear") == []
    settlements.record(floor, Settlement(TICKER, 2, "yes", 10_000, 4_000), "rest", 4_001)
    assert feed.unsettled_fills(floor, "bull") == []


def test_the_floor_knows_its_name_after_its_first_migration(db):
    assert feed.floor_id(db) is None
    furnish(db)
    assert feed.floor_id(db) == "abcdef"
