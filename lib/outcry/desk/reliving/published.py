"""The publishes of a tape, made again by what made them: books, seconds and showing of the collector itself.

They come out with the numbers, times, quotes and bars that went to the database, as long as the tape has everything
that the collector heard and did. Where it dropped something, or was killed with the end of the tape still in memory,
the publishes after that are not known, until a collector begins anew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import msgspec

from outcry.desk.collecting.books import Books
from outcry.desk.collecting.showing import Kept, Showing
from outcry.desk.reliving.recorded import Entry, Publish, entries, told
from outcry.domain.book import Book
from outcry.domain.market import Market
from outcry.domain.view import Bar, Quote
from outcry.research.tape import Session
from outcry.signals.second_bars import SecondBars
from outcry.store import bars as bar_rows
from outcry.store import tape_rows as kinds
from outcry.store.tape_reader import Note
from outcry.store.tape_reader import Snapshot as Whole
from outcry.venue.messages import IndexValue, Message, Trade
from outcry.venue.spot.coinbase import SOURCE, Tick


@dataclass(frozen=True, slots=True)
class Published:
    """One publish. `taken_back`: why, if it took back the trust in every quote; such a one has nothing else."""

    number: int
    at_ms: int
    quotes: tuple[Quote, ...] = ()
    bars: tuple[Bar, ...] = ()
    taken_back: str = ""


def publishes(sessions: Iterable[Session]) -> Iterator[Published]:
    """Every publish that can be made again, in order."""
    collector: _Collector | None = None
    for session in sessions:
        for entry in entries(session):
            what = entry[3]
            if isinstance(what, Note) and what.kind == kinds.BEGAN:
                collector = _Collector(msgspec.json.decode(what.body)["indices"], Showing(Books(), SecondBars()))
            elif isinstance(what, Note) and what.kind == kinds.KNOWN:
                known = msgspec.json.decode(what.body, type=_Known)
                collector = _Collector(known.indices, Showing.of(known.showing))
            elif isinstance(what, Note) and what.kind == "dropped":
                collector = None
            elif collector is not None and (made := collector.take(entry)) is not None:
                yield made


class _Known(msgspec.Struct):
    indices: dict[str, str]
    showing: Kept


class _Followed(msgspec.Struct):
    gone: list[str]
    held: list[Market]


class _Collector:
    """The collector's own parts, fed from the tape.

    indices  symbols by the exchange's names of them
    """

    def __init__(self, indices: dict[str, str], showing: Showing) -> None:
        self._indices, self._showing = indices, showing
        self._books, self._bars = showing.books, showing.bars
        self._following = {ticker: held.market for ticker, held in showing.books.books.items()}
        self._read: list[Message] = []
        self._read_ms = self._last_arrival = 0
        self._aside, self._polled = 0, False  # whole books to come that no message said; whether they were polled
        self._whole: dict[str, Book] = {}

    def take(self, entry: Entry) -> Published | None:
        """The next thing on the tape; a publish, if it is one."""
        arrival, _, at_ms, what = entry
        if self._read and (arrival != self._last_arrival + 1 or not isinstance(what, Message | Whole)):
            self._taken_in()
        self._last_arrival = arrival
        if isinstance(what, Whole):
            if self._aside:
                self._set_aside(what, at_ms)
            else:
                self._hear(told(what), at_ms)
        elif isinstance(what, Tick):
            self._bars.add(what.symbol, SOURCE, what.price_micros, what.at_ms)
        elif isinstance(what, Message):
            self._hear(what, at_ms)
        elif isinstance(what, Publish):
            return self._publish(what.number, at_ms)
        else:
            return self._note(what, at_ms)
        return None

    def _hear(self, message: Message, at_ms: int) -> None:
        self._read.append(message)
        self._read_ms = at_ms

    def _taken_in(self) -> None:
        """What one read brought is whole: take it in as the collector did."""
        for message in self._books.take(self._read, self._read_ms):
            if isinstance(message, Trade):
                if not message.is_block:
                    self._bars.add(
                        message.ticker, bar_rows.EXCHANGE, message.price_cc, message.at_ms, message.count_ch,
                        message.taker_side,
                    )  # fmt: skip
            elif isinstance(message, IndexValue) and message.index_id in self._indices:
                self._bars.add(
                    self._indices[message.index_id], bar_rows.EXCHANGE, message.value_micros, message.at_ms
                )  # fmt: skip
        self._books.resync.clear()
        self._books.lost.clear()
        self._books.restart = ""
        self._read = []

    def _set_aside(self, whole: Whole, at_ms: int) -> None:
        """A book that was polled, or the collector's own as it stood, which says nothing new."""
        self._aside -= 1
        if not self._polled:
            return
        book = self._whole[whole.ticker] = Book()
        book.replace(whole.bids, whole.asks)
        if not self._aside:
            self._books.polled(self._whole, at_ms)

    def _publish(self, number: int, at_ms: int) -> Published:
        due = self._showing.due(at_ms)
        if due is None:
            return Published(number, at_ms)
        self._showing.went(due)
        quotes = tuple(replace(row.quote, publish=number, published_at_ms=at_ms) for row in due.rows)
        return Published(number, at_ms, quotes, tuple(due.bars))

    def _note(self, note: Note, at_ms: int) -> Published | None:
        match note.kind:
            case "connected":
                self._books.connected(msgspec.json.decode(note.body)["epoch"], at_ms)
            case "disconnected":
                if self._books.connection:
                    self._books.disconnected()
            case kinds.LEFT:
                self._books.disconnected()
            case kinds.ALIVE:
                self._books.heard(msgspec.json.decode(note.body)["at_ms"])
            case kinds.FOLLOWED:
                self._follow(msgspec.json.decode(note.body, type=_Followed))
            case kinds.PAUSED:
                self._books.pause(frozenset(msgspec.json.decode(note.body)["shards"]))
            case kinds.PAST:
                self._showing.history(Bar(*fields) for fields in msgspec.json.decode(note.body))
            case kinds.STANDING | kinds.POLLED:
                self._aside = msgspec.json.decode(note.body)["books"]
                self._polled, self._whole = note.kind == kinds.POLLED, {}
            case kinds.TAKEN_BACK:
                facts = msgspec.json.decode(note.body)
                return Published(facts["number"], at_ms, taken_back=facts["why"])
        return None

    def _follow(self, change: _Followed) -> None:
        for ticker in change.gone:
            del self._following[ticker]
        self._following |= {market.ticker: market for market in change.held}
        self._books.follow(self._following.values())
