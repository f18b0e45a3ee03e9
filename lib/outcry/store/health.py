"""Whether a database is sound and fits this build: questions of bin/doctor, asked without writing."""

import sqlite3
import time
from pathlib import Path

from outcry.store import database

_STEPS = 50_000  # of SQLite's virtual machine between two looks at the clock


def quick_check(db: sqlite3.Connection, seconds: float) -> str:
    """What PRAGMA quick_check finds first; "" when all is well, or nothing was found within that time."""
    until = time.monotonic() + seconds
    db.set_progress_handler(lambda: int(time.monotonic() > until), _STEPS)
    try:
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        return "" if "interrupted" in str(error) else str(error)
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        db.set_progress_handler(None, 0)
    return "" if found == "ok" else str(found)


def missing_migrations(db: sqlite3.Connection) -> list[str]:
    """Migrations of this build that the database lacks."""
    return database.pending(db)


def unknown_migrations(db: sqlite3.Connection, folder: Path = database.MIGRATIONS) -> list[str]:
    """Migrations of the database that this build lacks: it was made by a newer one."""
    known = {file.name for file in folder.glob("[0-9]*.sql")}
    return sorted({row[0] for row in db.execute("SELECT name FROM migrations")} - known)


def environment(db: sqlite3.Connection) -> str:
    """The environment whose books these are; "" before the first migration named it."""
    row = db.execute("SELECT environment FROM floor").fetchone()
    return row[0] if row else ""


def created_at_ms(db: sqlite3.Connection) -> int:
    """When the first migration named the floor; 0 before that."""
    row = db.execute("SELECT created_at_ms FROM floor").fetchone()
    return row[0] if row else 0
