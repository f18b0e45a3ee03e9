"""Copies of a database that is in use, and whether a copy is worth keeping.

A copy is taken in one step: a stepped one begins again at each commit of somebody else, and on a busy file never ends.
Writers go on meanwhile, readers too.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from outcry.domain.errors import Unavailable
from outcry.store import accounts, database, fills, report


def copy(source: Path, target: Path) -> None:
    """Write a whole, closed copy (one file, no log beside it).

    raises  Unavailable when the source cannot be read or the target not be written
    """
    try:
        with closing(database.read_only(source)) as db, closing(sqlite3.connect(target)) as made:
            db.backup(made)
            made.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise Unavailable(f"{source} could not be copied: {error}") from error


def faults(file: Path) -> list[str]:
    """Why a copy of any database cannot be trusted; none when it can."""
    try:
        with closing(database.read_only(file)) as db:
            return [row[0] for row in db.execute("PRAGMA quick_check(3)") if row[0] != "ok"]
    except (sqlite3.Error, Unavailable) as error:
        return [str(error)]


def ledger_faults(file: Path) -> list[str]:
    """The same of a floor's own database, and of its ledger.

    Totals follow from the fills; the exchange identity holds wherever nothing was booked since it was seen to hold.
    """
    if found := faults(file):
        return found
    with closing(database.read_only(file)) as db:
        wrong = [f"totals differ from the fills: {name}" for name in fills.misbooked(db)]
        booked_at_ms = report.last_booking_ms(db)
        for look in accounts.reconciliations_now(db):
            expected = accounts.expected_micros(db, look.exchange_index)
            if look.agreed and look.at_ms > booked_at_ms and expected != look.expected_micros:
                wrong.append(
                    f"shard {look.exchange_index}: {expected} micro-dollars, and {look.expected_micros} were seen"
                )
    return wrong


def facts(file: Path) -> dict[str, object]:
    """What is in a copy of a floor's database, for people and for its manifest."""
    with closing(database.read_only(file)) as db:
        floor_id, environment = report.floor_facts(db)
        row = db.execute(
            "SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM fills) AS fills,"
            " (SELECT count(*) FROM settlements) AS settlements, (SELECT max(seq) FROM happenings) AS records"
        ).fetchone()
        return {"floor_id": floor_id, "environment": environment, **dict(row)}
