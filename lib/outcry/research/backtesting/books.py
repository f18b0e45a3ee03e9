"""The hot loop: foreign books from a tape's columns, and a call only where somebody has to know.

A book is one list of 20 002 sizes. A bid's price is its index and an ask's is its index from the end, so a signed price
of the tape is used as it is; best bid and best ask are then found by the same comparison. The two ends of the list that
no price can have hold a size that never goes away, so that looking for the next best price always ends.

Most of the time nobody rests an order, and a change is an addition. Where an account has orders, or has taken size that
the tape goes on showing, the book is `engaged`: each of its changes goes to the exchange's own matching as well.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from outcry.store.tape_reader import Table

NO_BID, NO_ASK = 0, -10_001
NEVER = 1 << 62
_SIZES = 20_002

Told = tuple[int, int, int, Callable[[], None]]  # arrival, order among equals, at_ms, what to do


class Book:
    """One market's foreign book, in hundredths of a contract.

    bid, ask       best prices as signed on the tape: NO_BID and NO_ASK (or 0 and -10 001) for an empty side
    changed_at_ms  when anything in it changed
    engaged        whether every change is told to the stage
    waiting        changes by signed price of which the exchange was not told, as nothing of ours can meet them; None
                   where it is told of each
    taken          signed prices of levels from which something was taken that the tape still shows
    step_cc        every price is a multiple of it
    """

    __slots__ = ("ask", "bid", "changed_at_ms", "engaged", "sizes", "step_cc", "taken", "ticker", "waiting")

    def __init__(self, ticker: str, step_cc: int = 1) -> None:
        self.ticker, self.step_cc = ticker, step_cc
        self.engaged = False
        self.waiting: dict[int, int] | None = None
        self.taken: frozenset[int] = frozenset()
        self.changed_at_ms = 0
        self.clear()

    def clear(self) -> None:
        self.sizes = [0] * _SIZES
        self.sizes[NO_BID] = self.sizes[NO_ASK] = 1
        self.bid, self.ask = NO_BID, NO_ASK

    def replace(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        """A whole book, {price_cc: count_ch} a side."""
        self.clear()
        for price, size in bids.items():
            self.sizes[price] = size
        for price, size in asks.items():
            self.sizes[-price] = size
        self.bid = max((price for price, size in bids.items() if size), default=NO_BID)
        self.ask = max((-price for price, size in asks.items() if size), default=NO_ASK)

    @property
    def bid_cc(self) -> int | None:
        return self.bid or None

    @property
    def ask_cc(self) -> int | None:
        return None if self.ask == NO_ASK else -self.ask

    @property
    def crossed(self) -> bool:
        return self.bid != NO_BID and self.ask != NO_ASK and self.bid >= -self.ask

    def levels(self, most: int = _SIZES) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
        """Up to so many of the best levels a side, best first: ((price_cc, count_ch), …) for bids and asks."""
        step = self.step_cc
        return _side(self.sizes, self.bid, NO_BID, step, most), _side(self.sizes, self.ask, NO_ASK, step, most)


def _side(sizes: list[int], best: int, end: int, step: int, most: int) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for price in range(best, end, -step):
        if size := sizes[price]:
            found.append((abs(price), size))
            if len(found) == most:
                break
    return tuple(found)


class Stage(Protocol):
    """Whoever wants to know.

    books   the books that are known now, by the tape's symbol: a change of any other is not for anybody
    due_ms  when `wake` is to be called, before what happens at that time or later is taken in
    """

    books: dict[int, Book]
    due_ms: int

    def wake(self, at_ms: int) -> None:
        """The tape has come to here; nothing of this instant has been taken in."""

    def moved(self, book: Book, at_ms: int) -> None:
        """Best price or size of a side changed."""

    def changed(self, book: Book, at_ms: int, signed_price_cc: int, change_ch: int) -> None:
        """A change of an engaged book that the exchange has to know now."""

    def passed(self, book: Book, at_ms: int, moved: bool) -> None:
        """A change of an engaged book that waits; `moved`: of its best price or size."""

    def broken(self, symbol: int, book: Book, at_ms: int) -> None:
        """A level would have fallen below zero: something was missed, and the book is not known any more."""


def play(tables: Iterable[Table], rare: Iterable[Told], stage: Stage, without: frozenset[int] = frozenset()) -> None:
    """Play a session of tape: every change into its book, everything else in its place.

    tables   of changes
    rare     all but the changes, in order of arrival
    without  arrivals of changes that are to be left out
    """
    told = iter(rare)
    arrival, _, told_ms, tell = next(told, _END)
    books = stage.books
    for table in tables:
        for place, at_ms, symbol, price, change in zip(
            *table.columns("arrival", "at_ms", "symbol", "signed_price_cc", "change_ch"), strict=True
        ):
            while arrival < place:
                if told_ms >= stage.due_ms:
                    stage.wake(told_ms)
                tell()
                arrival, _, told_ms, tell = next(told, _END)
            if at_ms >= stage.due_ms:
                stage.wake(at_ms)
            book = books.get(symbol)
            if book is None or place in without:
                continue
            sizes = book.sizes
            size = sizes[price] + change
            if size < 0:
                stage.broken(symbol, book, at_ms)
                continue
            sizes[price] = size
            book.changed_at_ms = at_ms
            if book.engaged:
                moved = _follow(book, price)
                waiting = book.waiting
                if waiting is None or price in book.taken:
                    stage.changed(book, at_ms, price, change)
                else:
                    waiting[price] = waiting.get(price, 0) + change
                    stage.passed(book, at_ms, moved)
            elif price > 0:
                if price >= book.bid:
                    while not sizes[price]:
                        price -= 1  # noqa: PLW2901  the next best, where this level is empty now
                    book.bid = price
                    stage.moved(book, at_ms)
            elif price >= book.ask:
                while not sizes[price]:
                    price -= 1  # noqa: PLW2901
                book.ask = price
                stage.moved(book, at_ms)
    while arrival < NEVER:
        if told_ms >= stage.due_ms:
            stage.wake(told_ms)
        tell()
        arrival, _, told_ms, tell = next(told, _END)


_END: Told = (NEVER, 0, 0, lambda: None)


def _follow(book: Book, price: int) -> bool:
    """The best prices of an engaged book, and whether one of them or its size changed."""
    if price > 0:
        if price < book.bid:
            return False
        while not book.sizes[price]:
            price -= 1
        book.bid = price
    else:
        if price < book.ask:
            return False
        while not book.sizes[price]:
            price -= 1
        book.ask = price
    return True


def merged(*streams: Iterator[Told]) -> Iterator[Told]:
    """Everything rare in one order of arrival."""
    return heapq.merge(*streams, key=lambda told: told[:2])
