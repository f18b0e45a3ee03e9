"""Who listens to what, and telling them: subscriptions, their sequence numbers, and the fan-out of engine events.

A subscription is one channel of one connection, with its own `sid`; `seq` counts its messages from 1 (or those of its
whole connection), data and control frames alike, on the channels that carry one. What a message says is built once;
per subscriber only the frame header and the few bytes with sid and seq are new.
"""

from collections.abc import Callable, Iterable

from outcry.domain.order import Side
from outcry.paper.engine.engine import Engine
from outcry.paper.engine.records import MarketRecord, Reject
from outcry.paper.events import (
    AccountFill,
    AccountSettled,
    BookReset,
    EngineEvent,
    GroupChanged,
    IndexTick,
    LevelChanged,
    Lifecycle,
    OrderChanged,
    TickerMoved,
    Traded,
)
from outcry.paper.server import lifecycle_shapes, stream_shapes
from outcry.paper.server.index_board import IndexBoard
from outcry.paper.server.subscription import (
    ALL_INDICES,
    BOOK,
    CHANNELS,
    FILL,
    GROUPS,
    INDEX,
    LIFECYCLE,
    ORDERS,
    POSITIONS,
    TICKER,
    TRADE,
    Subscription,
)
from outcry.paper.server.websocket import header


def _tell(listeners: list[Subscription], kind: bytes, tail: bytes) -> None:
    for subscription in listeners:
        subscription.tell(kind, tail)


class Hub:
    """All subscriptions, found by what they are about."""

    def __init__(self, engine: Engine, board: IndexBoard, now_ms: Callable[[], int], *, ticker_every_ms: int) -> None:
        self._engine, self._board, self.now_ms, self._ticker_every_ms = engine, board, now_ms, ticker_every_ms
        self.manners = engine.state.manners
        self._by_ticker: dict[str, dict[str, dict[Subscription, None]]] = {channel: {} for channel in CHANNELS}
        self._all: dict[str, dict[Subscription, None]] = {channel: {} for channel in CHANNELS}
        self._events_told: set[str] = set()
        self._moved: dict[str, int] = {}  # tickers with news not told yet, and since when
        self._told_ms: dict[str, int] = {}
        self._tell: dict[type, Callable[..., None]] = {
            LevelChanged: self._level,
            Traded: self._traded,
            TickerMoved: self._ticker_moved,
            OrderChanged: self._order,
            AccountFill: self._fill,
            AccountSettled: self._settled,
            Lifecycle: self._lifecycle,
            GroupChanged: self._group,
            IndexTick: self._index,
        }

    # ---- who listens ------------------------------------------------------------------------------------------------

    def add(self, subscription: Subscription, tickers: Iterable[str]) -> None:
        """Listen from now on: to these tickers, or to everything when the subscription is about everything."""
        if subscription.tickers is None:
            self._all[subscription.channel][subscription] = None
            return
        for ticker in tickers:
            self._by_ticker[subscription.channel].setdefault(ticker, {})[subscription] = None

    def remove(self, subscription: Subscription, tickers: Iterable[str] | None = None) -> None:
        """Stop listening to these tickers, or (None) at all."""
        self._all[subscription.channel].pop(subscription, None)
        for ticker in subscription.tickers or () if tickers is None else tickers:
            listeners = self._by_ticker[subscription.channel].get(ticker)
            if listeners is not None:
                listeners.pop(subscription, None)
                if not listeners:
                    del self._by_ticker[subscription.channel][ticker]

    def market_ids(self) -> dict[str, str]:
        """Tickers by market id."""
        tickers = [record.market.ticker for record in self._engine.markets()]
        return {stream_shapes.market_id(ticker): ticker for ticker in tickers}

    def snapshot(self, subscription: Subscription, ticker: str, command_id: int = 0) -> None:
        """The whole book as it stands; nothing for a market that does not exist (yet)."""
        if (record := self._known(ticker)) is not None:
            shown = record.book.shown
            tail = stream_shapes.snapshot(
                ticker, shown.bids, shown.asks, self.now_ms(), yes_price=subscription.yes_price
            )
            subscription.tell(b"orderbook_snapshot", tail, command_id)

    def ticker(self, subscription: Subscription, ticker: str) -> None:
        """The market's numbers as they stand."""
        if (record := self._known(ticker)) is not None:
            now_ms = self.now_ms()
            subscription.tell(b"ticker", stream_shapes.ticker(record, now_ms, now_ms))

    def _known(self, ticker: str) -> MarketRecord | None:
        try:
            return self._engine.market(ticker)
        except Reject:
            return None

    def _listeners(self, channel: str, ticker: str, account: str | None = None) -> list[Subscription]:
        """Who listens to a market on a channel; on private channels only the account itself."""
        found = [*self._all[channel], *self._by_ticker[channel].get(ticker, ())]
        return found if account is None else [one for one in found if one.account == account]

    # ---- telling ----------------------------------------------------------------------------------------------------

    def publish(self, events: list[EngineEvent]) -> None:
        """Tell what one step of the engine did. A market whose whole book changed gets one snapshot in place of levels:
        the book is already past them."""
        reset = {event.ticker for event in events if isinstance(event, BookReset)}
        moved: dict[tuple[str, str, int], None] = {}
        if self.manners.private_first:
            events = sorted(events, key=lambda event: not isinstance(event, AccountFill | OrderChanged))
        for event in events:
            if isinstance(event, BookReset) or (reset and isinstance(event, LevelChanged) and event.ticker in reset):
                continue
            self._tell[type(event)](event)
            if isinstance(event, AccountFill | AccountSettled):
                moved[event.account, event.ticker, event.subaccount] = None
        for account, ticker, subaccount in moved:
            self._position(account, ticker, subaccount)
        for ticker in reset:
            for subscription in self._listeners(BOOK, ticker):
                self.snapshot(subscription, ticker)

    def next_at_ms(self) -> int | None:
        """When tickers that wait for their turn may be told."""
        if not self._moved:
            return None
        return min(self._told_ms.get(ticker, 0) for ticker in self._moved) + self._ticker_every_ms

    def tell_tickers(self, now_ms: int) -> None:
        """Tell the tickers whose turn has come: like the exchange, at most one a market in an interval."""
        for ticker, at_ms in list(self._moved.items()):
            if now_ms - self._told_ms.get(ticker, 0) < self._ticker_every_ms:
                continue
            del self._moved[ticker]
            self._told_ms[ticker] = now_ms
            if listeners := self._listeners(TICKER, ticker):
                _tell(listeners, b"ticker", stream_shapes.ticker(self._engine.market(ticker), at_ms, now_ms))

    def _level(self, event: LevelChanged) -> None:
        """The busiest of all: inlined, one tail for each way of telling it."""
        listeners = self._by_ticker[BOOK].get(event.ticker)
        if not listeners:
            return
        now_ms, tails = self.now_ms(), dict[tuple[bool, bool], bytes]()
        is_bid = event.side is Side.BID
        for subscription in listeners:
            own = event.account != "" and event.account == subscription.account
            key = (is_bid or subscription.yes_price, own)
            tail = tails.get(key)
            if tail is None:
                tail = tails[key] = stream_shapes.level(event, now_ms, yes_price=key[0], own=own)
            subscription.count.seq += 1
            begin = b'{"type":"orderbook_delta","sid":%d,"seq":%d,' % (subscription.sid, subscription.count.seq)
            subscription.socket.outgoing += (header(len(begin) + len(tail)), begin, tail)

    def _traded(self, event: Traded) -> None:
        if listeners := self._listeners(TRADE, event.ticker):
            taker = stream_shapes.likely_taker(event, self._engine.market(event.ticker))
            _tell(listeners, b"trade", stream_shapes.trade(event, taker, self.now_ms()))

    def _ticker_moved(self, event: TickerMoved) -> None:
        self._moved[event.ticker] = event.at_ms

    def _order(self, event: OrderChanged) -> None:
        order = self._engine.order(event.account, event.order_id)
        if listeners := self._listeners(ORDERS, order.ticker, event.account):
            _tell(listeners, b"user_order", stream_shapes.user_order(order, event.reason, self.now_ms()))

    def _fill(self, event: AccountFill) -> None:
        if listeners := self._listeners(FILL, event.ticker, event.account):
            _tell(listeners, b"fill", stream_shapes.fill(event, self.now_ms()))

    def _settled(self, event: AccountSettled) -> None:
        """Told by the position alone."""

    def _position(self, account: str, ticker: str, subaccount: int) -> None:
        if listeners := self._listeners(POSITIONS, ticker, account):
            held = self._engine.position(account, ticker, subaccount)
            _tell(listeners, b"market_position", stream_shapes.market_position(held, self.now_ms()))

    def _group(self, event: GroupChanged) -> None:
        if listeners := [one for one in self._all[GROUPS] if one.account == event.account]:
            _tell(listeners, b"order_group_updates", stream_shapes.group(event, self.now_ms()))

    def _lifecycle(self, event: Lifecycle) -> None:
        record, now_ms = self._engine.market(event.ticker), self.now_ms()
        listeners = [*self._all[LIFECYCLE]]
        if event.kind == "created":
            if record.market.event_ticker not in self._events_told:
                self._events_told.add(record.market.event_ticker)
                _tell(listeners, b"event_lifecycle", stream_shapes.tail(lifecycle_shapes.event(record), now_ms))
            for subscription in self._by_ticker[BOOK].get(event.ticker, ()):
                self.snapshot(subscription, event.ticker)
        _tell(listeners, b"market_lifecycle_v2", stream_shapes.tail(lifecycle_shapes.market(event, record), now_ms))

    def _index(self, event: IndexTick) -> None:
        message = self._board.take(event)
        if message is None or not self.manners.index_streams:
            return
        tail = stream_shapes.tail(message, self.now_ms())
        for subscription in self._all[INDEX]:
            if ALL_INDICES in subscription.indices or message["index_id"] in subscription.indices:
                subscription.tell(b"cfbenchmarks_value", tail)
