"""Tables of comma-separated values: spot trades, public trades of the exchange, values of an underlying."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from typing import TypeVar

from outcry.domain.errors import SchemaDrift
from outcry.domain.units import parse_decimal
from outcry.paper.replay import recorded_spot
from outcry.paper.replay.outcomes import Outcomes
from outcry.research.importing import entries
from outcry.research.importing.entries import Entry, Source
from outcry.research.importing.index_days import daily_market
from outcry.venue import fields

_TAKER = {"yes_taker": 1, "no_taker": -1}


def spot(_outcomes: Outcomes, source: Source) -> Iterator[Entry]:
    """`exchange_ts_utc, recv_ns, price, trade_id`: trades of a spot venue, at that venue's own time."""
    name = f"{recorded_spot.symbol_of(source.path)}@{source.path.name.split('_', maxsplit=1)[0]}"
    at_ms = 0
    for at_us, price in recorded_spot.trades([source.path]):
        at_ms = max(at_ms, at_us // 1_000)
        yield entries.IndexValue(at_ms, source.name, "", name, price)


def trades(_outcomes: Outcomes, source: Source) -> Iterator[Entry]:
    """`created_time, ticker, yes_price_dollars, count, taker`: public trades, at the exchange's time."""
    known: set[str] = set()
    before: dict[str, str] = {}
    at_ms = repeated = 0
    for row in _rows(source):
        at_ms = max(at_ms, row.time("created_time"))
        ticker = row["ticker"]
        if ticker not in known:
            known.add(ticker)
            yield entries.Known(at_ms, source.name, "", daily_market(ticker))
        price, size = row.read("yes_price_dollars", fields.price_cc), row.read("count", fields.count_ch)
        repeated, before = repeated + (row.values == before), row.values
        yield entries.Print(at_ms, source.name, "", ticker, price, size, _TAKER.get(row["taker"], 0), False)
    what = (
        f"{repeated} trades equal the one before in everything that was recorded (there are no trade ids); all are kept"
    )
    yield entries.Told(at_ms, source.name, "", f"{source.name}: {what}")
    yield entries.Told(at_ms, source.name, "", f"{source.name}: trades only, no books")


def underlying(_outcomes: Outcomes, source: Source) -> Iterator[Entry]:
    """`ts_utc` and a column for each index (spx, vix, spy): values where they changed."""
    last: dict[str, str] = {}
    at_ms = 0
    for row in _rows(source):
        at_ms = max(at_ms, row.time("ts_utc"))
        for name, text in row.values.items():
            if name != "ts_utc" and text and last.get(name) != text:
                last[name] = text
                value = row.read(name, lambda told: parse_decimal(told, 6))
                yield entries.IndexValue(at_ms, source.name, "", f"{name.upper()}@recorded", value)


T = TypeVar("T")


class _Row:
    """One line of a table; SchemaDrift, with its place, for what it lacks."""

    def __init__(self, source: Source, number: int, values: dict[str, str]) -> None:
        self._source, self._number, self.values = source, number, values

    def __getitem__(self, name: str) -> str:
        return self.read(name, str)

    def time(self, name: str) -> int:
        return self.read(name, lambda text: round(datetime.fromisoformat(text).timestamp() * 1_000))

    def read(self, name: str, reader: Callable[[str], T]) -> T:
        try:
            return reader(self.values[name])
        except (KeyError, ValueError, TypeError, SchemaDrift) as error:
            raise SchemaDrift(f"{self._source.path} line {self._number}, {name}: {error}") from error


def _rows(source: Source) -> Iterator[_Row]:
    with io.TextIOWrapper(entries.opened(source.path), encoding="utf-8", newline="") as lines:
        for number, values in zip(count(2), csv.DictReader(lines), strict=False):
            yield _Row(source, number, values)
