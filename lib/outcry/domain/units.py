"""Integers that know their unit.

| type      | one is                    | range        | product                         |
|-----------|---------------------------|--------------|---------------------------------|
| Price     | $0.0001 (centicent, _cc)  | 0 .. 10 000  | Price x Contracts = Money       |
| Contracts | 0.01 contract (_ch)       | any          | (signed: a position may be < 0) |
| Money     | $0.000001 (_micros)       | any          | exact, never rounded here       |

4 + 2 places are 6: the product of a price and a count is a whole number of micro-dollars.
They are `int` subclasses, so they bind to SQLite, sort and compare at C speed; adding two of a kind gives the
kind, and mixing kinds is a TypeError. Hot loops use the bare integers, with the unit in the name.
"""

from typing import Any, NoReturn, Self

from outcry.domain.errors import InvariantBroken

ONE_DOLLAR_CC = 10_000
ONE_CONTRACT_CH = 100
ONE_DOLLAR_MICROS = 1_000_000


def parse_decimal(text: str, places: int) -> int:
    """Read a decimal string exactly into an integer of 10**-places.

    raises  ValueError when it is not a plain decimal number, or has non-zero digits beyond `places`

    >>> parse_decimal("0.4300", 4), parse_decimal("-12.5", 2), parse_decimal("1", 6)
    (4300, -1250, 1000000)
    """
    sign, digits = (-1, text[1:]) if text[:1] == "-" else (1, text)
    whole, _, fraction = digits.partition(".")
    if not (whole + fraction).isascii() or not (whole + fraction).isdigit() or not whole:
        raise ValueError(f"{text!r} is not a decimal number")
    if fraction[places:].strip("0"):
        raise ValueError(f"{text!r} has more than {places} decimal places")
    return sign * int(whole + fraction[:places].ljust(places, "0"))


def format_decimal(value: int, places: int) -> str:
    """The exact decimal string of an integer of 10**-places.

    >>> format_decimal(-1250, 2), format_decimal(43, 4)
    ('-12.50', '0.0043')
    """
    whole, fraction = divmod(abs(value), 10**places)
    return f"{'-' if value < 0 else ''}{whole}.{fraction:0{places}d}"


class _Unit(int):
    __slots__ = ()
    places = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Exact, from the wire's decimal string. Raises ValueError, or InvariantBroken when out of range."""
        return cls(parse_decimal(text, cls.places))

    def _same(self, other: object) -> int:
        if type(other) is not type(self):
            raise TypeError(f"{type(self).__name__} and {type(other).__name__} do not add up")
        return int(other)

    def __add__(self, other: object) -> Self:
        return type(self)(int(self) + self._same(other))

    def __radd__(self, other: object) -> Self:  # sum() begins with a plain 0
        if type(other) is not int or other != 0:
            raise TypeError(f"{type(other).__name__} and {type(self).__name__} do not add up")
        return self

    def __sub__(self, other: object) -> Self:
        return type(self)(int(self) - self._same(other))

    def __rsub__(self, other: object) -> NoReturn:  # else a plain number less a kind would be a plain number
        raise TypeError(f"{type(other).__name__} and {type(self).__name__} do not add up")

    def __neg__(self) -> Self:
        return type(self)(-int(self))

    def __mul__(self, other: object) -> Any:
        if type(other) is not int:
            raise TypeError(f"{type(self).__name__} is not multiplied by {type(other).__name__}")
        return type(self)(int(self) * other)

    __rmul__ = __mul__

    def __str__(self) -> str:
        return format_decimal(self, self.places)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"


class Money(_Unit):
    """Dollars. Unit: micro-dollar ($0.000001).

    >>> Money(1_500_000) + Money(1)
    Money(1.500001)
    """

    __slots__ = ()
    places = 6


class Contracts(_Unit):
    """Contracts, signed where it is a position. Unit: 0.01 contract."""

    __slots__ = ()
    places = 2

    def __mul__(self, other: object) -> Any:
        return Money(int(self) * int(other)) if type(other) is Price else super().__mul__(other)

    __rmul__ = __mul__


class Price(_Unit):
    """Dollars per contract on the YES scale. Unit: centicent ($0.0001), from 0 to 10 000.

    >>> Price(4300) * Contracts(1200)
    Money(5.160000)
    """

    __slots__ = ()
    places = 4

    def __new__(cls, centicents: int = 0) -> Self:
        if not 0 <= centicents <= ONE_DOLLAR_CC:
            raise InvariantBroken(f"{centicents} centicents is outside 0 to 1 dollar")
        return super().__new__(cls, centicents)

    def __mul__(self, other: object) -> Any:
        return Money(int(self) * int(other)) if type(other) is Contracts else super().__mul__(other)

    __rmul__ = __mul__

    @property
    def no(self) -> "Price":
        """The same price on the NO scale: $1 less it."""
        return Price(ONE_DOLLAR_CC - int(self))
