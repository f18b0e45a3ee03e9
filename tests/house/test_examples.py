"""Every program shows how it is used, and each line that it shows is one that it takes."""

import importlib.machinery
import importlib.util
import shlex
import sys
from functools import cache
from pathlib import Path

import click
import pytest

BIN = Path(__file__).resolve().parents[2] / "bin"
PROGRAMS = sorted(file.name for file in BIN.iterdir() if file.is_file() and not file.name.startswith("_"))
OTHERS = {"curl"}  # what our examples call beside us


@cache
def command_of(program: str) -> click.Command:
    """The click command in a file of bin/."""
    sys.path.insert(0, str(BIN))
    try:
        loader = importlib.machinery.SourceFileLoader(f"bin_{program}", str(BIN / program))
        spec = importlib.util.spec_from_loader(loader.name, loader)
        module = importlib.util.module_from_spec(spec)
        written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        loader.exec_module(module)
        sys.dont_write_bytecode = written
    finally:
        sys.path.remove(str(BIN))
    return module.main


def commands() -> list[tuple[str, click.Command]]:
    """Every program, and every verb of those that have verbs."""
    found = []
    for program in PROGRAMS:
        command = command_of(program)
        found.append((program, command))
        if isinstance(command, click.Group):
            found += [(f"{program} {name}", verb) for name, verb in command.commands.items()]
    return found


def examples(command: click.Command) -> list[list[str]]:
    """The words of each example: without what is said of it after two spaces, and what a shell does with its output."""
    lines = iter((command.help or "").splitlines())
    block = []
    for line in lines:
        _, begins, rest = line.partition("Examples:") if "Examples:" in line else line.partition("Example:")
        if not begins:
            continue
        block.append(rest)
        for more in lines:
            if not more.strip():
                break
            block.append(more)
    found = []
    for line in block:
        words = shlex.split(line.strip().partition("  ")[0])
        ends = [words.index(sign) for sign in ("|", ">") if sign in words]
        found.append(words[: min(ends, default=len(words))])
    return found


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch):
    """Lines are parsed by the programs themselves and go no further; files that they name need not be there."""
    monkeypatch.setattr(click.Command, "invoke", lambda _command, _context: None)
    monkeypatch.setattr(click.Path, "convert", lambda _type, value, _parameter, _context: Path(value))


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_examples_are_shown_and_parse(name, command):
    shown = examples(command)
    assert any(" ".join(words).startswith(name) for words in shown), f"{name} --help shows no example of itself"
    for words in shown:
        if words[0] not in OTHERS:
            assert words[0] in PROGRAMS, words
            taken(words)


def taken(words: list[str]) -> None:
    """A command line, all the way down to the verb that would run. Raises click's own errors."""
    command_of(words[0]).main(words[1:], prog_name=words[0], standalone_mode=False)


@pytest.mark.parametrize(
    "line", ["report --tomorow", "agent promote x", "backtest momentum --latency soon", "tape export"]
)
def test_a_line_that_has_rotted_is_noticed(line):
    with pytest.raises(click.ClickException):
        taken(shlex.split(line))
