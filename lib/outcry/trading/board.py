"""What the trader sees of the world: markets, their newest quotes, and the history a strategy may look back on."""

from collections.abc import Callable, Sequence

from outcry.domain.market import Market, Status
from outcry.domain.view import OwnOrder, Quote, Sibling, View
from outcry.trading.events import Bars, Quotes
from outcry.trading.history import BAR_MS, History
from outcry.trading.touches import Touches

SILENT_MS = 15_000  # a quiet book is published again every few seconds while its stream is alive
FORGET_MS = 600_000  # a market closed for so long, in which nothing is held, is dropped


class Board:
    """Kept current by events; remembers which markets changed since they were last looked at.

    span_ms      how far back the strategy looks
    time_factor  by how much this floor's windows are shortened; strategies shorten their look-backs by it
    reads_touch, reads_event  whether the strategy's views carry touches, and the other markets of the event
    """

    def __init__(
        self, span_ms: int, time_factor: float, *, reads_touch: bool = False, reads_event: bool = False
    ) -> None:
        self.markets: dict[str, Market] = {}
        self.quotes: dict[str, Quote] = {}
        self.span_ms = span_ms
        self._history = History(span_ms)
        self._touches = Touches(span_ms) if reads_touch else None
        self._events: dict[str, set[str]] | None = {} if reads_event else None
        self._time_factor = time_factor
        self._changed: set[str] = set()
        self._untrusted_since_ms: dict[str, int] = {}

    def hear_quotes(self, event: Quotes) -> None:
        for market in event.markets:
            self.markets[market.ticker] = market
            self._changed.add(market.ticker)
            if self._events is not None:
                self._events.setdefault(market.event_ticker, set()).add(market.ticker)
        for quote in event.quotes:
            self.quotes[quote.ticker] = quote
            self._changed.add(quote.ticker)
            if self._touches is not None:
                self._touches.hear(quote, event.at_ms)
            if quote.trusted:
                self._untrusted_since_ms.pop(quote.ticker, None)
            else:
                self._untrusted_since_ms.setdefault(quote.ticker, event.at_ms)

    def hear_bars(self, event: Bars) -> None:
        for bar in event.bars:
            self._history.add(bar)
        symbols = {bar.symbol for bar in event.bars}
        self._changed.update(
            ticker for ticker, market in self.markets.items() if ticker in symbols or market.underlying in symbols
        )

    def everything_changed(self) -> None:
        """Time itself is a change: even a market that stands still is looked at again."""
        self._changed.update(self.markets)

    def changed(self) -> list[str]:
        """Markets to look at, in a fixed order; a market stays here until `looked`."""
        return sorted(self._changed)

    def looked(self, ticker: str) -> None:
        self._changed.discard(ticker)

    def trades_now(self, ticker: str, now_ms: int) -> bool:
        """Whether orders may reach this market: described, active, opened and not yet closed."""
        market = self.markets.get(ticker)
        return (
            market is not None and market.status is Status.ACTIVE and market.open_at_ms <= now_ms < market.close_at_ms
        )

    def untrusted_for_ms(self, ticker: str, now_ms: int) -> int | None:
        """How long the book has been untrusted; None while it is trusted.

        A collector that died or hangs marks nothing: its last quotes are not trusted for longer than that proves.
        """
        since_ms, quote = self._untrusted_since_ms.get(ticker), self.quotes.get(ticker)
        if since_ms is None and quote is not None and now_ms - quote.heard_at_ms > SILENT_MS:
            since_ms = quote.heard_at_ms + SILENT_MS
        return None if since_ms is None else max(0, now_ms - since_ms)

    def view(
        self, ticker: str, now_ms: int, position_of: Callable[[str], int], resting: Sequence[OwnOrder], draw: float
    ) -> View:
        """Everything a decision in this market may use, as of now. The market must be described and quoted.

        position_of  the agent's own signed position by ticker
        resting      its own orders in this market's book
        """
        market = self.markets[ticker]
        return View(
            now_ms=now_ms,
            market=market,
            quote=self.quotes[ticker],
            index=self._history.complete(market.underlying, now_ms) if market.underlying else (),
            prints=self._history.complete(ticker, now_ms),
            position_ch=position_of(ticker),
            draw=draw,
            time_factor=self._time_factor,
            touches=self._touches.until(ticker, now_ms) if self._touches is not None else (),
            siblings=self._siblings(market, position_of),
            resting=tuple(resting),
        )

    def _siblings(self, market: Market, position_of: Callable[[str], int]) -> tuple[Sibling, ...]:
        """The other markets of an event that are quoted; those that are not cannot be traded."""
        if self._events is None:
            return ()
        others = sorted(self._events.get(market.event_ticker, set()) - {market.ticker})
        return tuple(
            Sibling(self.markets[ticker], self.quotes[ticker], position_of(ticker))
            for ticker in others
            if ticker in self.quotes
        )

    def forget_closed(self, now_ms: int, needed: set[str]) -> list[str]:
        """Drop markets that closed long ago, unless something is still held or ordered there."""
        gone = [
            ticker
            for ticker, market in self.markets.items()
            if market.close_at_ms + FORGET_MS < now_ms and ticker not in needed
        ]
        for ticker in gone:
            market = self.markets.pop(ticker)
            if self._events is not None:
                self._events[market.event_ticker].discard(ticker)
                if not self._events[market.event_ticker]:
                    del self._events[market.event_ticker]
            if self._touches is not None:
                self._touches.forget(ticker)
            self.quotes.pop(ticker, None)
            self._untrusted_since_ms.pop(ticker, None)
            self._changed.discard(ticker)
            self._history.forget(ticker)
        return gone


def index_at_ms(view: View) -> int | None:
    """When the newest index price of a view was current: the end of its bar; None without one."""
    return view.index[-1].at_ms + BAR_MS if view.index else None
