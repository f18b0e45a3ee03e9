"""One mirrored market: its book, its life, and whether it may be traded on here. Pure.

It trades while the exchange that is mirrored says so *and* its book has been seen lately. A book that was not seen for
too long deactivates the market: nothing fills against what may no longer be there, and orders can be cancelled. When
the book is back it is told whole, and the market is activated, which (as on the real exchange) cancels what rested.
"""

from dataclasses import replace

from outcry.domain.market import Market, Status
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.events import Determined, Listed, Settled, SourceEvent, Stats
from outcry.paper.mirror.book import MirroredBook
from outcry.venue.wire import PublicTrade

_OPEN = (Status.INITIALIZED, Status.ACTIVE, Status.INACTIVE)
_KNOWN_OUTCOME = (Status.DETERMINED, Status.AMENDED, Status.FINALIZED)  # while disputed it may yet change
_VALUES = {"yes": ONE_DOLLAR_CC, "no": 0}


class MirroredMarket:
    """A market as it was seen, and what of it was told.

    row       its latest description
    told      how it was last told, None when the local exchange does not know it
    heard_ms  when its book was last seen, or known to be as it was
    lost_ms   since when its book is known to be wrong, None while it is right
    paid      whether it was told to be settled: the end
    """

    def __init__(self, row: Market, *, stale_ms: int, gap_ms: int, told: Market | None = None) -> None:
        self.row, self.told = row, told
        self.book = MirroredBook(row.ticker)
        self.heard_ms = 0
        self.lost_ms: int | None = None
        self.halted = False  # its shard does not trade
        self.paid = False
        self._stale_ms, self._gap_ms = stale_ms, gap_ms
        self._listed_early = self._redescribed = False
        self._outcome: tuple[str, int] | None = None
        self._numbers: tuple[int | None, int, int] | None = None
        if told is not None:
            self._numbers = None, told.volume_ch, told.open_interest_ch
            if told.settlement_value_cc is not None:
                self._outcome = told.result, told.settlement_value_cc

    # ---- what was seen ----------------------------------------------------------------------------------------------

    def described(self, row: Market, now_ms: int) -> list[SourceEvent]:
        """Its row was read."""
        self.row = row
        self._redescribed = self.told is not None and _description(row) != _description(self.told)
        events = self.step(now_ms)
        if self.told is not None:
            events += self.numbers(None, row.volume_ch, row.open_interest_ch, now_ms)
            events += self._ended(now_ms)
        return events

    def whole(self, bids: dict[int, int], asks: dict[int, int], at_ms: int, now_ms: int) -> list[SourceEvent]:
        """Its whole book was read."""
        self.heard_ms, self.lost_ms = max(self.heard_ms, at_ms), None
        return [*self.book.whole(bids, asks, at_ms, now_ms), *self.step(now_ms)]

    def change(self, is_bid: bool, price_cc: int, change_ch: int, at_ms: int, now_ms: int) -> list[SourceEvent]:
        """One level changed. Raises InvariantBroken when the book cannot have been right."""
        if self.lost_ms is not None or not self.book.whole_at_ms:
            return []
        self.heard_ms = max(self.heard_ms, at_ms)
        return self.book.change(is_bid, price_cc, change_ch, now_ms)

    def printed(self, trade: PublicTrade, *, taker_known: bool, polled: bool, now_ms: int) -> list[SourceEvent]:
        """A public trade; a block trade was arranged elsewhere and took nothing from the book."""
        if self.told is None:
            return []
        side: Side | None = trade.taker_side if taker_known and not trade.is_block else None
        return self.book.printed(trade, side, now_ms, polled=polled)

    def numbers(self, last_cc: int | None, volume_ch: int, interest_ch: int, now_ms: int) -> list[SourceEvent]:
        """Its public numbers were read; they never run backwards (two sources may differ by a moment)."""
        if self.told is None:
            return []
        known = self._numbers or (None, 0, 0)
        if volume_ch < known[1]:
            return []
        numbers = (known[0] if last_cc is None else last_cc), volume_ch, interest_ch
        if numbers == self._numbers:
            return []
        self._numbers = numbers
        return [Stats(self.row.ticker, *numbers, now_ms)]

    def lost(self, at_ms: int) -> None:
        """Its book is wrong from now on, until it is seen whole."""
        if self.lost_ms is None:
            self.lost_ms = at_ms

    # ---- what follows -----------------------------------------------------------------------------------------------

    @property
    def open(self) -> bool:
        """Whether it was told to be tradable, and its book is shown."""
        return self.book.told and self.told is not None and self.told.status is not Status.INACTIVE

    def step(self, now_ms: int) -> list[SourceEvent]:
        """Whatever is due now: listing, activating, deactivating, closing; and changes that waited long enough."""
        want, have = self._wanted(now_ms), self._have(now_ms)
        if have is None:
            return self._list(want, now_ms)
        events: list[SourceEvent] = []
        if want in (Status.INACTIVE, Status.CLOSED):
            events += self.book.hide(now_ms) if self.book.told else []
        elif not self.book.told and self.book.whole_at_ms and self.lost_ms is None:
            events.append(self.book.show(now_ms))
        if want is not have or (self._redescribed and want is not Status.CLOSED):
            events.append(self._tell(want, now_ms))
        return events + self.book.due(now_ms)

    def _list(self, want: Status, now_ms: int) -> list[SourceEvent]:
        """The first word about it, unless it is over, or should trade but its book is not known yet."""
        unseen = not self.book.whole_at_ms
        if want is Status.CLOSED or (unseen and want is Status.INACTIVE and self.row.status is not Status.INACTIVE):
            return []
        self._listed_early = want is Status.INITIALIZED
        events: list[SourceEvent] = [self._tell(want, now_ms)]
        events += self.numbers(None, self.row.volume_ch, self.row.open_interest_ch, now_ms)
        if not unseen and want is not Status.INACTIVE:
            events.append(self.book.show(now_ms))
        return events

    def _wanted(self, now_ms: int) -> Status:
        """The status it should have here."""
        row = self.row
        if row.status not in _OPEN or now_ms >= row.close_at_ms:
            return Status.CLOSED
        if now_ms < row.open_at_ms and self._have(now_ms) in (None, Status.INITIALIZED):
            return Status.INITIALIZED
        tradable = row.status is not Status.INACTIVE and now_ms >= row.open_at_ms and not self.halted
        return Status.ACTIVE if tradable and self._fresh(now_ms) else Status.INACTIVE

    def _have(self, now_ms: int) -> Status | None:
        """The status it has here: as told, then moved by the local exchange's own silent opening and closing."""
        if self.told is None:
            return None
        status = self.told.status
        if status not in _OPEN or now_ms >= self.told.close_at_ms:
            return Status.CLOSED
        return Status.ACTIVE if status is Status.INITIALIZED and now_ms >= self.told.open_at_ms else status

    def _fresh(self, now_ms: int) -> bool:
        """Whether its book can be believed. A market that opens under our eyes may begin without one."""
        if not self.book.whole_at_ms:
            return self._listed_early and now_ms <= self.row.open_at_ms + self._stale_ms
        if self.lost_ms is not None:
            return now_ms <= self.lost_ms + self._gap_ms
        return now_ms <= self.heard_ms + self._stale_ms

    def _tell(self, status: Status, now_ms: int) -> SourceEvent:
        self.told = replace(self.row, status=status, result="", settlement_value_cc=None)
        self._redescribed = False
        return Listed(self.told, now_ms)

    def _ended(self, now_ms: int) -> list[SourceEvent]:
        """Its outcome and its payment, each told once (an amended outcome again, before it is paid)."""
        row = self.row
        value_cc = _VALUES.get(row.result) if row.settlement_value_cc is None else row.settlement_value_cc
        if self.paid or row.status not in _KNOWN_OUTCOME or value_cc is None:
            return []
        events: list[SourceEvent] = []
        if self._outcome != (row.result, value_cc):
            self._outcome = row.result, value_cc
            events.append(Determined(row.ticker, row.result, value_cc, now_ms, row.expiration_micros))
        if row.status is Status.FINALIZED:
            self.paid = True
            events.append(Settled(row.ticker, now_ms))
        return events


def _description(market: Market) -> Market:
    """What of a market is description, without its life and its numbers."""
    return replace(
        market,
        status=Status.ACTIVE,
        result="",
        settlement_value_cc=None,
        volume_ch=0,
        open_interest_ch=0,
        expiration_micros=None,
    )
