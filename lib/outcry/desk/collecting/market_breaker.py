"""Markets that behave abnormally: seen by whoever keeps the books, as they are published, and stopped for a while."""

import sqlite3
from collections.abc import Iterable

from outcry.domain.limits import Limits
from outcry.domain.view import Quote
from outcry.ops import log
from outcry.risk import abnormal_market
from outcry.risk.abnormal_market import Look
from outcry.store import system
from outcry.store.database import write

PROGRAM = "collector"
CROSSED = "crossed"  # the one distrust under which a book is whole
STEPS = 20  # looks within the window: a book that changes oftener is looked at no oftener

_log = log.get(__name__)


class MarketBreaker:
    """Remembers the last seconds of each book.

    time_factor  by how much this floor's windows are shortened
    """

    def __init__(self, db: sqlite3.Connection, limits: Limits, time_factor: float) -> None:
        self._db, self._limits, self._time_factor = db, limits, time_factor
        self._step_ms = limits.abnormal_window_ms / time_factor / STEPS
        self._looks: dict[str, list[Look]] = {}
        self._abnormal_at_ms: dict[str, int] = {}
        self._untold: dict[str, str] = {}

    def see(self, quotes: Iterable[Quote], at_ms: int) -> None:
        """What is about to be published. Entries are stopped before anybody can see the book they are stopped for.

        raises  Unavailable when the database refuses; what was seen is told the next time
        """
        for quote in quotes:
            if quote.trusted or quote.distrust == CROSSED:
                self._look(quote, at_ms)
            else:
                self._looks.pop(quote.ticker, None)
        for ticker in list(self._untold):
            self._stop(ticker, self._untold[ticker], at_ms)
            del self._untold[ticker]

    def settle(self, at_ms: int) -> None:
        """Every second: let entries go on where it was long enough ago.

        raises  Unavailable when the database refuses
        """
        for control in system.controls_now(self._db):
            if (control.scope, control.cause) != ("market", abnormal_market.CAUSE):
                continue
            last_ms = max(control.at_ms, self._abnormal_at_ms.get(control.name, 0))
            if abnormal_market.over(last_ms, at_ms, self._limits, self._time_factor):
                self._control(control.name, False, "it was long enough ago", at_ms)
                self._abnormal_at_ms.pop(control.name, None)

    def _look(self, quote: Quote, at_ms: int) -> None:
        looks = self._looks.setdefault(quote.ticker, [])
        crossed = quote.distrust == CROSSED
        if looks and 0 <= at_ms - looks[-1].at_ms < self._step_ms and looks[-1].crossed == crossed:
            return
        middle_2cc = quote.bids[0][0] + quote.asks[0][0] if quote.bids and quote.asks else None
        looks.append(Look(at_ms, middle_2cc, sum(count_ch for _, count_ch in (*quote.bids, *quote.asks)), crossed))
        del looks[: abnormal_market.needed(looks, at_ms, self._limits, self._time_factor)]
        if trip := abnormal_market.check(looks, at_ms, self._limits, self._time_factor):
            self._abnormal_at_ms[quote.ticker] = at_ms
            self._untold[quote.ticker] = trip.reason

    def _stop(self, ticker: str, reason: str, at_ms: int) -> None:
        """Once for each time; what goes on being abnormal only lasts longer."""
        stopped, _ = system.last_change(self._db, "market", ticker, "stop_entries", abnormal_market.CAUSE)
        if not stopped:
            self._control(ticker, True, reason, at_ms)

    def _control(self, ticker: str, active: bool, reason: str, at_ms: int) -> None:
        cause, what = abnormal_market.CAUSE, "stopped_entries" if active else "allowed_entries"
        with write(self._db):
            system.set_control(
                self._db, "market", ticker, "stop_entries", active, cause=cause, reason=reason, now_ms=at_ms
            )
            level = "warning" if active else "info"
            system.event(self._db, level, PROGRAM, what, f"{ticker}: {cause}: {reason}", now_ms=at_ms)
        (_log.warning if active else _log.info)(what, ticker=ticker, cause=cause, reason=reason)
