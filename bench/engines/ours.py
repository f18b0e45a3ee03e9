"""Outcry's loop: columns of a compiled tape, a call when the touch moves, orders through the exchange's matching."""

from collections import deque
from pathlib import Path

from measured import EVERY, LATENCY_MS, main

from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.order import Order, Purpose, Side, State, TimeInForce
from outcry.paper.events import AccountFill, EngineEvent
from outcry.research.backtesting.books import NEVER, Book, play
from outcry.research.backtesting.venue import Venue
from outcry.research.tape import Day

MARKET = Market("KXBTC15M-26NOV201215-15", "E", "S", 0, Status.ACTIVE, 0, 10**15, (PriceRange(0, 10_000, 100),))


class Taking:
    """Takes a contract at the best ask each so many moves of the touch; the order acts after the latency."""

    def __init__(self) -> None:
        self.books: dict[int, Book] = {}
        self.due_ms = NEVER
        self.moves = self.fills = self._orders = 0
        self._under_way: deque[tuple[int, Book, int]] = deque()
        self._venue = Venue(10**15, 0, self._hear)

    def moved(self, book: Book, at_ms: int) -> None:
        self.moves += 1
        if self.moves % EVERY == 0 and (ask_cc := book.ask_cc) is not None:
            self._under_way.append((at_ms + LATENCY_MS, book, ask_cc))
            self.due_ms = self._under_way[0][0]

    def wake(self, at_ms: int) -> None:
        while self._under_way and self._under_way[0][0] <= at_ms:
            arrives_ms, book, price_cc = self._under_way.popleft()
            self._orders += 1
            order = Order(
                f"o{self._orders}", "a", MARKET.ticker, 0, Side.BID, price_cc, 100, TimeInForce.IOC, Purpose.ENTRY,
                State.SENT, "d", arrives_ms,
            )  # fmt: skip
            self._venue.create(order, MARKET, book, arrives_ms)
        self.due_ms = self._under_way[0][0] if self._under_way else NEVER

    def changed(self, book: Book, at_ms: int, signed_price_cc: int, change_ch: int) -> None:
        best = book.bid if signed_price_cc > 0 else book.ask
        self._venue.changed(book, at_ms, signed_price_cc, change_ch)
        if signed_price_cc >= best:
            self.moved(book, at_ms)

    def passed(self, book: Book, at_ms: int, moved: bool) -> None:
        if moved:
            self.moved(book, at_ms)

    def broken(self, symbol: int, book: Book, at_ms: int) -> None:
        raise AssertionError(f"a level below zero at {at_ms}")

    def _hear(self, events: list[EngineEvent]) -> None:
        self.fills += sum(isinstance(event, AccountFill) for event in events)


def run(folder: Path) -> tuple[int, int]:
    stage = Taking()
    with Day(folder / "2026-11-20.db") as day:
        for session in day.sessions:
            for whole in session.snapshots():
                book = stage.books[1] = Book(whole.ticker, 100)
                book.replace(whole.bids, whole.asks)
            play(session.deltas(), [], stage)
    return stage.moves, stage.fills


if __name__ == "__main__":
    main(run)
