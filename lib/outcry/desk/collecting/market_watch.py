"""Which markets there are, what state each is in, and which to follow. No I/O, no clock: both are handed in.

Opening and closing send no message, so timers move a market from initialized to active and from active to closed. The
exchange's list lags by up to half a minute around a boundary: what it says never moves a market's life backwards.
"""

from collections.abc import Iterable
from dataclasses import replace

from outcry.domain.market import Market, Status
from outcry.venue.messages import EventFee, Lifecycle

FOLLOW_AFTER_CLOSE_MS = 30_000  # the exchange empties the book; then there is nothing more to hear of it
FORGET_AFTER_MS = 3_600_000

# How far a market's life has come; a lower number never follows from a list that may be old.
_PROGRESS = {
    Status.INITIALIZED: 0,
    Status.ACTIVE: 1,
    Status.INACTIVE: 1,
    Status.CLOSED: 2,
    Status.DETERMINED: 3,
    Status.DISPUTED: 3,
    Status.AMENDED: 3,
    Status.FINALIZED: 4,
}


class MarketWatch:
    """All markets we know.

    ahead_ms  how long before its opening a market is near
    """

    def __init__(self, ahead_ms: int) -> None:
        self._ahead_ms = ahead_ms
        self.markets: dict[str, Market] = {}
        self._changed: dict[str, None] = {}

    def take_changed(self) -> list[Market]:
        """Markets whose description changed since the last call."""
        changed = [self.markets[ticker] for ticker in self._changed if ticker in self.markets]
        self._changed.clear()
        return changed

    def changed_again(self, markets: Iterable[Market]) -> None:
        """What `take_changed` gave could not be written: give it again."""
        self._changed |= dict.fromkeys(market.ticker for market in markets)

    def listed(self, markets: Iterable[Market], now_ms: int) -> None:
        """What the exchange's list says now."""
        for market in markets:
            known = self.markets.get(market.ticker)
            self._put(_timed(market if known is None else _newer(known, market), now_ms))

    def told(self, message: Lifecycle, now_ms: int) -> bool:
        """What the lifecycle channel says. False when it is about a market we do not know: look it up."""
        market = self.markets.get(message.ticker)
        if market is None:
            return False
        self._put(_timed(_changed_by(market, message), now_ms))
        return True

    def fee_changed(self, message: EventFee) -> bool:
        """Whether an event of ours charges differently from now on: ask the exchange for its markets again."""
        return any(market.event_ticker == message.event_ticker for market in self.markets.values())

    def tick(self, now_ms: int) -> None:
        """Open and close what is due; forget what has long been paid out."""
        for market in list(self.markets.values()):
            self._put(_timed(market, now_ms))
            if market.status is Status.FINALIZED and now_ms - market.close_at_ms > FORGET_AFTER_MS:
                del self.markets[market.ticker]

    def near(self, now_ms: int) -> list[Market]:
        """Markets whose books may be held: open, soon to open, or just closed; the next to close first."""
        near = [
            market
            for market in self.markets.values()
            if market.open_at_ms - self._ahead_ms <= now_ms < market.close_at_ms + FOLLOW_AFTER_CLOSE_MS
            and _PROGRESS[market.status] <= _PROGRESS[Status.DETERMINED]
        ]
        return sorted(near, key=lambda market: (market.close_at_ms, market.ticker))

    def overdue(self, now_ms: int) -> list[str]:
        """Tickers that should have moved on by now (closed and not paid, or open without a strike): ask by ticker."""
        return sorted(
            market.ticker
            for market in self.markets.values()
            if (market.close_at_ms + 2_000 <= now_ms and market.status is not Status.FINALIZED)
            or (
                market.open_at_ms + 2_000 <= now_ms < market.close_at_ms
                and market.strike_micros is None
                and market.strike_type.startswith(("greater", "less"))
            )
        )

    def _put(self, market: Market) -> None:
        if self.markets.get(market.ticker) != market:
            self.markets[market.ticker] = market
            self._changed[market.ticker] = None


def _timed(market: Market, now_ms: int) -> Market:
    """A market after the timers: the exchange says nothing when it opens and closes."""
    status = market.status
    if status is Status.INITIALIZED and now_ms >= market.open_at_ms:
        status = Status.ACTIVE
    if status in (Status.ACTIVE, Status.INACTIVE) and now_ms >= market.close_at_ms:
        status = Status.CLOSED
    return market if status is market.status else replace(market, status=status)


def _newer(known: Market, said: Market) -> Market:
    """What a list says, except where we know better because it may be old."""
    if said.close_at_ms <= known.close_at_ms and _PROGRESS[said.status] < _PROGRESS[known.status]:
        result, value = known.result or said.result, known.settlement_value_cc
        value = said.settlement_value_cc if value is None else value
        said = replace(said, status=known.status, result=result, settlement_value_cc=value)
    if not said.exhaustive_of:  # only discovery counts an event's markets
        said = replace(said, exhaustive_of=known.exhaustive_of)
    if said.strike_micros is None and known.strike_micros is not None:
        said = replace(said, strike_micros=known.strike_micros, strike_type=known.strike_type)
    return said


def _changed_by(market: Market, message: Lifecycle) -> Market:
    if message.kind == "activated":
        market = replace(market, status=Status.ACTIVE)
    elif message.kind == "deactivated":
        market = replace(market, status=Status.INACTIVE)
    elif message.kind == "close_date_updated" and message.close_at_ms is not None:
        reopened = market.status is Status.CLOSED and message.close_at_ms > market.close_at_ms
        status = Status.ACTIVE if reopened else market.status
        market = replace(market, close_at_ms=message.close_at_ms, status=status)
    elif message.kind == "determined":
        value = market.settlement_value_cc if message.value_cc is None else message.value_cc
        market = replace(market, status=Status.DETERMINED, result=message.result, settlement_value_cc=value)
    elif message.kind == "settled":
        market = replace(market, status=Status.FINALIZED)
    if message.price_ranges:
        market = replace(market, price_ranges=message.price_ranges)
    if message.strike_micros is not None:
        market = replace(market, strike_micros=message.strike_micros)
    if message.strike_type:
        market = replace(market, strike_type=message.strike_type)
    return market
