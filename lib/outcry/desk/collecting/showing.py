"""What is to be shown next: books that changed, seconds that are over, bars of the past. No clock, no I/O.

The publisher asks before each publish, and says afterwards that it went out; so does whoever makes the publishes of a
tape again.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from outcry.desk.collecting.books import Books, BooksKept
from outcry.domain.view import Bar
from outcry.signals.second_bars import SecondBars, SecondsKept
from outcry.store.quotes import Row

HISTORY_ROWS = 400  # of preloaded history a publish: nobody is to wait for a long transaction


class Due(NamedTuple):
    """One publish. `seconds`: bars that are over; `past`: preloaded ones, which go first."""

    rows: list[Row]
    seconds: list[Bar]
    past: list[Bar]

    @property
    def bars(self) -> list[Bar]:
        return [*self.past, *self.seconds]


@dataclass(frozen=True, slots=True)
class Kept:
    """A `Showing` with all that it shows, as plain values."""

    books: BooksKept
    seconds: SecondsKept
    history: list[Bar]


class Showing:
    """
    books, bars  what is shown; whoever hears of them keeps them current
    """

    def __init__(self, books: Books, bars: SecondBars) -> None:
        self.books, self.bars = books, bars
        self._history: deque[Bar] = deque()

    def kept(self) -> Kept:
        """All that counts from here on."""
        return Kept(self.books.kept(), self.bars.kept(), list(self._history))

    @staticmethod
    def of(kept: Kept) -> "Showing":
        """The one that was kept, with books and bars of its own."""
        found = Showing(Books.of(kept.books), SecondBars.of(kept.seconds))
        found.history(kept.history)
        return found

    def history(self, bars: Iterable[Bar]) -> None:
        """Bars of the past, to go out with the next publishes."""
        self._history.extend(bars)

    def due(self, at_ms: int) -> Due | None:
        """What changed; None when nothing did."""
        past = [self._history[place] for place in range(min(HISTORY_ROWS, len(self._history)))]
        found = Due(self.books.rows(), self.bars.due(at_ms), past)
        return found if any(found) else None

    def went(self, due: Due) -> None:
        """It was published; nothing came between `due` and this."""
        self.books.published(due.rows)
        self.bars.published(due.seconds)
        for _ in due.past:
            self._history.popleft()
