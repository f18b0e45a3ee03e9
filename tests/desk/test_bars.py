"""Long work shows a bar to whoever watches, and not a letter of it to a pipe."""

import os
import pty
import subprocess
import sys

import pytest

from outcry.desk import migrate
from outcry.ops.bar import bar
from outcry.ops.clock import now_ms
from outcry.ops.floor import Floor
from outcry.ops.installed import HOME
from outcry.ops.settings import Settings
from taped import Recorder


@pytest.fixture
def options(tmp_path):
    """A floor with a database."""
    floor = Floor(Settings(), tmp_path / "embedded")
    migrate.prepare(floor, now_ms())
    (tmp_path / "floor.toml").write_text("")
    return ["--state", str(tmp_path), "--settings", str(tmp_path / "floor.toml")]


def watched(*words: str) -> tuple[str, str]:
    """What a program writes to stdout, and to the terminal that its stderr is."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, str(HOME / "bin" / words[0]), *words[1:]], stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65_536):
            said += part
    except OSError:  # how a terminal ends when the last who had it open is gone
        pass
    os.close(ours)
    told, _ = running.communicate()
    assert running.returncode == 0, said
    return told, said.decode()


def piped(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, HOME / "bin" / words[0], *words[1:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_backup_and_its_restore(options, tmp_path):
    told, seen = watched("backup", *options)
    archive = told.splitlines()[-1]
    assert "copying" in seen and "100%" in seen
    assert watched("backup", "--quiet", *options) == ("", "")
    assert piped("backup", *options) == ""
    _, seen = watched("backup", "restore", archive, *options)
    assert "unpacking" in seen and "100%" in seen


def test_reading_a_day_of_tape(options, tmp_path):
    recorder = Recorder(tmp_path / "2026-11-20.db")
    recorder.whole("A", 1, {4300: 500}, {4500: 700})
    recorder.delta("A", 2, 4300, 100)
    file = recorder.close()
    _, seen = watched("tape", "verify", str(file), *options)
    assert "verifying 2026-11-20" in seen and "100%" in seen
    assert piped("tape", "verify", str(file), *options) == ""


def test_in_a_pipe_there_is_none(capfd):
    with bar("work", 10) as more:
        more(10)
    assert capfd.readouterr() == ("", "")
