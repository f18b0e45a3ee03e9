"""When the exchange is open, by its own published schedule: weekly hours on New York's clock, and maintenance."""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from outcry.domain.errors import SchemaDrift
from outcry.venue import fields

_NEW_YORK = ZoneInfo("America/New_York")
_DAY_MIN = 24 * 60


class SessionRow(Struct, frozen=True):
    open_time: str
    close_time: str


class WeekRow(Struct, frozen=True):
    start_time: str
    end_time: str
    monday: list[SessionRow]
    tuesday: list[SessionRow]
    wednesday: list[SessionRow]
    thursday: list[SessionRow]
    friday: list[SessionRow]
    saturday: list[SessionRow]
    sunday: list[SessionRow]


class MaintenanceRow(Struct, frozen=True):
    start_datetime: str
    end_datetime: str


class ScheduleRow(Struct, frozen=True):
    standard_hours: list[WeekRow]
    maintenance_windows: list[MaintenanceRow]


class Session(NamedTuple):
    """Trading hours within one day, in minutes after New York's midnight; beyond 1440 they reach into the next day."""

    opens_min: int
    closes_min: int


class Week(NamedTuple):
    """Hours that hold for a while. `days`: Monday first, the sessions of each."""

    from_ms: int
    until_ms: int
    days: tuple[tuple[Session, ...], ...]


class Maintenance(NamedTuple):
    """When the exchange may be away altogether."""

    from_ms: int
    until_ms: int


class Schedule(NamedTuple):
    weeks: tuple[Week, ...]
    maintenance: tuple[Maintenance, ...]

    def open_at(self, at_ms: int) -> bool:
        """Whether trading is scheduled at this time. What is scheduled is not yet so: ask the exchange's status too."""
        if any(window.from_ms <= at_ms < window.until_ms for window in self.maintenance):
            return False
        local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(_NEW_YORK)
        minute, today, yesterday = local.hour * 60 + local.minute, local.weekday(), (local.weekday() - 1) % 7
        return any(
            _within(week.days[today], minute) or _within(week.days[yesterday], minute + _DAY_MIN)
            for week in self.weeks
            if week.from_ms <= at_ms < week.until_ms
        )


def schedule(row: ScheduleRow) -> Schedule:
    """The schedule. Raises SchemaDrift when a time cannot be read."""
    return Schedule(
        tuple(_week(week) for week in row.standard_hours),
        tuple(
            Maintenance(fields.time_ms(window.start_datetime), fields.time_ms(window.end_datetime))
            for window in row.maintenance_windows
        ),
    )


def _week(row: WeekRow) -> Week:
    days = (row.monday, row.tuesday, row.wednesday, row.thursday, row.friday, row.saturday, row.sunday)
    return Week(
        fields.time_ms(row.start_time),
        fields.time_ms(row.end_time),
        tuple(tuple(map(_session, sessions)) for sessions in days),
    )


def _session(row: SessionRow) -> Session:
    """A close at or before the open is on the next day; midnight is the end of this one."""
    opens, closes = _minute(row.open_time), _minute(row.close_time)
    return Session(opens, closes if closes > opens else closes + _DAY_MIN)


def _minute(text: str) -> int:
    hour, colon, minute = text.partition(":")
    if not (colon and hour.isdecimal() and minute.isdecimal() and int(hour) <= 24 and int(minute) < 60):
        raise SchemaDrift(f"{text!r} is no time of day")
    return int(hour) * 60 + int(minute)


def _within(sessions: tuple[Session, ...], minute: int) -> bool:
    return any(session.opens_min <= minute < session.closes_min for session in sessions)
