"""What the private stream said and the ledger has not taken yet: in memory; while the database refuses, in a spool too.

Fills and order updates are kept there as they were heard, and heard again by the next life. Everything else only says
that REST is to be asked, which a new life does anyway.
"""

from collections import deque
from collections.abc import Iterable
from pathlib import Path

import msgspec

from outcry.domain.errors import Unavailable
from outcry.ops import log
from outcry.store.spool import Entry, Spool
from outcry.venue.messages import FillMessage, UserOrder
from outcry.venue.stream import Event

KINDS: dict[str, type[FillMessage] | type[UserOrder]] = {"fill": FillMessage, "order": UserOrder}

_log = log.get(__name__)


class Backlog:
    """Events, oldest first.

    file  of the spool; one that cannot be had means that a kill loses what REST then has to find
    """

    def __init__(self, file: Path) -> None:
        self._events: deque[Event] = deque()
        self._kept = 0  # so many of the oldest are in the spool, or need not be
        self._failing = False
        self._spool: Spool | None = None
        try:
            self._spool = Spool(file)
        except Unavailable as error:
            _log.error("failed_to_open_spool", error=str(error))
            return
        if self._spool.torn or self._spool.short:
            _log.warning("opened_spool", torn=self._spool.torn, short=self._spool.short)
        for entry in self._spool.waiting:
            self._restore(entry)
        self._kept = len(self._events)

    def __len__(self) -> int:
        return len(self._events)

    @property
    def first(self) -> Event:
        return self._events[0]

    def extend(self, events: Iterable[Event]) -> None:
        self._events.extend(events)

    def done(self) -> None:
        """The first event is booked, or never can be."""
        self._events.popleft()
        self._kept = max(0, self._kept - 1)
        if not self._events and self._spool is not None and len(self._spool):
            try:
                self._spool.clear()
            except Unavailable as error:
                _log.error("failed_to_clear_spool", error=str(error))

    def keep(self) -> None:
        """Have everything that waits in the spool, as the database does not take it."""
        while self._spool is not None and self._kept < len(self._events):
            event = self._events[self._kept]
            kind = next((name for name, shape in KINDS.items() if isinstance(event, shape)), "")
            try:
                if kind:
                    self._spool.append({"type": kind, "message": msgspec.to_builtins(event)})
            except Unavailable as error:
                if not self._failing:
                    _log.error("failed_to_spool", error=str(error))
                self._failing = True
                return
            self._failing = False
            self._kept += 1

    def close(self) -> None:
        """Let go of the spool; what waits is found at the next start."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def _restore(self, entry: Entry) -> None:
        try:
            self._events.append(msgspec.convert(entry["message"], KINDS[entry["type"]]))
        except (KeyError, msgspec.ValidationError) as error:
            _log.error("dropped_entry", entry=entry, error=str(error))
