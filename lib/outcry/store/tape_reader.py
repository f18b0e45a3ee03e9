"""Reading a tape: chunks in order of arrival, checked, as columns; and the notes beside them."""

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from outcry.domain.errors import InvariantBroken
from outcry.store import columns, database
from outcry.store.tape import KINDS, SNAPSHOT


class Chunk(NamedTuple):
    """Rows of one kind. `columns` are in the order of `KINDS[kind]`; `name` is a snapshot's market, else ""."""

    kind: str
    session: int
    epoch: int
    sid: int
    name: str
    arrival0: int
    seq0: int | None
    seq1: int | None
    t0_ms: int
    t1_ms: int
    columns: list[Sequence[int]]
    ids: tuple[str, ...]

    @property
    def rows(self) -> Iterator[tuple[int, ...]]:
        return zip(*self.columns, strict=True)


class Note(NamedTuple):
    """Something rare."""

    session: int
    arrival: int
    at_ns: int
    kind: str
    epoch: int
    sid: int | None
    seq: int | None
    name: str
    body: bytes


class Reader:
    """One day's file. Reads beside a running collector, too."""

    def __init__(self, file: Path) -> None:
        self._db = database.read_only(file)
        self.symbols: dict[int, str] = dict(self._db.execute("SELECT symbol, name FROM symbols").fetchall())

    def chunks(self, kind: str) -> Iterator[Chunk]:
        """All rows of one kind in order of arrival.

        raises  InvariantBroken when a chunk does not match its checksum or its description
        """
        rows = self._db.execute(
            "SELECT kind, session, epoch, sid, symbol, arrival0, seq0, seq1, t0_ms, t1_ms, codec, body, crc, n, ids"
            " FROM chunks WHERE kind = ? ORDER BY session, arrival0, chunk",
            (kind,),
        )
        width = len(SNAPSHOT) if kind == "snapshot" else len(KINDS[kind].names)
        for row in rows:
            yield self._chunk(row, width)

    def notes(self, kind: str = "") -> Iterator[Note]:
        """The notes in order of arrival; of one kind, or all."""
        rows = self._db.execute(
            "SELECT session, arrival, at_ns, kind, epoch, sid, seq, name, body FROM notes"
            " WHERE ? IN ('', kind) ORDER BY session, arrival, note",
            (kind,),
        )
        for row in rows:
            yield Note(*row)

    def bytes_of(self, kind: str) -> int:
        """How much room the bodies of one kind take."""
        found: int = self._db.execute(
            "SELECT coalesce(sum(length(body)), 0) FROM chunks WHERE kind = ?", (kind,)
        ).fetchone()[0]
        return found

    def close(self) -> None:
        self._db.close()

    def _chunk(self, row: sqlite3.Row, width: int) -> Chunk:
        kind, session, epoch, sid, symbol, arrival0, seq0, seq1, t0_ms, t1_ms, codec, body, crc, count, ids = row
        unpacked = columns.unpack(codec, body, crc, count)
        if len(unpacked) != width:
            raise InvariantBroken(f"{kind} chunk of {len(unpacked)} columns, {width} expected")
        lines = tuple(zlib.decompress(ids).decode().split("\n")) if ids else ()
        name = "" if symbol is None else self.symbols[symbol]
        return Chunk(kind, session, epoch, sid, name, arrival0, seq0, seq1, t0_ms, t1_ms, unpacked, lines)
