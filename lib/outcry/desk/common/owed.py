"""What a program owes the database while that refuses: in memory, and in its spool, until it is written in order.

As long as anything is owed everything else goes behind it: reports of an order must not overtake the order.
"""

import sqlite3
from collections import deque
from collections.abc import Callable
from pathlib import Path

from outcry.desk.common.refusals import Refusals
from outcry.domain.errors import InvariantBroken, Unavailable
from outcry.domain.order import Order
from outcry.ops import log
from outcry.store import spooled
from outcry.store.spool import Entry, Spool, SpoolTaken
from outcry.store.spooled import Happened, Spooled

_log = log.get(__name__)


class Owed:
    """One program's.

    file  of its spool; `open` it before anything is written
    """

    def __init__(
        self, db: sqlite3.Connection, file: Path, program: str, refusals: Refusals, clock: Callable[[], int]
    ) -> None:
        self._db, self._file, self._program, self._clock = db, file, program, clock
        self.refusals = refusals
        self._spool: Spool | None = None
        self._entries: deque[Entry] = deque()

    def open(self) -> None:
        """Take the spool, with what an earlier life left in it. Without a disk that takes it memory has to do.

        raises  SpoolTaken while another program empties it
        """
        if self._spool is not None:
            return
        try:
            self._spool = Spool(self._file)
        except SpoolTaken:
            raise
        except Unavailable as error:
            _log.error("failed_to_open_spool", program=self._program, error=str(error))
            return
        self._entries.extendleft(reversed(self._spool.waiting))
        if self._spool.torn or self._spool.short:
            _log.warning("opened_spool", program=self._program, torn=self._spool.torn, short=self._spool.short)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is owed, oldest first."""
        return tuple(self._entries)

    def heard(self, error: Exception) -> None:
        """Something failed; when it was the database, it is known to refuse from now on."""
        if self.refusals.of(error):
            self.refusals.heard(error, self._clock())

    def write(self, what: Spooled) -> Order | None:
        """Write it, or owe it; the order it is about as it is now, None when it is owed (or about none)."""
        if not self._entries and self.refusals.may_try(self._clock()):
            try:
                return spooled.apply(self._db, spooled.entry(what))
            except (Unavailable, sqlite3.Error) as error:
                self.heard(error)
                _log.warning("owed_write", program=self._program, what=type(what).__name__.lower(), error=str(error))
        entry = spooled.entry(what)
        try:
            self._keep(entry)
        except Unavailable as error:
            _log.error("failed_to_spool", program=self._program, error=str(error))
            self._entries.append(entry)
        return None

    def keep(self, what: Spooled) -> None:
        """Owe it durably, before what it is about happens.

        raises  Unavailable when the spool does not take it either
        """
        self._keep(spooled.entry(what))

    def happened(self, level: str, what: str, detail: str) -> None:
        """An event for system_events, now or later."""
        self.write(Happened(level, self._program, what, detail, self._clock()))

    def pay(self) -> list[Order]:
        """Write what is owed, in order; the orders it was about.

        raises  DatabaseRefused or sqlite3.Error when the database still refuses; the rest stays owed
        """
        orders = []
        paid = len(self._entries)
        while self._entries:
            try:
                order = spooled.apply(self._db, self._entries[0])
            except InvariantBroken as error:
                self._drop(str(error))
                continue
            orders += [order] if order is not None else []
            self._entries.popleft()
        if paid:
            self._clear()
            _log.info("paid_writes", program=self._program, entries=paid)
        return orders

    def close(self) -> None:
        """Let go of the spool; what is owed stays in it."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def _drop(self, why: str) -> None:
        """Put an event in the place of an entry that can never be applied: nothing behind it waits for ever."""
        _log.error("dropped_entry", program=self._program, entry=self._entries[0], error=why)
        told = Happened("error", self._program, "dropped_entry", why, self._clock())
        self._entries[0] = spooled.entry(told)

    def _keep(self, entry: Entry) -> None:
        if self._spool is None:
            raise Unavailable(f"there is no spool at {self._file}", "look at its disk")
        self._spool.append(entry)
        self._entries.append(entry)

    def _clear(self) -> None:
        if self._spool is None or not len(self._spool):
            return
        try:
            self._spool.clear()
        except Unavailable as error:
            _log.error("failed_to_clear_spool", program=self._program, error=str(error))
