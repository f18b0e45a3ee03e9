"""Strategies as agents run them: checked before an agent is made of one, and their source kept for ever."""

import ast
import hashlib
import importlib
import inspect
import sqlite3
from dataclasses import asdict
from typing import Any

from outcry.store import agents
from outcry.strategies import catalogue

DECIDING = ("outcry.signals.", "outcry.strategies.")


def source_of(strategy: str) -> str:
    """The source text of a strategy: its module, and after it every module of signals and strategies that it uses.

    raises  Misconfigured when there is no strategy of that name
    """
    found: dict[str, str] = {}
    wanted = [catalogue.module(strategy)]
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = inspect.getsource(importlib.import_module(name))
            wanted += _uses(found[name])
    first = found.pop(catalogue.module(strategy))
    return "\n".join([first, *(f"# ---- {name}\n{found[name]}" for name in sorted(found))])


def _uses(source: str) -> list[str]:
    """The modules of the two rooms that decide which a source imports."""
    froms = (node.module or "" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
    return [name for name in froms if name.startswith(DECIDING)]


def sha256_of(strategy: str) -> str:
    """Which source this build runs for a strategy: what `keep_source` keeps it under."""
    return hashlib.sha256(source_of(strategy).encode()).hexdigest()


def keep_source(db: sqlite3.Connection, strategy: str, now_ms: int) -> str:
    """Store the source that this build runs for a strategy; returns its sha256."""
    return agents.keep_version(db, strategy, source_of(strategy), now_ms)


def parameters(strategy: str, given: dict[str, Any]) -> dict[str, Any]:
    """Every parameter a strategy runs with: its defaults, and the given ones in their place."""
    return asdict(catalogue.build(strategy, given))


def check(strategy: str, parameters: dict[str, Any]) -> None:
    """Refuse an unknown strategy or parameter before an agent is made of it. Raises Misconfigured."""
    catalogue.build(strategy, parameters)
