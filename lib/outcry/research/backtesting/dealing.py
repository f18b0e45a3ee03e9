"""A backtest's orders at its exchange: what a request makes of them, and what the exchange says by itself."""

from collections.abc import Iterable
from dataclasses import replace

from outcry.domain.fill import Fill as DomainFill
from outcry.domain.fill import Settlement as DomainSettlement
from outcry.domain.market import Market
from outcry.domain.order import Order, State, TimeInForce, may_follow
from outcry.paper.engine.records import OrderRecord, OrderStatus, Reject
from outcry.paper.events import AccountFill, AccountSettled, EngineEvent, OrderChanged
from outcry.research.backtesting.account import Account
from outcry.research.backtesting.asking import World
from outcry.research.backtesting.venue import Venue
from outcry.trading.events import Event, Fill, OrderUpdate, Settlement

_STATES = {
    OrderStatus.RESTING: State.RESTING,
    OrderStatus.EXECUTED: State.EXECUTED,
    OrderStatus.CANCELED: State.CANCELED,
}


class Dealing:
    """fills, settlements: everything so far, in order."""

    def __init__(self, account: Account, venue: Venue, world: World) -> None:
        self._account, self._venue, self._world = account, venue, world
        self.fills: list[DomainFill] = []
        self.settlements: list[DomainSettlement] = []

    # ---- requests, at the moment they reach the exchange ------------------------------------------------------------

    def send(self, order: Order, market: Market) -> OrderUpdate:
        book = self._world.book(order.ticker)
        if book is None:
            return self.end(order, State.REJECTED, "the tape does not know this book just now")
        try:
            record = self._venue.create(order, self._world.market(market.ticker), book, self._world.now_ms())
        except Reject as error:
            return self.end(order, State.REJECTED, str(error))
        return self._now_is(order, record)

    def cancel(self, order: Order, why: str) -> OrderUpdate:
        try:
            record = self._venue.cancel(order, self._world.now_ms())
        except Reject:
            record = self._venue.order(order.order_id)
        return self._now_is(order, record, why if record.status is OrderStatus.CANCELED else "")

    def renew(self, order: Order, expires_at_ms: int) -> OrderUpdate:
        try:
            record = self._venue.renew(order, expires_at_ms, self._world.now_ms())
        except Reject:
            return self._now_is(order, self._venue.order(order.order_id))
        return self._now_is(replace(order, expires_at_ms=expires_at_ms), record)

    def end(self, order: Order, state: State, reason: str) -> OrderUpdate:
        """An order that never came to the exchange."""
        return self._moved(order, state, reason, 0, "")

    # ---- what the exchange says by itself ---------------------------------------------------------------------------

    def hear(self, events: Iterable[EngineEvent]) -> list[Event]:
        """What a trader hears of it."""
        heard: list[Event] = []
        for event in events:
            match event:
                case AccountFill():
                    heard.append(self._filled(event))
                case OrderChanged():
                    heard += self._changed(event)
                case AccountSettled():
                    heard.append(self._settled(event))
        return heard

    def _filled(self, event: AccountFill) -> Fill:
        fill = DomainFill(
            event.trade_id,
            event.order_id,
            event.ticker,
            event.exchange_index,
            event.side,
            event.price_cc,
            event.count_ch,
            event.fee_micros,
            event.is_taker,
            event.at_ms,
            event.client_order_id,
            event.post_position_ch,
        )
        self._account.filled(fill)
        self.fills.append(fill)
        return Fill(self._world.now_ms(), fill)

    def _changed(self, event: OrderChanged) -> list[Event]:
        """An order that rested was filled, expired or swept. What answers a request is heard as its answer."""
        record = self._venue.order(event.order_id)
        known = self._account.order(record.client_order_id)
        return [self._now_is(known, record)] if known is not None and known.state is State.RESTING else []

    def _settled(self, event: AccountSettled) -> Settlement:
        paid = DomainSettlement(event.ticker, event.exchange_index, event.result, event.value_cc, event.at_ms)
        self._account.settled(paid)
        self.settlements.append(paid)
        return Settlement(self._world.now_ms(), paid)

    # ---- the order's life -------------------------------------------------------------------------------------------

    def _now_is(self, order: Order, record: OrderRecord, reason: str = "") -> OrderUpdate:
        """An order as the exchange has it."""
        state = _STATES[record.status]
        if state is State.CANCELED and order.time_in_force is TimeInForce.GTC:
            reason = reason or record.reason
        return self._moved(order, state, reason, record.filled_ch, record.order_id)

    def _moved(self, order: Order, state: State, reason: str, filled_ch: int, order_id: str) -> OrderUpdate:
        known = self._account.order(order.client_order_id) or order
        sent = State.SENT if known.state is State.PLANNED and state is not State.ABANDONED else known.state
        moved = replace(
            known,
            state=state if may_follow(sent, state) else sent,
            filled_ch=max(known.filled_ch, filled_ch),
            order_id=known.order_id or order_id,
            reason=reason or known.reason,
            expires_at_ms=order.expires_at_ms,
            updated_at_ms=self._world.now_ms(),
        )
        self._account.ordered(moved)
        return OrderUpdate(self._world.now_ms(), moved)
