"""The tape: what was added is read back in order, in big chunks, through restarts, refusals and damage."""

import sqlite3
from pathlib import Path

import pytest

from outcry.domain.errors import InvariantBroken, Unavailable
from outcry.store import tape as tapes
from outcry.store.tape import Tape
from outcry.store.tape_reader import Reader
from outcry.store.tape_rows import NO_LAG
from taped import delta, read, snapshots_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tapes.file_of(tmp_path / "tape", 1_795_194_192_345_000_000)


def test_the_file_is_named_by_its_utc_day(file: Path):
    assert file.name == "2026-11-20.db"


def test_rows_of_every_kind_come_back_as_they_went_in(file: Path):
    tape = Tape(file, 5)
    assert (tape.symbol("A"), tape.symbol("B"), tape.symbol("A")) == (1, 2, 1)
    rows: dict[str, list[tuple[int, ...]]] = {
        "delta": [(1, 100, 9, 1, 2, 7, 1, 4300, -1200), (2, 99, NO_LAG, 1, 2, 8, 2, -4500, 1)],
        "ticker": [(3, 100, 5, 1, 3, 1, -1, 4300, 4500, 100, 200, 18_422_75, 9_120_10)],
        "print": [(4, 100, 80, 1, 4, 1, 1, 4400, 300, 1, 0), (5, 100, 81, 1, 4, 2, 1, 4400, 1, 0, 1)],
        "index": [(6, 101, 1, 5, 1, 2, 97_130_110_000, 1_795_194_873_000, -1, 0)],
        "publish": [(7, 102, 991)],
    }
    for kind, some in rows.items():
        tape.add(kind, some, ["t-1", "t-2"] if kind == "print" else ())
    tape.snapshot((8, 103, 1, 2, 9), "B", {4300: 10, 4200: 20}, {4500: 5})
    tape.snapshot((9, 103, 1, 2, 10), "A", {}, {})
    tape.note("gap", 10, 104_000_000, {"lost": 3}, epoch=1, sid=2, seq=11, name="A")
    tape.note("raw", 11, 105_000_000, b"\xff{")
    tape.close(6)
    assert {kind: read(file, kind) for kind in rows} == rows
    reader = Reader(file)
    assert reader.symbols == {1: "A", 2: "B"}
    assert reader.sessions == [(1, 5, 6, 2)]
    assert (reader.torn, reader.manifest) == ("", b"")
    (prints,) = reader.tables("print", 1)
    assert (prints.ids, list(prints.column("seq")), len(prints)) == (("t-1", "t-2"), [1, 2], 2)
    assert [list(column) for column in prints.columns("price_cc", "inferred")] == [[4400, 4400], [0, 1]]
    full, empty = snapshots_of(reader)
    assert full == (1, 8, 103, 1, 2, 9, "B", {4300: 10, 4200: 20}, {4500: 5})
    assert empty == (1, 9, 103, 1, 2, 10, "A", {}, {})
    gap, raw = reader.notes()
    assert (gap.kind, gap.seq, gap.name, gap.body) == ("gap", 11, "A", b'{"lost": 3}')
    assert raw.body == b"\xff{"
    assert [note.kind for note in reader.notes("raw")] == ["raw"]
    reader.close()


def test_small_chunks_become_big_ones_and_nothing_moves(file: Path):
    tape = Tape(file, 5)
    rows = [delta(arrival) for arrival in range(12_345)]
    for at in range(0, len(rows), 500):
        tape.add("delta", rows[at : at + 500])
        tape.flush()
    assert read(file) == rows  # beside the running session
    tape.close(6)
    assert read(file) == rows
    with sqlite3.connect(file) as db:
        assert [row[0] for row in db.execute("SELECT n FROM chunks ORDER BY arrival0")] == [5_000, 5_000, 2_345]
        assert db.execute("SELECT n, seq0, seq1 FROM coverage").fetchall() == [(12_345, 0, 12_344)]
    db.close()


def test_a_second_session_of_the_day_goes_on_behind_the_first(file: Path):
    for session in (1, 2):
        tape = Tape(file, session)
        assert (tape.session, tape.symbol("A")) == (session, 1)
        tape.add("delta", [delta(arrival) for arrival in range(4)])
        tape.close(session)
    reader = Reader(file)
    assert [next(reader.tables("delta", session)).column("seq")[0] for session in (1, 2)] == [0, 0]
    reader.close()


def test_a_killed_session_loses_only_what_was_not_flushed(file: Path):
    tape = Tape(file, 5)
    tape.add("delta", [delta(1)])
    tape.flush()
    tape.add("delta", [delta(2)])
    assert read(file) == [delta(1)]
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT ended_at_ns FROM sessions").fetchone() == (None,)
    db.close()
    tape._db.close()


def test_a_refused_flush_keeps_what_is_pending_and_the_next_one_writes_it_once(file: Path):
    tape = Tape(file, 5)
    tape._db.execute("PRAGMA busy_timeout = 10")
    tape.add("delta", [delta(1)])
    tape.flush()
    stranger = sqlite3.connect(file, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    tape.symbol("new")
    tape.add("delta", [delta(2)])
    with pytest.raises(Unavailable):
        tape.flush()
    assert tape.pending == 1
    stranger.execute("ROLLBACK")
    stranger.close()
    tape.add("delta", [delta(3)])
    tape.close(6)
    assert read(file) == [delta(1), delta(2), delta(3)]


def test_a_damaged_chunk_is_told_and_never_read(file: Path):
    tape = Tape(file, 5)
    tape.add("delta", [delta(1), delta(2)])
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
