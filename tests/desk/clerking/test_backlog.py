"""What was heard and could not be booked: kept in order, heard again by the next life, and by nobody twice."""

import pytest

from account import furnish, our_id, plan
from outcry.desk.clerking import orphans
from outcry.desk.clerking.backlog import Backlog
from outcry.domain.order import Side, State
from outcry.store import orders, spool, spooled, system
from outcry.store.spool import Spool
from outcry.store.spooled import Happened, Moved
from outcry.venue.messages import FillMessage, MarketPosition, UserOrder
from outcry.venue.stream import Connected


def fill(number):
    return FillMessage(1, f"t{number}", "x1", "", "T", 2, Side.BID, 4_100, 100, 17, True, 100, 5)


ORDER = UserOrder(1, "x1", "oc-1", "T", 2, Side.BID, 4_100, "executed", 100, 100, 0, 17, 1, None, 2, "")
HEARD = [Connected(1), fill(1), MarketPosition(1, "T", 100, 0, 0, 0, 0), ORDER, fill(2)]


@pytest.fixture
def file(tmp_path):
    return spool.file_of(tmp_path, "clerk")


def all_of(backlog):
    found = []
    while len(backlog):
        found.append(backlog.first)
        backlog.done()
    return found


def test_after_a_kill_fills_and_orders_are_heard_again_in_order(file):
    first = Backlog(file)
    first.extend(HEARD)
    first.keep()
    first.done()  # booked, and then killed
    first.close()
    again = Backlog(file)
    again.extend([fill(3)])
    again.keep()
    assert all_of(again) == [fill(1), ORDER, fill(2), fill(3)]
    again.close()
    assert len(Backlog(file)) == 0, "all booked: nothing is heard again"


def test_each_is_kept_once_however_often_it_is_asked_for(file):
    backlog = Backlog(file)
    backlog.extend(HEARD)
    backlog.keep()
    backlog.extend([fill(3)])
    backlog.keep()
    backlog.close()
    kept = Spool(file)
    assert [entry["message"].get("trade_id", "-") for entry in kept.waiting] == ["t1", "-", "t2", "t3"]
    kept.close()


def test_what_no_longer_fits_is_dropped_and_told(file, caplog):
    kept = Spool(file)
    kept.append({"type": "fill", "message": {"trade_id": 7}})
    kept.append({"type": "from another build"})
    kept.close()
    assert len(Backlog(file)) == 0
    assert [record.message for record in caplog.records] == ["dropped_entry", "dropped_entry"]


def test_without_a_spool_memory_has_to_do(tmp_path):
    (tmp_path / "spool").write_text("a file")
    backlog = Backlog(spool.file_of(tmp_path, "clerk"))
    backlog.extend(HEARD)
    backlog.keep()
    assert all_of(backlog) == HEARD
    backlog.close()


def test_the_spool_of_a_program_that_died_is_written_by_the_clerk(db, tmp_path):
    furnish(db, "momentum")
    name = our_id("momentum")
    plan(db, name, "momentum", State.SENT)
    left = Spool(spool.file_of(tmp_path, "trader@momentum"))
    left.append(spooled.entry(Moved(name, State.CANCELED, "answer", 7, 100, "x1", "")))
    left.append({"type": "nonsense"})
    left.append(spooled.entry(Happened("error", "trader@momentum", "moved", "READY -> ERROR", 8)))
    folder = tmp_path / spool.FOLDER
    assert orphans.adopt(db, folder, "clerk", 9) == 0, "its owner lives"
    left.close()
    assert orphans.adopt(db, folder, "clerk", 9) == 3
    assert (orders.get(db, name).state, orders.get(db, name).filled_ch) == (State.CANCELED, 100)
    assert [row["event"] for row in system.recent_events(db)] == ["adopted_spool", "moved", "dropped_entry"]
    assert orphans.adopt(db, folder, "clerk", 10) == 0
