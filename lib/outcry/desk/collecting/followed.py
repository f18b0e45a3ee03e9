"""One followed market: its book, its public numbers, and why nobody may enter on it."""

import json
from dataclasses import dataclass, fields

from outcry.domain.book import Book
from outcry.domain.market import Market, Status
from outcry.domain.view import Level, Quote
from outcry.store.quotes import LEVELS, Row

NO_SNAPSHOT = "no snapshot yet"


@dataclass(frozen=True, slots=True)
class FollowedKept:
    """A `FollowedBook` as plain values."""

    market: Market
    bids: dict[int, int]
    asks: dict[int, int]
    missing: str
    source: str
    doubted: bool
    last_price_cc: int | None
    volume_ch: int
    open_interest_ch: int
    heard_at_ms: int
    changed_at_ms: int
    ticker_moved_at_ms: int
    shown_heard_ms: int
    dirty: bool


class FollowedBook:
    """One market's book and public numbers, as they will be published."""

    __slots__ = (
        "asks", "bids", "book", "changed_at_ms", "dirty", "doubted", "heard_at_ms", "last_price_cc", "market",
        "missing", "open_interest_ch", "shown", "shown_heard_ms", "source", "text", "ticker_moved_at_ms", "volume_ch",
    )  # fmt: skip

    def __init__(self, market: Market) -> None:
        self.market = market
        self.book = Book()
        self.missing = NO_SNAPSHOT  # why the book is not fresh; "" when it is
        self.source = "stream"
        self.doubted = False  # its last snapshot was crossed
        self.last_price_cc: int | None = None
        self.volume_ch, self.open_interest_ch = market.volume_ch, market.open_interest_ch
        self.heard_at_ms = self.changed_at_ms = self.ticker_moved_at_ms = self.shown_heard_ms = 0
        self.dirty = True  # something to publish
        self.shown = False  # the levels below are those of the book
        self.bids: tuple[Level, ...] = ()
        self.asks: tuple[Level, ...] = ()
        self.text = ("[]", "[]")

    def kept(self) -> FollowedKept:
        """All that counts from here on."""
        same = {name: getattr(self, name) for name in _SAME}
        return FollowedKept(bids=self.book.bids.copy(), asks=self.book.asks.copy(), **same)

    @staticmethod
    def of(kept: FollowedKept) -> "FollowedBook":
        """The one that was kept."""
        found = FollowedBook(kept.market)
        found.book.replace(kept.bids, kept.asks)
        for name in _SAME:
            setattr(found, name, getattr(kept, name))
        return found

    def distrust(self, connected: bool, paused: bool) -> str:
        """Why nobody may enter on this book; "" when all is well."""
        if self.market.status is not Status.ACTIVE:
            return f"market is {self.market.status}"
        if paused:
            return "trading is paused"
        if self.missing:
            return self.missing
        if self.source == "stream" and not connected:
            return "stream is disconnected"
        return "crossed" if self.book.crossed else ""

    def has_touch(self, bid_cc: int | None, bid_ch: int, ask_cc: int | None, ask_ch: int) -> bool:
        """Whether the best levels are these: what a ticker says of the book. An empty side is None with size 0."""
        book = self.book
        return (book.bid_cc, book.bids.get(book.bid_cc or 0, 0), book.ask_cc, book.asks.get(book.ask_cc or 0, 0)) == (
            bid_cc, bid_ch, ask_cc, ask_ch,
        )  # fmt: skip

    def row(self, epoch: int, heard_at_ms: int, distrust: str) -> Row:
        """What to publish."""
        if not self.shown:
            self.bids, self.asks = self.book.top(LEVELS)
            self.text = (json.dumps(self.bids), json.dumps(self.asks))
            self.shown = True
        quote = Quote(
            self.market.ticker, 0, 0, self.bids, self.asks, self.last_price_cc, self.volume_ch, self.open_interest_ch,
            heard_at_ms, self.changed_at_ms, self.ticker_moved_at_ms, epoch, not distrust, distrust, self.source,
        )  # fmt: skip
        return Row(quote, *self.text)


_SAME = tuple(field.name for field in fields(FollowedKept) if field.name not in ("bids", "asks"))
