"""One publish: what changed in the books, bars that are complete, and index history, in one short transaction."""

import sqlite3
from collections import deque
from collections.abc import Iterable

from outcry import failpoints
from outcry.desk.collecting.books import Books
from outcry.desk.collecting.market_breaker import MarketBreaker
from outcry.desk.collecting.scribe import Scribe
from outcry.domain.view import Bar
from outcry.ops.clock import now_ns
from outcry.signals.second_bars import SecondBars
from outcry.store import quotes

HISTORY_ROWS = 400  # of preloaded history a publish: nobody is to wait for a long transaction


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
        self._db, self._books, self._bars, self._scribe, self._breaker = db, books, bars, scribe, breaker
        self._history: deque[Bar] = deque()
        self.number = quotes.last(db).number
        self._begun = False

    def history(self, bars: Iterable[Bar]) -> None:
        """Bars of the past, to go out with the next publishes."""
        self._history.extend(bars)

    def publish(self, at_ms: int) -> bool:
        """Write what changed, if anything did; the first one takes back what an earlier life trusted.

        raises  Unavailable when the database refuses: everything stays to be published
        """
        if not self._begun:
            quotes.distrust(self._db, self.number + 1, at_ms, "collector begins anew")
            self.number, self._begun = self.number + 1, True
        rows, due = self._books.rows(), self._bars.due(at_ms)
        past = [self._history[place] for place in range(min(HISTORY_ROWS, len(self._history)))]
        if not rows and not due and not past:
            return False
        if self._breaker:
            self._breaker.see((row.quote for row in rows), at_ms)
        quotes.publish(self._db, self.number + 1, at_ms, rows, [*past, *due])
        failpoints.reached("publish.committed")
        self.number += 1
        self._books.published(rows)
        self._bars.published(due)
        for _ in past:
            self._history.popleft()
        if self._scribe:
            self._scribe.published(now_ns(), self.number)
        return True
