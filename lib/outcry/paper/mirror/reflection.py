"""All mirrored markets, and the index beside them: what was seen, in the order seen, to what is told. Pure.

Books that are read now and then are a second or two old, and an index that ran ahead of them would let every strategy
trade against quotes that no longer stand. So where books are polled, index values wait until every open market that
settles on them has a book at least as new: all that is told is from the same moment, and dated when it is told.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from outcry.domain.errors import InvariantBroken
from outcry.domain.market import Market, Status
from outcry.paper.events import IndexTick, Listed, SourceEvent
from outcry.paper.mirror.market import MirroredMarket
from outcry.paper.mirror.seen import (
    BooksSeen,
    ChangeSeen,
    HeardSeen,
    LostSeen,
    NumbersSeen,
    PastSeen,
    PausedSeen,
    PrintSeen,
    RowsSeen,
    Seen,
)

HISTORY_TICKS = 50_000  # for each index
ROUND_MS = 50  # how often all markets are looked at when nothing is seen of them


class Reflection:
    """What the mirror knows.

    polled    whether books come whole, now and then (else change by change)
    stale_ms  how old a book may be before its market is deactivated
    gap_ms    how long a book may be known to be wrong before that
    known     markets that the local exchange already has, from an earlier life, and has not paid
    broken    tickers whose changes made no sense; whoever follows them has to ask for them whole
    past      index values by symbol, oldest first
    """

    def __init__(self, *, polled: bool, stale_ms: int, gap_ms: int, known: Iterable[Market] = ()) -> None:
        self._polled, self._stale_ms, self._gap_ms = polled, stale_ms, gap_ms
        self._markets = {row.ticker: self._market(row, told=row) for row in known}
        self._paid: set[str] = set()
        self._halted: frozenset[int] = frozenset()
        self._waiting: dict[str, deque[IndexTick]] = {}
        self._round_at_ms = 0
        self.broken: set[str] = set()
        self.past: dict[str, deque[IndexTick]] = {}

    def introduce(self, now_ms: int) -> list[SourceEvent]:
        """The first word, before anything else: the markets of an earlier life are still spoken for.

        Told as of their close at the latest: the local exchange must not give them up before it hears of them.
        """
        markets = [market.told for market in self._markets.values() if market.told is not None]
        told = [Listed(market, min(now_ms, market.close_at_ms)) for market in markets]
        return [*sorted(told, key=lambda event: event.at_ms)]

    def see(self, seen: Seen, now_ms: int) -> list[SourceEvent]:
        """Take in one thing; returns what the local exchange is to be told of it."""
        match seen:
            case ChangeSeen():
                return self._change(seen, now_ms)
            case PrintSeen():
                market = self._markets.get(seen.trade.ticker)
                if market is None:
                    return []
                known = seen.taker_known
                return market.printed(seen.trade, taker_known=known, polled=self._polled, now_ms=now_ms)
            case NumbersSeen(ticker, last_cc, volume_ch, interest_ch):
                market = self._markets.get(ticker)
                return [] if market is None else market.numbers(last_cc, volume_ch, interest_ch, now_ms)
            case IndexTick():
                self._waiting.setdefault(seen.symbol, deque()).append(seen)
                return self._ticks(now_ms)
            case BooksSeen():
                events = [
                    event
                    for ticker, (bids, asks) in seen.books.items()
                    if (market := self._markets.get(ticker)) is not None
                    for event in market.whole(bids, asks, seen.at_ms, now_ms)
                ]
                return events + self._ticks(now_ms)
            case RowsSeen():
                return [event for row in seen.markets for event in self._described(row, now_ms)]
            case PastSeen():
                self._remember(seen)
        return self._condition(seen, now_ms)

    def step(self, now_ms: int) -> list[SourceEvent]:
        """What time alone brings: held changes, markets that fall stale, open or close, index values that waited."""
        if now_ms < self._round_at_ms:
            return [event for market in self._markets.values() for event in market.book.due(now_ms)]
        self._round_at_ms = now_ms + ROUND_MS
        return [event for market in self._markets.values() for event in market.step(now_ms)] + self._ticks(now_ms)

    # ---- within -----------------------------------------------------------------------------------------------------

    def _market(self, row: Market, told: Market | None = None) -> MirroredMarket:
        return MirroredMarket(row, stale_ms=self._stale_ms, gap_ms=self._gap_ms, told=told)

    def _change(self, seen: ChangeSeen, now_ms: int) -> list[SourceEvent]:
        market = self._markets.get(seen.ticker)
        if market is None:
            return []
        try:
            return market.change(seen.is_bid, seen.price_cc, seen.change_ch, seen.at_ms, now_ms)
        except InvariantBroken:
            market.lost(now_ms)
            self.broken.add(seen.ticker)
            return []

    def _described(self, row: Market, now_ms: int) -> list[SourceEvent]:
        if row.ticker in self._paid:
            return []
        market = self._markets.get(row.ticker)
        if market is None:
            if row.status is Status.FINALIZED or now_ms >= row.close_at_ms:
                return []
            market = self._markets[row.ticker] = self._market(row)
            market.halted = row.exchange_index in self._halted
        events = market.described(row, now_ms)
        if market.paid:
            del self._markets[row.ticker]
            self._paid.add(row.ticker)
        return events

    def _condition(self, seen: Seen, now_ms: int) -> list[SourceEvent]:
        """News about all books at once."""
        if isinstance(seen, HeardSeen):
            for market in self._markets.values():
                if market.book.whole_at_ms and market.lost_ms is None:
                    market.heard_ms = max(market.heard_ms, seen.at_ms)
        elif isinstance(seen, LostSeen):
            for ticker, market in self._markets.items():
                if seen.tickers is None or ticker in seen.tickers:
                    market.lost(now_ms)
        elif isinstance(seen, PausedSeen):
            self._halted = seen.shards
            for market in self._markets.values():
                market.halted = market.row.exchange_index in seen.shards
            self._round_at_ms = 0
        return []

    def _ticks(self, now_ms: int) -> list[SourceEvent]:
        """Index values that may be told, oldest first, as much later as the books are that they waited for."""
        told: list[SourceEvent] = []
        for symbol, waiting in self._waiting.items():
            seen_ms = self._books_seen_ms(symbol, now_ms)
            while waiting and waiting[0].at_ms <= seen_ms:
                tick = waiting.popleft()
                past = self._history(symbol)
                at_ms = tick.at_ms + now_ms - seen_ms
                past.append(replace(tick, at_ms=max(at_ms, past[-1].at_ms) if past else at_ms))
                told.append(past[-1])
        return told

    def _books_seen_ms(self, symbol: str, now_ms: int) -> int:
        """When the oldest book of the open markets on an index was seen; now, when nothing waits for books."""
        if not self._polled:
            return now_ms
        markets = (market for market in self._markets.values() if market.row.underlying == symbol and market.open)
        seen = [market.book.whole_at_ms for market in markets if market.row.open_at_ms <= now_ms]
        return min(seen, default=now_ms)

    def _remember(self, seen: PastSeen) -> None:
        for tick in seen.ticks:
            past = self._history(tick.symbol)
            if not past or past[-1].at_ms < tick.at_ms:
                past.append(tick)

    def _history(self, symbol: str) -> deque[IndexTick]:
        return self.past.setdefault(symbol, deque(maxlen=HISTORY_TICKS))
