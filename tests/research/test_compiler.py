"""A compiled day says exactly what was recorded, in large chunks, the same bytes each time; whatever was recorded."""

import hashlib
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outcry.domain.errors import InvariantBroken, Misconfigured
from outcry.research.compiler import SCHEMA, compile_day, digest_of
from outcry.research.tape import Day
from outcry.store import tape as tapes
from outcry.store.tape import Tape
from outcry.store.tape_reader import Reader
from outcry.store.tape_rows import KINDS
from taped import Recorder, rows_of, snapshots_of

EVENTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(KINDS)), st.lists(st.integers(-5, 1 << 40), min_size=13, max_size=13)),
        st.tuples(st.just("snapshot"), st.dictionaries(st.integers(1, 9_999), st.integers(1, 1 << 40), max_size=5)),
        st.tuples(st.just("note"), st.binary(max_size=20)),
        st.tuples(st.just("flush"), st.none()),
    ),
    max_size=60,
)


def everything(file: Path) -> tuple[object, ...]:
    """All that a file says."""
    reader = Reader(file)
    rows = {kind: rows_of(reader, kind) for kind in KINDS}
    sessions = [row.session for row in reader.sessions]
    ids = [line for session in sessions for table in reader.tables("print", session) for line in table.ids]
    told = (rows, ids, snapshots_of(reader), list(reader.notes()), reader.symbols, reader.sessions)
    reader.close()
    return told


def record(file: Path, sessions: list[list[tuple[str, object]]]) -> None:
    for number, events in enumerate(sessions):
        tape = Tape(file, number)
        tape.symbol("A")
        for arrival, (what, values) in enumerate(events, 1):
            if what == "flush":
                tape.flush()
            elif what == "snapshot":
                tape.snapshot((arrival, 7, 1, 2, 3), f"M{len(values)}", values, values)
            elif what == "note":
                tape.note("raw", arrival, 5, values, epoch=1)
            else:
                row = KINDS[what](*(arrival, *values)[: len(KINDS[what]._fields)])
                tape.add(what, [row._replace(symbol=1) if "symbol" in row._fields else row],
                         [f"id-{arrival}"] if what == "print" else ())  # fmt: skip
        tape.close(number + 1)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENTS, min_size=1, max_size=3))
def test_whatever_was_recorded_is_read_back_and_compiled_equal(sessions: list[list[tuple[str, object]]]):
    with TemporaryDirectory() as name:
        file, compiled = Path(name) / "2026-11-20.db", Path(name) / "compiled" / "2026-11-20.db"
        kept = tapes.CHUNK_ROWS
        tapes.CHUNK_ROWS = 7  # so that small chunks are rewritten within a few rows
        try:
            record(file, sessions)
        finally:
            tapes.CHUNK_ROWS = kept
        told = everything(file)
        rows = [row for events in sessions for row in expected(events)]
        assert told[0] == {kind: [row for row in rows if type(row) is KINDS[kind]] for kind in KINDS}
        compile_day(file, compiled)
        assert everything(compiled) == told


def expected(events: list[tuple[str, object]]) -> list[tuple[int, ...]]:
    found = []
    for arrival, (what, values) in enumerate(events, 1):
        if what in KINDS:
            row = KINDS[what](*(arrival, *values)[: len(KINDS[what]._fields)])
            found.append(row._replace(symbol=1) if "symbol" in row._fields else row)
    return found


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Twelve thousand deltas in many small chunks, over two sessions."""
    for _ in range(2):
        recorder = Recorder(tmp_path / "2026-11-20.db")
        recorder.market("A", 1_795_176_900_000)
        recorder.whole("A", 1, {4300: 500}, {4500: 700})
        for seq in range(2, 6_002):
            recorder.delta("A", seq, 4300 - seq % 90, 100)
            if seq % 500 == 0:
                recorder.tape.flush()
        recorder.close()
    return tmp_path / "2026-11-20.db"


def test_chunks_are_large_and_the_manifest_says_what_is_there(recorded: Path, tmp_path: Path):
    target = tmp_path / "compiled" / "2026-11-20.db"
    manifest = compile_day(recorded, target)
    with Day(target) as day:
        assert day.manifest == manifest
        assert [len(table) for session in day.sessions for table in session.deltas()] == [5_000, 1_000] * 2
    assert (manifest["schema"], manifest["day"], manifest["sessions"]) == (SCHEMA, "2026-11-20", 2)
    assert manifest["sources"] == [{"name": "2026-11-20.db", "sessions": 2}]
    assert manifest["rows"] == {"delta": 12_000, "note": 2, "snapshot": 2}
    assert manifest["verified"]["sound"]
    assert manifest["coverage"]["A"]["deltas"] == 12_000
    assert manifest["digest"] == digest_of(target)
    assert sorted(path.name for path in target.parent.iterdir()) == ["2026-11-20.db"]


def test_the_same_recording_gives_the_same_bytes(recorded: Path, tmp_path: Path):
    files = [tmp_path / place / "2026-11-20.db" for place in ("one", "two")]
    manifests = [compile_day(recorded, file) for file in files]
    assert manifests[0] == manifests[1]
    assert len({hashlib.sha256(file.read_bytes()).hexdigest() for file in files}) == 1


def test_another_recording_gives_another_digest(recorded: Path, tmp_path: Path):
    before = compile_day(recorded, tmp_path / "compiled" / "2026-11-20.db")["digest"]
    recorder = Recorder(recorded)
    recorder.publish(1)
    recorder.close()
    assert compile_day(recorded, tmp_path / "compiled" / "2026-11-20.db")["digest"] != before


def test_defects_are_in_the_manifest(tmp_path: Path):
    recorder = Recorder(tmp_path / "2026-11-20.db")
    recorder.whole("A", 1, {4300: 500}, {4500: 700})
    recorder.delta("A", 3, 4300, 100)
    verified = compile_day(recorder.close(), tmp_path / "compiled" / "2026-11-20.db")["verified"]
    assert not verified["sound"]
    assert [(it["check"], it["arrival"]) for it in verified["defects"]] == [("sequence", 2)]


def test_damage_is_not_packed_away(recorded: Path, tmp_path: Path):
    with sqlite3.connect(recorded) as db:
        db.execute("UPDATE chunks SET body = zeroblob(length(body)) WHERE chunk = (SELECT max(chunk) FROM chunks)")
    db.close()
    target = tmp_path / "compiled" / "2026-11-20.db"
    with pytest.raises(InvariantBroken, match="checksum"):
        compile_day(recorded, target)
    assert not list(target.parent.iterdir())


def test_a_compiled_day_is_not_compiled_again(recorded: Path, tmp_path: Path):
    target = tmp_path / "compiled" / "2026-11-20.db"
    compile_day(recorded, target)
    with pytest.raises(Misconfigured, match="compiled already"):
        compile_day(target, tmp_path / "again" / "2026-11-20.db")
