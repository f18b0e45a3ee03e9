"""What can still be read of a tape whose file is shorter than it was: a copy that broke off, say.

SQLite refuses such a file as a whole, but every page that is there is sound. So each row is asked for by its number,
and those whose pages are there are copied into memory, from where they are read like any other tape.
"""

import sqlite3
from pathlib import Path

from outcry.domain.errors import Unavailable
from outcry.store import database

MISSES = 5_000  # numbers in a row that nobody has: the end
TABLES = {"migrations": "rowid", "sessions": "session", "symbols": "symbol", "manifest": "rowid", "chunks": "chunk",
          "notes": "note"}  # fmt: skip


def salvage(file: Path, schema: Path) -> tuple[sqlite3.Connection, list[str]]:
    """(what can be read, in memory; what cannot, in words).

    raises  Unavailable when not even the list of its tables is there
    """
    torn = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    rescued = sqlite3.connect(":memory:", isolation_level=None)
    rescued.row_factory = sqlite3.Row
    lost: list[str] = []
    try:
        torn.execute("PRAGMA writable_schema = ON")  # else a file shorter than its header says is not read at all
        there = {row[0] for row in torn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not there.issuperset({"migrations", "sessions", "chunks"}):
            raise Unavailable(f"{file} is no tape that can be read: its beginning is missing")
        database.migrate(rescued, schema)
        rescued.execute("DELETE FROM migrations")
        for table in TABLES:
            if table in there:
                lost += _copy(torn, rescued, table)
    except sqlite3.DatabaseError as error:
        rescued.close()
        raise Unavailable(f"{file} is no tape that can be read: {error}") from error
    except Unavailable:
        rescued.close()
        raise
    finally:
        torn.close()
    return rescued, lost


def _copy(torn: sqlite3.Connection, rescued: sqlite3.Connection, table: str) -> list[str]:
    """Copy the rows that are there, one by one; returns which are not."""
    key = TABLES[table]
    if table == "migrations":  # its key is text: few rows, on one page or not at all
        rows = torn.execute("SELECT name, applied_at FROM migrations").fetchall()
        rescued.executemany("INSERT INTO migrations VALUES (?, ?)", rows)
        return []
    number = misses = last = 0
    gone: list[int] = []
    while misses < MISSES:
        number, misses = number + 1, misses + 1
        try:
            row = torn.execute(f"SELECT * FROM {table} WHERE {key} = ?", (number,)).fetchone()  # noqa: S608  our names
        except sqlite3.DatabaseError:
            gone.append(number)
            continue
        if row is not None:
            rescued.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
            misses, last = 0, number
    between = sum(miss < last for miss in gone)
    told = [f"{between} rows of {table} among those that are there"] if between else []
    return [*told, f"rows of {table} after number {last}, however many there were"] if len(gone) > between else told
