"""docs/operations.md: its commands run, those that cannot run here at least exist, and its tables are complete."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from outcry.desk.common.jobs import JOBS
from outcry.ops.installed import HOME
from running import SETTINGS

TEXT = (HOME / "docs" / "operations.md").read_text()
BLOCKS = re.findall(r"^```sh ?(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
RUNNABLE = [body for kind, body in BLOCKS if not kind]
pytestmark = pytest.mark.floor


@pytest.fixture
def shell(tmp_path):
    """A shell in which `kalshi` runs this checkout's programs on a floor of its own."""
    programs = tmp_path / "programs"
    programs.mkdir()
    command = programs / "kalshi"
    command.write_text(f'#!/bin/sh\nprogram=$1; shift\nexec {sys.executable} {HOME}/bin/"$program" "$@"\n')
    command.chmod(0o755)
    settings = tmp_path / "floor.toml"
    settings.write_text(SETTINGS)
    environment = os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "OUTCRY_SETTINGS": str(settings),
        "OUTCRY_STATE": str(tmp_path / "state"),
        "FLOOR": str(tmp_path / "state" / "embedded"),
    }

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip

    return run


def test_the_page_can_be_followed_from_top_to_bottom(shell):
    assert len(RUNNABLE) >= 6
    for body in RUNNABLE:
        if "sqlite3 " in body and not shutil.which("sqlite3"):
            continue  # a machine without the shell of SQLite
        done = shell(body.replace("| head -5", "| cat").replace("| head -3", "| cat"))
        assert done.returncode == 0, (body, done.stdout, done.stderr)


@cache
def help_of(program: str) -> str:
    done = subprocess.run(
        [sys.executable, HOME / "bin" / program, "--help"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_every_program_and_option_it_names_exists():
    calls = re.findall(
        r"kalshi ([a-z]+)((?: +(?:--?[a-z-]+|[a-zA-Z0-9./_-]+|\"[^\"]*\"))*)", "\n".join(b for _, b in BLOCKS)
    )
    calls += [re.match(r"([a-z]+)(.*)", words).groups() for words in re.findall(r"`kalshi ([a-z][^`]*)`", TEXT)
              if not words.startswith("PROGRAM")]  # fmt: skip
    assert len(calls) > 30
    for program, words in calls:
        told = help_of(program)
        for option in re.findall(r"--[a-z-]+", words):
            assert option in told, (program, option)


def test_every_target_of_make_exists():
    makefile = (HOME / "Makefile").read_text()
    for target in re.findall(r"^make ([a-z]+)", "\n".join(body for _, body in BLOCKS), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_job_and_every_cause_of_a_stop_is_explained():
    for job in JOBS:
        assert f"`{job}`" in TEXT, job
    for cause in ("drift", "audit", "daily_loss", "api_errors", "unread", "stream_schema", "database_silence", "disk"):
        assert cause in TEXT, cause


def test_files_it_speaks_of_are_there():
    for file in set(re.findall(r"`((?:docs|tests|etc)/[\w/.-]+\.\w+)`", TEXT)):
        assert (HOME / Path(file)).exists(), file
