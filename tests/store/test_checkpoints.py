"""A checkpoint is whole or it is not there; a bad one says why."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from outcry.store import checkpoints

LIB = Path(__file__).resolve().parents[2] / "lib"
KILLED = """
import os, signal, sys
from pathlib import Path
from outcry.store import checkpoints
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
checkpoints.save(Path(sys.argv[1]), "a", {}, 1)
"""


def test_what_was_saved_is_loaded(tmp_path):
    checkpoints.save(tmp_path, "trader@momentum", {"streak": 3, "windows": [1, 2]}, now_ms=1_000)
    assert checkpoints.load(tmp_path, "trader@momentum", now_ms=2_000) == ({"streak": 3, "windows": [1, 2]}, "")
    assert [file.name for file in tmp_path.iterdir()] == ["trader@momentum.json"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "missing"),
        ('{"version":1,"name":"a","saved', "unreadable"),
        ("", "unreadable"),
        ('{"version":1,"name":"b","saved_at_ms":1,"payload":{}}', "belongs to b"),
        ('{"version":2,"name":"a","saved_at_ms":1,"payload":{}}', "version 2"),
        ('{"version":1,"name":"a","saved_at_ms":90000,"payload":{}}', "future"),
        ('{"version":1,"name":"a","saved_at_ms":1,"payload":[]}', "unreadable"),
        ('{"version":1,"name":"\udcff"}', "unreadable"),
        ('{"version":1,"name":"a","saved_at_ms":1,"payload":' + '{"a":' * 50_000, "unreadable"),
    ],
)
def test_a_bad_one_is_a_cold_start_with_a_reason(tmp_path, body, why):
    if body is not None:
        (tmp_path / "a.json").write_bytes(body.encode(errors="surrogateescape"))
    payload, reason = checkpoints.load(tmp_path, "a", now_ms=5_000)
    assert payload is None
    assert why in reason


def test_what_a_killed_save_left_is_written_over(tmp_path):
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", KILLED, tmp_path], env={**os.environ, "PYTHONPATH": str(LIB)}, check=False
        )
    assert len(list(tmp_path.iterdir())) == 1
    checkpoints.save(tmp_path, "a", {"n": 1}, now_ms=1)
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_failed_save_leaves_the_old_one(tmp_path):
    checkpoints.save(tmp_path, "a", {"n": 1}, now_ms=1)
    with pytest.raises(TypeError):
        checkpoints.save(tmp_path, "a", {"n": object()}, now_ms=2)
    assert checkpoints.load(tmp_path, "a", now_ms=3)[0] == {"n": 1}
    assert json.loads((tmp_path / "a.json").read_text())["saved_at_ms"] == 1
