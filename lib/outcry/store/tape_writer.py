"""A compiled day: the same file format as a recorded one, in large chunks, with a manifest; the same bytes each time.

It is built beside its place, brought into one order by SQLite itself (`VACUUM INTO`), and renamed there when it is
whole. Its digest is of what it says, not of how it is compressed: it stays the same when a library packs better.
"""

import hashlib
import os
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from outcry.domain.errors import Unavailable
from outcry.store import columns, database
from outcry.store.tape import CHUNK_ROWS, INSERT_CHUNK, INSERT_NOTE, SCHEMA, chunk_values
from outcry.store.tape_reader import Note, SessionRow, Snapshot, Table
from outcry.store.tape_rows import FORMAT, KINDS


class Writer:
    """One compiled day in the making.

    raises  Unavailable, from every call, when the disk refuses
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.draft, self._done = file.with_suffix(".draft"), file.with_suffix(".new")
        self._digest = hashlib.sha256()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._remove()
            self._db = database.connect(self.draft, checkpoints=True)
            database.migrate(self._db, SCHEMA)
            self._db.execute("UPDATE migrations SET applied_at = 'compiled'")
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"cannot write {file}: {error}") from error

    def names(self, symbols: dict[int, str]) -> None:
        self._tell("symbols", repr(sorted(symbols.items())))
        self._write("INSERT INTO symbols VALUES (?, ?)", sorted(symbols.items()))

    def session(self, row: SessionRow) -> None:
        self._tell("session", repr(row[:3]))
        self._write("INSERT INTO sessions VALUES (?, ?, ?, ?)", [(*row[:3], FORMAT)])

    def tables(self, kind: str, session: int, tables: Iterable[Table]) -> None:
        """All rows of a kind in a session, in chunks of CHUNK_ROWS."""
        self._write(INSERT_CHUNK, self._packed(kind, session, tables))

    def snapshots(self, snapshots: Iterable[Snapshot], symbols: dict[str, int]) -> None:
        self._write(INSERT_CHUNK, self._whole(snapshots, symbols))

    def notes(self, notes: Iterable[Note]) -> None:
        self._write(INSERT_NOTE, map(self._noted, notes))

    def finish(self, manifest: str) -> None:
        """Put the day in its place."""
        self._write("INSERT INTO manifest VALUES (?)", [(manifest,)])
        try:
            self._db.execute("VACUUM INTO ?", (str(self._done),))
            self._db.close()
            descriptor = os.open(self._done, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._done.replace(self.file)
            self._remove()
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"cannot write {self.file}: {error}") from error

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._db.close()
        self._remove()

    @property
    def digest(self) -> str:
        """sha256 of everything written so far."""
        return f"sha256:{self._digest.hexdigest()}"

    def _packed(self, kind: str, session: int, tables: Iterable[Table]) -> Iterator[tuple[object, ...]]:
        pending: list[list[int]] = [[] for _ in KINDS[kind]._fields]
        ids: list[str] = []
        for table in tables:
            for held, column in zip(pending, table.columns(), strict=True):
                held.extend(column)
            ids.extend(table.ids)
            while len(pending[0]) >= CHUNK_ROWS:
                yield self._chunk(kind, session, [held[:CHUNK_ROWS] for held in pending], ids[:CHUNK_ROWS])
                pending, ids = [held[CHUNK_ROWS:] for held in pending], ids[CHUNK_ROWS:]
        if pending[0]:
            yield self._chunk(kind, session, pending, ids)

    def _chunk(self, kind: str, session: int, table: Sequence[Sequence[int]], ids: list[str]) -> tuple[object, ...]:
        self._tell(kind, f"{session} {len(table[0])} {ids}")
        for column in table:
            self._digest.update(array("q", column).tobytes())
        return chunk_values(kind, session, table, ids)

    def _whole(self, snapshots: Iterable[Snapshot], symbols: dict[str, int]) -> Iterator[tuple[object, ...]]:
        for it in snapshots:
            self._tell("snapshot", repr(it))
            prices = [*it.bids, *(-price for price in it.asks)]
            codec, body, crc = columns.pack([prices, [*it.bids.values(), *it.asks.values()]], [False, False])
            yield ("snapshot", it.session, it.epoch, it.sid, symbols[it.ticker], it.arrival, len(prices), it.seq,
                   it.seq, it.at_ms, it.at_ms, codec, crc, body, None)  # fmt: skip

    def _noted(self, note: Note) -> tuple[object, ...]:
        self._tell("note", repr(note))
        return tuple(note)

    def _tell(self, kind: str, what: str) -> None:
        self._digest.update(f"{kind} {what}\n".encode())

    def _write(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        try:
            with database.quick(self._db):
                self._db.executemany(statement, rows)
        except sqlite3.Error as error:
            raise Unavailable(f"cannot write {self.draft}: {error}") from error

    def _remove(self) -> None:
        for path in (self.draft, self._done):
            for suffix in ("", "-wal", "-shm", "-journal"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
