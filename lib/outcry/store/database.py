"""Opening the database the way every program must, and its migrations.

Manners (measured on SQLite 3.40): WAL; one writing connection a program; `BEGIN IMMEDIATE` for every write, as the
deferred upgrade from read to write fails at once whatever the timeout; only the clerk checkpoints the WAL; nobody opens
these files except through `sqlite3`, because closing any other descriptor drops the process's locks.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from outcry.domain.errors import Misconfigured, Unavailable

PROJECT = Path(__file__).resolve().parents[3]
MIGRATIONS = PROJECT / "sql" / "migrations"
LOOP_TIMEOUT_MS = 250  # a synchronous loop must not hang
VERB_TIMEOUT_MS = 5_000
LONG_LOG_PAGES = 4_000  # of 4 KiB: 16 MB of write-ahead log


class DatabaseRefused(Unavailable):
    """It is locked beyond the busy timeout, its disk is full, or it is broken: nothing was written."""


def connect(path: Path, *, timeout_ms: int = VERB_TIMEOUT_MS, checkpoints: bool = False) -> sqlite3.Connection:
    """The program's one writing connection. Autocommit; use `write()` for transactions.

    timeout_ms   how long a busy database is waited for
    checkpoints  True only in the clerk (and in verbs that run alone): it may checkpoint the WAL
    raises       Unavailable when the file cannot be opened or is no database
    """
    try:
        db = sqlite3.connect(path, timeout=timeout_ms / 1000, isolation_level=None, check_same_thread=False)
        if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        if not checkpoints:
            db.execute("PRAGMA wal_autocheckpoint = 0")
    except sqlite3.Error as error:
        raise Unavailable(f"cannot open database {path}: {error}") from error
    db.row_factory = sqlite3.Row
    return db


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that leaves no file behind, whoever runs it.

    While somebody has the database open its -wal file exists, and we read beside them. When nobody has, an ordinary
    read-only connection would make -wal and -shm files that it may not remove: then the file is read as it lies.

    raises  Misconfigured when there is no database yet; Unavailable when it cannot be read
    """
    if not path.exists():
        raise Misconfigured(f"no database at {path}", "next: bin/migrate, or name the right --state")
    in_use = path.with_name(path.name + "-wal").exists()
    uri = f"{path.absolute().as_uri()}?mode=ro{'' if in_use else '&immutable=1'}"
    try:
        db = sqlite3.connect(uri, uri=True, timeout=VERB_TIMEOUT_MS / 1000, isolation_level=None)
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise Unavailable(f"cannot read database {path}: {error}") from error
    db.row_factory = sqlite3.Row
    return db


def ready(path: Path) -> sqlite3.Connection:
    """As `read_only`, of a floor's database that this build can read: nothing is missing in it.

    raises  Misconfigured when it lacks migrations, as after an update of the programs, too
    """
    db = read_only(path)
    if missing := pending(db):
        db.close()
        raise Misconfigured(f"{path} lacks {missing[0]}", "next: bin/migrate")
    return db


@contextmanager
def write(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One short write transaction; rolled back on any exception. Never open one across a network call.

    raises  DatabaseRefused when it stays locked beyond the busy timeout, or cannot take the commit; sqlite3.Error
            when a statement inside fails
    """
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.DatabaseError as error:
        raise DatabaseRefused(f"database refused a write: {error}") from error
    try:
        yield db
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    try:
        db.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise DatabaseRefused(f"database refused a commit: {error}") from error


def joined(db: sqlite3.Connection) -> AbstractContextManager[sqlite3.Connection]:
    """The caller's transaction where one is open, else a `write` of its own."""
    return nullcontext(db) if db.in_transaction else write(db)


@contextmanager
def quick(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Like `write`, for rows that can be had again (quotes, bars, heartbeats): not fsynced at once."""
    db.execute("PRAGMA synchronous = NORMAL")
    try:
        with write(db):
            yield db
    finally:
        db.execute("PRAGMA synchronous = FULL")


def checkpoint(db: sqlite3.Connection) -> None:
    """Fold the write-ahead log into the database as far as no reader needs it. Only the clerk does this.

    Its file begins anew only when nobody reads it at that instant, which under steady work hardly ever happens by
    itself: a long one that is folded in whole is cut, waiting for readers no longer than for any lock.
    """
    _busy, pages, folded = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if pages > LONG_LOG_PAGES and folded == pages:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def data_version(db: sqlite3.Connection) -> int:
    """Changes whenever another connection commits: microseconds to poll."""
    return db.execute("PRAGMA data_version").fetchone()[0]


def migrate(
    db: sqlite3.Connection, folder: Path = MIGRATIONS, more: Callable[[int], object] = lambda _files: None
) -> list[str]:
    """Apply what is missing, each file in its own transaction together with its record; returns the names applied.

    more    called with each file that is done
    raises  Misconfigured when the database is from a newer build, or an applied file has since been removed
    """
    db.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT")
    files = {file.name: file for file in sorted(folder.glob("[0-9]*.sql"))}
    done = {row[0] for row in db.execute("SELECT name FROM migrations")}
    if unknown := sorted(done - files.keys()):
        raise Misconfigured(f"database has migration {unknown[-1]} that this build lacks", "install the newer build")
    applied = []
    for name, file in files.items():
        if name in done:
            continue
        with write(db):
            for statement in _statements(file.read_text()):
                db.execute(statement)
            db.execute("INSERT INTO migrations VALUES (?, datetime('now'))", (name,))
        applied.append(name)
        more(1)
    return applied


def pending(db: sqlite3.Connection, folder: Path = MIGRATIONS) -> list[str]:
    """Names of migrations that this build has and the database lacks."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone():
        return sorted(file.name for file in folder.glob("[0-9]*.sql"))
    done = {row[0] for row in db.execute("SELECT name FROM migrations")}
    return sorted(file.name for file in folder.glob("[0-9]*.sql") if file.name not in done)


def _statements(script: str) -> Iterator[str]:
    """Split a script into statements; `executescript` would commit the transaction we are in."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def schema(db: sqlite3.Connection) -> str:
    """The whole schema as text, in a stable order, for the committed sql/schema.sql."""
    order = {"table": 0, "index": 1, "view": 2, "trigger": 3}
    rows = db.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    return "\n".join(f"{row[2]};\n" for row in sorted(rows, key=lambda row: (order[row[0]], row[1])))
