"""The books of all followed markets, kept from the stream's messages, and how far each can be trusted. No I/O.

A book is fresh from its snapshot on, as long as every change after it came in sequence. What is lost makes all books
counted with it wait for new snapshots; what cannot be true (a level below zero, two crossed snapshots in a row)
makes one book, or the whole connection, start over. Untrusted books are shown, marked, with the reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from outcry.desk.collecting.followed import NO_SNAPSHOT, FollowedBook, FollowedKept
from outcry.domain.book import Book
from outcry.domain.errors import InvariantBroken
from outcry.domain.market import Market, Status
from outcry.store.quotes import Row
from outcry.venue.counters import Counters, CountersKept
from outcry.venue.messages import Delta, IndexValue, Lifecycle, Message, Ok, Snapshot, Ticker, Trade
from outcry.venue.sequence import Step

NOT_FOLLOWED = "no longer followed"
HEARD_STEP_MS = 2_000  # a quiet book is published again this often, so that readers see its stream alive
LATE_MS = 3_000  # changes that come so long after they happened tell of a book that is gone


class Followed(NamedTuple):
    """What changed of the markets that are followed. `held`: those that are new, or described anew."""

    gone: list[str]
    held: list[Market]


@dataclass(frozen=True, slots=True)
class BooksKept:
    """`Books` between two reads, as plain values."""

    books: list[FollowedKept]
    leaving: list[FollowedKept]
    counters: CountersKept
    epoch: int
    heard_at_ms: int
    late: str
    is_connected: bool
    paused: list[int]


class Books:
    """All followed books. After `take`, look at what it asks for: `resync`, `lost` and `restart`.

    resync   (subscription, tickers) whose snapshots are wanted
    lost     (subscription, messages lost) for each gap, of whatever channel
    restart  why this connection cannot be trusted any more; "" when it can
    """

    def __init__(self) -> None:
        self.books: dict[str, FollowedBook] = {}
        self.resync: list[tuple[int, list[str]]] = []
        self.lost: list[tuple[int, int]] = []
        self.restart = ""
        self.deltas = self.snapshots = 0
        self.tickers_equal = self.tickers_other = 0  # tickers whose touch was, or was not, that of our fresh book
        self._leaving: dict[str, FollowedBook] = {}  # to be published once more, as untrusted
        self._counters = Counters()
        self._epoch = 0
        self._heard_at_ms = 0
        self._late = ""  # why what the stream says is too old, though it is in order
        self._connected = False
        self._paused: frozenset[int] = frozenset()

    def kept(self) -> BooksKept:
        """All that counts from here on."""
        return BooksKept(
            [held.kept() for held in self.books.values()],
            [held.kept() for held in self._leaving.values()],
            self._counters.kept(),
            self._epoch,
            self._heard_at_ms,
            self._late,
            self._connected,
            sorted(self._paused),
        )

    @staticmethod
    def of(kept: BooksKept) -> "Books":
        """Those that were kept."""
        found = Books()
        found.books = {held.market.ticker: FollowedBook.of(held) for held in kept.books}
        found._leaving = {held.market.ticker: FollowedBook.of(held) for held in kept.leaving}
        found._counters, found._epoch, found._heard_at_ms = Counters.of(kept.counters), kept.epoch, kept.heard_at_ms
        found._late, found._connected, found._paused = kept.late, kept.is_connected, frozenset(kept.paused)
        return found

    # ---- what to hold ---------------------------------------------------------------------------------------------

    def follow(self, markets: Iterable[Market]) -> Followed | None:
        """Hold exactly the books of these markets, as they are described now; None when nothing changed.

        What a description says of volumes counts only at first: from then on tickers tell them.
        """
        wanted = {market.ticker: market for market in markets}
        change = Followed(sorted(self.books.keys() - wanted.keys()), [])
        for ticker in change.gone:
            self._leaving[ticker] = self.books.pop(ticker)
            self._counters.forget(ticker)
        for ticker, market in wanted.items():
            known = self.books.get(ticker)
            if known is None:
                self._leaving.pop(ticker, None)
                self.books[ticker] = FollowedBook(market)
                change.held.append(market)
            elif known.market is not market:
                if _without_volumes(known.market) != _without_volumes(market):
                    known.dirty = True
                    change.held.append(market)
                known.market = market
        return change if any(change) else None

    def pause(self, shards: frozenset[int]) -> bool:
        """Trading is paused on exactly these shards; whether that is new."""
        if shards == self._paused:
            return False
        self._paused = shards
        self._touch_all()
        return True

    # ---- the connection -------------------------------------------------------------------------------------------

    def connected(self, epoch: int, at_ms: int) -> None:
        """A new connection: new subscriptions, new counters, and every book waits for its snapshot."""
        self._epoch, self._heard_at_ms, self._connected = epoch, at_ms, True
        self._counters, self.restart, self._late = Counters(), "", ""
        self.resync.clear()
        for held in self.books.values():
            held.missing, held.doubted, held.source = NO_SNAPSHOT, False, "stream"
        self._touch_all()

    def disconnected(self) -> None:
        self._connected = False
        self._touch_all()

    def heard(self, at_ms: int) -> None:
        """Something came on the stream, a ping perhaps."""
        self._heard_at_ms = at_ms

    def polled(self, books: dict[str, Book], at_ms: int) -> None:
        """Whole books by REST, while the stream is away; too late when it is back."""
        if self._connected:
            return
        for ticker, book in books.items():
            held = self.books.get(ticker)
            if held is None:
                continue
            if (held.book.bids, held.book.asks) != (book.bids, book.asks) or held.missing:
                held.changed_at_ms, held.shown = at_ms, False
            held.book, held.missing, held.source = book, "", "rest"
            held.heard_at_ms, held.dirty = at_ms, True

    # ---- messages -------------------------------------------------------------------------------------------------

    def take(self, messages: Iterable[Message], at_ms: int) -> list[Message]:
        """Apply what concerns books, in order; returns the rest, less what was out of sequence."""
        self._heard_at_ms = at_ms
        happened_at_ms: int | None = None
        rest: list[Message] = []
        changed: set[FollowedBook] = set()
        books, sequences = self.books, self._counters.by_sid
        for message in messages:
            if type(message) is Delta:
                sequence = sequences.get(message.sid)
                if sequence is not None and message.seq == sequence.last + 1 and not sequence.waiting:
                    sequence.last = message.seq
                elif not self._in_step(message):
                    continue
                held = books.get(message.ticker)
                if held is None or held.missing or held.source != "stream":
                    continue
                try:
                    held.book.apply(message.is_bid, message.price_cc, message.change_ch)
                except InvariantBroken as error:
                    self._broken(held, message.sid, str(error))
                changed.add(held)
                happened_at_ms = message.at_ms
                self.deltas += 1
            elif type(message) is Snapshot:
                self.snapshots += 1
                self._snapshot(message, at_ms)
            elif type(message) is Ticker:
                self._ticker(message, at_ms)
            elif self._keeps_step(message):
                rest.append(message)
        for held in changed:
            held.changed_at_ms, held.dirty, held.shown = at_ms, True, False
        if happened_at_ms is not None:
            self._in_time(at_ms - happened_at_ms)
        return rest

    def rows(self) -> list[Row]:
        """What is to be published: what changed, and quiet books whose stream was heard since."""
        rows = [held.row(self._epoch, held.shown_heard_ms, NOT_FOLLOWED) for held in self._leaving.values()]
        for held in self.books.values():
            heard_at_ms = self._heard_at_ms if held.source == "stream" else held.heard_at_ms
            if held.dirty or heard_at_ms - held.shown_heard_ms >= HEARD_STEP_MS:
                distrust = self._distrust(held)
                rows.append(held.row(self._epoch, heard_at_ms, distrust))
        return rows

    def published(self, rows: Iterable[Row]) -> None:
        """These went out; nothing came between `rows` and this."""
        for quote, _, _ in rows:
            held = self.books.get(quote.ticker)
            if held is None:
                self._leaving.pop(quote.ticker, None)
            else:
                held.dirty, held.shown_heard_ms = False, quote.heard_at_ms

    def whole(self) -> list[Snapshot]:
        """The fresh books as snapshots at their present sequence: what a new tape begins with."""
        return [
            Snapshot(sid, self._counters.last(sid), ticker, held.book.bids.copy(), held.book.asks.copy())
            for sid, tickers in self._counters.tickers.items()
            for ticker in sorted(tickers)
            if (held := self.books.get(ticker)) is not None and not held.missing and held.source == "stream"
        ]

    def untrusted(self) -> dict[str, str]:
        """Why, for each open market whose book nobody may enter on."""
        found = {
            ticker: self._distrust(held) for ticker, held in self.books.items() if held.market.status is Status.ACTIVE
        }
        return {ticker: why for ticker, why in found.items() if why}

    @property
    def connection(self) -> bool:
        """Whether the stream is there, as far as we were told."""
        return self._connected

    @property
    def trusted(self) -> int:
        """How many books one may enter on."""
        return sum(not self._distrust(held) for held in self.books.values())

    @property
    def missing(self) -> list[str]:
        """Open markets without a whole book."""
        return [ticker for ticker, held in self.books.items() if held.missing and held.market.status is Status.ACTIVE]

    # ---- inside ---------------------------------------------------------------------------------------------------

    def _distrust(self, held: FollowedBook) -> str:
        """Why nobody may enter on a book; "" when all is well."""
        why = held.distrust(self._connected, held.market.exchange_index in self._paused)
        return why or (self._late if held.source == "stream" else "")

    def _in_time(self, late_ms: int) -> None:
        """Messages may be in order and old: all that one connection says is then as old."""
        before, self._late = self._late, f"messages are {late_ms} ms old" if late_ms > LATE_MS else ""
        if bool(before) != bool(self._late):
            self._touch_all()

    def _snapshot(self, message: Snapshot, at_ms: int) -> None:
        self._counters.tickers.setdefault(message.sid, set()).add(message.ticker)
        step = self._counters.snapshot(message.sid, message.seq, message.ticker)
        self._look(step, message.sid, message.seq)
        held = self.books.get(message.ticker)
        if step not in (Step.APPLY, Step.RESYNC) or held is None:
            return
        held.book.replace(message.bids.copy(), message.asks.copy())  # the tape's thread still has the message
        held.missing, held.source = "", "stream"
        held.changed_at_ms, held.dirty, held.shown = at_ms, True, False
        if held.book.crossed and held.doubted:
            self.restart = f"two snapshots of {message.ticker} in a row are crossed: NO prices are on the wrong scale"
        elif held.book.crossed:
            self.resync.append((message.sid, [message.ticker]))
        held.doubted = held.book.crossed

    def _ticker(self, message: Ticker, at_ms: int) -> None:
        held = self.books.get(message.ticker)
        if held is None:
            return
        if not held.missing and held.source == "stream":
            if held.has_touch(message.bid_cc, message.bid_ch, message.ask_cc, message.ask_ch):
                self.tickers_equal += 1
            else:
                self.tickers_other += 1
        held.last_price_cc = message.last_price_cc
        held.volume_ch, held.open_interest_ch = message.volume_ch, message.open_interest_ch
        held.ticker_moved_at_ms, held.dirty = at_ms, True

    def _in_step(self, message: Delta) -> bool:
        """The whole rule for a change, behind the fast path."""
        self._counters.tickers.setdefault(message.sid, set())
        step = self._counters.change(message.sid, message.seq, message.ticker)
        self._look(step, message.sid, message.seq)
        return step is Step.APPLY

    def _keeps_step(self, message: Message) -> bool:
        """Count the sequence of everything that is not about books; False for an echo."""
        if isinstance(message, Ok) and message.sid in self._counters.tickers:
            self._counters.tickers[message.sid] |= set(message.tickers) & self.books.keys()
        sid, seq = getattr(message, "sid", None), getattr(message, "seq", None)
        if sid is None or seq is None:
            return True
        if not isinstance(message, Trade | Lifecycle | IndexValue):
            self._counters.control(sid, seq)
            return True
        step = self._counters.change(sid, seq)
        self._look(step, sid, seq)
        return step is not Step.DROP

    def _look(self, step: Step, sid: int, seq: int) -> None:
        """After a gap every book that was counted with it waits, and one request a subscription asks for all."""
        if step is Step.RECONNECT:
            self.restart = f"a second gap before all books were back, at seq {seq}"
        if step is not Step.RESYNC:
            return
        missed = self._counters.missed
        if missed:
            self.lost.append((sid, missed))
        why = f"gap of {missed} at seq {seq}" if missed else f"counted with others from seq {seq} on"
        for one, waiting in self._counters.stale.items():
            for ticker in waiting:
                if (held := self.books.get(ticker)) is not None:
                    held.missing, held.dirty = why, True
            self.resync.append((one, waiting))

    def _broken(self, held: FollowedBook, sid: int, why: str) -> None:
        self._counters.wait(sid, held.market.ticker)
        held.missing = why
        self.resync.append((sid, [held.market.ticker]))

    def _touch_all(self) -> None:
        for held in self.books.values():
            held.dirty = True


def _without_volumes(market: Market) -> Market:
    return replace(market, volume_ch=0, open_interest_ch=0)
