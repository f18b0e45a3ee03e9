"""Integers as the wire's texts, fast: a table of all prices, and caches where the same value comes again at once.

Prices are dollars with four places, counts contracts with two, money dollars with six, times ISO-8601 UTC.
"""

import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from outcry.domain.units import ONE_DOLLAR_CC, format_decimal

_PRICES = tuple(format_decimal(price, 4) for price in range(ONE_DOLLAR_CC + 1))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES = uuid.uuid5(uuid.NAMESPACE_DNS, "exchange.outcry.invalid")


def price(price_cc: int) -> str:
    """Dollars of a price between $0 and $1."""
    return _PRICES[price_cc]


def no_price(price_cc: int) -> str:
    """The same price on the NO scale."""
    return _PRICES[ONE_DOLLAR_CC - price_cc]


@lru_cache(maxsize=4096)
def count(count_ch: int) -> str:
    """Contracts, signed."""
    return format_decimal(count_ch, 2)


def money(micros: int) -> str:
    """Dollars, signed, to the last micro."""
    return format_decimal(micros, 6)


@lru_cache(maxsize=256)
def iso(at_ms: int) -> str:
    """A time with its milliseconds.

    >>> iso(1795194192345)
    '2026-11-20T17:03:12.345Z'
    """
    return (_EPOCH + timedelta(milliseconds=at_ms)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


@lru_cache(maxsize=4096)
def uuid_of(kind: str, name: str) -> str:
    """A lasting UUID for a thing the wire knows by one: a market, a user."""
    return str(uuid.uuid5(_NAMES, f"{kind}/{name}"))


def number(micros: int) -> int | float:
    """A JSON number for an amount of micro-dollars: strikes come as numbers, not as strings."""
    whole, rest = divmod(micros, 1_000_000)
    return whole if rest == 0 else micros / 1_000_000


def decimal(micros: int, least_places: int = 2) -> str:
    """The shortest exact decimal with at least some places.

    >>> decimal(97_130_110_000), decimal(5_000_000), decimal(1_234_567)
    ('97130.11', '5.00', '1.234567')
    """
    whole, _, fraction = format_decimal(micros, 6).partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(least_places, '0')}"
