"""The collector's hand on its tape, where it keeps one: what it heard, and what it did of its own.

Messages alone do not say what was published. Beside them the tape gets, as notes, whatever else a publish depends on:
which markets were followed, which shards paused, that the stream was alive, which past was loaded. With these the
publishes of a tape can be made again, to the last digit (see desk/reliving/published.py).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple

import msgspec

from outcry.desk.collecting.books import Followed
from outcry.desk.collecting.scribe import Scribe
from outcry.desk.collecting.showing import Showing
from outcry.domain.book import Book
from outcry.domain.market import Market
from outcry.domain.view import Bar
from outcry.ops.clock import now_ns
from outcry.store import tape_rows as kinds
from outcry.store.tape import same_day
from outcry.venue.messages import Message, Snapshot
from outcry.venue.stream import Connected, Disconnected, Garbled, Stream


class Pen:
    """A collector's life on the tape, from its first note on.

    scribe   writes the tape; None for a collector that keeps none
    stream   whose messages these are
    indices  symbols of indices by the exchange's names of them
    clock    the wall clock, in nanoseconds
    """

    def __init__(
        self,
        scribe: Scribe | None,
        stream: Stream,
        indices: Mapping[str, str],
        clock: Callable[[], int] = now_ns,
    ) -> None:
        self._scribe, self._stream, self._indices, self._clock = scribe, stream, dict(indices), clock
        self._told_ms = 0  # when the tape last heard of the stream
        self._day_ms = clock() // 1_000_000  # some moment of the day that is being written
        self._note(kinds.BEGAN, {"indices": self._indices})

    # ---- what was heard ---------------------------------------------------------------------------------------------

    def heard(self, at_ms: int, messages: Sequence[Message]) -> None:
        """What one read brought."""
        self._told_ms = at_ms
        if self._scribe:
            self._scribe.heard(at_ms * 1_000_000, self._stream.epoch, messages)

    def connection(self, at_ns: int, event: Connected | Disconnected | Garbled) -> None:
        if self._scribe:
            self._scribe.connection(at_ns, self._stream.epoch, event)

    def alive(self) -> None:
        """Before each publish: when the stream was last heard, where that was no message."""
        if self._stream.heard_at_ms != self._told_ms:
            self._told_ms = self._stream.heard_at_ms
            self._note(kinds.ALIVE, {"at_ms": self._told_ms})

    def polled(self, at_ms: int, books: Mapping[str, Book]) -> None:
        """Whole books, asked for because the stream is away."""
        whole = [Snapshot(0, 0, ticker, book.bids, book.asks) for ticker, book in books.items()]
        self._whole(at_ms * 1_000_000, 0, whole, kinds.POLLED)

    # ---- what the collector did -------------------------------------------------------------------------------------

    def new_day(self, at_ms: int, showing: Showing) -> None:
        """Before each publish: a new day's tape begins with all that is known, so that it can be read by itself."""
        if same_day(at_ms, self._day_ms) or self._scribe is None:
            return
        self._day_ms = at_ms
        facts = msgspec.json.encode({"indices": self._indices, "showing": showing.kept()})
        self._scribe.note(at_ms * 1_000_000, self._stream.epoch, kinds.KNOWN, facts)

    def followed(self, change: Followed | None) -> None:
        if change:
            self._note(kinds.FOLLOWED, msgspec.json.encode(change._asdict()))

    def paused(self, shards: Iterable[int]) -> None:
        """Exactly these shards do not trade."""
        self._note(kinds.PAUSED, {"shards": sorted(shards)})

    def past(self, bars: Sequence[Bar]) -> None:
        """Bars that are published though nobody here saw them happen."""
        self._note(kinds.PAST, msgspec.json.encode([astuple(bar) for bar in bars]))

    def lost(self, at_ns: int, facts: dict[str, object]) -> None:
        if self._scribe:
            self._scribe.note(at_ns, self._stream.epoch, "gap", facts)

    def left(self) -> None:
        """The stream is closed, in order."""
        self._note(kinds.LEFT, {})

    # ---- what is known ----------------------------------------------------------------------------------------------

    def markets(self, markets: Sequence[Market]) -> None:
        if self._scribe and markets:
            self._scribe.markets(self._clock(), markets)

    @property
    def wants_books(self) -> bool:
        """A new tape begins with whole books. Raises what the scribe died of, if it did."""
        if self._scribe is None:
            return False
        self._scribe.check()
        return self._scribe.wants_books

    def books(self, whole: Sequence[Snapshot]) -> None:
        """The books as they stand."""
        self._whole(self._clock(), self._stream.epoch, whole, kinds.STANDING)

    def close(self, wait_s: float) -> bool:
        """End the tape's session; False when that takes longer."""
        return self._scribe is None or self._scribe.close(wait_s)

    def _whole(self, at_ns: int, epoch: int, whole: Sequence[Snapshot], kind: str) -> None:
        if self._scribe:
            self._scribe.books(at_ns, epoch, whole, kind)

    def _note(self, kind: str, facts: dict[str, object] | bytes) -> None:
        if self._scribe:
            self._scribe.note(self._clock(), self._stream.epoch, kind, facts)
