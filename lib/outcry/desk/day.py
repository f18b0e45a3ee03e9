"""The trading day: from midnight to midnight in the floor's zone, so 23 or 25 hours long twice a year."""

from datetime import UTC, datetime

from outcry.ops.settings import Settings
from outcry.review.reports.today import Day


def trading_day(settings: Settings, at_ms: int) -> Day:
    """The trading day that an instant belongs to, as much of it as has passed by then."""
    zone = settings.zone()
    local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
    midnight = datetime(local.year, local.month, local.day, tzinfo=zone)
    return Day(f"{local:%Y-%m-%d}", settings.time_zone, int(midnight.timestamp() * 1000), at_ms)
