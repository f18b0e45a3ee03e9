"""The published hours on New York's clock, how fresh reads are, and fees to come."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from outcry.domain.errors import SchemaDrift
from outcry.domain.market import FeeTerms
from outcry.venue.rest_schedule import EventFeeChange, SeriesFeeChange
from outcry.venue.schedule_rows import Session

BASE = "https://exchange.test/trade-api/v2"


def new_york_ms(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).timestamp() * 1000)


@pytest.fixture
def schedule(rest, exchange, payload):
    exchange.get(f"{BASE}/exchange/schedule", body=payload("schedule"))
    return rest.schedule()


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-11-18T23:59", True),  # Wednesday, open all day
        ("2026-11-19T02:59", True),  # Thursday until 03:00
        ("2026-11-19T03:00", False),
        ("2026-11-19T04:59", False),
        ("2026-11-19T05:00", True),
        ("2026-11-19T23:59", True),  # until midnight
        ("2026-11-21T07:59", False),  # Saturday from 08:00 ...
        ("2026-11-21T23:30", True),
        ("2026-11-22T01:59", True),  # ... until 02:00 on Sunday, which has no hours of its own
        ("2026-11-22T02:00", False),
        ("2026-07-02T04:30", False),  # in summer, when New York is an hour nearer to UTC
        ("2026-07-02T05:00", True),
        ("2026-11-24T03:59", True),  # Tuesday, before maintenance at 09:00 UTC
        ("2026-11-24T04:00", False),
        ("2026-11-24T05:30", True),
        ("2026-01-04T23:59", False),  # before and after these hours hold
        ("2027-01-04T00:00", False),
    ],
)
def test_open_as_published(schedule, when, is_open):
    assert schedule.open_at(new_york_ms(when)) is is_open


def test_sessions_in_minutes(schedule):
    (week,) = schedule.weeks
    assert week.days[0] == (Session(0, 1440),)
    assert week.days[3] == (Session(0, 180), Session(300, 1440))
    assert week.days[5] == (Session(480, 1560),)
    assert week.days[6] == ()


@pytest.mark.parametrize("text", ["8", "08:60", "25:00", "0x:00", "", "08-00"])
def test_a_time_of_day_that_is_none_is_drift(rest, exchange, change, text):
    tree = change("schedule")
    tree["schedule"]["standard_hours"][0]["friday"][0]["open_time"] = text
    exchange.get(f"{BASE}/exchange/schedule", json=tree)
    with pytest.raises(SchemaDrift):
        rest.schedule()


def test_how_fresh_reads_are(rest, exchange, payload):
    exchange.get(f"{BASE}/exchange/user_data_timestamp", body=payload("user_data_timestamp"))
    assert rest.user_data_as_of_ms() == 1_795_194_192_345


def test_fee_changes_of_series_and_events(rest, exchange, payload):
    exchange.get(f"{BASE}/series/fee_changes", body=payload("series_fee_changes"))
    exchange.get(f"{BASE}/events/fee_changes", body=payload("event_fee_changes"))
    assert rest.series_fee_changes("KXBTC15M") == [
        SeriesFeeChange("KXBTC15M", FeeTerms("quadratic_with_maker_fees", 500_000), 1_796_101_200_000),
        SeriesFeeChange("KXBTC15M", FeeTerms("quadratic", 1_000_000), 1_798_779_600_500),
    ]
    event = "KXBTCD-26NOV2017"
    assert rest.event_fee_changes(event) == [
        EventFeeChange(event, "KXBTCD", "quadratic", 35_000, 1_795_194_000_000),
        EventFeeChange(event, "KXBTCD", None, None, 1_795_212_000_000),
    ]
    assert "show_historical" not in exchange.calls[0].request.url
