"""A tape that was cut is read as far as it goes and says so: a killed recorder, a lost tail, a copy that broke off."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outcry.domain.errors import Unavailable
from outcry.research.tape import Day
from outcry.research.verify import verify
from outcry.store.tape_reader import Reader
from taped import Recorder, read, rows_of

BATCH = 500
WRITER = """
import sys
from pathlib import Path
from taped import Recorder
recorder = Recorder(Path(sys.argv[1]))
recorder.whole("A", 1, {4300: 1}, {4500: 1})
seq = 1
while True:
    for _ in range(500):
        seq += 1
        recorder.delta("A", seq, 4300, 1)
    recorder.tape.flush()
    print(seq, flush=True)
"""


def test_a_recorder_killed_while_it_writes_loses_the_last_batch_at_most(tmp_path: Path):
    file = tmp_path / "2026-11-20.db"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WRITER, str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    for _ in range(14):  # beyond the first rewriting of small chunks
        flushed = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    flushed = int([str(flushed), *process.stdout.read().split()][-1])
    process.wait()
    process.stdout.close()
    seqs = [row.seq for row in read(file)]
    assert seqs == list(range(2, seqs[-1] + 1))
    assert seqs[-1] in (flushed, flushed + BATCH)  # committed, or committed and not yet told
    with Day(file) as day:
        report = verify(day)
        assert day.sessions[0].ended_at_ms is None
    assert report.sound
    assert [it.check for it in report.remarks] == ["killed"]


@pytest.fixture
def running(tmp_path: Path) -> Path:
    """A copy of a tape with its log, taken in the middle of a session of 20 batches."""
    recorder = Recorder(tmp_path / "2026-11-20.db")
    recorder.whole("A", 1, {4300: 1}, {4500: 1})
    for batch in range(20):
        for row in range(BATCH):
            recorder.delta("A", 2 + batch * BATCH + row, 4300, 1 + row * row % 977)
        recorder.tape.flush()
    copied = tmp_path / "copy"
    copied.mkdir()
    for name in ("2026-11-20.db", "2026-11-20.db-wal"):
        shutil.copy(tmp_path / name, copied / name)
    recorder.close()
    return copied / "2026-11-20.db"


def test_a_log_cut_in_its_last_commit_costs_that_batch(running: Path):
    log = running.with_name("2026-11-20.db-wal")
    whole = len(read(running))
    os.truncate(log, log.stat().st_size - 100)
    rows = read(running)
    assert whole == 20 * BATCH
    assert [row.seq for row in rows] == list(range(2, 2 + 19 * BATCH))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.integers(1, 40), min_size=1, max_size=12), cut=st.floats(0, 1))
def test_wherever_a_log_is_cut_whole_batches_are_read_back_and_nothing_else(
    tmp_path: Path, batches: list[int], cut: float
):
    with tempfile.TemporaryDirectory(dir=tmp_path) as name:
        folder = Path(name)
        recorder = Recorder(folder / "2026-11-20.db")
        recorder.tape.flush()
        seq = 0
        for count in batches:
            for _ in range(count):
                seq += 1
                recorder.delta("A", seq, 4300, seq)
            recorder.tape.flush()
        copied = folder / "copy"
        copied.mkdir()
        for file in ("2026-11-20.db", "2026-11-20.db-wal"):
            shutil.copy(folder / file, copied / file)
        recorder.close()
        log = copied / "2026-11-20.db-wal"
        os.truncate(log, int(log.stat().st_size * cut))
        try:
            seqs = [row.seq for row in read(copied / "2026-11-20.db")]
        except Unavailable:  # the log held even the tables: nothing of the tape is left
            seqs = []
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) in {0, *accumulate(batches)}


def test_a_file_cut_short_is_read_where_it_is_whole_and_says_what_is_missing(tmp_path: Path):
    recorder = Recorder(tmp_path / "2026-11-20.db")
    recorder.whole("A", 1, {4300: 1}, {4500: 1})
    for row in range(80_000):
        recorder.delta("A", 2 + row, 4300, 1 + row * row % 999_983)
        if row % BATCH == 0:
            recorder.tape.flush()
    file = recorder.close()
    size = file.stat().st_size
    os.truncate(file, size * 6 // 10)
    reader = Reader(file)
    rows = rows_of(reader, "delta")
    assert "shorter than it was" in reader.torn
    assert reader.lost
    assert 20_000 < len(rows) < 80_000
    assert all(row.change_ch == 1 + (row.seq - 2) ** 2 % 999_983 for row in rows)
    reader.close()
    with Day(file) as day:
        report = verify(day)
    assert {it.check for it in report.defects} >= {"torn"}
    assert any("rows of chunks" in it.what for it in report.defects)


def test_a_file_cut_to_nothing_readable_is_refused_in_words(tmp_path: Path):
    file = Recorder(tmp_path / "2026-11-20.db").close()
    os.truncate(file, 1_000)
    with pytest.raises(Unavailable, match="2026-11-20"):
        Reader(file)
