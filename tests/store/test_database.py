"""Opening, migrating and writing the database."""

import shutil
import sqlite3

import pytest

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.store import database, system


def test_migrations_apply_once_and_are_recorded(tmp_path):
    db = database.connect(tmp_path / "k.db")
    assert database.pending(db) == sorted(file.name for file in database.MIGRATIONS.glob("*.sql"))
    applied = database.migrate(db)
    assert applied == sorted(applied)
    assert applied[0] == "0001_floor.sql"
    assert database.migrate(db) == []
    assert database.pending(db) == []
    db.close()


def test_a_failing_migration_leaves_no_trace(tmp_path):
    folder = tmp_path / "migrations"
    shutil.copytree(database.MIGRATIONS, folder)
    db = database.connect(tmp_path / "k.db")
    database.migrate(db, folder)
    (folder / "9000_bad.sql").write_text("CREATE TABLE half (a) ;\nCREATE TABLE agents (b);\n")
    with pytest.raises(sqlite3.OperationalError):
        database.migrate(db, folder)
    assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone()[0] == 0
    assert database.pending(db, folder) == ["9000_bad.sql"]
    db.close()


def test_a_database_of_a_newer_build_is_refused(tmp_path):
    db = database.connect(tmp_path / "k.db")
    database.migrate(db)
    db.execute("INSERT INTO migrations VALUES ('9999_future.sql', 'now')")
    with pytest.raises(Misconfigured, match="9999_future"):
        database.migrate(db)
    db.close()


def test_a_file_that_is_no_database_is_unavailable(tmp_path):
    (tmp_path / "k.db").write_bytes(b"certainly no database" * 100)
    with pytest.raises(Unavailable):
        database.connect(tmp_path / "k.db")


def test_truth_is_append_only(db):
    system.event(db, "warning", "clerk", "stopped_entries", "why", now_ms=1)
    for statement in ("UPDATE system_events SET detail = 'x'", "DELETE FROM system_events"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(statement)
    tables = {row[0] for row in db.execute("SELECT tbl_name FROM sqlite_master WHERE name LIKE '%_no_update'")}
    assert {"fills", "attributions", "settlements", "decisions", "order_events", "cash_events", "controls"} <= tables


def test_a_write_beside_a_holder_is_unavailable_and_changes_nothing(tmp_path):
    holder = database.connect(tmp_path / "k.db")
    database.migrate(holder)
    holder.execute("BEGIN IMMEDIATE")
    other = database.connect(tmp_path / "k.db", timeout_ms=20)
    with pytest.raises(Unavailable, match="locked"):
        system.event(other, "info", "x", "tried", now_ms=1)
    holder.execute("ROLLBACK")
    system.event(other, "info", "x", "tried", now_ms=1)
    assert [row["event"] for row in system.recent_events(holder)] == ["tried"]
    other.close()
    holder.close()


def test_a_full_disk_undoes_the_whole_transaction(tmp_path):
    db = database.connect(tmp_path / "k.db")
    database.migrate(db)
    db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(sqlite3.OperationalError, match="full"), database.write(db):
        system.set_control(db, "floor", "", "stop_entries", True, cause="x", reason="", now_ms=1)
        for number in range(1_000):
            db.execute("INSERT INTO strategy_versions VALUES (?, 'm', ?, 1)", (f"{number:064}", "x" * 4_000))
    assert not db.in_transaction and system.controls_now(db) == []
    db.close()


def test_a_transaction_that_sqlite_ended_by_itself_is_told_as_what_ended_it(db):
    """As it does on some errors of the disk."""
    with pytest.raises(sqlite3.OperationalError, match="disk"), database.write(db):
        db.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")
    with pytest.raises(database.DatabaseRefused, match="refused a commit"), database.write(db):
        db.execute("ROLLBACK")


def test_a_commit_that_is_refused_leaves_nothing_open(db):
    db.execute("CREATE TABLE child (a REFERENCES agents (name) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(database.DatabaseRefused, match="refused a commit: FOREIGN KEY"), database.write(db):
        db.execute("INSERT INTO child VALUES ('nobody')")
    assert not db.in_transaction
    assert db.execute("SELECT count(*) FROM child").fetchone()[0] == 0


def test_a_checkpoint_folds_the_log_into_the_database(tmp_path):
    db = database.connect(tmp_path / "k.db")
    database.migrate(db)
    before = (tmp_path / "k.db").stat().st_size
    database.checkpoint(db)
    assert (tmp_path / "k.db").stat().st_size > before
    db.close()


def test_a_long_log_is_cut_as_soon_as_nobody_reads_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "LONG_LOG_PAGES", 20)
    db = database.connect(tmp_path / "k.db")
    database.migrate(db)
    log = tmp_path / "k.db-wal"
    assert log.stat().st_size > 20 * 4096
    reader = database.read_only(tmp_path / "k.db")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM agents").fetchone()
    system.event(db, "info", "x", "happened", now_ms=1)
    database.checkpoint(db)
    assert log.stat().st_size > 0, "somebody reads in it"
    reader.execute("ROLLBACK")
    database.checkpoint(db)
    assert log.stat().st_size == 0
    assert reader.execute("SELECT count(*) FROM system_events").fetchone()[0] == 1
    reader.close()
    db.close()


def test_readers_leave_no_file_behind_and_may_lack_write_permission(tmp_path):
    db = database.connect(tmp_path / "k.db", checkpoints=True)
    database.migrate(db)
    db.close()
    reader = database.read_only(tmp_path / "k.db")
    assert reader.execute("SELECT count(*) FROM agents").fetchone()[0] == 0
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM agents")
    reader.close()
    assert [file.name for file in tmp_path.iterdir()] == ["k.db"]
    db = database.connect(tmp_path / "k.db")
    system.event(db, "info", "x", "happened", now_ms=1)
    beside = database.read_only(tmp_path / "k.db")
    system.event(db, "info", "x", "happened_again", now_ms=2)
    assert [row["event"] for row in system.recent_events(beside)] == ["happened_again", "happened"]
    beside.close()
    db.close()
    with pytest.raises(Misconfigured, match="bin/migrate"):
        database.read_only(tmp_path / "none.db")


def test_controls_latch_by_cause(db):
    def stop(active, cause, reason, now_ms):
        return system.set_control(db, "floor", "", "stop_entries", active, cause=cause, reason=reason, now_ms=now_ms)

    assert stop(True, "drift", "cash differs", 1)
    assert not stop(True, "drift", "cash differs", 2)
    assert stop(True, "errors", "11 % of calls failed", 3)
    assert stop(False, "errors", "", 4)
    assert not stop(False, "errors", "", 5)
    assert [(control.cause, control.reason) for control in system.controls_now(db)] == [("drift", "cash differs")]


def test_logs_answer_in_plain_sql(db):
    system.event(db, "warning", "clerk", "stopped_entries", "cash differs", now_ms=1_700_000_000_000)
    row = db.execute("SELECT * FROM logs ORDER BY timestamp DESC LIMIT 10").fetchone()
    assert tuple(row) == ("2023-11-14 22:13:20", "warning", "clerk", "stopped_entries", "cash differs")
