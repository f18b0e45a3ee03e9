"""The process that holds the write lock is named, and asking costs nobody their locks."""

import os
import sqlite3
import subprocess
import sys

import pytest

from outcry.store import database, holder
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


def test_a_question_that_is_not_answered_in_time_names_nobody(tmp_path, monkeypatch):
    database.connect(tmp_path / "kalshi.db").close()
    monkeypatch.setattr(holder, "_LONGEST_S", 0.0)
    assert write_lock_holders(tmp_path / "kalshi.db") == []


def test_a_holder_that_is_gone_by_now_is_named_by_its_number(monkeypatch, tmp_path):
    told = subprocess.CompletedProcess([], 0, stdout="4194999\n")
    monkeypatch.setattr(holder.subprocess, "run", lambda *_command, **_how: told)
    assert write_lock_holders(tmp_path / "kalshi.db") == ["pid 4194999 (not visible from here)"]
