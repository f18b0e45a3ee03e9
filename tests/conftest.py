"""Shared fixtures: an in-memory database with the real migrations, and where recorded material lies."""

import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import settings

from outcry.store import database

settings.register_profile("outcry", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("outcry")
PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def db() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    database.migrate(connection)
    yield connection
    connection.close()


def _material(variable: str) -> Path:
    folder = os.environ.get(variable, "")
    if not folder or not Path(folder).exists():
        pytest.skip(f"{variable} does not name a folder: this test needs it")
    return Path(folder)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Recorded production books and settlements (OUTCRY_RECORDINGS)."""
    return _material("OUTCRY_RECORDINGS")


@pytest.fixture(scope="session")
def protocol() -> Path:
    """The exchange's OpenAPI and AsyncAPI files (OUTCRY_PROTOCOL)."""
    return _material("OUTCRY_PROTOCOL")
