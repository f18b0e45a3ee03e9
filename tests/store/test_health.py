"""A database that is unsound says so; a check that takes too long says nothing."""

import os
import sqlite3

import pytest

from outcry.store import database, health


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "k.db"
    db = database.connect(path, checkpoints=True)
    database.migrate(db)
    db.execute("CREATE TABLE much (text)")
    db.executemany("INSERT INTO much VALUES (?)", [("x" * 3_000,)] * 200)
    db.close()
    return path


def checked(path, seconds=60.0):
    db = database.read_only(path)
    try:
        return health.quick_check(db, seconds)
    finally:
        db.close()


def spoil(path, first, last, byte):
    content = bytearray(path.read_bytes())
    content[first * 4_096 : last * 4_096] = bytes([byte]) * (last - first) * 4_096
    path.write_bytes(content)


def test_a_sound_one_has_nothing_to_say(file):
    assert checked(file) == ""


def test_a_page_of_rubbish_is_found(file):
    pages = file.stat().st_size // 4_096
    spoil(file, pages - 20, pages - 10, 0xEE)
    assert "much" in checked(file) or "page" in checked(file).lower()


def test_a_file_cut_short_while_it_is_read_is_found(file):
    db = database.read_only(file)
    os.truncate(file, file.stat().st_size // 2)
    assert "Page" in health.quick_check(db, 60.0)
    db.close()


def test_what_is_no_database_or_cannot_be_asked_says_why(tmp_path):
    (tmp_path / "text").write_text("certainly no database" * 100)
    db = sqlite3.connect(tmp_path / "text")
    assert health.quick_check(db, 60.0) == "file is not a database"
    db.close()
    holder, other = (sqlite3.connect(tmp_path / "held", timeout=0, isolation_level=None) for _ in range(2))
    holder.execute("BEGIN EXCLUSIVE")
    assert health.quick_check(other, 60.0) == "database is locked"
    holder.close()
    other.close()


def test_a_check_that_takes_too_long_is_given_up(file, monkeypatch):
    monkeypatch.setattr(health, "_STEPS", 1)
    assert checked(file, -1.0) == ""


def test_migrations_that_are_missing_or_unknown_are_named(file):
    db = database.connect(file)
    assert (health.missing_migrations(db), health.unknown_migrations(db), health.environment(db)) == ([], [], "")
    db.execute("DELETE FROM migrations WHERE name LIKE '0002%'")
    db.execute("INSERT INTO migrations VALUES ('9999_future.sql', 'now')")
    assert [name[:4] for name in health.missing_migrations(db)] == ["0002"]
    assert health.unknown_migrations(db) == ["9999_future.sql"]
    db.close()
