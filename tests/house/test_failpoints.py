"""Points at which the drill may kill: each is in the code once, no other is, and only the drill can ask for one."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from outcry import failpoints

HOME = Path(__file__).resolve().parents[2]
LIB = HOME / "lib" / "outcry"
PURE = {"domain", "signals", "strategies", "risk", "trading", "review"}
SETS_IT = {"lib/outcry/desk/drilling/floor.py"}  # besides the module itself
PASS = "from outcry import failpoints\nfor _ in range(5):\n    failpoints.reached('fill.heard')\nprint('lived')\n"


def calls() -> list[tuple[Path, str]]:
    """Every call of `reached`, with its point."""
    found = []
    for file in LIB.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoints.reached":
                assert len(node.args) == 1 and isinstance(node.args[0], ast.Constant), f"{file}: a point is a literal"
                found.append((file, node.args[0].value))
    return found


def test_every_point_is_in_the_code_once_and_no_other_is():
    assert sorted(point for _, point in calls()) == sorted(failpoints.POINTS)


def test_pure_rooms_have_none():
    for file in LIB.rglob("*.py"):
        if file.relative_to(LIB).parts[0] in PURE:
            assert "failpoints" not in file.read_text(), file


def test_only_the_drill_can_ask_for_one():
    mine = str(Path(__file__).relative_to(HOME))
    for folder in ("bin", "lib", "systemd", "cron", "etc", "tests"):
        for file in (HOME / folder).rglob("*"):
            name = str(file.relative_to(HOME))
            if file.suffix not in (".pyc", ".gz") and file.is_file() and name not in (mine, "lib/outcry/failpoints.py"):
                text = file.read_bytes()
                asks = failpoints.VARIABLE.encode() in text or b"failpoints.VARIABLE" in text
                assert not asks or name in SETS_IT, f"{name} asks for a fail point"


@pytest.mark.parametrize(
    ("asked", "code"),
    [("", 0), ("fill.heard:3", -signal.SIGKILL), ("fill.heard:6", 0), ("fill.booked:1", 0)],
)
def test_it_kills_at_the_point_and_the_pass_asked_for_and_never_else(asked, code):
    environment = {**os.environ, "PYTHONPATH": str(HOME / "lib")}
    environment.pop(failpoints.VARIABLE, None)
    if asked:
        environment[failpoints.VARIABLE] = asked
    done = subprocess.run([sys.executable, "-c", PASS], env=environment, capture_output=True, check=False)
    assert done.returncode == code
    assert (done.stdout == b"lived\n") == (code == 0)
