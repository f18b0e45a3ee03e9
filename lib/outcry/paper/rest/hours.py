"""The exchange's week: open around the clock, but for two hours in the night of Thursday, New York time."""

from outcry.paper.generate.windows import eastern

PAUSE_DAY, PAUSE_FROM_HOUR, PAUSE_TO_HOUR = 3, 3, 5  # Thursday, counted from Monday
_HOUR_MS = 3_600_000
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WHOLE_DAY = [{"open_time": "00:00", "close_time": "00:00"}]
_BROKEN_DAY = [
    {"open_time": "00:00", "close_time": f"{PAUSE_FROM_HOUR:02d}:00"},
    {"open_time": f"{PAUSE_TO_HOUR:02d}:00", "close_time": "00:00"},
]
WEEK: dict[str, object] = {
    "start_time": "2025-01-01T05:00:00Z",
    "end_time": "2035-01-01T05:00:00Z",
    **{day: _BROKEN_DAY if number == PAUSE_DAY else _WHOLE_DAY for number, day in enumerate(_DAYS)},
}


def paused(at_ms: int) -> bool:
    """Whether trading pauses at a time.

    >>> [paused(hour * _HOUR_MS + 1_795_046_400_000) for hour in (7, 8, 9, 10)]  # Thursday in winter, UTC
    [False, True, True, False]
    """
    local = eastern(at_ms)
    return local.weekday() == PAUSE_DAY and PAUSE_FROM_HOUR <= local.hour < PAUSE_TO_HOUR


def next_change_ms(at_ms: int) -> int:
    """The next time at which trading stops or goes on again: on a whole hour, in every week of the year."""
    began, hour_ms = paused(at_ms), at_ms - at_ms % _HOUR_MS + _HOUR_MS
    while paused(hour_ms) is began:
        hour_ms += _HOUR_MS
    return hour_ms
