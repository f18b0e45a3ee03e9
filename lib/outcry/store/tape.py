"""The tape: one SQLite file a UTC day with everything the collector heard, in compressed columns.

Rows are written in small chunks (whatever came since the last flush), and rewritten into big ones as soon as enough of
them are there, so a file stays small without a long rewrite at its end; a killed collector leaves its last few chunks
small, and nothing else. A file of its own keeps the ledger small and bulk commits away from the traders' locks.
"""

import json
import sqlite3
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from outcry import failpoints
from outcry.domain.errors import Unavailable
from outcry.store import columns, database

SCHEMA = database.PROJECT / "sql" / "tape"
CHUNK_ROWS = 5_000

Row = tuple[int, ...]


class Kind(NamedTuple):
    """The columns of one kind of row. All begin with arrival and at_ms (local receive time)."""

    names: tuple[str, ...]
    growing: tuple[bool, ...]

    @property
    def has_seq(self) -> bool:
        return "seq" in self.names


def _kind(names: str) -> Kind:
    words = tuple(names.split())
    return Kind(words, tuple(word in ("arrival", "at_ms", "seq", "number", "value_at_ms") for word in words))


# signed_price_cc: a bid's price, or an ask's negated. taker: 1 bought YES, -1 sold it, 0 unknown. -1 for no price.
KINDS = {
    "delta": _kind("arrival at_ms seq symbol signed_price_cc change_ch"),
    "ticker": _kind("arrival at_ms symbol last_cc bid_cc ask_cc bid_ch ask_ch volume_ch open_interest_ch"),
    "print": _kind("arrival at_ms seq symbol price_cc count_ch taker exchange_ms"),
    "index": _kind("arrival at_ms seq symbol value_micros value_at_ms settle_micros settle_values"),
    "publish": _kind("arrival at_ms number"),
}
SNAPSHOT = ("signed_price_cc", "count_ch")


class Stream(NamedTuple):
    """Where rows came from: they share a chunk only with their own kind, connection and subscription."""

    kind: str
    epoch: int
    sid: int


class _Tail:
    """The rows of a stream that are still in small chunks."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.ids: list[str] = []
        self.chunks: list[int] = []


class Tape:
    """One day's file, written by one session. Not thread-safe: open, use and close it in one thread.

    raises  Unavailable from opening, `flush` and `close` when the disk or the file refuses; what was added stays
            pending, and the next flush tries again
    """

    def __init__(self, file: Path, started_at_ns: int) -> None:
        self.file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"no folder for tape {file}: {error}") from error
        self._db = database.connect(file, checkpoints=True)
        try:
            database.migrate(self._db, SCHEMA)
            with database.quick(self._db):
                self.session = self._db.execute(
                    "INSERT INTO sessions (started_at_ns) VALUES (?) RETURNING session", (started_at_ns,)
                ).fetchone()[0]
            self._symbols = {name: number for number, name in self._db.execute("SELECT symbol, name FROM symbols")}
        except sqlite3.Error as error:
            self._db.close()
            raise Unavailable(f"tape {file} cannot be written: {error}") from error
        self._new_symbols: list[tuple[int, str]] = []
        self._pending: dict[Stream, list[Row]] = {}
        self._pending_ids: dict[Stream, list[str]] = {}
        self._tails: dict[Stream, _Tail] = {}
        self._snapshots: list[tuple[object, ...]] = []
        self._notes: list[tuple[object, ...]] = []
        self.pending = 0

    def symbol(self, name: str) -> int:
        """The small number that stands for a ticker or index in the columns of this file."""
        number = self._symbols.get(name)
        if number is None:
            number = self._symbols[name] = len(self._symbols) + 1
            self._new_symbols.append((number, name))
        return number

    def add(self, stream: Stream, rows: list[Row], ids: Sequence[str] = ()) -> None:
        """Rows of one stream in order of arrival, as `KINDS` names their columns. ids: trade ids, of prints."""
        self._pending.setdefault(stream, []).extend(rows)
        if ids:
            self._pending_ids.setdefault(stream, []).extend(ids)
        self.pending += len(rows)

    def snapshot(
        self, stream: Stream, name: str, arrival: int, at_ms: int, seq: int, bids: dict[int, int], asks: dict[int, int]
    ) -> None:
        """One whole book, {price_cc: count_ch} a side."""
        prices = [*bids, *(-price for price in asks)]
        codec, body, crc = columns.pack([prices, [*bids.values(), *asks.values()]], [False, False])
        self._snapshots.append(
            ("snapshot", self.session, stream.epoch, stream.sid, self.symbol(name), arrival, len(prices), seq, seq,
             at_ms, at_ms, codec, crc, body, None)
        )  # fmt: skip
        self.pending += 1

    def note(
        self,
        kind: str,
        arrival: int,
        at_ns: int,
        body: bytes | dict[str, object],
        *,
        epoch: int = 0,
        sid: int | None = None,
        seq: int | None = None,
        name: str = "",
    ) -> None:
        """Something rare, with its facts (kept as JSON) or its raw bytes."""
        blob = body if isinstance(body, bytes) else json.dumps(body, default=str).encode()
        self._notes.append((self.session, arrival, at_ns, kind, epoch, sid, seq, name, blob))
        self.pending += 1

    def flush(self) -> None:
        """Write what is pending, in one transaction, rewriting small chunks into big ones where enough are there."""
        if not self.pending:
            return
        tails: dict[Stream, _Tail] = {}
        try:
            with database.quick(self._db):
                self._db.executemany("INSERT INTO symbols VALUES (?, ?)", self._new_symbols)
                self._db.executemany(_INSERT_CHUNK, self._snapshots)
                self._db.executemany(_INSERT_NOTE, self._notes)
                for stream, rows in self._pending.items():
                    tails[stream] = self._append(stream, rows, self._pending_ids.get(stream, []))
                failpoints.reached("tape.commit")
        except sqlite3.Error as error:
            raise Unavailable(f"tape {self.file} refused a write: {error}") from error
        self._tails |= tails
        self._clear()

    def close(self, ended_at_ns: int) -> None:
        """Flush, rewrite the small chunks that are left, and end the session."""
        try:
            self.flush()
            with database.quick(self._db):
                for stream, tail in self._tails.items():
                    if len(tail.chunks) > 1:
                        self._rewrite(stream, tail)
                self._db.execute("UPDATE sessions SET ended_at_ns = ? WHERE session = ?", (ended_at_ns, self.session))
        except sqlite3.Error as error:
            raise Unavailable(f"tape {self.file} could not be closed: {error}") from error
        finally:
            self._db.close()

    def _append(self, stream: Stream, rows: list[Row], ids: list[str]) -> _Tail:
        """One new small chunk; the old tail is left as it is, so that a failed transaction changes nothing here."""
        old, new = self._tails.get(stream, _Tail()), _Tail()
        new.rows, new.ids = old.rows + rows, old.ids + ids
        new.chunks = [*old.chunks, self._insert(stream, rows, ids)]
        if len(new.rows) < CHUNK_ROWS:
            return new
        if len(new.chunks) > 1:
            self._rewrite(stream, new)
        return _Tail()

    def _rewrite(self, stream: Stream, tail: _Tail) -> None:
        self._db.executemany("DELETE FROM chunks WHERE chunk = ?", [(chunk,) for chunk in tail.chunks])
        self._insert(stream, tail.rows, tail.ids)

    def _insert(self, stream: Stream, rows: list[Row], ids: list[str]) -> int:
        kind = KINDS[stream.kind]
        codec, body, crc = columns.pack(list(zip(*rows, strict=True)), kind.growing)
        seq0, seq1 = (rows[0][2], rows[-1][2]) if kind.has_seq else (None, None)
        lines = zlib.compress("\n".join(ids).encode(), 1) if ids else None
        first, last = rows[0], rows[-1]
        values = (stream.kind, self.session, stream.epoch, stream.sid, None, first[0], len(rows), seq0, seq1,
                  first[1], last[1], codec, crc, body, lines)  # fmt: skip
        chunk: int = self._db.execute(_INSERT_CHUNK + " RETURNING chunk", values).fetchone()[0]
        return chunk

    def _clear(self) -> None:
        self._new_symbols, self._snapshots, self._notes = [], [], []
        self._pending, self._pending_ids = {}, {}
        self.pending = 0


_INSERT_CHUNK = (
    "INSERT INTO chunks (kind, session, epoch, sid, symbol, arrival0, n, seq0, seq1, t0_ms, t1_ms, codec, crc, body,"
    " ids) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_NOTE = (
    "INSERT INTO notes (session, arrival, at_ns, kind, epoch, sid, seq, name, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def file_of(folder: Path, at_ns: int) -> Path:
    """The file of the UTC day a moment belongs to."""
    return folder / f"{datetime.fromtimestamp(at_ns // 1_000_000_000, UTC):%Y-%m-%d}.db"
