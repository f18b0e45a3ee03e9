"""The trader's way to the exchange: which calls it needs, the connection, and orders in the exchange's words."""

from typing import Protocol

from outcry.desk.common import connect
from outcry.domain.errors import SchemaDrift, Unavailable
from outcry.domain.market import FeeTerms, Market
from outcry.domain.order import Order, Side, State, TimeInForce
from outcry.ops.floor import Floor
from outcry.trading.orders import Fee
from outcry.venue import fees
from outcry.venue.rest import Rest
from outcry.venue.tally import Tally
from outcry.venue.wire import NewOrder, OrderReport, Placed

RAW_KEPT = 4_000  # characters of an answer that nobody understood


class Exchange(Protocol):
    """What a trader asks of the exchange (venue.rest.Rest)."""

    def create_order(self, new: NewOrder, *, urgent: bool = False, signed_at_ms: int | None = None) -> Placed: ...
    def cancel_order(self, order_id: str, ticker: str, exchange_index: int) -> int: ...
    def renew(
        self,
        order_id: str,
        ticker: str,
        side: Side,
        price_cc: int,
        count_ch: int,
        expires_at_s: int,
        exchange_index: int,
    ) -> str: ...
    def order(self, order_id: str, *, urgent: bool = False) -> OrderReport: ...


class Link(Protocol):
    """The way to the exchange. `broken`: the next `exchange` looks for it anew."""

    def exchange(self) -> Exchange: ...
    def broken(self) -> None: ...


class RestLink:
    """The signed REST connection; its address is looked up anew after every failure, as a local exchange may move."""

    def __init__(self, floor: Floor) -> None:
        """Raises Misconfigured when the key is missing or readable by others."""
        self._floor, self._signer = floor, connect.signer(floor)
        self.calls = Tally()
        self._rest: Rest | None = None

    def exchange(self) -> Exchange:
        """The connection. Raises Unavailable while nobody knows where the exchange is."""
        if self._rest is None:
            url = self._floor.addresses().rest_url
            self._rest = connect.rest(self._floor, self._signer, url, tally=self.calls)
        return self._rest

    def broken(self) -> None:
        self._rest = None


def new_order(order: Order) -> NewOrder:
    """An order as it goes out. What may rest is also taken off the book by the exchange when trading pauses."""
    return NewOrder(
        client_order_id=order.client_order_id,
        ticker=order.ticker,
        side=order.side,
        price_cc=order.price_cc,
        count_ch=order.count_ch,
        time_in_force=order.time_in_force,
        exchange_index=order.exchange_index,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        expires_at_s=None if order.expires_at_ms is None else order.expires_at_ms // 1_000,
        cancel_on_pause=order.time_in_force is TimeInForce.GTC,
    )


def state_of(order: Order, placed: Placed) -> State:
    """What an answer says an order is: filled whole, resting, or (an IOC, or cut by self-trade prevention) over."""
    if placed.filled_ch == order.count_ch:
        return State.EXECUTED
    rests = order.time_in_force is TimeInForce.GTC and placed.remaining_ch > 0
    return State.RESTING if rests else State.CANCELED


def fee_of(market: Market) -> Fee:
    """The fee estimate of a market. Only exits get here with terms we have no formula for: the usual ones then."""
    terms = market.fee if fees.known(market.fee) else FeeTerms()
    return lambda is_taker, price_cc, count_ch: fees.estimate_micros(terms, is_taker, price_cc, count_ch)


def raw_of(error: Unavailable) -> str:
    """The answer that nobody understood, where that is why nothing is known; else ""."""
    drift = error.__cause__
    if not isinstance(drift, SchemaDrift):
        return ""
    raw = drift.raw if isinstance(drift.raw, str) else drift.raw.decode(errors="replace")
    return raw[:RAW_KEPT]
