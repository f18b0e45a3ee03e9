"""Public calls about the exchange itself: its schedule, how fresh its reads are, and fees that are going to change."""

from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from outcry.domain.market import FeeTerms
from outcry.venue import fields, wire
from outcry.venue.http import Http
from outcry.venue.paging import Page, every, given
from outcry.venue.schedule_rows import Schedule, ScheduleRow, schedule


class OneSchedule(Struct, frozen=True):
    schedule: ScheduleRow


class UserDataRow(Struct, frozen=True):
    as_of_time: str


class SeriesFeeRow(Struct, frozen=True):
    series_ticker: str
    fee_type: str
    fee_multiplier: Decimal
    scheduled_ts: str  # an ISO time, whatever its name says


class EventFeeRow(Struct, frozen=True):
    event_ticker: str
    series_ticker: str
    scheduled_ts: str  # an ISO time, whatever its name says
    fee_type_override: str | None = None
    fee_multiplier_override: Decimal | None = None


class SeriesFeeList(Struct, frozen=True):
    series_fee_change_arr: list[SeriesFeeRow]


class EventFeePage(Page, frozen=True):
    event_fee_changes: list[EventFeeRow]


class SeriesFeeChange(NamedTuple):
    """From `at_ms` on, a series charges by these terms."""

    series_ticker: str
    terms: FeeTerms
    at_ms: int


class EventFeeChange(NamedTuple):
    """From `at_ms` on, an event charges otherwise than its series; None gives that part back to the series."""

    event_ticker: str
    series_ticker: str
    fee_type: str | None
    multiplier_millionths: int | None
    at_ms: int


class ScheduleCalls:
    """Work without a key."""

    _http: Http

    def schedule(self) -> Schedule:
        """The weekly hours and the maintenance windows that are published."""
        body = self._http.get("/exchange/schedule").body
        return schedule(wire.decode(OneSchedule, body, "schedule").schedule)

    def user_data_as_of_ms(self) -> int:
        """The time, in Unix ms, that reads of balance, orders, fills and positions have certainly reached."""
        body = self._http.get("/exchange/user_data_timestamp").body
        return wire.time_ms(wire.decode(UserDataRow, body, "user data timestamp").as_of_time)

    def series_fee_changes(self, series_ticker: str | None = None, *, past: bool = False) -> list[SeriesFeeChange]:
        """Fee changes of one series or of all: those to come, and with `past` those that were."""
        parameters = given(series_ticker=series_ticker, show_historical="true" if past else None)
        body = self._http.get("/series/fee_changes", parameters).body
        rows = wire.decode(SeriesFeeList, body, "series fee changes").series_fee_change_arr
        return [_series_change(row) for row in rows]

    def event_fee_changes(self, event_ticker: str | None = None) -> list[EventFeeChange]:
        """Fee overrides of one event or of all, whole."""
        parameters = given(event_ticker=event_ticker)
        rows = every(self._http, "/events/fee_changes", EventFeePage, lambda page: page.event_fee_changes, parameters)
        return [_event_change(row) for row in rows]


def _series_change(row: SeriesFeeRow) -> SeriesFeeChange:
    terms = FeeTerms(row.fee_type, fields.scaled(row.fee_multiplier, 6))
    return SeriesFeeChange(row.series_ticker, terms, fields.time_ms(row.scheduled_ts))


def _event_change(row: EventFeeRow) -> EventFeeChange:
    multiplier = row.fee_multiplier_override
    return EventFeeChange(
        row.event_ticker,
        row.series_ticker,
        row.fee_type_override,
        None if multiplier is None else fields.scaled(multiplier, 6),
        fields.time_ms(row.scheduled_ts),
    )
