"""Calls that place, renew, cancel and look up orders. Writes are sent once, whatever happens."""

from typing import TypeVar

from msgspec import Struct

from outcry.domain.errors import Refused, SchemaDrift, Unavailable
from outcry.domain.order import Side
from outcry.venue import wire
from outcry.venue.http import Http, Reply
from outcry.venue.paging import Page, every, given
from outcry.venue.wire import NewOrder, OrderReport, OrderRow, Placed

_CREATE = "/portfolio/events/orders"
_ONE = "/portfolio/events/orders/{order_id}"
Row = TypeVar("Row")


class OrderPage(Page, frozen=True):
    orders: list[OrderRow]


class OneOrder(Struct, frozen=True):
    order: OrderRow


class OrderCalls:
    """Needs a key."""

    _http: Http

    def create_order(self, new: NewOrder, *, urgent: bool = False) -> Placed:
        """Place one order.

        urgent  an exit: it may use the budget's reserved share
        raises  Refused, RateLimited, Misconfigured: nothing was placed
                Unavailable: nobody knows. No answer, a 5xx, a 2xx that names no order (its cause is a SchemaDrift with
                the body), or a 409: an order with this id exists, though we never sent it twice
        """
        try:
            answer = self._http.write(
                "POST",
                _CREATE,
                wire.order_body(new),
                accept=(200, 201),
                urgent=urgent,
                exchange_index=new.exchange_index,
            )
        except Refused as error:
            if error.status == 409:
                raise Unavailable(f"{new.client_order_id} is there already: {error}", "look it up") from error
            raise
        try:
            placed = wire.placed(wire.decode(wire.PlacedRow, answer.body, "new order"))
        except SchemaDrift as drift:
            drift.raw = answer.body
            raise Unavailable(f"answer to {new.client_order_id} is unreadable: {drift}", "look it up") from drift
        if placed.client_order_id not in ("", new.client_order_id):
            raise Unavailable(f"answer to {new.client_order_id} is about {placed.client_order_id}", "look it up")
        return placed

    def cancel_order(self, order_id: str, ticker: str, exchange_index: int) -> int:
        """Cancel what rests of one order; never waits behind entries for its budget.

        returns  how much was taken off the book, in hundredths of a contract; 0 when nothing was left
        raises   Refused with status 404 when it is unknown, over, or on another shard; else as `create_order`
        """
        answer = self._http.write(
            "DELETE",
            _ONE,
            None,
            given(market_ticker=ticker, exchange_index=exchange_index),
            urgent=True,
            exchange_index=exchange_index,
            order_id=order_id,
        )
        row = _answer(wire.CanceledRow, answer, order_id)
        if row.order_id != order_id:
            raise Unavailable(f"asked to cancel {order_id}, the answer is about {row.order_id}", "look both up")
        return wire.count_ch(row.reduced_by)

    def cancel_all(self) -> None:
        """Cancel every resting order of the account on every shard, whoever placed it.

        Orders placed during the following minute may be cancelled too.
        """
        self._http.write("DELETE", _CREATE, accept=(200, 204), urgent=True)

    def renew(
        self,
        order_id: str,
        ticker: str,
        side: Side,
        price_cc: int,
        count_ch: int,
        expires_at_s: int,
        exchange_index: int,
    ) -> str:
        """Give a resting order another expiry and nothing else: it keeps its place in the queue.

        count_ch  the whole count, filled and remaining
        returns   the order's id from now on
        """
        body = wire.RenewBody(
            ticker=ticker,
            side=side.value,
            price=wire.price_text(price_cc),
            count=wire.count_text(count_ch),
            expiration_time=expires_at_s,
            exchange_index=exchange_index,
        )
        answer = self._http.write("POST", _ONE + "/amend", body, exchange_index=exchange_index, order_id=order_id)
        return _answer(wire.RenewedRow, answer, order_id).order_id

    def order(self, order_id: str, *, urgent: bool = False) -> OrderReport:
        """One order by the exchange's id. Refused with status 404 when it is unknown (or too new to be read)."""
        body = self._http.get("/portfolio/orders/{order_id}", urgent=urgent, order_id=order_id).body
        return wire.order(wire.decode(OneOrder, body, f"order {order_id}").order)

    def orders(
        self,
        ticker: str | None = None,
        status: str | None = None,
        min_ts: int | None = None,
        max_ts: int | None = None,
        exchange_index: int | None = None,
        *,
        urgent: bool = False,
    ) -> list[OrderReport]:
        """Orders of the account, all of them: without a status of every status, without a shard of every shard.

        status  resting, canceled or executed
        """
        parameters = given(ticker=ticker, status=status, min_ts=min_ts, max_ts=max_ts, exchange_index=exchange_index)
        rows = every(self._http, "/portfolio/orders", OrderPage, lambda page: page.orders, parameters, urgent=urgent)
        return [wire.order(row) for row in rows]


def _answer(kind: type[Row], answer: Reply, order_id: str) -> Row:
    """The answer to a write; one that cannot be read leaves its outcome unknown."""
    try:
        return wire.decode(kind, answer.body, f"answer about {order_id}")
    except SchemaDrift as drift:
        raise Unavailable(f"{drift}", "look the order up") from drift
