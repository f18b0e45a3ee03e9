"""One day of tape as research reads it: the same for recorded, compiled and imported days.

    with Day(file) as day:
        for session in day.sessions:
            for table in session.deltas():
                for at_ms, symbol, price, change in zip(
                    *table.columns("at_ms", "symbol", "signed_price_cc", "change_ch")
                ):
                    ...

A day has sessions: runs of a recorder, one after the other. Within a session `arrival` orders everything of every kind:
what has the higher number was heard later. Between sessions nothing is known: books begin anew. A day is a UTC day of
`at_ms`: a market that closes at midnight is settled in the file of the day after.

Bulk comes as tables of columns (`store.tape_rows` says what each column is): `deltas`, `tickers`, `prints`, `index`,
`publishes`. A table is up to 5 000 rows in strictly rising order of arrival; tables follow each other in that order.
Columns are decoded when asked for, into arrays, lists or ranges; iterate over a `zip` of them.

    deltas      arrival at_ms lag_ms epoch sid seq symbol signed_price_cc change_ch
                a bid's price is +price, an ask's is -price (YES scale); change_ch is signed
    tickers     arrival at_ms lag_ms epoch sid symbol last_cc bid_cc ask_cc bid_ch ask_ch volume_ch open_interest_ch
    prints      arrival at_ms lag_ms epoch sid seq symbol price_cc count_ch taker inferred  (and `table.ids`)
                taker 1 bought YES, -1 sold YES, 0 unknown; inferred 1: from ticker volume and book decreases
    index       arrival at_ms epoch sid seq symbol value_micros value_at_ms settle_micros settle_values
    publishes   arrival at_ms number

`session.names[symbol]` is the ticker, or the index's name (`BTC-USD@coinbase` for a price from another source).
`at_ms` is when the recorder heard it. Of imported days it is the exchange's clock: the recorder's, less its offset, so
order and delays are as they were. Prices that are missing are UNKNOWN (-1).

What is rare comes as small records, each with its `arrival` and `at_ms`: `snapshots` (whole books), `markets` (what was
known of a market from that moment on), `settlements`, `losses` (from there on no book is known until its next
snapshot), `own_changes` (deltas that orders of this floor caused), and `notes` for all the rest.
"""

import heapq
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec

from outcry.domain.errors import InvariantBroken, Misconfigured
from outcry.domain.market import Market
from outcry.store.tape_reader import Note, Reader, Snapshot, Table
from outcry.store.tape_rows import KINDS, LOSSES, MARKET, OWN, SETTLEMENT

BOOK_CHANNEL = "orderbook_delta"

More = Callable[[int], None]
Bar = Callable[[str, int], AbstractContextManager[More]]  # as ops/bar.py: what is done, of how many pieces
COMPILED, IMPORTED = "compiled", "imported"  # folders beside the recorded days


class Fact(NamedTuple):
    """What was known of a market from then on."""

    arrival: int
    at_ms: int
    market: Market


class Settlement(NamedTuple):
    """How a market ended, at the moment it was first known.

    source  exchange: it said so on the stream or in its list · recorded: somebody wrote it down, the moment is
            guessed · derived: computed from what else is known
    """

    arrival: int
    at_ms: int
    ticker: str
    result: str
    value_cc: int
    expiration_micros: int | None
    source: str


class Loss(NamedTuple):
    """Something is missing from here on. `books`: no book of that epoch (of any, for 0) is known until a snapshot."""

    arrival: int
    at_ms: int
    kind: str
    epoch: int
    books: bool
    detail: dict[str, Any]


class OwnChange(NamedTuple):
    """The delta of this arrival was caused by an order of this floor."""

    arrival: int
    at_ms: int
    ticker: str
    client_order_id: str


class Session:
    """One run of a recorder. `ended_at_ms` None: it was killed, and up to 5 s or 500 rows of its end are missing."""

    def __init__(self, reader: Reader, number: int, started_at_ms: int, ended_at_ms: int | None) -> None:
        self._reader, self.number = reader, number
        self.started_at_ms, self.ended_at_ms = started_at_ms, ended_at_ms
        self.names = reader.symbols

    def deltas(self) -> Iterator[Table]:
        return self.tables("delta")

    def tickers(self) -> Iterator[Table]:
        return self.tables("ticker")

    def prints(self) -> Iterator[Table]:
        return self.tables("print")

    def index(self) -> Iterator[Table]:
        return self.tables("index")

    def publishes(self) -> Iterator[Table]:
        return self.tables("publish")

    def tables(self, kind: str) -> Iterator[Table]:
        """All rows of a kind."""
        return self._reader.tables(kind, self.number)

    def snapshots(self) -> Iterator[Snapshot]:
        return self._reader.snapshots(self.number)

    def notes(self, kind: str = "") -> Iterator[Note]:
        return self._reader.notes(kind, self.number)

    def markets(self) -> Iterator[Fact]:
        """Facts of markets, each when it became known: a fact never tells of a later one."""
        for note in self.notes(MARKET):
            try:
                market = msgspec.json.decode(note.body, type=Market)
            except msgspec.MsgspecError as error:
                raise InvariantBroken(f"tape {self._reader.file}, note {note.arrival}: {error}") from error
            yield Fact(note.arrival, note.at_ns // 1_000_000, market)

    def settlements(self) -> list[Settlement]:
        """How markets ended, each once, in order of arrival."""
        told = heapq.merge(
            self._imported_settlements(),
            self._told_settlements(),
            self._listed_settlements(),
            key=lambda it: it.arrival,
        )
        first: dict[str, Settlement] = {}
        for settlement in told:
            first.setdefault(settlement.ticker, settlement)
        return list(first.values())

    def losses(self) -> list[Loss]:
        """Where something is missing, in order of arrival."""
        found = []
        for note in heapq.merge(*(self.notes(kind) for kind in LOSSES), key=lambda note: note.arrival):
            detail = msgspec.json.decode(note.body)
            books = note.kind != "gap" or detail.get("channel") in (BOOK_CHANNEL, "")
            found.append(Loss(note.arrival, note.at_ns // 1_000_000, note.kind, note.epoch, books, detail))
        return found

    def own_changes(self) -> Iterator[OwnChange]:
        for note in self.notes(OWN):
            order = msgspec.json.decode(note.body)["client_order_id"]
            yield OwnChange(note.arrival, note.at_ns // 1_000_000, note.name, order)

    def _imported_settlements(self) -> Iterator[Settlement]:
        for note in self.notes(SETTLEMENT):
            facts = msgspec.json.decode(note.body)
            yield Settlement(note.arrival, note.at_ns // 1_000_000, note.name, **facts)

    def _told_settlements(self) -> Iterator[Settlement]:
        for note in self.notes("lifecycle"):
            facts = msgspec.json.decode(note.body)
            if facts.get("value_cc") is not None:
                at_ms = note.at_ns // 1_000_000
                yield Settlement(
                    note.arrival, at_ms, note.name, facts["result"], facts["value_cc"], None, "exchange"
                )  # fmt: skip

    def _listed_settlements(self) -> Iterator[Settlement]:
        for arrival, at_ms, market in self.markets():
            if (value_cc := market.settlement_value_cc) is not None:
                yield Settlement(
                    arrival, at_ms, market.ticker, market.result, value_cc, market.expiration_micros, "exchange"
                )


class Day:
    """One file of tape, open for reading.

    manifest  of a compiled day: its schema, digest, sources, coverage and defects; empty of a recorded one
    raises    Misconfigured when there is no such file; Unavailable when it is no tape
    """

    def __init__(self, file: Path) -> None:
        self.file, self.name = file, file.name.partition(".")[0]
        self.reader = Reader(file)
        self.manifest: dict[str, Any] = msgspec.json.decode(self.reader.manifest) if self.reader.manifest else {}
        self.sessions = [
            Session(
                self.reader,
                row.session,
                row.started_at_ns // 1_000_000,
                None if row.ended_at_ns is None else row.ended_at_ns // 1_000_000,
            )
            for row in self.reader.sessions
        ]

    def close(self) -> None:
        self.reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def no_bar(_label: str, _length: int) -> Iterator[More]:
    """Long work that nobody watches."""
    yield lambda _more: None


def rows_of(day: Day, *kinds: str) -> int:
    """How many rows of some kinds it has; of all that come as tables, without kinds."""
    counts = day.reader.counts()
    return sum(counts.get(kind, (0, 0))[0] for kind in kinds or KINDS)


def find(folder: Path, names: tuple[str, ...] | list[str]) -> list[Path]:
    """The files of some days, in the order of their days.

    folder  state/<environment>/tape: days recorded here, in compiled/ those that are closed, in imported/ those brought
    names   days (2026-11-20: compiled, else recorded, else imported), or files, or folders of them; without any, all
            days that there are
    raises  Misconfigured for a day that is not there
    """
    found: set[Path] = set()
    for name in names or sorted({file.stem for file in find_all(folder)}):
        path = Path(name)
        if path.is_file():
            found.add(path)
        elif path.is_dir() and (inside := list(path.glob(_DAYS))):
            found.update(inside)
        elif there := [file for place in _places(folder) if (file := place / f"{name}.db").is_file()]:
            found.add(there[0])
        else:
            raise Misconfigured(f"no tape of {name} in {folder}", "bin/tape ls shows what there is")
    if not found:
        raise Misconfigured(f"no tape in {folder}", "run a floor, or bin/tape import")
    return sorted(found, key=lambda file: (file.name, file))


def find_all(folder: Path) -> list[Path]:
    """Every file of tape, in the order of days; several of one day where it is both recorded and compiled."""
    return sorted((file for place in _places(folder) for file in place.glob(_DAYS)), key=lambda file: file.name)


_DAYS = "????-??-??.db"


def _places(folder: Path) -> tuple[Path, Path, Path]:
    return folder / COMPILED, folder, folder / IMPORTED
