"""The tape: what was added is read back in order, in big chunks, through restarts, refusals and damage."""

import sqlite3
from pathlib import Path

import pytest

from outcry.domain.errors import InvariantBroken, Unavailable
from outcry.store import tape as tapes
from outcry.store.tape import Stream, Tape
from outcry.store.tape_reader import Reader

DELTAS = Stream("delta", 1, 2)


def delta(arrival: int, seq: int | None = None) -> tuple[int, ...]:
    return (arrival, 1_000_000 + arrival // 3, arrival if seq is None else seq, 1, -4300, 250)


def read(file: Path, kind: str = "delta") -> list[tuple[int, ...]]:
    reader = Reader(file)
    rows = [row for chunk in reader.chunks(kind) for row in chunk.rows]
    reader.close()
    return rows


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tapes.file_of(tmp_path / "tape", 1_795_194_192_345_000_000)


def test_the_file_is_named_by_its_utc_day(file: Path):
    assert file.name == "2026-11-20.db"


def test_rows_of_every_kind_come_back_as_they_went_in(file: Path):
    tape = Tape(file, 5)
    assert (tape.symbol("A"), tape.symbol("B"), tape.symbol("A")) == (1, 2, 1)
    rows = {
        "delta": [(1, 100, 7, 1, 4300, -1200), (2, 99, 8, 2, -4500, 1)],
        "ticker": [(3, 100, 1, -1, 4300, 4500, 100, 200, 18_422_75, 9_120_10)],
        "print": [(4, 100, 1, 1, 4400, 300, 1, 1_795_194_192_345), (5, 100, 2, 1, 4400, 1, 0, 1_795_194_192_346)],
        "index": [(6, 101, 1, 2, 97_130_110_000, 1_795_194_873_000, -1, 0)],
        "publish": [(7, 102, 991)],
    }
    for kind, some in rows.items():
        tape.add(Stream(kind, 1, 2), some, ["t-1", "t-2"] if kind == "print" else ())
    tape.snapshot(DELTAS, "B", 8, 103, 9, {4300: 10, 4200: 20}, {4500: 5})
    tape.snapshot(DELTAS, "A", 9, 103, 10, {}, {})
    tape.note("gap", 10, 104_000_000, {"lost": 3}, epoch=1, sid=2, seq=11, name="A")
    tape.note("raw", 11, 105_000_000, b"\xff{")
    tape.close(6)
    assert {kind: read(file, kind) for kind in rows} == rows
    reader = Reader(file)
    assert reader.symbols == {1: "A", 2: "B"}
    (prints,) = reader.chunks("print")
    assert (prints.ids, prints.seq0, prints.seq1, prints.epoch, prints.sid) == (("t-1", "t-2"), 1, 2, 1, 2)
    full, empty = reader.chunks("snapshot")
    assert (full.name, full.seq0, [list(column) for column in full.columns]) == (
        "B",
        9,
        [[4300, 4200, -4500], [10, 20, 5]],
    )
    assert (empty.name, [list(column) for column in empty.columns]) == ("A", [[], []])
    gap, raw = reader.notes()
    assert (gap.kind, gap.seq, gap.name, gap.body) == ("gap", 11, "A", b'{"lost": 3}')
    assert raw.body == b"\xff{"
    assert [note.kind for note in reader.notes("raw")] == ["raw"]
    reader.close()


def test_small_chunks_become_big_ones_and_nothing_moves(file: Path):
    tape = Tape(file, 5)
    rows = [delta(arrival) for arrival in range(12_345)]
    for at in range(0, len(rows), 500):
        tape.add(DELTAS, rows[at : at + 500])
        tape.flush()
    assert read(file) == rows  # beside the running session
    tape.close(6)
    assert read(file) == rows
    with sqlite3.connect(file) as db:
        assert [row[0] for row in db.execute("SELECT n FROM chunks ORDER BY arrival0")] == [5_000, 5_000, 2_345]
        assert db.execute("SELECT n, seq0, seq1 FROM coverage").fetchall() == [(12_345, 0, 12_344)]
    db.close()


def test_streams_never_share_a_chunk(file: Path):
    tape = Tape(file, 5)
    for epoch in (1, 2):
        tape.add(Stream("delta", epoch, 2), [delta(epoch * 10 + row, seq=row) for row in range(3)])
        tape.flush()
    tape.close(6)
    reader = Reader(file)
    assert [(chunk.epoch, chunk.seq0, chunk.seq1) for chunk in reader.chunks("delta")] == [(1, 0, 2), (2, 0, 2)]
    reader.close()


def test_a_second_session_of_the_day_goes_on_behind_the_first(file: Path):
    for session in (1, 2):
        tape = Tape(file, session)
        assert (tape.session, tape.symbol("A")) == (session, 1)
        tape.add(DELTAS, [delta(arrival) for arrival in range(4)])
        tape.close(session)
    reader = Reader(file)
    assert [chunk.session for chunk in reader.chunks("delta")] == [1, 2]
    reader.close()


def test_a_killed_session_loses_only_what_was_not_flushed(file: Path):
    tape = Tape(file, 5)
    tape.add(DELTAS, [delta(1)])
    tape.flush()
    tape.add(DELTAS, [delta(2)])
    assert read(file) == [delta(1)]
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT ended_at_ns FROM sessions").fetchone() == (None,)
    db.close()
    tape._db.close()


def test_a_refused_flush_keeps_what_is_pending_and_the_next_one_writes_it_once(file: Path):
    tape = Tape(file, 5)
    tape._db.execute("PRAGMA busy_timeout = 10")
    tape.add(DELTAS, [delta(1)])
    tape.flush()
    stranger = sqlite3.connect(file, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    tape.symbol("new")
    tape.add(DELTAS, [delta(2)])
    with pytest.raises(Unavailable):
        tape.flush()
    assert tape.pending == 1
    stranger.execute("ROLLBACK")
    stranger.close()
    tape.add(DELTAS, [delta(3)])
    tape.close(6)
    assert read(file) == [delta(1), delta(2), delta(3)]


def test_a_damaged_chunk_is_told_and_never_read(file: Path):
    tape = Tape(file, 5)
    tape.add(DELTAS, [delta(1), delta(2)])
    tape.close(6)
    with sqlite3.connect(file) as db:
        db.execute("UPDATE chunks SET crc = crc + 1")
    db.close()
    with pytest.raises(InvariantBroken, match="checksum"):
        read(file)


def test_a_file_that_is_no_tape_is_refused(tmp_path: Path):
    file = tmp_path / "2026-11-20.db"
    file.write_text("not a database, and long enough to be looked at as if it were one" * 20)
    with pytest.raises(Unavailable):
        Tape(file, 5)
