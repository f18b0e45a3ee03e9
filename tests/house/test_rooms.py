"""The walls of the house: imports follow the arrows, SQL stays in its room, pure rooms touch nothing outside."""

import ast
import re
from pathlib import Path

import pytest

LIB = Path(__file__).resolve().parents[2] / "lib" / "outcry"
BIN = LIB.parents[1] / "bin"

# What each room may import directly; what those import comes with it.
ARROWS = {
    "domain": set(),
    "signals": {"domain"},
    "strategies": {"signals"},
    "risk": {"domain"},
    "trading": {"strategies", "signals", "risk"},
    "venue": {"domain"},
    "paper": {"venue", "store"},
    "store": {"domain"},
    "review": {"domain"},
    "research": {"trading", "paper", "venue", "store", "review"},
    "web": {"review", "store"},
    "ops": {"domain"},
    "desk": {
        "domain",
        "signals",
        "strategies",
        "risk",
        "trading",
        "venue",
        "paper",
        "store",
        "review",
        "research",
        "web",
        "ops",
    },
}
PURE = {"domain", "signals", "strategies", "risk", "trading", "review"}
PURE_PARTS = {  # of rooms that otherwise reach outside
    "paper/engine", "paper/events.py", "paper/faults/faults.py", "paper/generate", "paper/mirror/book.py",
    "paper/mirror/market.py", "paper/mirror/reflection.py", "paper/mirror/seen.py", "paper/mirror/watch.py",
    "venue/fees.py",
}  # fmt: skip
KEEPERS = {"paper/engine/keeping.py", "paper/engine/restoring.py"}  # the engine's way to disk
OUTSIDE = {
    "asyncio", "datetime.now", "http", "logging", "multiprocessing", "os", "pathlib", "requests", "secrets", "select",
    "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib", "uuid", "websocket",
    "websockets", "io", "shutil", "glob",
}  # fmt: skip
CLOCK_CALLS = {"now", "today", "utcnow", "open", "input", "print", "urandom"}
SQL = re.compile(
    r"^\s*(SELECT\s.+\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s+(TABLE|VIEW|INDEX)"
    r"|PRAGMA\s|BEGIN\s+IMMEDIATE|ALTER\s+TABLE|DROP\s+TABLE)",
    re.IGNORECASE | re.DOTALL,
)


def reachable(room: str) -> set[str]:
    found, todo = {room}, [room]
    while todo:
        for other in ARROWS[todo.pop()] - found:
            found.add(other)
            todo.append(other)
    return found


def room_of(file: Path) -> str:
    return file.relative_to(LIB).parts[0]


def imports(tree: ast.AST) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def arrow_faults(room: str, tree: ast.AST) -> list[str]:
    allowed = reachable(room)
    return [
        f"line {line}: {room} imports {name}"
        for line, name in imports(tree)
        if name.startswith("outcry.") and name.split(".")[1] in ARROWS and name.split(".")[1] not in allowed
    ]


def owner_of(function: ast.expr) -> str:
    """The last name before the called one: `datetime` of `datetime.datetime.now`."""
    value = function.value if isinstance(function, ast.Attribute) else None
    return value.id if isinstance(value, ast.Name) else getattr(value, "attr", "")


def purity_faults(tree: ast.AST) -> list[str]:
    faults = [
        f"line {line}: imports {name}"
        for line, name in imports(tree)
        if name.split(".")[0] in OUTSIDE or name in OUTSIDE or name == "random.random"
    ]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        owner = owner_of(node.func)
        bare = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
        if called in CLOCK_CALLS and owner in ("", "datetime", "date", "os"):
            faults.append(f"line {node.lineno}: calls {called}()")
        if owner == "random" and bare and called != "Random":
            faults.append(f"line {node.lineno}: random.{called}() has no seed")
        if owner == "random" and bare and called == "Random" and not node.args:
            faults.append(f"line {node.lineno}: Random() without a seed")
    return faults


def sql_faults(tree: ast.AST) -> list[str]:
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        f"line {node.lineno}: SQL {node.value[:40]!r}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and SQL.match(node.value)
    ]


def in_pure_part(name: str) -> bool:
    """Whether a file, or a folder above it, is listed as pure."""
    return name not in KEEPERS and any(name == part or name.startswith(f"{part}/") for part in PURE_PARTS)


FILES = sorted(file for file in LIB.rglob("*.py") if file.parent != LIB)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(LIB)))
def test_the_walls_stand(file: Path):
    tree, room = ast.parse(file.read_text()), room_of(file)
    faults = arrow_faults(room, tree)
    if room in PURE or in_pure_part(str(file.relative_to(LIB))):
        faults += purity_faults(tree)
    if room != "store":
        faults += sql_faults(tree)
    assert not faults


def test_programs_import_only_desk_and_ops():
    for file in BIN.iterdir():
        if file.is_file() and not file.name.startswith("_"):
            rooms = {
                name.split(".")[1] for _, name in imports(ast.parse(file.read_text())) if name.startswith("outcry.")
            }
            assert rooms <= {"desk", "ops"}, file.name


@pytest.mark.parametrize(
    ("room", "code", "fault"),
    [
        ("domain", "from outcry.store import database", "domain imports outcry.store.database"),
        ("strategies", "import outcry.risk.rules", "strategies imports outcry.risk.rules"),
        ("store", "from outcry.venue.rest import Rest", "store imports outcry.venue.rest.Rest"),
    ],
)
def test_a_wrong_arrow_is_noticed(room, code, fault):
    assert any(fault in found for found in arrow_faults(room, ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    ["import time", "import datetime\ndatetime.datetime.now()",
     "from datetime import datetime\ndatetime.now()", "open('x')", "import random\nrandom.random()",
     "import random\nrandom.Random()", "import sqlite3", "from pathlib import Path"],
)  # fmt: skip
def test_a_leak_from_a_pure_room_is_noticed(code):
    assert purity_faults(ast.parse(code))


def test_sql_elsewhere_is_noticed():
    assert sql_faults(ast.parse('db.execute("SELECT a\\n FROM b")'))
    assert not sql_faults(ast.parse('"""SELECT a FROM b is only a docstring."""'))
