"""What no room may do: put a value into the text of a statement, or listen to anybody but this machine unasked."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from outcry.desk import exchange
from outcry.domain.errors import Misconfigured
from outcry.ops import settings
from outcry.ops.floor import Floor

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "lib" / "outcry").rglob("*.py"))
PROGRAMS = [file for file in sorted((ROOT / "bin").iterdir()) if file.is_file()]
RUNS_SQL = {"execute", "executemany", "executescript"}
# What may be put into statements beside constants: names of tables and columns, placeholders, and conditions, all of
# them written in the code. (A PRAGMA takes no placeholder: `version` is a number of our own.)
WRITTEN = {"columns", "names", "marks", "where", "table", "kept", "first", "version", "key"}
WRITTEN |= {"source.selected", "source.table", "source.key", "self.name", "self.order"}
JOINED = re.compile(r"', '\.join\((row|self\.columns|'\?' \* len\(\w+\))\)")


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr, node
            elif isinstance(node.func, ast.Name):
                yield node.func.id, node


def spliced(text: ast.expr) -> Iterator[str]:
    """What is put into a piece of text when the program runs."""
    for node in ast.walk(text):
        if isinstance(node, ast.FormattedValue):
            yield ast.unparse(node.value)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
            yield from (ast.unparse(side) for side in (node.left, node.right) if isinstance(side, ast.Name))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT / "lib" / "outcry")))
def test_statements_hold_placeholders_and_no_values(file):
    for name, call in calls(ast.parse(file.read_text())):
        if name in RUNS_SQL and call.args:
            parts = {part for part in spliced(call.args[0]) if not part.strip("_").isupper()} - WRITTEN
            strange = {part for part in parts if not JOINED.fullmatch(part)}
            assert not strange, f"{file.name}:{call.lineno} puts {strange} into a statement"


@pytest.mark.parametrize("file", [*FILES, *PROGRAMS], ids=lambda file: file.name)
def test_nobody_listens_to_everybody(file):
    tree = (
        ast.parse(file.read_text())
        if file.suffix == ".py" or b"python" in file.read_bytes()[:40]
        else ast.Module([], [])
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            assert node.value not in ("0.0.0.0", "::"), f"{file.name}:{node.lineno}"
    for name, call in calls(tree):
        if name in ("create_server", "bind"):
            (address,) = call.args[:1]
            assert isinstance(address, ast.Tuple) and not isinstance(address.elts[0], ast.Constant), ast.unparse(call)


def test_what_listens_by_default_is_this_machine_alone():
    loaded = msgspec.to_builtins(settings.parse({}))
    told = {
        (part, name): value
        for part, fields in loaded.items()
        if isinstance(fields, dict)
        for name, value in fields.items()
    }
    listening = {place: value for place, value in told.items() if place[1] in ("host", "bind", "listen", "address")}
    assert listening and set(listening.values()) == {"127.0.0.1"}


@pytest.mark.parametrize("host", ["0.0.0.0", "", "example.com", "192.168.1.7", "::"])
def test_the_local_exchange_takes_no_other_address(tmp_path, host):
    floor = Floor(settings.parse({"local": {"host": host}}), tmp_path)
    with pytest.raises(Misconfigured, match="is not this machine's loopback"):
        exchange._listen(floor, exchange.Plan(), None)
