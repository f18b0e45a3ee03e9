"""Books rebuilt from a tape, held against what the tape says elsewhere: whole books, tickers, and common sense.

A ticker carries the touch as it stood at its own moment on the exchange's clock, and may be heard long after; so the
touches of the last half minute are kept by the exchange's time, to the millisecond that a tape has.
"""

from collections import deque
from dataclasses import dataclass, field

from outcry.domain.book import Book
from outcry.domain.errors import InvariantBroken
from outcry.domain.units import format_decimal
from outcry.research.verifying.report import Finding, Report
from outcry.store.tape_reader import Snapshot
from outcry.store.tape_rows import NO_LAG, UNKNOWN, TickerRow

CROSSED_MS = 1_000  # an instant is usual; longer is not
KEEP_MS = 30_000  # how late a ticker may be heard

Touch = tuple[int, int, int, int]  # bid price and size, ask price and size; UNKNOWN and 0 for an empty side


@dataclass(slots=True)
class _Held:
    """One market's book, as far as it is known."""

    ticker: str
    book: Book = field(default_factory=Book)
    epoch: int = 0
    known: bool = False
    since_ms: int = 0  # known since
    last_ms: int = 0  # of its last row
    crossed_ms: int | None = None
    first_ms: int = 0  # the exchange's time of its first change since the last whole book, and of its last
    stamped_ms: int = 0
    touches: deque[tuple[int, Touch]] = field(default_factory=deque)
    waiting: deque[TickerRow] = field(default_factory=deque)


class Books:
    """All books of a session. Rows are told in order of arrival.

    closes  when each market closes, as far as the tape knows: an exchange empties the book then
    """

    def __init__(self, session: int, report: Report, closes: dict[str, int]) -> None:
        self._session, self._report, self._closes = session, report, closes
        self._held: dict[str, _Held] = {}

    def whole(self, snapshot: Snapshot) -> None:
        """A snapshot: held against the book that changes built, where one is known on the same connection."""
        held = self._of(snapshot.ticker)
        coverage = self._report.of(snapshot.ticker)
        coverage.snapshots += 1
        coverage.seen(snapshot.at_ms)
        bids, asks, book = snapshot.bids, snapshot.asks, held.book
        if not held.known or held.epoch != snapshot.epoch or not snapshot.sid:
            self._report.count("snapshots that begin a book")
        elif (bids, asks) == (book.bids, book.asks):
            self._report.count("snapshots equal to the book")
        elif not bids and not asks and (not book.bids or not book.asks or self._is_closed(held, snapshot.at_ms)):
            self._report.count("snapshots that empty a book at its close")
        elif not book.bids and not book.asks:
            self._report.count("snapshots that fill an empty book")
        else:
            levels = len(bids.items() ^ book.bids.items()) + len(asks.items() ^ book.asks.items())
            what = f"{snapshot.ticker}: snapshot and book differ in {levels} levels"
            self._report.defect(Finding("snapshot", self._session, snapshot.arrival, snapshot.at_ms, what))
        if held.epoch == snapshot.epoch:
            held.last_ms = snapshot.at_ms
        self._end(held, snapshot.arrival)
        book.replace(dict(bids), dict(asks))
        held.known, held.epoch, held.since_ms = True, snapshot.epoch, snapshot.at_ms
        held.last_ms, held.stamped_ms = snapshot.at_ms, 0

    def change(
        self, arrival: int, at_ms: int, lag_ms: int, epoch: int, ticker: str, signed_price_cc: int, change_ch: int
    ) -> None:
        """A delta."""
        held = self._held.get(ticker) or self._of(ticker)
        if not held.known or held.epoch != epoch:
            self._report.count("deltas without a book")
            return
        held.last_ms, book = at_ms, held.book
        if lag_ms != NO_LAG:
            stamped_ms = max(at_ms - lag_ms, held.stamped_ms)
            if held.waiting and stamped_ms > held.waiting[0].at_ms - held.waiting[0].lag_ms:
                self._compare(held, stamped_ms)
            if not held.stamped_ms:
                held.first_ms = stamped_ms
                held.touches.append((0, touch_of(book)))
            held.stamped_ms = stamped_ms
        try:
            book.apply(signed_price_cc > 0, abs(signed_price_cc), change_ch)
        except InvariantBroken as error:
            self._report.defect(Finding("negative", self._session, arrival, at_ms, f"{ticker}: {error}"))
            self._end(held, arrival)
            return
        if lag_ms != NO_LAG:
            touch, touches = touch_of(book), held.touches
            if touch != touches[-1][1]:
                touches.append((held.stamped_ms, touch))
                while len(touches) > 1 and touches[1][0] < held.stamped_ms - KEEP_MS:
                    touches.popleft()
        if book.crossed or held.crossed_ms is not None:
            self._cross(held, arrival, at_ms)

    def told(self, ticker: str, row: TickerRow) -> None:
        """A ticker: compared once every change up to its moment is known."""
        held = self._of(ticker)
        coverage = self._report.of(ticker)
        coverage.tickers += 1
        coverage.seen(row.at_ms)
        if row.lag_ms == NO_LAG:
            self._report.count("tickers without a time")
        elif not held.known or held.epoch != row.epoch:
            self._report.count("tickers without a book")
        else:
            held.waiting.append(row)
            if held.stamped_ms > row.at_ms - row.lag_ms:
                self._compare(held, held.stamped_ms)

    def lost(self, arrival: int, epoch: int | None = None) -> None:
        """Something is missing: no book (of that connection) is known until its next snapshot."""
        for held in self._held.values():
            if epoch is None or held.epoch == epoch:
                self._end(held, arrival)

    def _of(self, ticker: str) -> _Held:
        held = self._held.get(ticker)
        if held is None:
            held = self._held[ticker] = _Held(ticker)
        return held

    def _end(self, held: _Held, arrival: int) -> None:
        """What was known of a book ends here."""
        if held.known:
            self._compare(held, held.stamped_ms + 1)
            if held.crossed_ms is not None:
                self._cross(held, arrival, held.last_ms, ended=True)
            self._report.of(held.ticker).known_ms += held.last_ms - held.since_ms
        for _ in held.waiting:
            self._report.count("tickers newer than the last change")
        held.known, held.crossed_ms, held.stamped_ms = False, None, 0
        held.touches.clear()
        held.waiting.clear()

    def _cross(self, held: _Held, arrival: int, at_ms: int, *, ended: bool = False) -> None:
        if held.crossed_ms is None:
            held.crossed_ms = at_ms
            self._report.count("books crossed for an instant")
        elif ended or not held.book.crossed:
            took_ms, held.crossed_ms = at_ms - held.crossed_ms, None
            if took_ms > CROSSED_MS and not self._is_closed(held, at_ms):
                what = f"{held.ticker}: book was crossed for {took_ms / 1000:.1f} s"
                self._report.defect(Finding("crossed", self._session, arrival, at_ms, what))

    def _compare(self, held: _Held, before_ms: int) -> None:
        """Tickers of a moment before this one against the touches that stood at their moment."""
        while held.waiting and held.waiting[0].at_ms - held.waiting[0].lag_ms < before_ms:
            row = held.waiting.popleft()
            moment_ms = row.at_ms - row.lag_ms
            standing: list[Touch] = []
            for stamped_ms, touch in reversed(held.touches):
                if stamped_ms <= moment_ms:
                    standing.append(touch)
                if stamped_ms < moment_ms:
                    break
            said = (row.bid_cc, row.bid_ch, row.ask_cc, row.ask_ch)
            if not standing or moment_ms < held.first_ms:
                self._report.count("tickers older than the book")
            elif said in standing:
                self._report.count("tickers equal to the book")
            elif self._is_closed(held, moment_ms):
                self._report.count("tickers after a close")
            else:
                what = f"{held.ticker}: ticker says {_words(said)}, book {_words(standing[0])}"
                self._report.defect(Finding("ticker", self._session, row.arrival, row.at_ms, what))

    def _is_closed(self, held: _Held, at_ms: int) -> bool:
        close_ms = self._closes.get(held.ticker)
        return close_ms is not None and at_ms >= close_ms


def touch_of(book: Book) -> Touch:
    """Best bid and its size, best ask and its size."""
    bid_cc, ask_cc = book.bid_cc, book.ask_cc
    return (
        UNKNOWN if bid_cc is None else bid_cc,
        0 if bid_cc is None else book.bids[bid_cc],
        UNKNOWN if ask_cc is None else ask_cc,
        0 if ask_cc is None else book.asks[ask_cc],
    )


def _words(touch: Touch) -> str:
    bid_cc, bid_ch, ask_cc, ask_ch = touch
    bid = "-" if bid_cc == UNKNOWN else f"{format_decimal(bid_ch, 2)} @ {format_decimal(bid_cc, 4)}"
    ask = "-" if ask_cc == UNKNOWN else f"{format_decimal(ask_ch, 2)} @ {format_decimal(ask_cc, 4)}"
    return f"{bid} / {ask}"
