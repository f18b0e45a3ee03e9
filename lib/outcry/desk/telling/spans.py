"""Which span of time a report is about. Days are the floor's: from midnight to midnight in its zone, 23 to 25 hours."""

from datetime import UTC, date, datetime, timedelta

from outcry.desk.common.day import trading_day
from outcry.domain.errors import Misconfigured
from outcry.ops.settings import Settings
from outcry.review.reports.whole import Span

HOUR_MS = 3_600_000
WEEK_DAYS = 7


def today(settings: Settings, at_ms: int) -> Span:
    """The present trading day as far as it has passed."""
    day = trading_day(settings, at_ms)
    return Span("today", f"trading day {day.name}", day.from_ms, at_ms + 1, (day.name,), False)


def hour(settings: Settings, at_ms: int) -> Span:
    """The last 60 minutes."""
    days = _days(settings, at_ms - HOUR_MS, at_ms)
    return Span("hour", f"the hour to {_clock(settings, at_ms)}", at_ms - HOUR_MS, at_ms + 1, days, False)


def day(settings: Settings, text: str, at_ms: int) -> Span:
    """One trading day; 'yesterday' is one too.

    raises  Misconfigured when it is no date, or has not begun
    """
    present = date.fromisoformat(trading_day(settings, at_ms).name)
    wanted = present - timedelta(days=1) if text == "yesterday" else _date(text, "--day")
    if wanted > present:
        raise Misconfigured(f"--day {text} has not begun", f"the present trading day is {present}")
    if wanted == present:
        return today(settings, at_ms)
    ends_ms = _midnight(settings, wanted + timedelta(days=1))
    return Span("day", f"trading day {wanted}", _midnight(settings, wanted), ends_ms, (str(wanted),), True)


def week(settings: Settings, at_ms: int) -> Span:
    """The present trading day and the six before it."""
    first = date.fromisoformat(trading_day(settings, at_ms).name) - timedelta(days=WEEK_DAYS - 1)
    from_ms = _midnight(settings, first)
    return Span("week", f"seven days from {first}", from_ms, at_ms + 1, _days(settings, from_ms, at_ms), False)


def since(settings: Settings, text: str, at_ms: int) -> Span:
    """From a date or a time (of the floor's zone, where it names none) until now.

    raises  Misconfigured when it is neither, or has not come
    """
    try:
        begin = datetime.fromisoformat(text)
    except ValueError:
        raise Misconfigured(f"--since {text!r} is no date and no time", "like 2026-11-20 or 2026-11-20T09:30") from None
    if begin.tzinfo is None:
        begin = begin.replace(tzinfo=settings.zone())
    from_ms = int(begin.timestamp() * 1000)
    if from_ms > at_ms:
        raise Misconfigured(f"--since {text} has not come", f"it is {_clock(settings, at_ms)}")
    return Span("since", f"since {text}", from_ms, at_ms + 1, _days(settings, from_ms, at_ms), False)


def end_of_day(settings: Settings, at_ms: int) -> int:
    """When the present trading day ends."""
    return _midnight(settings, date.fromisoformat(trading_day(settings, at_ms).name) + timedelta(days=1))


def _date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Misconfigured(f"{option} {text!r} is no date", "like 2026-11-20, or yesterday") from None


def _midnight(settings: Settings, wanted: date) -> int:
    return int(datetime(wanted.year, wanted.month, wanted.day, tzinfo=settings.zone()).timestamp() * 1000)


def _days(settings: Settings, from_ms: int, to_ms: int) -> tuple[str, ...]:
    first, last = (date.fromisoformat(trading_day(settings, at).name) for at in (from_ms, to_ms))
    return tuple(str(first + timedelta(days=number)) for number in range((last - first).days + 1))


def _clock(settings: Settings, at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(settings.zone()):%Y-%m-%d %H:%M}"
