"""Replays a day of tape and says what is wrong with it, with the place of each defect.

A loss that the tape tells of itself (a gap, a broken connection, a recorder that was killed) is a remark. What it does
not tell of is a defect: a hole in the sequence, rows out of order, a level below zero, a book crossed for more than a
second, a ticker or a snapshot that the book contradicts, a settlement that the exchange's own index contradicts, a
chunk that is not what was written.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from outcry.domain.errors import InvariantBroken
from outcry.research.tape import Bar, Day, More, Session, no_bar, rows_of
from outcry.research.verifying import outcomes, sequence
from outcry.research.verifying.books import Books
from outcry.research.verifying.report import Finding, Report
from outcry.store.tape_reader import Table
from outcry.store.tape_rows import KINDS, TickerRow

_Told = tuple[int, int, Callable[[], None]]  # arrival, order among equals, what to do


def verify(day: Day, bar: Bar = no_bar) -> Report:
    """Everything that can be checked without knowing more than the day itself."""
    report = Report()
    with bar(f"verifying {day.name}", rows_of(day, "delta")) as more:
        for session in day.sessions:
            try:
                _session(session, report, more)
            except InvariantBroken as error:
                report.defect(Finding("damaged", session.number, 0, session.started_at_ms, str(error)))
            if session.ended_at_ms is None:
                what = "the recorder never ended it: up to 500 rows or 5 s of its end are missing, or it still runs"
                report.remark(Finding("killed", session.number, 0, session.started_at_ms, what))
    at_ms = day.sessions[0].started_at_ms if day.sessions else 0
    if day.reader.torn:
        report.defect(Finding("torn", 0, 0, at_ms, day.reader.torn))
    for what in day.reader.lost:
        report.defect(Finding("torn", 0, 0, at_ms, f"cannot be read: {what}"))
    return report


def _session(session: Session, report: Report, more: More) -> None:
    numbers = sequence.check(session, report)
    closes = {fact.market.ticker: fact.market.close_at_ms for fact in session.markets()}
    books = Books(session.number, report, closes)
    rare = _rare(session, books, numbers)
    arrival, _, tell = next(rare, _END)
    last = 0
    for table in session.deltas():
        report.count("deltas", len(table))
        columns = table.columns("arrival", "at_ms", "lag_ms", "epoch", "symbol", "signed_price_cc", "change_ch")
        for last, at_ms, lag_ms, epoch, symbol, price, change in zip(*columns, strict=True):
            while arrival <= last:
                tell()
                arrival, _, tell = next(rare, _END)
            if last not in numbers.again:
                books.change(last, at_ms, lag_ms, epoch, session.names[symbol], price, change)
        _cover(session, table, report)
        more(len(table))
    while arrival < _NEVER:
        last = arrival
        tell()
        arrival, _, tell = next(rare, _END)
    books.lost(last)
    _order(session, report)
    for table in session.prints():
        report.count("prints", len(table))
        for symbol, at_ms in zip(*table.columns("symbol", "at_ms"), strict=True):
            coverage = report.of(session.names[symbol])
            coverage.prints += 1
            coverage.seen(at_ms)
    outcomes.check(session, report)


_NEVER = 1 << 62
_END: _Told = (_NEVER, 0, lambda: None)


def _rare(session: Session, books: Books, numbers: sequence.Sequence) -> Iterator[_Told]:
    """All but the deltas, in order: losses first, so that nothing is compared across them."""
    holes = ((hole.arrival, 0, _bound(books.lost, hole.arrival, hole.epoch)) for hole in numbers.holes)
    losses = ((it.arrival, 0, _bound(books.lost, it.arrival, it.epoch or None)) for it in session.losses() if it.books)
    whole = ((it.arrival, 1, _bound(books.whole, it)) for it in session.snapshots())
    return heapq.merge(holes, losses, whole, _tickers(session, books), key=lambda told: told[:2])


def _tickers(session: Session, books: Books) -> Iterator[_Told]:
    for table in session.tickers():
        for row in table.rows():
            if isinstance(row, TickerRow):
                yield row.arrival, 2, _bound(books.told, session.names[row.symbol], row)


def _bound(call: Callable[..., None], *values: object) -> Callable[[], None]:
    return lambda: call(*values)


def _order(session: Session, report: Report) -> None:
    for kind in KINDS:
        last = -1
        for table in session.tables(kind):
            arrivals = table.column("arrival")
            if arrivals[0] <= last or any(after <= before for before, after in pairwise(arrivals)):
                at_ms = table.column("at_ms")[0]
                what = f"rows of kind {kind} do not follow each other"
                report.defect(Finding("order", session.number, arrivals[0], at_ms, what))
            last = arrivals[-1]


def _cover(session: Session, table: Table, report: Report) -> None:
    """Which markets a table of deltas is about."""
    times, symbols = table.columns("at_ms", "symbol")
    for symbol, count in Counter(symbols).items():
        coverage = report.of(session.names[symbol])
        coverage.deltas += count
        coverage.seen(times[0])
        coverage.seen(times[-1])
