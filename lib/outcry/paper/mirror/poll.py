"""The mirror's questions by REST: which markets there are, how they stand, and (without a key) their books and prints.

One question at a time, the most overdue first, at the pace of a `Pacer`. A round of books is: the whole books of up to
a hundred markets in one request, then the prints of those that traded, then both are handed on together. Prints are
asked for market by market, the one with the most untold volume first; where many are open, a request for their rows
says which have traded. A book whose prints are still to be asked for waits a little for them.
"""

import logging
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from outcry.domain.book import Book
from outcry.domain.errors import Misconfigured, OutcryError
from outcry.paper.mirror.seen import BooksSeen, PausedSeen, PrintSeen, RowsSeen, Seen
from outcry.paper.mirror.watch import Watch
from outcry.venue.rest import Rest

BOOKS_EVERY_S = 1.0
BOOKS_AT_ONCE = 100
SELDOM = 2.0  # beyond a hundred open markets, the less active half as often as the others
FEW = 3  # up to so many open markets are asked for their prints without asking first whether they traded
PRINTS_AT_ONCE, PRINTS_OF_MANY = 4, 2  # questions about prints in a round, and where one round does not hold all books
PATIENCE_S = 3.0  # a book waits no longer than this for its prints
OVERLAP_MS = 2_000  # prints are asked for again so far back: they may be listed late
LISTING_EVERY_S, EMPTY_LISTING_EVERY_S, STATUS_EVERY_S = 20.0, 5.0, 15.0
RETRY_S, LONGEST_RETRY_S, REFUSED_S = 1.0, 8.0, 60.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Job:
    """One kind of question. `ask` returns the seconds until it should be asked again."""

    name: str
    every_s: float
    ask: Callable[[], float]
    due_s: float
    failures: int = 0


class Poller:
    """Call `step` in a loop.

    tell     takes what was seen
    follow   told the open and coming markets whenever they change, where somebody wants to know
    books    whether books and prints are polled too (a stream brings them otherwise)
    trouble  why the last question of some kind got no answer, "" when all did
    """

    def __init__(
        self,
        rest: Rest,
        series: Sequence[str],
        watch: Watch,
        tell: Callable[[Seen], object],
        *,
        follow: Callable[[frozenset[str]], object] | None = None,
        books: bool,
        now_ms: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rest, self._series, self._watch, self._tell, self._follow = rest, series, watch, tell, follow
        self._now_ms, self._monotonic = now_ms, monotonic
        self._followed: frozenset[str] = frozenset()
        self._wanted: queue.SimpleQueue[str] = queue.SimpleQueue()
        now_s = monotonic()
        self._jobs = [
            _Job(f"{status} {name}", LISTING_EVERY_S, partial(self._listing, name, status), now_s - LISTING_EVERY_S)
            for status in ("open", "unopened")
            for name in series
        ]
        self._rows = _Job("rows", 1.0, self._read_rows, now_s)
        self._jobs += [_Job("status", STATUS_EVERY_S, self._status, now_s - STATUS_EVERY_S / 2), self._rows]
        if books:
            self._jobs.append(_Job("books", BOOKS_EVERY_S, self._books, now_s))

    @property
    def trouble(self) -> str:
        """What gets no answers now, "" when everything does."""
        return ", ".join(job.name for job in self._jobs if job.failures)

    def refresh(self, ticker: str) -> None:
        """Another thread saw something happen to a market (or a new one): look at it soon."""
        self._wanted.put(ticker)

    def step(self) -> float:
        """Ask the most overdue question, if one is due; returns the seconds until the next one is."""
        self._take_wanted()
        now_s = self._monotonic()
        self._rows.due_s = min(self._rows.due_s, max(now_s, self._watch.next_due_s(self._now_ms())))
        job = max(self._jobs, key=lambda job: (now_s - job.due_s) / job.every_s)
        if job.due_s > now_s:
            return min(job.due_s for job in self._jobs) - now_s
        try:
            wait_s = job.ask()
        except OutcryError as error:
            wait_s = self._failed(job, error)
        else:
            if job.failures:
                _log.info("resumed_asking", extra={"fields": {"what": job.name, "failures": job.failures}})
            job.failures = 0
        job.due_s = self._monotonic() + wait_s
        ahead = self._watch.ahead(self._now_ms())
        if ahead != self._followed:
            self._followed = ahead
            if self._follow is not None:
                self._follow(ahead)
        return 0.0

    def _failed(self, job: _Job, error: OutcryError) -> float:
        job.failures += 1
        if job.failures == 1:
            _log.warning("failed_to_ask", extra={"fields": {"what": job.name, "cause": str(error)}})
        if isinstance(error, Misconfigured):
            return REFUSED_S
        longest_s: float = min(LONGEST_RETRY_S, RETRY_S * 2 ** min(job.failures - 1, 8))
        return longest_s

    def _take_wanted(self) -> None:
        while not self._wanted.empty():
            ticker = self._wanted.get()
            if ticker in self._watch:
                self._watch.refresh(ticker)
            else:
                for job in self._jobs:
                    if job.name.endswith(f" {ticker.partition('-')[0]}"):
                        job.due_s = min(job.due_s, self._monotonic())

    # ---- questions --------------------------------------------------------------------------------------------------

    def _listing(self, series: str, status: str) -> float:
        rows = self._rest.markets(series_ticker=series, status=status)
        at_ms = self._now_ms()
        if watched := self._watch.listed(rows, at_ms, self._monotonic()):
            self._tell(RowsSeen(tuple(watched), at_ms))
        return LISTING_EVERY_S if self._watch.open_in(series, at_ms) else EMPTY_LISTING_EVERY_S

    def _status(self) -> float:
        status = self._rest.exchange_status()
        shards = {row.exchange_index for row in status.exchange_index_statuses} | {0}
        self._tell(PausedSeen(frozenset(shard for shard in shards if not status.trading(shard)), self._now_ms()))
        return STATUS_EVERY_S

    def _read_rows(self) -> float:
        if tickers := self._watch.due(self._now_ms(), self._monotonic()):
            self._read(tickers)
        return max(0.1, min(5.0, self._watch.next_due_s(self._now_ms()) - self._monotonic()))

    def _read(self, tickers: Sequence[str]) -> None:
        rows = self._rest.markets(tickers=tickers)
        at_ms, now_s = self._now_ms(), self._monotonic()
        self._tell(RowsSeen(tuple(self._watch.read(rows, now_s)), at_ms))
        for ticker in set(tickers) - {row.ticker for row in rows}:
            one = self._watch.get(ticker)
            if one is None:
                continue
            one.read_s = now_s
            if not one.missing:
                one.missing = True
                _log.warning("missed_market", extra={"fields": {"ticker": ticker}})

    # ---- books and prints -------------------------------------------------------------------------------------------

    def _books(self) -> float:
        """One round: books, who traded, their prints; then all of it is handed on."""
        began_s, everything = self._monotonic(), self._watch.open(self._now_ms())
        tickers = self._share(everything)
        if not tickers:
            return BOOKS_EVERY_S / 2
        books = self._rest.orderbooks(tickers)
        at_ms = self._now_ms()
        if len(tickers) > FEW:
            self._read(tickers)
        volumes = {ticker: one.owed_ch for ticker in tickers if (one := self._watch.get(ticker)) and one.owed_ch > 0}
        owed = sorted(volumes, key=lambda ticker: -volumes[ticker])
        at_once = PRINTS_AT_ONCE if len(everything) <= BOOKS_AT_ONCE else PRINTS_OF_MANY
        asked = tickers if len(tickers) <= FEW else owed[:at_once]
        for ticker in asked:
            self._prints(ticker)
        self._hand_on(books, at_ms, set(owed) - set(asked))
        return max(0.0, BOOKS_EVERY_S - (self._monotonic() - began_s))

    def _share(self, tickers: list[str]) -> list[str]:
        """The hundred whose turn it is, of all that are open, the most active first."""
        if len(tickers) <= BOOKS_AT_ONCE:
            return tickers
        now_s, turns = self._monotonic(), dict[str, float]()
        for rank, ticker in enumerate(tickers):
            one = self._watch.get(ticker)
            since_s = now_s - one.book_s if one else 0.0
            turns[ticker] = since_s if rank < BOOKS_AT_ONCE else since_s / SELDOM
        return sorted(tickers, key=lambda ticker: -turns[ticker])[:BOOKS_AT_ONCE]

    def _prints(self, ticker: str) -> None:
        one = self._watch.get(ticker)
        if one is None:
            return
        volume_ch = one.row.volume_ch
        trades = self._rest.trades(ticker, min_ts=one.prints_from_ms // 1000)
        at_ms = self._now_ms()
        for trade in sorted(trades, key=lambda trade: trade.at_ms):
            if trade.at_ms >= one.prints_from_ms:
                self._tell(PrintSeen(trade, True, at_ms))
        newest_ms = max((trade.at_ms for trade in trades), default=0)
        one.prints_from_ms = max(one.prints_from_ms, newest_ms - OVERLAP_MS)
        one.accounted_ch = volume_ch

    def _hand_on(self, books: dict[str, Book], at_ms: int, unprinted: set[str]) -> None:
        now_s = self._monotonic()
        ready = {}
        for ticker, book in books.items():
            one = self._watch.get(ticker)
            if one is None:
                continue
            if ticker not in unprinted or now_s - one.book_s > PATIENCE_S:
                ready[ticker] = book.bids, book.asks
                one.book_s = now_s
        if ready:
            self._tell(BooksSeen(ready, at_ms))
