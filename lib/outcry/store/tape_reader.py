"""Reading a tape, recorded or compiled: tables of columns in order of arrival, snapshots, and notes.

A tape that was cut (a killed recorder, a copy that broke off) is read as far as it goes; `torn` and `lost` say what is
missing. Nothing is ever read as something else: a table that does not match its checksum is an error.
"""

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from outcry.domain.errors import InvariantBroken, Misconfigured, Unavailable
from outcry.store import database
from outcry.store.columns import Columns
from outcry.store.tape import SCHEMA
from outcry.store.tape_rows import FIRST_FORMAT, FORMAT, KINDS, NO_LAG, SNAPSHOT, UNKNOWN
from outcry.store.torn_tape import salvage


class Table:
    """Rows of one kind, one after the other, as columns of equal length.

    Columns are decoded when they are asked for, whole, into arrays, lists or ranges: no object is made per row.
    """

    def __init__(self, kind: str, rows: int, columns: Columns | list[Sequence[int]], ids: tuple[str, ...] = ()) -> None:
        self.kind, self.ids = kind, ids
        self._rows, self._columns = rows, columns
        self._names = {name: index for index, name in enumerate(KINDS[kind]._fields)}

    def __len__(self) -> int:
        return self._rows

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._names)

    def column(self, name: str) -> Sequence[int]:
        """One column, by the name of its field in `tape_rows`."""
        return self._columns[self._names[name]]

    def columns(self, *names: str) -> list[Sequence[int]]:
        """Several columns, in the order asked for; all, without names."""
        return [self.column(name) for name in names or self._names]

    def rows(self) -> Iterator[tuple[int, ...]]:
        """The rows, as the kind's own type of `tape_rows`: handy, and an object each."""
        return map(KINDS[self.kind]._make, zip(*self.columns(), strict=True))


class Snapshot(NamedTuple):
    """A whole book, {price_cc: count_ch} a side. epoch 0: it was polled, or is the recorder's own."""

    session: int
    arrival: int
    at_ms: int
    epoch: int
    sid: int
    seq: int
    ticker: str
    bids: dict[int, int]
    asks: dict[int, int]


class Note(NamedTuple):
    """Something rare. body: JSON; of a frame that nobody could read, the frame."""

    session: int
    arrival: int
    at_ns: int
    kind: str
    epoch: int
    sid: int | None
    seq: int | None
    name: str
    body: bytes


class SessionRow(NamedTuple):
    """One run of a recorder. ended_at_ns None: it runs, or it was killed and its last moments are lost."""

    session: int
    started_at_ns: int
    ended_at_ns: int | None
    format: int


class Reader:
    """One day's file. Reads beside a running collector, too.

    torn    what is wrong with the file as a whole, "" when nothing is
    lost    what of it cannot be read, in words
    raises  Misconfigured when there is no such file, or a newer build wrote it; Unavailable when it is no tape
    """

    def __init__(self, file: Path) -> None:
        self.file, self.torn = file, ""
        self.lost: list[str] = []
        self._db = self._open()
        try:
            applied = {row[0] for row in self._db.execute("SELECT name FROM migrations")}
            if unknown := sorted(applied - {path.name for path in SCHEMA.glob("[0-9]*.sql")}):
                raise Misconfigured(f"tape {file} has {unknown[-1]}, which this build lacks", "install the newer build")
            version = "format" if "0002_format.sql" in applied else "1"
            self.sessions = [
                SessionRow(*row)
                for row in self._db.execute(
                    f"SELECT session, started_at_ns, ended_at_ns, {version} FROM sessions ORDER BY session"  # noqa: S608
                )
            ]
            self.symbols: dict[int, str] = dict(self._db.execute("SELECT symbol, name FROM symbols").fetchall())
            self.manifest = self._manifest() if "0002_format.sql" in applied else b""
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise Unavailable(f"{file} is no tape that can be read: {error}") from error
        except Misconfigured:
            self._db.close()
            raise

    def tables(self, kind: str, session: int) -> Iterator[Table]:
        """All rows of one kind in one session, in order of arrival.

        raises  InvariantBroken when a chunk does not match its checksum or its description
        """
        width = len(KINDS[kind]._fields)
        if next(row.format for row in self.sessions if row.session == session) < FORMAT:
            yield from self._old(kind, session)
            return
        for _, _, codec, body, crc, count, ids in self._chunks(kind, session):
            columns = Columns(codec, body, crc, count)
            if len(columns) != width:
                raise InvariantBroken(f"{kind} chunk of {len(columns)} columns, {width} expected")
            yield Table(kind, count, columns, _lines(ids))

    def snapshots(self, session: int) -> Iterator[Snapshot]:
        """All whole books of a session, in order of arrival."""
        for row in self._rows(
            "SELECT session, arrival0, t0_ms, epoch, sid, seq0, symbol, codec, body, crc, n FROM chunks"
            " WHERE kind = 'snapshot' AND session = ? ORDER BY arrival0, chunk",
            (session,),
        ):
            session, arrival, at_ms, epoch, sid, seq, symbol, codec, body, crc, count = row
            columns = Columns(codec, body, crc, count)
            if len(columns) != len(SNAPSHOT):
                raise InvariantBroken(f"snapshot of {len(columns)} columns, {len(SNAPSHOT)} expected")
            levels = list(zip(*columns, strict=True))
            bids = {price: size for price, size in levels if price >= 0}
            asks = {-price: size for price, size in levels if price < 0}
            yield Snapshot(session, arrival, at_ms, epoch, sid, seq, self.symbols[symbol], bids, asks)

    def notes(self, kind: str = "", session: int | None = None) -> Iterator[Note]:
        """The notes in order of arrival; of one kind, or all."""
        for row in self._rows(
            "SELECT session, arrival, at_ns, kind, epoch, sid, seq, name, body FROM notes"
            " WHERE ? IN ('', kind) AND session = coalesce(?, session) ORDER BY session, arrival, note",
            (kind, session),
        ):
            yield Note(*row)

    def counts(self) -> dict[str, tuple[int, int]]:
        """(rows, bytes of their bodies) by kind, over all sessions; whole books count as one, and notes as one."""
        found = self._db.execute(
            "SELECT kind, sum(CASE kind WHEN 'snapshot' THEN 1 ELSE n END), sum(length(body)) FROM chunks GROUP BY kind"
        ).fetchall()
        notes = self._db.execute("SELECT 'note', count(*), coalesce(sum(length(body)), 0) FROM notes").fetchall()
        return {kind: (rows, size) for kind, rows, size in found + notes if rows}

    def span_ms(self) -> tuple[int, int] | None:
        """First and last receive time of anything in it; None of an empty tape."""
        first, last = self._db.execute(
            "SELECT min(at), max(at) FROM (SELECT min(t0_ms) AS at FROM chunks UNION ALL SELECT max(t1_ms) FROM chunks"
            " UNION ALL SELECT min(at_ns) / 1000000 FROM notes UNION ALL SELECT max(at_ns) / 1000000 FROM notes)"
        ).fetchone()
        return None if first is None else (first, last)

    def close(self) -> None:
        self._db.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return database.read_only(self.file)
        except Unavailable:
            rescued, self.lost = salvage(self.file, SCHEMA)
            self.torn = "the file is shorter than it was: its end is missing"
            return rescued

    def _manifest(self) -> bytes:
        found = self._db.execute("SELECT body FROM manifest").fetchone()
        return found[0].encode() if found else b""

    def _chunks(self, kind: str, session: int) -> Iterator[sqlite3.Row]:
        return self._rows(
            "SELECT epoch, sid, codec, body, crc, n, ids FROM chunks WHERE kind = ? AND session = ?"
            " ORDER BY arrival0, chunk",
            (kind, session),
        )

    def _rows(self, query: str, values: tuple[object, ...]) -> Iterator[sqlite3.Row]:
        try:
            yield from self._db.execute(query, values)
        except sqlite3.DatabaseError as error:
            raise Unavailable(f"tape {self.file} cannot be read: {error}") from error

    def _old(self, kind: str, session: int) -> Iterator[Table]:
        """A session of format 1 as one table: it kept connections apart, and lacked some columns."""
        rows: list[tuple[tuple[int, ...], str]] = []
        for epoch, sid, codec, body, crc, count, ids in self._chunks(kind, session):
            lines = _lines(ids) or ("",) * count
            for values, line in zip(zip(*Columns(codec, body, crc, count), strict=True), lines, strict=True):
                known = dict(zip(FIRST_FORMAT[kind], values, strict=True)) | {"epoch": epoch, "sid": sid}
                if "exchange_ms" in known:
                    known["lag_ms"] = known["at_ms"] - known["exchange_ms"]
                filled = {"lag_ms": NO_LAG, "inferred": 0} | known
                rows.append((tuple(filled.get(name, UNKNOWN) for name in KINDS[kind]._fields), line))
        if rows:
            rows.sort()
            ids = tuple(line for _, line in rows) if kind == "print" else ()
            yield Table(kind, len(rows), list(zip(*(values for values, _ in rows), strict=True)), ids)


def _lines(ids: bytes | None) -> tuple[str, ...]:
    return tuple(zlib.decompress(ids).decode().split("\n")) if ids else ()
