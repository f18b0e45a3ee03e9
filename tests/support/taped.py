"""What is on a tape, as plain lists for tests."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from outcry.domain.book import Book
from outcry.domain.market import Market, PriceRange, Status
from outcry.store.tape import Tape
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


class Recorder:
    """Writes a tape row by row, numbering what arrives. `at_ms` runs on by itself, a tenth of a second a row."""

    def __init__(self, file: Path, at_ms: int = 1_795_176_000_000) -> None:
        self.tape = Tape(file, at_ms * 1_000_000)
        self.file, self.at_ms, self.arrival = file, at_ms, 0

    def _next(self) -> int:
        self.arrival += 1
        self.at_ms += 100
        return self.arrival

    def whole(
        self, ticker: str, seq: int, bids: dict[int, int], asks: dict[int, int], epoch: int = 1, sid: int = 2
    ) -> None:
        self.tape.snapshot((self._next(), self.at_ms, epoch, sid, seq), ticker, bids, asks)

    def delta(
        self, ticker: str, seq: int, price: int, change: int, epoch: int = 1, sid: int = 2, lag_ms: int = 10
    ) -> None:
        row = (self._next(), self.at_ms, lag_ms, epoch, sid, seq, self.tape.symbol(ticker), price, change)
        self.tape.add("delta", [row])

    def ticker(self, ticker: str, bid: tuple[int, int], ask: tuple[int, int], lag_ms: int = 10, epoch: int = 1) -> None:
        head = (self._next(), self.at_ms, lag_ms, epoch, 3, self.tape.symbol(ticker))
        self.tape.add("ticker", [(*head, -1, bid[0], ask[0], bid[1], ask[1], 0, 0)])

    def trade(self, ticker: str, price: int, count: int, taker: int = 1, seq: int = 0, inferred: int = 0) -> None:
        row = (self._next(), self.at_ms, 5, 1, 4, seq, self.tape.symbol(ticker), price, count, taker, inferred)
        self.tape.add("print", [row], [f"t-{self.arrival}"])

    def index(self, name: str, value: int, at_ms: int) -> None:
        self.tape.add("index", [(self._next(), self.at_ms, 1, 0, 0, self.tape.symbol(name), value, at_ms, -1, 0)])

    def publish(self, number: int) -> None:
        self.tape.add("publish", [(self._next(), self.at_ms, number)])

    def note(self, kind: str, body: object, name: str = "", epoch: int = 1, **more: Any) -> None:
        blob = body if isinstance(body, bytes) else msgspec.json.encode(body)
        self.tape.note(kind, self._next(), self.at_ms * 1_000_000, blob, epoch=epoch, name=name, **more)

    def market(self, ticker: str, close_at_ms: int, **more: Any) -> None:
        bands = (PriceRange(0, 10_000, 100),)
        market = Market(ticker, "E", "S", 0, Status.ACTIVE, close_at_ms - 900_000, close_at_ms, bands)
        self.note("market", replace(market, **more), name=ticker, epoch=0)

    def close(self) -> Path:
        self.tape.close(self.at_ms * 1_000_000)
        return self.file
