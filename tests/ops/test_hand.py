"""What the boss decides, and that the half which is root stays small and needs nobody."""

import ast
import sys
from pathlib import Path

import pytest

from outcry.ops import hand

UP, DOWN, FAILED = ("active", True), ("inactive", True), ("failed", True)


@pytest.mark.parametrize(
    ("unit", "known", "lot"),
    [
        (("inactive", False), "", "start"),  # nobody ever saw it: a new agent
        (UP, "", "runs"),
        (("activating", True), "runs", "runs"),  # systemd is at it
        (("queued", True), "runs", "runs"),
        (DOWN, "", "left"),  # enabled by the installer, stopped by a person before the boss ever looked
        (DOWN, "runs", "left"),
        (("inactive", False), "runs", "left"),  # disabled by a person
        (DOWN, "left", "left"),
        (FAILED, "runs", "left"),  # it gave up: that is for a person
        (FAILED, "start", "left"),
        (("failed", False), "", "left"),
        (("inactive", False), "stop", "start"),  # the boss stopped it
        (FAILED, "stop", "start"),
    ],
)
def test_a_wanted_agent(unit, known, lot):
    assert hand.decide({"a"}, {"a": unit}, {"a": known} if known else {}) == {"a": lot}


@pytest.mark.parametrize(
    ("unit", "lot"),
    [(UP, "stop"), (DOWN, "stop"), (FAILED, "stop"), (("active", False), "stop"), (("inactive", False), None)],
)
def test_an_agent_that_is_not_wanted(unit, lot):
    assert hand.decide(set(), {"a": unit}, {"a": "runs"}).get("a") == lot


def test_a_unit_that_systemd_never_heard_of_is_started():
    assert hand.decide({"a", "b"}, {"b": UP}, {}) == {"a": "start", "b": "runs"}


@pytest.mark.parametrize("said", ["wanted\n", "wanted a\n", "wanted momentum coin_flip-2\n"])
def test_a_whole_line_of_names_is_heard(said):
    assert hand.WANTED.fullmatch(said)[1].split() == said.split()[1:]


@pytest.mark.parametrize(
    "said",
    ["", "wanted", "wanted a", "wanted a;b\n", "wanted -a\n", "wanted A\n", "wanted a.service\n", "wanted  a\n",
     f"wanted {'a' * 33}\n", "wanted a\nb\n", "wanted ../a\n", "wanted a/b\n", "wanted é\n"],
)  # fmt: skip
def test_anything_else_is_not(said):
    assert hand.WANTED.fullmatch(said) is None


def test_the_half_that_is_root_is_short_and_imports_the_standard_library_alone():
    source = Path(hand.__file__).read_text()
    assert len(source.splitlines()) < 60
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names
