"""Fresh data, forbidden entries, request rates, and exits by outcome."""

import pytest

from audited import T0, event, order
from outcry.review.checks import fresh, rates, stops
from outcry.review.checks.forbidden import Forbidden
from outcry.review.checks.records import Control

AGES = fresh.Ages(15_000, 5_000, 60_000, 3_000, 20_000)
SEEN = fresh.Seen(
    "d1", T0, T0, True, T0 - 15_000, T0 - 5_000, T0, "BTC-USD", T0 - 3_000, T0 - 600_000, T0 + 20_000, "active"
)


def test_data_at_their_limits_are_fresh():
    assert list(fresh.check(SEEN, AGES)) == []


@pytest.mark.parametrize(
    "stale",
    [{"trusted": False}, {"heard_at_ms": T0 - 15_001}, {"changed_at_ms": T0 - 5_001}, {"index_end_ms": T0 - 3_001},
     {"index_end_ms": None}, {"close_at_ms": T0 + 19_999}, {"status": "closed"}, {"looked_at_ms": T0 + 15_001}],
)  # fmt: skip
def test_one_unit_beyond_is_not(stale):
    assert len(list(fresh.check(SEEN._replace(**stale), AGES))) == 1


def test_a_slow_book_may_stand_still_while_its_ticker_does():
    slow = SEEN._replace(open_at_ms=T0 - 3_600_000, changed_at_ms=T0 - 60_001)
    assert len(list(fresh.check(slow, AGES))) == 1
    assert list(fresh.check(slow._replace(ticker_moved_at_ms=T0 - 60_001), AGES)) == []


def control(active=True, **facts):
    return Control(T0, "floor", "", "stop_entries", active, "drift")._replace(**facts)


@pytest.mark.parametrize(
    ("said", "count"),
    [(control(), 1), (control(scope="agent", name="bull"), 1), (control(scope="agent", name="bear"), 0),
     (control(scope="market", name="T-1", kind="halt"), 1), (control(scope="market", name="T-2"), 0)],
)  # fmt: skip
def test_an_entry_while_somebody_said_no(said, count):
    forbidden = Forbidden()
    forbidden.control(said)
    assert list(forbidden.check(order(created_at_ms=T0 + 2_000))) == []  # it may not have been heard yet
    late = order(created_at_ms=T0 + 2_001)
    assert len(list(forbidden.check(late))) == count
    assert list(forbidden.check(late._replace(purpose="exit"))) == []
    forbidden.control(said._replace(active=False, at_ms=T0 + 1))
    assert list(forbidden.check(late)) == []


def test_a_paused_agent_enters_nothing():
    forbidden = Forbidden()
    forbidden.agent("bull", "paused", T0)
    assert len(list(forbidden.check(order(created_at_ms=T0 + 5_000)))) == 1
    forbidden.agent("bull", "resumed", T0 + 1)
    assert list(forbidden.check(order(created_at_ms=T0 + 5_000))) == []


def test_more_writes_than_the_bucket_lets_through():
    meter, found = rates.Rates(), []
    for number in range(30):  # 300 tokens at once are a full bucket and two seconds of refill
        found += meter.spend(2, event("sent", number, at_ms=T0), rates.BASIC)
    assert found == []
    assert len(list(meter.spend(2, event("sent", 31, at_ms=T0), rates.BASIC))) == 1
    assert list(meter.spend(1, event("sent", 32, at_ms=T0), rates.BASIC)) == []  # another shard, another bucket
    assert list(meter.spend(2, event("sent", 33, at_ms=T0 + 61_000), rates.BASIC)) == []


def test_what_each_request_costs():
    assert rates.tokens(event("sent")) == 10
    assert rates.tokens(event("resting", source="answer", detail="expires_at_ms=5")) == 10
    assert rates.tokens(event("canceled", source="answer", detail="leaving")) == 2
    assert rates.tokens(event("canceled", source="stream")) == 0


HELD = stops.Held("bull", "T-1", 1_000, 4_000_000, T0, 200_000, None, 0, False, True)
BELOW = {"T-1": stops.Touch(3_199, 3_300, True, T0, True)}


def watch(held, touches, *seconds):
    watcher, found = stops.Stops(), []
    for second in seconds:
        at_ms = T0 + second * 1_000
        heard = {name: touch._replace(heard_at_ms=at_ms) for name, touch in touches.items()}
        found += watcher.look([held], heard, at_ms)
    return [one.subject for one in found]


def test_nobody_acts_on_a_stop_for_ten_seconds():
    assert watch(HELD, BELOW, 0, 5, 10) == []
    assert watch(HELD, BELOW, 0, 5, 11) == [f"bull T-1 stop {T0}"]


@pytest.mark.parametrize(
    "fine",
    [{"acted_ms": T0 + 2_000}, {"exiting": True}, {"attended": False}, {"stop_millionths": 300_000},
     {"position_ch": -1_000, "cost_micros": 6_000_000}],
)  # fmt: skip
def test_acting_counts_whatever_comes_of_it(fine):
    assert watch(HELD._replace(**fine), BELOW, 0, 11) == []


@pytest.mark.parametrize("gone", [{"bid_cc": None}, {"trusted": False}, {"trades": False}, {"bid_cc": 3_200}])
def test_nobody_to_trade_with_is_no_fault_and_the_time_begins_anew(gone):
    watcher = stops.Stops()
    for second, touch in ((0, BELOW["T-1"]), (9, BELOW["T-1"]._replace(**gone)), (11, BELOW["T-1"])):
        at_ms = T0 + second * 1_000
        assert list(watcher.look([HELD], {"T-1": touch._replace(heard_at_ms=at_ms)}, at_ms)) == []


def test_a_short_position_and_a_time_exit():
    short = HELD._replace(position_ch=-1_000, cost_micros=6_000_000)
    above = {"T-1": stops.Touch(5_100, 5_201, True, T0, True)}
    assert watch(short, above, 0, 11) == [f"bull T-1 stop {T0}"]
    timed = HELD._replace(hold_ms=5_000)
    rich = {"T-1": stops.Touch(4_500, 4_600, True, T0, True)}
    assert watch(timed, rich, 0, 5, 10, 15) == []
    assert watch(timed, rich, 5, 10, 16) == [f"bull T-1 time {T0}"]
