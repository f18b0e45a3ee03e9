"""Which markets a mirror looks at, and when it should look at each again. Pure.

Seconds (`_s`) are of a monotonic clock; milliseconds are Unix time.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from outcry.domain.market import Market, Status

EARLY_MS = 2_000  # a book is looked at so long before its market opens
OPEN_EVERY_S, STRIKE_EVERY_S, AHEAD_EVERY_S = 5.0, 2.0, 30.0
# How often an outcome is asked for: (until so long after the close in ms, every so many seconds).
OUTCOME_EVERY_S = ((30_000, 1.5), (300_000, 5.0), (3_600_000, 30.0), (math.inf, 300.0))
FADING = 0.8  # of a market's activity, kept from one reading to the next


@dataclass(slots=True)
class Watched:
    """One market.

    row            its latest description
    read_s         when that was read
    accounted_ch   the traded volume whose prints were asked for
    prints_from_ms prints older than this are known or none of ours
    book_s         when its book was last handed on
    activity_ch    volume per reading, older readings fading
    """

    row: Market
    read_s: float
    accounted_ch: int
    prints_from_ms: int
    book_s: float = -math.inf
    activity_ch: float = 0.0
    missing: bool = False

    @property
    def owed_ch(self) -> int:
        """Volume whose prints were not asked for yet."""
        return self.row.volume_ch - self.accounted_ch

    @property
    def over(self) -> bool:
        return self.row.status is Status.FINALIZED

    def every_s(self, now_ms: int) -> float:
        """How often its row should be read now."""
        row = self.row
        closed = row.status not in (Status.INITIALIZED, Status.ACTIVE, Status.INACTIVE)
        if closed or now_ms >= row.close_at_ms:
            since_ms = max(0, now_ms - row.close_at_ms)
            return next(every_s for until_ms, every_s in OUTCOME_EVERY_S if since_ms < until_ms)
        if now_ms < row.open_at_ms:
            return AHEAD_EVERY_S
        return STRIKE_EVERY_S if row.strike_type and row.strike_micros is None else OPEN_EVERY_S


class Watch:
    """All of them.

    max_markets  no more than these at a time, the most traded first; what is watched stays until it is paid
    ahead_ms     markets that open later than this are left for later
    known        markets that the local exchange has from an earlier life, and has not paid; their prints count from
                 `now_ms` on
    """

    def __init__(self, max_markets: int, ahead_ms: int, known: Iterable[Market] = (), now_ms: int = 0) -> None:
        self._max, self._ahead_ms = max_markets, ahead_ms
        self._markets = {row.ticker: Watched(row, -math.inf, row.volume_ch, now_ms) for row in known}

    def __contains__(self, ticker: str) -> bool:
        return ticker in self._markets

    def get(self, ticker: str) -> Watched | None:
        return self._markets.get(ticker)

    def listed(self, rows: Iterable[Market], now_ms: int, now_s: float) -> list[Market]:
        """Rows of a listing: takes in what should be watched; returns the rows of what is."""
        rows = list(rows)
        new = [
            row
            for row in rows
            if row.ticker not in self._markets
            and row.close_at_ms > now_ms
            and row.open_at_ms <= now_ms + self._ahead_ms
            and row.status in (Status.INITIALIZED, Status.ACTIVE, Status.INACTIVE)
        ]
        new.sort(key=lambda row: (-row.volume_ch, row.close_at_ms))
        room = self._max - sum(1 for one in self._markets.values() if one.row.close_at_ms > now_ms)
        for row in new[: max(0, room)]:
            self._markets[row.ticker] = Watched(row, now_s, row.volume_ch, now_ms)
        return self.read(rows, now_s)

    def read(self, rows: Iterable[Market], now_s: float) -> list[Market]:
        """Rows that were read: remembers those that are watched, and returns them. What is paid is watched no more."""
        watched = []
        for row in rows:
            one = self._markets.get(row.ticker)
            if one is None:
                continue
            one.activity_ch = one.activity_ch * FADING + max(0, row.volume_ch - one.row.volume_ch)
            one.row, one.read_s, one.missing = row, now_s, False
            watched.append(row)
            if one.over:
                del self._markets[row.ticker]
        return watched

    def due(self, now_ms: int, now_s: float, within_s: float = 0.5) -> list[str]:
        """Tickers whose rows should be read now (or almost: one request serves them all)."""
        waits = {ticker: self._row_due_s(one, now_ms) - now_s for ticker, one in self._markets.items()}
        if not any(wait_s <= 0 for wait_s in waits.values()):
            return []
        return [ticker for ticker, wait_s in waits.items() if wait_s <= within_s]

    def next_due_s(self, now_ms: int) -> float:
        """When the next row should be read; infinity when nothing is watched."""
        return min((self._row_due_s(one, now_ms) for one in self._markets.values()), default=math.inf)

    def open(self, now_ms: int) -> list[str]:
        """Markets whose books matter now, the most active first."""
        return sorted(
            (
                ticker
                for ticker, one in self._markets.items()
                if one.row.open_at_ms - EARLY_MS <= now_ms < one.row.close_at_ms
            ),
            key=lambda ticker: (-self._markets[ticker].activity_ch, ticker),
        )

    def ahead(self, now_ms: int) -> frozenset[str]:
        """Markets that are open or will be."""
        return frozenset(ticker for ticker, one in self._markets.items() if now_ms < one.row.close_at_ms)

    def open_in(self, series: str, now_ms: int) -> bool:
        """Whether an open market of a series is watched."""
        return any(
            one.row.series_ticker == series and one.row.open_at_ms <= now_ms < one.row.close_at_ms
            for one in self._markets.values()
        )

    def refresh(self, ticker: str) -> None:
        """Something happened to a market: read its row at once."""
        if ticker in self._markets:
            self._markets[ticker].read_s = -math.inf

    @staticmethod
    def _row_due_s(one: Watched, now_ms: int) -> float:
        return one.read_s + one.every_s(now_ms)
