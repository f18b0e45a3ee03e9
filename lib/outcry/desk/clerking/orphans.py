"""Spools of programs that died with entries waiting and do not run again: the clerk writes them into the ledger."""

import sqlite3
from pathlib import Path

from outcry.domain.errors import InvariantBroken, Unavailable
from outcry.ops import log
from outcry.store import spool, spooled, system
from outcry.store.spool import Spool

_log = log.get(__name__)


def adopt(db: sqlite3.Connection, folder: Path, own: str, now_ms: int) -> int:
    """Apply what waits in spools that nobody owns; how many entries that were.

    folder  of the spools
    raises  DatabaseRefused or sqlite3.Error when the database refuses: it all waits on
    """
    return sum(_adopt(db, file, now_ms) for file in spool.left_behind(folder, own))


def _adopt(db: sqlite3.Connection, file: Path, now_ms: int) -> int:
    try:
        left = Spool(file)
    except Unavailable:
        return 0  # its owner lives
    try:
        for entry in left.waiting:
            try:
                spooled.apply(db, entry)
            except InvariantBroken as error:
                _log.error("dropped_entry", program=file.stem, entry=entry, error=str(error))
                system.event(db, "error", "clerk", "dropped_entry", f"{file.stem}: {error}", now_ms=now_ms)
        found = len(left)
        if found:
            left.clear()
            _log.warning("adopted_spool", program=file.stem, entries=found)
            what = f"{found} entries of {file.stem}, which does not run"
            system.event(db, "warning", "clerk", "adopted_spool", what, now_ms=now_ms)
    finally:
        left.close()
    return found
