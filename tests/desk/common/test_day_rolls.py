"""Daily figures begin anew once a day, at the floor's midnight: over restarts, changes of the clock, a clock set back.

Every step is a clerk of its own, that knows nothing but the database: as if it were restarted all the time.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from account import SHARD, TICKER, furnish, our_id, plan
from outcry.desk.common.day import roll
from outcry.domain.order import State
from outcry.ops.settings import Settings
from outcry.store import accounts, exposure, system

STEP_MS = 15 * 60_000
CHANGES = [
    ("America/New_York", datetime(2026, 3, 7, 12, tzinfo=UTC), 23),
    ("America/New_York", datetime(2026, 10, 31, 12, tzinfo=UTC), 25),
    ("Africa/Cairo", datetime(2026, 4, 23, 12, tzinfo=UTC), 23),  # there midnight itself is skipped
    ("Africa/Cairo", datetime(2026, 10, 28, 12, tzinfo=UTC), 25),  # and the hour before it comes twice
    ("UTC", datetime(2026, 6, 1, 12, tzinfo=UTC), 24),
]


def ms(moment):
    return int(moment.timestamp() * 1000)


def orders_today(db):
    return exposure.read(db, "bull", TICKER, SHARD).orders_today


@pytest.fixture
def floor(db):
    furnish(db, "bull")
    accounts.open_shard(db, SHARD, 1_000_000_000, 1)
    return db


@pytest.mark.parametrize(("zone", "begin", "hours"), CHANGES, ids=lambda part: str(part).split(" ", maxsplit=1)[0])
def test_every_day_begins_once_at_its_own_midnight(floor, zone, begin, hours):
    settings, local = Settings(time_zone=zone), ZoneInfo(zone)
    begun, at_ms, seen = {}, ms(begin), None
    while at_ms < ms(begin + timedelta(days=3)):
        day = datetime.fromtimestamp(at_ms / 1000, local).date()
        if roll(floor, settings, at_ms):
            assert day not in begun
            begun[day], seen = at_ms, 0
            assert system.controls_now(floor) == [], "what was stopped for the day before may go on"
            assert orders_today(floor) == 0
            system.stop_for_the_day(floor, "floor", "", "lost enough", "trader@bull", at_ms)
        assert [control.cause for control in system.controls_now(floor)] == ["daily_loss"]
        plan(floor, our_id("bull", at_ms), "bull", State.CANCELED, created_at_ms=at_ms)
        seen += 1
        assert orders_today(floor) == seen
        at_ms += STEP_MS
    days = sorted(begun)
    assert days == [days[0] + timedelta(days=number) for number in range(4)]
    lengths = [(begun[after] - begun[before]) // 3_600_000 for before, after in pairwise(days[1:])]
    assert hours in lengths and set(lengths) <= {hours, 24}
    for day in days[1:]:
        first = datetime.fromtimestamp(begun[day] / 1000, local)
        assert (first.hour, first.minute) in ((0, 0), (1, 0)), "one o'clock where there is no midnight"
        assert datetime.fromtimestamp(begun[day] / 1000 - 1, local).date() == day - timedelta(days=1)


def test_a_clock_that_is_set_back_begins_no_day_again(floor):
    settings, noon = Settings(), datetime(2026, 6, 2, 12, tzinfo=UTC)
    assert roll(floor, settings, ms(noon))
    system.stop_for_the_day(floor, "floor", "", "lost enough", "trader@bull", ms(noon))
    for back in (0, 1, 2, 40):
        assert not roll(floor, settings, ms(noon - timedelta(days=back)))
    assert len(system.controls_now(floor)) == 1
    assert roll(floor, settings, ms(noon + timedelta(days=1)))
    assert system.controls_now(floor) == []


def test_a_floor_that_slept_over_midnight_begins_the_day_when_it_wakes(floor):
    settings, evening = Settings(), datetime(2026, 6, 2, 23, tzinfo=UTC)
    assert roll(floor, settings, ms(evening))
    assert roll(floor, settings, ms(evening + timedelta(hours=60)))
    assert not roll(floor, settings, ms(evening + timedelta(hours=60, minutes=1)))
    days = [row["day"] for row in floor.execute("SELECT day FROM capital ORDER BY day")]
    assert days == ["2026-06-02", "2026-06-05"]
