"""`bin/demo` as a user runs it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from outcry.ops import settings
from outcry.store import database
from running import HOME, SETTINGS, alive, descendants

pytestmark = pytest.mark.floor


def demo(folder: Path, minutes: float) -> subprocess.Popen:
    base = folder / "base.toml"
    folder.mkdir(exist_ok=True)
    base.write_text(SETTINGS)
    return subprocess.Popen(
        [
            sys.executable,
            HOME / "bin" / "demo",
            "--minutes",
            str(minutes),
            "--settings",
            base,
            "--state",
            folder / "state",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_at_once_both_trade_and_reconcile(tmp_path):
    demos = {name: demo(tmp_path / name, 1.5) for name in ("one", "two")}
    for name, running in demos.items():
        said, _ = running.communicate(timeout=180)
        assert running.returncode == 0, said
        assert re.search(r"settled [1-9]", said)
        assert "ledger agrees" in said
        db = database.read_only(tmp_path / name / "state" / "embedded" / "kalshi.db")
        done = {row[0] for row in db.execute("SELECT name FROM jobs WHERE result = 'done'")}
        db.close()
        assert done == {"score", "evolve"}, "agents are judged as on any other floor"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_no_process_is_left_behind(tmp_path, number, code):
    running = demo(tmp_path, 5)
    deadline = time.monotonic() + 30
    while len(below := descendants(running.pid)) < 7:
        assert running.poll() is None, running.communicate()[0]
        assert time.monotonic() < deadline, "the demo started fewer than seven programs"
        time.sleep(0.1)
    time.sleep(2)
    os.kill(running.pid, number)
    said, _ = running.communicate(timeout=30)
    assert running.returncode == code, said
    deadline = time.monotonic() + 5
    while alive(below) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert alive(below) == set()


def test_the_demo_differs_from_a_real_floor_only_in_time_and_liveliness():
    real, lively = settings.load(HOME / "etc" / "floor.toml"), settings.load(HOME / "etc" / "demo.toml")
    factor = lively.time_factor
    assert real.local.window_s == lively.local.window_s * factor
    assert real.local.average_s == lively.local.average_s * factor
    assert real.risk == lively.risk
    assert (real.discovery, real.collector, real.agents) == (lively.discovery, lively.collector, lively.agents)
