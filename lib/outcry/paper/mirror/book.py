"""One mirrored book: what is seen of it, turned into the changes and prints that the local exchange is told. Pure.

A print has to be told before the change that it explains: told the other way round, a decrease at our price would let
us advance in the queue twice. How that is kept depends on how the book is seen:

- read whole, now and then: prints wait for the first book read after them, and are told right before the differences
  between that book and the one before. Where prints took more from a level than it shrank by, others have queued up
  there since: that is told as a decrease by what was taken and an increase by what came.
- change by change: a decrease at the best price waits a moment for its print, and whatever follows waits behind it.

A print that comes after its change was told is told without its taker: it counts, but it fills nobody.
"""

from collections import deque
from dataclasses import dataclass

from outcry.domain.book import Book
from outcry.domain.order import Side
from outcry.paper.events import BookChange, BookSet, Print, SourceEvent
from outcry.paper.mirror.seen import Levels
from outcry.venue.wire import PublicTrade

HOLD_MS = 25  # how long a decrease at the best price waits for its print
KEPT_IDS = 4_000  # trade ids remembered, so that no print is told twice

Level = tuple[bool, int]  # is it a bid, at which price


@dataclass(slots=True)
class _Held:
    """A change that waits to be told; until_ms 0: only for what stands before it."""

    level: Level
    change_ch: int
    until_ms: int


class MirroredBook:
    """A book as last seen, and what of it was told.

    whole_at_ms  when it was last seen whole, 0 before the first time
    told         whether the local exchange shows this book (but for what is held)
    """

    __slots__ = ("_book", "_credits", "_early", "_held", "_ids", "_ids_in_order", "_ticker", "told", "whole_at_ms")

    def __init__(self, ticker: str) -> None:
        self._ticker = ticker
        self._book = Book()
        self.whole_at_ms = 0
        self.told = False
        self._held: deque[_Held] = deque()
        self._credits: dict[Level, int] = {}
        self._early: list[tuple[PublicTrade, Side | None]] = []
        self._ids: set[str] = set()
        self._ids_in_order: deque[str] = deque()

    # ---- seen whole -------------------------------------------------------------------------------------------------

    def whole(self, bids: Levels, asks: Levels, at_ms: int, now_ms: int) -> list[SourceEvent]:
        """The whole book, seen at `at_ms`: the prints up to then, then the differences to what was told."""
        prints = [one for one in self._early if one[0].at_ms <= at_ms]
        self._early = [one for one in self._early if one[0].at_ms > at_ms]
        events = [*self.release(now_ms), *(self._print(trade, side, now_ms) for trade, side in prints)]
        if self.told:
            events += self._differences(bids, asks, _taken(prints), now_ms)
        self._book.replace(dict(bids), dict(asks))
        self._credits.clear()
        self.whole_at_ms = at_ms
        return events

    def show(self, now_ms: int) -> SourceEvent:
        """Tell the whole book, in place of whatever the local exchange shows."""
        self.told = True
        return BookSet(self._ticker, dict(self._book.bids), dict(self._book.asks), now_ms)

    def hide(self, now_ms: int) -> list[SourceEvent]:
        """Tell nothing more until it is shown again; what is held is told, and what came too early with no taker."""
        events = self.release(now_ms)
        self.told = False
        events += [self._print(trade, None, now_ms) for trade, _side in self._early]
        self._early = []
        return events

    # ---- seen change by change --------------------------------------------------------------------------------------

    def change(self, is_bid: bool, price_cc: int, change_ch: int, now_ms: int) -> list[SourceEvent]:
        """One level changed.

        raises  InvariantBroken when it would fall below zero: something was missed
        """
        best = self._book.bid_cc if is_bid else self._book.ask_cc
        self._book.apply(is_bid, price_cc, change_ch)
        if not self.told:
            return []
        level, waits = (is_bid, price_cc), change_ch < 0 and price_cc == best
        if waits:
            waits = not self._spend(level, -change_ch)
        self._held.append(_Held(level, change_ch, now_ms + HOLD_MS if waits else 0))
        return self.due(now_ms)

    def due(self, now_ms: int) -> list[SourceEvent]:
        """The held changes that have waited long enough."""
        events: list[SourceEvent] = []
        while self._held and self._held[0].until_ms <= now_ms:
            held = self._held.popleft()
            events.append(self._change(*held.level, held.change_ch, now_ms))
        return events

    def release(self, now_ms: int) -> list[SourceEvent]:
        """All held changes, at once."""
        events: list[SourceEvent] = [self._change(*held.level, held.change_ch, now_ms) for held in self._held]
        self._held.clear()
        return events

    # ---- prints -----------------------------------------------------------------------------------------------------

    def printed(self, trade: PublicTrade, side: Side | None, now_ms: int, *, polled: bool) -> list[SourceEvent]:
        """A public trade; once only.

        side    who took, None when unknown or when it did not come from the book
        polled  whether books are read whole: prints then wait for the first book after them
        """
        if self._known(trade.trade_id):
            return []
        if not self.told:
            return [self._print(trade, None, now_ms)]
        if polled:
            if trade.at_ms <= self.whole_at_ms:
                return [self._print(trade, None, now_ms)]
            self._early.append((trade, side))
            return []
        events = [self._print(trade, side, now_ms)]
        if side is not None:
            self._explain((side is Side.ASK, trade.price_cc), trade.count_ch)
        return events + self.due(now_ms)

    def _known(self, trade_id: str) -> bool:
        if trade_id in self._ids:
            return True
        self._ids.add(trade_id)
        self._ids_in_order.append(trade_id)
        if len(self._ids_in_order) > KEPT_IDS:
            self._ids.discard(self._ids_in_order.popleft())
        return False

    def _explain(self, level: Level, count_ch: int) -> None:
        """Let what this print took go: of what is held already, else of what comes."""
        for held in self._held:
            if count_ch and held.level == level and held.until_ms:
                held.until_ms = 0
                count_ch -= min(count_ch, -held.change_ch)
        if count_ch:
            self._credits[level] = self._credits.get(level, 0) + count_ch

    def _spend(self, level: Level, count_ch: int) -> bool:
        """Whether a print that was told before explains (a part of) this decrease."""
        credit_ch = self._credits.pop(level, 0)
        if credit_ch > count_ch:
            self._credits[level] = credit_ch - count_ch
        return credit_ch > 0

    # ---- within -----------------------------------------------------------------------------------------------------

    def _differences(self, bids: Levels, asks: Levels, taken: dict[Level, int], now_ms: int) -> list[SourceEvent]:
        """All decreases, then all increases: on the way from one uncrossed book to another nothing crosses."""
        less, more = list[SourceEvent](), list[SourceEvent]()
        for is_bid, old, new in ((True, self._book.bids, bids), (False, self._book.asks, asks)):
            for price in sorted(old.keys() | new.keys()):
                before, after = old.get(price, 0), new.get(price, 0)
                decrease = max(before - after, min(before, taken.get((is_bid, price), 0)))
                if decrease:
                    less.append(self._change(is_bid, price, -decrease, now_ms))
                if increase := after - before + decrease:
                    more.append(self._change(is_bid, price, increase, now_ms))
        return less + more

    def _change(self, is_bid: bool, price_cc: int, change_ch: int, now_ms: int) -> BookChange:
        return BookChange(self._ticker, Side.BID if is_bid else Side.ASK, price_cc, change_ch, now_ms)

    def _print(self, trade: PublicTrade, side: Side | None, now_ms: int) -> SourceEvent:
        return Print(self._ticker, trade.price_cc, trade.count_ch, side, now_ms)


def _taken(prints: list[tuple[PublicTrade, Side | None]]) -> dict[Level, int]:
    """What prints took from each level; those of unknown taker took we do not know from where."""
    taken: dict[Level, int] = {}
    for trade, side in prints:
        if side is not None:
            level = (side is Side.ASK, trade.price_cc)
            taken[level] = taken.get(level, 0) + trade.count_ch
    return taken
