"""Strategies as agents run them: checked before an agent is made of one, and their source kept for ever."""

import importlib
import inspect
import sqlite3
from dataclasses import asdict
from typing import Any

from outcry.store import agents
from outcry.strategies import catalogue


def source_of(strategy: str) -> str:
    """The source text of a strategy's module.

    raises  Misconfigured when there is no strategy of that name
    """
    return inspect.getsource(importlib.import_module(catalogue.module(strategy)))


def keep_source(db: sqlite3.Connection, strategy: str, now_ms: int) -> str:
    """Store the source that this build runs for a strategy; returns its sha256."""
    return agents.keep_version(db, strategy, source_of(strategy), now_ms)


def parameters(strategy: str, given: dict[str, Any]) -> dict[str, Any]:
    """Every parameter a strategy runs with: its defaults, and the given ones in their place."""
    return asdict(catalogue.build(strategy, given))  # type: ignore[call-overload]


def check(strategy: str, parameters: dict[str, Any]) -> None:
    """Refuse an unknown strategy or parameter before an agent is made of it. Raises Misconfigured."""
    catalogue.build(strategy, parameters)
