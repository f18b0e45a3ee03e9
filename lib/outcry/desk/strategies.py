"""Strategies as agents run them: built from an agent's row, and their source kept for ever."""

import inspect
import sqlite3
import sys
from typing import Any

from outcry.store import agents
from outcry.strategies import catalogue


def source_of(strategy: str) -> str:
    """The source text of a strategy's module.

    raises  Misconfigured when there is no strategy of that name
    """
    built = catalogue.build(strategy, {})
    return inspect.getsource(sys.modules[type(built).__module__])


def keep_source(db: sqlite3.Connection, strategy: str, now_ms: int) -> str:
    """Store the source that this build runs for a strategy; returns its sha256."""
    return agents.keep_version(db, strategy, source_of(strategy), now_ms)


def check(strategy: str, parameters: dict[str, Any]) -> None:
    """Refuse an unknown strategy or parameter before an agent is made of it. Raises Misconfigured."""
    catalogue.build(strategy, parameters)
