"""The proof that nothing was lost, doubled or invented: two statements of one account, line by line. Pure."""

from collections.abc import Hashable, Iterator, Mapping
from typing import TypeVar

from outcry.domain.statement import PaidLine, Statement
from outcry.domain.units import Money, format_decimal

Key = TypeVar("Key", bound=Hashable)
FLAT = PaidLine("", 0, 0)


def differences(ours: Statement, theirs: Statement) -> list[str]:
    """Everything in which our statement and the exchange's differ, and what is unsound in either; [] when all agrees.

    Right after something happened we may be late: ask again. What is doubled, invented or lost stays so for ever.
    """
    return [
        *(f"here: {clause}" for clause in ours.unsound),
        *(f"at the exchange: {clause}" for clause in theirs.unsound),
        *_lines("order", ours.orders, theirs.orders),
        *_lines("fill", ours.fills, theirs.fills),
        *_paid(ours.paid, theirs.paid),
        *_numbers("position in", ours.positions_ch, theirs.positions_ch, 2),
        *_numbers("cash of shard", ours.cash_micros, theirs.cash_micros, 6),
        *_fees(ours, theirs),
    ]


def _lines(what: str, ours: Mapping[Key, object], theirs: Mapping[Key, object]) -> Iterator[str]:
    for key, line in theirs.items():
        if key not in ours:
            yield f"{what} {_named(key)} is at the exchange, and not here: {line}"
        elif ours[key] != line:
            yield f"{what} {_named(key)}: here {ours[key]}, at the exchange {line}"
    yield from (
        f"{what} {_named(key)} is here, and not at the exchange: {ours[key]}" for key in ours if key not in theirs
    )


def _paid(ours: Mapping[str, PaidLine], theirs: Mapping[str, PaidLine]) -> Iterator[str]:
    """A market that we left before it paid needs no line on either side."""
    for ticker in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(ticker, FLAT), theirs.get(ticker, FLAT)
        both = ticker in ours and ticker in theirs
        if here != there and (both or here.net_ch or there.net_ch):
            yield f"settlement of {ticker}: here {ours.get(ticker)}, at the exchange {theirs.get(ticker)}"


def _numbers(what: str, ours: Mapping[Key, int], theirs: Mapping[Key, int], places: int) -> Iterator[str]:
    for key in sorted(ours.keys() | theirs.keys(), key=str):
        here, there = ours.get(key, 0), theirs.get(key, 0)
        if here != there:
            yield (
                f"{what} {_named(key)}: here {format_decimal(here, places)},"
                f" at the exchange {format_decimal(there, places)}"
            )


def _fees(ours: Statement, theirs: Statement) -> Iterator[str]:
    if ours.fees_micros != theirs.fees_micros:
        yield f"fees: here ${Money(ours.fees_micros)}, at the exchange ${Money(theirs.fees_micros)}"


def _named(key: object) -> str:
    return " of order ".join(key) if isinstance(key, tuple) else str(key)
