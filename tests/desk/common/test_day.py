"""The trading day: when it begins in the floor's zone, and what waits before it does."""

from datetime import UTC, datetime

import pytest

from account import OTHER, SHARD, TICKER, describe, furnish, market, our_id
from outcry.desk.common.day import PATIENCE_MS, priceless, roll, trading_day
from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.ops.settings import Settings
from outcry.store import accounts, agents, fills, settlements

MIDNIGHT = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000)
HOUR = 3_600_000


@pytest.fixture
def floor(db):
    furnish(db, "momentum")
    describe(db, market(close_at_ms=MIDNIGHT), market(OTHER, MIDNIGHT + HOUR))
    accounts.open_shard(db, SHARD, 1_000_000_000, MIDNIGHT - HOUR)
    assert roll(db, Settings(), MIDNIGHT - HOUR)
    return db


def book(db, ticker, side=Side.BID, number=1):
    fill = Fill(f"t{number}", f"x{number}", ticker, SHARD, side, 4_000, 1_000, 0, True, MIDNIGHT - 60_000,
                our_id("momentum"))  # fmt: skip
    fills.book(db, fill, "stream", MIDNIGHT - 60_000)


def test_the_roll_waits_for_what_closed_at_midnight_and_was_not_paid(floor):
    book(floor, TICKER)
    assert priceless(floor, Settings(), MIDNIGHT + 1_000)
    settlements.record(floor, Settlement(TICKER, SHARD, "yes", 10_000, MIDNIGHT + 2_000), "rest", MIDNIGHT + 2_000)
    assert not priceless(floor, Settings(), MIDNIGHT + 3_000)
    assert roll(floor, Settings(), MIDNIGHT + 3_000)
    assert accounts.capital_micros(floor) == 1_000_000_000 + 1_000 * 6_000, "what was won before midnight is capital"


def test_it_does_not_wait_for_ever_nor_for_anything_else(floor):
    assert not priceless(floor, Settings(), MIDNIGHT + 1_000), "nothing is held"
    book(floor, OTHER)
    assert not priceless(floor, Settings(), MIDNIGHT + 1_000), "what is held trades on"
    book(floor, TICKER, number=2)
    assert priceless(floor, Settings(), MIDNIGHT + PATIENCE_MS - 1)
    assert not priceless(floor, Settings(), MIDNIGHT + PATIENCE_MS)
    book(floor, TICKER, Side.ASK, number=3)
    assert not priceless(floor, Settings(), MIDNIGHT + 1_000), "flat again: whatever it pays"


def at(text, zone):
    return trading_day(Settings(time_zone=zone), int(datetime.fromisoformat(text).timestamp() * 1000))


@pytest.mark.parametrize(
    ("text", "zone", "name", "hours_before"),
    [
        ("2026-11-20T23:59:59.999+00:00", "UTC", "2026-11-20", 24),
        ("2026-11-21T00:00:00+00:00", "UTC", "2026-11-21", 0),
        ("2026-11-21T04:59:59+00:00", "America/New_York", "2026-11-20", 24),
        ("2026-11-21T05:00:00+00:00", "America/New_York", "2026-11-21", 0),
        ("2026-03-09T03:59:59+00:00", "America/New_York", "2026-03-08", 23),
        ("2026-11-02T04:59:59+00:00", "America/New_York", "2026-11-01", 25),
        ("2028-03-01T07:59:59+00:00", "America/Los_Angeles", "2028-02-29", 24),
        ("2026-12-31T11:00:00+00:00", "Pacific/Auckland", "2027-01-01", 0),
    ],
)
def test_days_begin_at_midnight_of_the_floors_zone(text, zone, name, hours_before):
    day = at(text, zone)
    assert (day.name, -(-(day.now_ms - day.from_ms) // HOUR)) == (name, hours_before)


def test_a_newborn_gets_its_share_as_far_as_there_is_room(db):
    furnish(db, "momentum")
    agents.set_allocation(db, "momentum", 995_000_000, MIDNIGHT, rule="test", evidence={})
    sha256 = agents.get(db, "momentum").code_sha256
    for name in ("first", "second"):
        agents.add(db, agents.Agent(name, "momentum", {}, "birth", 0, sha256, MIDNIGHT))
    accounts.open_shard(db, SHARD, 1_000_000_000, MIDNIGHT)
    assert roll(db, Settings(), MIDNIGHT)
    assert [agents.get(db, name).allocation_micros for name in ("first", "second")] == [5_000_000, 0]


def test_whom_a_person_left_without_gets_no_share(db):
    furnish(db, "momentum", "second")
    accounts.open_shard(db, SHARD, 1_000_000_000, MIDNIGHT)
    for name, rule in (("momentum", "person"), ("second", "capital fell")):
        agents.set_allocation(db, name, 0, MIDNIGHT, rule=rule, evidence={})
    assert roll(db, Settings(), MIDNIGHT)
    assert [agents.get(db, name).allocation_micros for name in ("momentum", "second")] == [0, 10_000_000]
