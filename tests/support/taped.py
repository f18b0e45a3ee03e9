"""What is on a tape, as plain lists for tests."""

from pathlib import Path
from typing import Any

from outcry.domain.book import Book
from outcry.store.tape_reader import Reader, Snapshot
from outcry.store.tape_rows import KINDS, NO_LAG


def rows_of(reader: Reader, kind: str) -> list[Any]:
    """All rows of a kind, as their own type, session after session."""
    return [
        row for session in reader.sessions for table in reader.tables(kind, session.session) for row in table.rows()
    ]


def snapshots_of(reader: Reader) -> list[Snapshot]:
    return [snapshot for session in reader.sessions for snapshot in reader.snapshots(session.session)]


def read(file: Path, kind: str = "delta") -> list[Any]:
    reader = Reader(file)
    found = rows_of(reader, kind)
    reader.close()
    return found


def delta(arrival: int, seq: int | None = None, **other: int) -> tuple[int, ...]:
    """A delta like any other, but for what is named."""
    like = {"arrival": arrival, "at_ms": 1_000_000 + arrival // 3, "lag_ms": NO_LAG, "epoch": 1, "sid": 2}
    same = {"seq": arrival if seq is None else seq, "symbol": 1, "signed_price_cc": -4300, "change_ch": 250}
    return KINDS["delta"](**(like | same | other))


def books_of(reader: Reader) -> dict[str, Book]:
    """The books at the end of a tape, rebuilt from its columns in order of arrival."""
    books: dict[str, Book] = {}
    for session in reader.sessions:
        whole = list(reader.snapshots(session.session))
        changes = [row for table in reader.tables("delta", session.session) for row in table.rows()]
        for entry in sorted([*whole, *changes], key=lambda entry: entry.arrival):
            if isinstance(entry, Snapshot):
                book = books[entry.ticker] = Book()
                book.replace(dict(entry.bids), dict(entry.asks))
            else:
                price = entry.signed_price_cc
                books[reader.symbols[entry.symbol]].apply(price > 0, abs(price), entry.change_ch)
    return books
