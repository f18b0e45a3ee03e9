"""Recorded spot trades as an index: the last price of each second, once a second."""

import csv
import gzip
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from outcry.domain.errors import Misconfigured, SchemaDrift
from outcry.domain.units import parse_decimal

SECOND_US = 1_000_000
SILENT_S = 10  # a price is repeated for so long without a trade; then the index falls silent
SUFFIXES = (".csv", ".csv.gz")

Second = tuple[int, int]  # (microseconds since 1970 at the end of the second, value in micro-dollars)


def find(folder: Path) -> list[Path]:
    """The spot files of a folder in the order of their names; none when there is no such folder."""
    return sorted(file for file in folder.iterdir() if file.name.endswith(SUFFIXES)) if folder.is_dir() else []


def symbol_of(file: Path) -> str:
    """Which index a file holds, by its name.

    >>> symbol_of(Path("coinbase_btcusd_matches_20260513.csv.gz"))
    'BTC-USD'
    """
    pair = next((part for part in file.name.lower().split("_") if part.endswith("usd") and len(part) > 3), "")
    if not pair:
        raise Misconfigured(f"{file} does not name its pair", "expected a name like coinbase_btcusd_…csv.gz")
    return f"{pair.removesuffix('usd').upper()}-USD"


def seconds(files: Iterable[Path]) -> Iterator[Second]:
    """One value at the end of each second, as long as there was a trade in the last SILENT_S.

    Files in the order of their time; trades older than one already read are left out (two recorders overlap).
    """
    end_us = value = quiet_s = 0
    for at_us, price in trades(files):
        if end_us and at_us < end_us - SECOND_US:
            continue
        while end_us and at_us >= end_us and quiet_s <= SILENT_S:
            yield end_us, value
            end_us, quiet_s = end_us + SECOND_US, quiet_s + 1
        if not end_us or at_us >= end_us:
            end_us = (at_us // SECOND_US + 1) * SECOND_US
        value, quiet_s = price, 0
    if end_us:
        yield end_us, value


def trades(files: Iterable[Path]) -> Iterator[tuple[int, int]]:
    """(microseconds, micro-dollars) of each trade, in file order. SchemaDrift for a line that is none."""
    for path in files:
        opener = gzip.open if path.suffix == ".gz" else open
        try:
            with opener(path, "rt", encoding="ascii", newline="") as file:
                for row in csv.DictReader(file):
                    yield _stamp_us(row["exchange_ts_utc"]), parse_decimal(row["price"], 6)
        except OSError as error:
            raise Misconfigured(f"cannot read {path}: {error}") from error
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise SchemaDrift(f"{path}: {error!r}") from error


def _stamp_us(text: str) -> int:
    at = datetime.fromisoformat(text)
    return int(at.timestamp()) * SECOND_US + at.microsecond
