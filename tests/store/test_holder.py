"""The process that holds the write lock is named, and asking costs nobody their locks."""

import os
import sqlite3
import subprocess
import sys

import pytest

from outcry.store import database
from outcry.store.holder import write_lock_holders

STRANGER = (
    "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); db.execute(sys.argv[2]);"
    " db.execute('BEGIN IMMEDIATE'); db.execute('CREATE TABLE t (x)'); print('held', flush=True); sys.stdin.read()"
)


@pytest.mark.parametrize("manner", ["PRAGMA synchronous = FULL", "PRAGMA locking_mode = EXCLUSIVE"])
def test_a_stranger_is_named_with_its_command(tmp_path, manner):
    file = tmp_path / "kalshi.db"
    database.connect(file).close()
    assert write_lock_holders(file) == []
    stranger = subprocess.Popen(
        [sys.executable, "-c", STRANGER, file, manner], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert stranger.stdout.readline() == "held\n"
    (named,) = write_lock_holders(file)
    assert named.startswith(f"pid {stranger.pid} (") and "sqlite3.connect" in named
    stranger.communicate("")
    assert write_lock_holders(file) == []


def test_asking_leaves_our_own_lock_where_it_is(tmp_path):
    file = tmp_path / "kalshi.db"
    db, other = database.connect(file), database.connect(file, timeout_ms=1)
    db.execute("BEGIN IMMEDIATE")
    assert [named.split()[1] for named in write_lock_holders(file)] == [str(os.getpid())]
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    db.close()
    other.close()


def test_without_a_database_nobody_holds_it(tmp_path):
    assert write_lock_holders(tmp_path / "kalshi.db") == []
