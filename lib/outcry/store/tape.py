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

from outcry import failpoints
from outcry.domain.errors import Unavailable
from outcry.store import columns, database
from outcry.store.tape_rows import FORMAT, GROWING, KINDS

SCHEMA = database.PROJECT / "sql" / "tape"
CHUNK_ROWS = 5_000
_DAY_MS = 86_400_000


class _Tail:
    """The rows of a kind that are still in small chunks."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, ...]] = []
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
                    "INSERT INTO sessions (started_at_ns, format) VALUES (?, ?) RETURNING session",
                    (started_at_ns, FORMAT),
                ).fetchone()[0]
            self._symbols = {name: number for number, name in self._db.execute("SELECT symbol, name FROM symbols")}
        except sqlite3.Error as error:
            self._db.close()
            raise Unavailable(f"tape {file} cannot be written: {error}") from error
        self._new_symbols: list[tuple[int, str]] = []
        self._pending: dict[str, list[tuple[int, ...]]] = {}
        self._pending_ids: dict[str, list[str]] = {}
        self._tails: dict[str, _Tail] = {}
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

    def add(self, kind: str, rows: Sequence[tuple[int, ...]], ids: Sequence[str] = ()) -> None:
        """Rows of one kind in order of arrival, as `KINDS` names their columns. ids: trade ids, of prints."""
        self._pending.setdefault(kind, []).extend(rows)
        if ids:
            self._pending_ids.setdefault(kind, []).extend(ids)
        self.pending += len(rows)

    def snapshot(
        self, row: tuple[int, int, int, int, int], name: str, bids: dict[int, int], asks: dict[int, int]
    ) -> None:
        """One whole book, {price_cc: count_ch} a side. row: arrival, at_ms, epoch, sid, seq."""
        arrival, at_ms, epoch, sid, seq = row
        prices = [*bids, *(-price for price in asks)]
        codec, body, crc = columns.pack([prices, [*bids.values(), *asks.values()]], [False, False])
        self._snapshots.append(
            ("snapshot", self.session, epoch, sid, self.symbol(name), arrival, len(prices), seq, seq, at_ms, at_ms,
             codec, crc, body, None)
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
        tails: dict[str, _Tail] = {}
        try:
            with database.quick(self._db):
                self._db.executemany("INSERT INTO symbols VALUES (?, ?)", self._new_symbols)
                self._db.executemany(INSERT_CHUNK, self._snapshots)
                self._db.executemany(INSERT_NOTE, self._notes)
                for kind, rows in self._pending.items():
                    tails[kind] = self._append(kind, rows, self._pending_ids.get(kind, []))
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
                for kind, tail in self._tails.items():
                    if len(tail.chunks) > 1:
                        self._rewrite(kind, tail)
                self._db.execute("UPDATE sessions SET ended_at_ns = ? WHERE session = ?", (ended_at_ns, self.session))
        except sqlite3.Error as error:
            raise Unavailable(f"tape {self.file} could not be closed: {error}") from error
        finally:
            self._db.close()

    def _append(self, kind: str, rows: list[tuple[int, ...]], ids: list[str]) -> _Tail:
        """One new small chunk; the old tail is left as it is, so that a failed transaction changes nothing here."""
        old, new = self._tails.get(kind, _Tail()), _Tail()
        new.rows, new.ids = old.rows + rows, old.ids + ids
        new.chunks = [*old.chunks, self._insert(kind, rows, ids)]
        if len(new.rows) < CHUNK_ROWS:
            return new
        if len(new.chunks) > 1:
            self._rewrite(kind, new)
        return _Tail()

    def _rewrite(self, kind: str, tail: _Tail) -> None:
        self._db.executemany("DELETE FROM chunks WHERE chunk = ?", [(chunk,) for chunk in tail.chunks])
        self._insert(kind, tail.rows, tail.ids)

    def _insert(self, kind: str, rows: list[tuple[int, ...]], ids: list[str]) -> int:
        values = chunk_values(kind, self.session, list(zip(*rows, strict=True)), ids)
        chunk: int = self._db.execute(INSERT_CHUNK + " RETURNING chunk", values).fetchone()[0]
        return chunk

    def _clear(self) -> None:
        self._new_symbols, self._snapshots, self._notes = [], [], []
        self._pending, self._pending_ids = {}, {}
        self.pending = 0


def chunk_values(kind: str, session: int, table: Sequence[Sequence[int]], ids: Sequence[str]) -> tuple[object, ...]:
    """A chunk's row: columns packed, with what SQL is to know of them."""
    by_name = dict(zip(KINDS[kind]._fields, table, strict=True))
    arrival, at_ms, seq = by_name["arrival"], by_name["at_ms"], by_name.get("seq", [None])
    epoch, sid = by_name.get("epoch", [0])[0], by_name.get("sid", [0])[0]
    codec, body, crc = columns.pack(table, GROWING[kind])
    lines = zlib.compress("\n".join(ids).encode(), 1) if ids else None
    return (kind, session, epoch, sid, None, arrival[0], len(arrival), seq[0], seq[-1], at_ms[0], at_ms[-1], codec, crc,
            body, lines)  # fmt: skip


INSERT_CHUNK = (
    "INSERT INTO chunks (kind, session, epoch, sid, symbol, arrival0, n, seq0, seq1, t0_ms, t1_ms, codec, crc, body,"
    " ids) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_NOTE = (
    "INSERT INTO notes (session, arrival, at_ns, kind, epoch, sid, seq, name, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def same_day(one_ms: int, other_ms: int) -> bool:
    """Whether two moments are of one UTC day."""
    return one_ms // _DAY_MS == other_ms // _DAY_MS


def file_of(folder: Path, at_ns: int) -> Path:
    """The file of the UTC day a moment belongs to."""
    return folder / f"{datetime.fromtimestamp(at_ns // 1_000_000_000, UTC):%Y-%m-%d}.db"
