"""A tab in a shell: programs, options, and the names that this floor knows."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from account import furnish
from outcry.ops.installed import HOME
from outcry.store import database

SHARED = HOME / "etc" / "completion"
# What each shell does when somebody types a line and a tab, printed.
BASH = """
tab() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    "$(complete -p "$1" | sed 's/.*-F \\([^ ]*\\).*/\\1/')" "$1"
    echo "${COMPREPLY[*]}"
}
"""
ZSH = """
compadd() { case $1 in -a) print -- ${(P)2};; *) print -- $@[2,-1];; esac }
_describe() { print -- ${${(P)2}%%:*} }
tab() { words=($@) CURRENT=$#; . $command }
"""
FISH = """
source $argv[1]
function tab
    echo (complete -C "$argv" | string split -f 1 \\t)
end
"""


@pytest.fixture
def floor(tmp_path):
    """What --state and --settings would say, said by the environment."""
    (tmp_path / "embedded").mkdir()
    db = database.connect(tmp_path / "embedded" / "kalshi.db")
    database.migrate(db)
    furnish(db, "momentum", "moonshine")
    db.close()
    (tmp_path / "floor.toml").write_text("")
    return {**os.environ, "OUTCRY_STATE": str(tmp_path), "OUTCRY_SETTINGS": str(tmp_path / "floor.toml")}


def answers(shell: str, text: str, file: Path, lines: list[str], floor: dict[str, str]) -> list[str]:
    """What it completes each line to."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    script = text + "".join(f"tab {line}\n" for line in lines)
    done = subprocess.run([shell, "-c", script, *([] if shell == "fish" else [shell]), file],
                          capture_output=True, text=True, check=False, env=floor)  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


def rendered(folder: Path, shell: str) -> Path:
    """The file that `make install` writes for a floor named kalshi."""
    text = (SHARED / f"command.{shell}.in").read_text().replace("@prefix@", str(HOME)).replace("@name@", "kalshi")
    file = folder / f"kalshi.{shell}"
    file.write_text(text)
    return file


def test_bash_in_a_checkout(floor):
    text = '. "$1"\n' + BASH
    lines = ["bin/report --w", "./bin/agent re", "bin/trader --quiet mo", "bin/backtest momen", "bin/trader nobody"]
    assert answers("bash", text, SHARED / "checkout.bash", lines, floor) == [
        "--week", "resume resurrect retire", "momentum moonshine", "momentum", "",
    ]  # fmt: skip


def test_bash_of_an_installed_floor(floor, tmp_path):
    text = '. "$1"\n' + BASH
    lines = ["kalshi res", "kalshi agent show moo", "kalshi nonsense x", "kalshi ../../bin/sh x"]
    assert answers("bash", text, rendered(tmp_path, "bash"), lines, floor) == ["resume", "moonshine", "", ""]


def test_zsh(floor, tmp_path):
    lines = ["kalshi res", "kalshi agent show moo", "kalshi report --we"]
    found = answers("zsh", "command=$1\n" + ZSH, rendered(tmp_path, "zsh"), lines, floor)
    assert "resume" in found[0].split()  # zsh itself leaves out what does not fit
    assert found[1:] == ["moonshine", "--week"]


def test_fish(floor, tmp_path):
    lines = ["kalshi res", "kalshi agent show moo", "kalshi report --we"]
    assert answers("fish", FISH, rendered(tmp_path, "fish"), lines, floor) == ["resume", "moonshine", "--week"]


def test_without_a_floor_there_are_no_names(tmp_path):
    nowhere = {**os.environ, "OUTCRY_STATE": str(tmp_path / "none"), "OUTCRY_SETTINGS": str(tmp_path / "none.toml")}
    assert answers("bash", '. "$1"\n' + BASH, SHARED / "checkout.bash", ["bin/trader m"], nowhere) == [""]
