"""docs/strategies.md is followed to the letter: what it says to write is written, what it says to run is run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from outcry.strategies import catalogue

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "strategies.md").read_text()
STEPS = PAGE.partition("## How to add one")[2]


def blocks() -> list[tuple[str, str]]:
    """(the file that the step names, its code) of each block, in order; "" where it names none."""
    found = []
    for step in re.split(r"^\*\*\d\.\*\*", STEPS, flags=re.MULTILINE)[1:]:
        said, _, code = step.partition("```")
        names = re.findall(r"`((?:lib|tests)/[\w/]+\.py)`", said)
        found.append((names[0] if names else "", code.partition("\n")[2].partition("```")[0]))
    return found


@pytest.fixture
def clone(tmp_path):
    """Code and tests of this build, to be added to."""
    for name in ("lib", "bin", "sql", "etc", "tests/strategies", "tests/failures", "tests/support"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


def test_the_page_names_every_strategy():
    assert re.findall(r"^\*\*(\w+)\*\* ·", PAGE, flags=re.MULTILINE) and all(
        f"**{name}** ·" in PAGE for name in catalogue.names()
    )


def test_a_strategy_is_added_in_under_sixty_lines():
    added = [line for _, code in blocks()[:-1] for line in code.splitlines() if line.strip()]
    assert 30 < len(added) < 60


def test_following_the_page_adds_a_strategy(clone):
    (strategy, its_code), (its_test, its_tests), (catalogue_file, lines), (poison, quick), (_, commands) = blocks()
    (clone / strategy).write_text(its_code)
    (clone / its_test).write_text(its_tests)
    import_line, entry = lines.splitlines()
    known = (clone / catalogue_file).read_text()
    known = known.replace("from outcry.strategies.setting", f"{import_line}\nfrom outcry.strategies.setting", 1)
    (clone / catalogue_file).write_text(known.replace('    "spread_capture":', f'{entry}\n    "spread_capture":', 1))
    before = (clone / poison).read_text()
    (clone / poison).write_text(before.replace('    "spread_capture": {', f'{quick}    "spread_capture": {{', 1))
    assert "queue_lean" in (clone / catalogue_file).read_text() and "queue_lean" in (clone / poison).read_text()
    environment = {**os.environ, "PYTHONPATH": str(clone / "lib"), "OUTCRY_STATE": str(clone / "state")}
    tests, agent = commands.splitlines()
    run = [sys.executable, *tests.split()[1:], "-k", "queue_lean or catalogue", "-p", "no:cacheprovider"]
    done = subprocess.run(run, cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and re.search(r"\d{2,} passed|\.{10,}", done.stdout), done.stdout + done.stderr
    for words in ("bin/migrate --quiet", agent, "bin/agent show queue-lean"):
        done = subprocess.run(
            [sys.executable, *words.split()], cwd=clone, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    assert "lean_millionths = 600000  (default)" in done.stdout
