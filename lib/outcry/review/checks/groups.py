"""Which markets win and lose together, read anew from orders: the auditor shares no reading with the gate it judges."""

from outcry.review.checks.records import Order


def together(one: Order, other: Order) -> bool:
    """Whether the markets of two orders are of one event, one game, or one index in windows that overlap."""
    if one.ticker == other.ticker or _event(one) == _event(other):
        return True
    if _game(one) and _game(one) == _game(other):
        return True
    overlap = one.open_at_ms < other.close_at_ms and other.open_at_ms < one.close_at_ms
    return bool(one.underlying) and one.underlying == other.underlying and overlap


def _event(order: Order) -> str:
    """The event of an order's market; where nobody described the market, what its ticker says."""
    return order.event_ticker or order.ticker.rpartition("-")[0] or order.ticker


def _game(order: Order) -> str:
    """What the events of one game have in common, like `26OCT12BUFLAR`: a date, perhaps a time, and who plays."""
    played = _event(order).partition("-")[2]
    year, month, day, teams = played[:2], played[2:5], played[5:7], played[7:]
    if teams[:4].isdigit():
        teams = teams[4:]
    dated = len(day) == 2 and (year + day).isdigit() and month.isalpha()
    named = teams.isalnum() and not teams.isdigit()
    return played if dated and named and played.isascii() and played.isupper() and not order.underlying else ""
