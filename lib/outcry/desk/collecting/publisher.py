"""One publish: what changed in the books, bars that are complete, and index history, in one short transaction."""

import sqlite3
from collections.abc import Iterable

from outcry import failpoints
from outcry.desk.collecting.books import Books
from outcry.desk.collecting.market_breaker import MarketBreaker
from outcry.desk.collecting.scribe import Scribe
from outcry.desk.collecting.showing import Showing
from outcry.domain.view import Bar
from outcry.signals.second_bars import SecondBars
from outcry.store import quotes
from outcry.store.tape_rows import TAKEN_BACK

BEGINS_ANEW = "collector begins anew"


class Publisher:
    """Numbers publishes; the number goes on from the database's, over restarts."""

    def __init__(
        self,
        db: sqlite3.Connection,
        books: Books,
        bars: SecondBars,
        scribe: Scribe | None,
        breaker: MarketBreaker | None = None,
    ) -> None:
        self._db, self._scribe, self._breaker = db, scribe, breaker
        self.showing = Showing(books, bars)
        self.number = quotes.last(db).number
        self._begun = False

    def history(self, bars: Iterable[Bar]) -> None:
        """Bars of the past, to go out with the next publishes."""
        self.showing.history(bars)

    def publish(self, at_ms: int) -> bool:
        """Write what changed, if anything did; the first one takes back what an earlier life trusted.

        raises  Unavailable when the database refuses: everything stays to be published
        """
        if not self._begun:
            self._take_back(at_ms)
        due = self.showing.due(at_ms)
        if due is None:
            return False
        if self._breaker:
            self._breaker.see((row.quote for row in due.rows), at_ms)
        quotes.publish(self._db, self.number + 1, at_ms, due.rows, due.bars)
        failpoints.reached("publish.committed")
        self.number += 1
        self.showing.went(due)
        if self._scribe:
            self._scribe.published(at_ms * 1_000_000, self.number)
        return True

    def _take_back(self, at_ms: int) -> None:
        quotes.distrust(self._db, self.number + 1, at_ms, BEGINS_ANEW)
        self.number, self._begun = self.number + 1, True
        if self._scribe:
            self._scribe.note(at_ms * 1_000_000, 0, TAKEN_BACK, {"number": self.number, "why": BEGINS_ANEW})
