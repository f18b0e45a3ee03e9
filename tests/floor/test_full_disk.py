"""A whole floor on a disk that fills: the tape stops, then entries; halt works on the last byte; then all goes on."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from outcry.ops import disk
from running import RunningFloor

pytestmark = pytest.mark.floor
MEGABYTES = 512  # what the floor writes while the test waits is small beside the marks


@pytest.fixture
def floor(tmp_path):
    """Its state on a small disk of its own; its logs beside that."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    floor = RunningFloor(small)
    floor.children._logs = tmp_path  # what programs say has room
    yield floor
    floor.stop()
    subprocess.run(["umount", "--lazy", small], check=True)


def fill(floor, leave_percent: float) -> Path:
    """Take all but so much of the disk."""
    ballast = floor.folder / "ballast"
    ballast.unlink(missing_ok=True)
    room = disk.room(floor.folder)
    size = int(room.free - room.total * leave_percent / 100)
    with ballast.open("wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError:
            assert leave_percent == 0
    return ballast


def figures(floor, program):
    return json.loads(floor.query("SELECT detail FROM heartbeats WHERE program = ?", program)[0]["detail"])


def stopped(floor):
    return [row["cause"] for row in floor.query("SELECT cause FROM controls_now WHERE kind = 'stop_entries'")]


def test_the_tape_stops_then_entries_and_never_a_cancel(floor):
    floor.everything()
    floor.wait_for(lambda: floor.progress().fills >= 2, 90, "the floor trades")
    fill(floor, 7)
    floor.wait_for(lambda: "no room for a tape" in str(figures(floor, "collector")["tape"]), 45, "the tape stops")
    assert "disk" not in stopped(floor)
    fill(floor, 2.5)
    floor.wait_for(lambda: "disk" in stopped(floor), 20, "entries stop")
    ballast = fill(floor, 0)
    ballast_rest = floor.folder / "ballast-2"
    with ballast_rest.open("wb") as file:
        for size in (65_536, 4_096, 1):
            try:
                while True:
                    os.write(file.fileno(), bytes(size))
            except OSError:
                continue
    assert disk.room(floor.folder).free == 0
    said = floor.run("halt", "--reason", "the disk is full")
    assert "nothing rests" in said.stdout
    assert (floor.state / "HALT").exists()
    assert all(child.exit_code is None for child in floor.children.all.values()), "nobody left"
    ballast.unlink()
    ballast_rest.unlink()
    floor.wait_for(lambda: "disk" not in stopped(floor), 40, "the disk has room")
    floor.run("resume", "--i-have-checked", "--reason", "room again", check=False)
    orders = floor.progress().orders
    floor.wait_for(lambda: floor.progress().orders > orders, 120, "the floor trades on")
    floor.settle_down()
