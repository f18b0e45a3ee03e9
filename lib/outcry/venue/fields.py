"""Single fields of the wire, read exactly: dollars, counts and times, as strings or (now and then) as JSON numbers.

Strict on purpose: what cannot be read exactly is `SchemaDrift`, never a zero and never a rounded guess. So is a number
that no exchange can mean: whatever is read here fits 64 bits, in the database too, and price times count still does.
"""

from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Annotated, TypeVar, cast

import msgspec

from outcry.domain.errors import SchemaDrift
from outcry.domain.units import ONE_DOLLAR_CC, format_decimal, parse_decimal

T = TypeVar("T")
MOST = 900_000_000_000_000  # 9 trillion contracts or dollars in cents, the year 30489 in milliseconds
MOST_MICROS = MOST * 10_000
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)  # what decoding raises: no JSON, no UTF-8, too deep
Whole = Annotated[int, msgspec.Meta(ge=-MOST, le=MOST)]  # a whole number on the wire
Amount = str | int | float  # what a dollar or count field may arrive as

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ABSURD_S = 100_000_000_000  # the year 5138; the same moment in milliseconds is 1973


def price_cc(value: Amount) -> int:
    """A price in dollars as centicents. Raises SchemaDrift outside $0 to $1 or finer than a centicent.

    >>> price_cc("0.4300"), price_cc(0.001), price_cc("1")
    (4300, 10, 10000)
    """
    price = _exact(value, 4, "price", MOST)
    if not 0 <= price <= ONE_DOLLAR_CC:
        raise SchemaDrift(f"price {value!r} is outside 0 to 1 dollar")
    return price


def count_ch(value: Amount) -> int:
    """Contracts, signed where the field is, as hundredths.

    >>> count_ch("12.00"), count_ch("-0.5"), count_ch(3)
    (1200, -50, 300)
    """
    return _exact(value, 2, "count", MOST)


def dollars_micros(value: Amount) -> int:
    """Dollars as micro-dollars.

    >>> dollars_micros("0.057400"), dollars_micros("-12")
    (57400, -12000000)
    """
    return _exact(value, 6, "amount", MOST_MICROS)


def cents_micros(cents: int) -> int:
    """Whole cents (the few fields that still are) as micro-dollars."""
    return cents * 10_000


def time_ms(text: str) -> int:
    """An ISO-8601 time with zone, any number of fraction digits, as Unix milliseconds (rounded down).

    >>> time_ms("2026-11-20T17:03:12.345678901Z"), time_ms("1970-01-01T00:00:01Z")
    (1795194192345, 1000)
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SchemaDrift(f"{text!r} is not an ISO time") from None
    if moment.tzinfo is None:
        raise SchemaDrift(f"time {text!r} names no zone")
    return (moment - _EPOCH) // _MILLISECOND


def optional_time_ms(text: str | None) -> int | None:
    """Like `time_ms`; None for an absent, empty or year-one time, which all mean "none"."""
    return None if not text or text.startswith("0001-") else time_ms(text)


def seconds_ms(seconds: int) -> int:
    """A time in whole Unix seconds as milliseconds. Raises SchemaDrift for one that must be in another unit.

    >>> seconds_ms(1_795_194_200)
    1795194200000
    """
    if not 0 <= seconds < _ABSURD_S:
        raise SchemaDrift(f"{seconds} are not Unix seconds")
    return seconds * 1000


def price_text(price: int) -> str:
    """A price as requests carry it: four decimals."""
    return format_decimal(price, 4)


def count_text(count: int) -> str:
    """A count as requests carry it: two decimals."""
    return format_decimal(count, 2)


def scaled(number: Decimal, places: int) -> int:
    """A decimal as an integer of 10**-places; half of the last place rounds to even.

    raises  SchemaDrift for NaN, and for what is too large to be any price or index
    """
    if not number.is_finite():
        raise SchemaDrift(f"{number} is not a number")
    if number.adjusted() + places >= len(str(MOST_MICROS)) - 1:
        raise SchemaDrift(f"{number:.3e} is more than there can be")
    return int(number.scaleb(places).to_integral_value())


def decode(kind: type[T], body: bytes, what: str) -> T:
    """A body as one of our row types: unknown fields ignored, a missing or mistyped one that we use refused.

    raises  SchemaDrift, with the body kept
    """
    try:
        return _decoder(cast(Hashable, kind)).decode(body)
    except UNREADABLE as error:
        raise SchemaDrift(f"{what}: {error}", body) from None


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder:
    return msgspec.json.Decoder(kind)


def _exact(value: Amount, places: int, what: str, most: int) -> int:
    try:
        text = value if isinstance(value, str) else format(Decimal(repr(value)), "f")
        exact = parse_decimal(text, places)
    except ValueError as error:
        raise SchemaDrift(f"{what}: {error}") from None
    if abs(exact) > most:
        raise SchemaDrift(f"{what}: {text[:40]} is more than there can be")
    return exact
