"""What every importer makes of its files: entries in order of time, each with the source it came from.

`at_ms` is when the entry was heard, on the exchange's clock. `link` is the recorder's connection that brought it, ""
when none did. An entry becomes one row or note of a tape; the writer adds arrival, epoch, and the number of the symbol.
"""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from outcry.domain.errors import Misconfigured
from outcry.domain.market import Market


class Entry(Struct, frozen=True):
    at_ms: int
    source: str
    link: str


class Delta(Entry, frozen=True):
    lag_ms: int
    sid: int
    seq: int
    ticker: str
    signed_price_cc: int
    change_ch: int


class Whole(Entry, frozen=True):
    sid: int
    seq: int
    ticker: str
    bids: dict[int, int]
    asks: dict[int, int]


class Ticker(Entry, frozen=True):
    """numbers: last, bid, ask, bid size, ask size, volume, open interest, as in `TickerRow`."""

    lag_ms: int
    sid: int
    ticker: str
    numbers: tuple[int, ...]


class Print(Entry, frozen=True):
    ticker: str
    price_cc: int
    count_ch: int
    taker: int
    inferred: bool


class IndexValue(Entry, frozen=True):
    name: str
    value_micros: int


class Known(Entry, frozen=True):
    """A market's facts are known from here on."""

    market: Market


class Began(Entry, frozen=True):
    """The link's connection began."""


class Ended(Entry, frozen=True):
    """The link's connection is over, or frames of it are missing."""

    why: str


class Told(Entry, frozen=True):
    """Something that a user of this source should know."""

    what: str


@dataclass(frozen=True, slots=True)
class Source:
    """One file to import. name: as the manifest calls it; first_ms: about when it begins."""

    path: Path
    name: str
    first_ms: int

    def facts(self) -> dict[str, object]:
        """Name, size and sha256 of the file."""
        digest = hashlib.sha256()
        try:
            with self.path.open("rb") as file:
                while part := file.read(1 << 20):
                    digest.update(part)
            return {"name": self.name, "bytes": self.path.stat().st_size, "sha256": digest.hexdigest()}
        except OSError as error:
            raise Misconfigured(f"cannot read {self.path}: {error.strerror}") from error


def opened(path: Path) -> BinaryIO | gzip.GzipFile:
    """A file of lines, gzipped or not."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def in_order(entries: Iterator[Entry]) -> Iterator[Entry]:
    """The same entries; none earlier than one before it (clocks of recorders jump)."""
    last_ms = 0
    for entry in entries:
        yield entry if entry.at_ms >= last_ms else _moved(entry, last_ms)
        last_ms = max(last_ms, entry.at_ms)


def _moved(entry: Entry, at_ms: int) -> Entry:
    values = {name: getattr(entry, name) for name in entry.__struct_fields__}
    return type(entry)(**(values | {"at_ms": at_ms}))
