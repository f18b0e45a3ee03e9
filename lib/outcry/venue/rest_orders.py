"""Calls that place, renew, decrease, cancel and look up single orders. Writes are sent once, whatever happens."""

from collections.abc import Sequence

from msgspec import Struct

from outcry.domain.errors import Refused, Unavailable
from outcry.domain.order import Side
from outcry.venue import wire
from outcry.venue.http import Http
from outcry.venue.order_rows import DecreaseBody, DecreasedRow, OneQueueRow, QueueRow
from outcry.venue.paging import Page, every, given
from outcry.venue.wire import NewOrder, OrderReport, OrderRow, Placed
from outcry.venue.written import told

_CREATE = "/portfolio/events/orders"
_ONE = "/portfolio/events/orders/{order_id}"
_TICKERS_AT_ONCE = 100


class OrderPage(Page, frozen=True):
    orders: list[OrderRow]


class OneOrder(Struct, frozen=True):
    order: OrderRow


class QueueList(Struct, frozen=True):
    queue_positions: list[QueueRow]


class OrderCalls:
    """Needs a key."""

    _http: Http

    def create_order(self, new: NewOrder, *, urgent: bool = False, signed_at_ms: int | None = None) -> Placed:
        """Place one order.

        urgent  an exit: it may use the budget's reserved share
        signed_at_ms  the signature's timestamp, which also says how long the exchange may accept it; else the present
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
                signed_at_ms=signed_at_ms,
            )
        except Refused as error:
            if error.status == 409:
                raise Unavailable(f"{new.client_order_id} is there already: {error}", "look it up") from error
            raise
        placed = told(answer, wire.PlacedRow, new.client_order_id, wire.placed)
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
        named, reduced_ch = told(
            answer, wire.CanceledRow, order_id, lambda row: (row.order_id, wire.count_ch(row.reduced_by))
        )
        return _about(order_id, named, reduced_ch)

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
        return told(answer, wire.RenewedRow, order_id, lambda row: row.order_id)

    def decrease_order(self, order_id: str, ticker: str, exchange_index: int, remaining_ch: int) -> int:
        """Take a resting order down to what shall remain of it; it keeps its place in the queue.

        returns  what remains, in hundredths of a contract
        raises   as `cancel_order`
        """
        body = DecreaseBody(wire.count_text(remaining_ch), ticker, exchange_index)
        answer = self._http.write("POST", _ONE + "/decrease", body, exchange_index=exchange_index, order_id=order_id)
        named, left_ch = told(
            answer, DecreasedRow, order_id, lambda row: (row.order_id, wire.count_ch(row.remaining_count))
        )
        return _about(order_id, named, left_ch)

    def queue_positions(self, tickers: Sequence[str]) -> dict[str, int]:
        """Hundredths of a contract that trade before each of our resting orders in these markets, by order id."""
        ahead_ch: dict[str, int] = {}
        for place in range(0, len(tickers), _TICKERS_AT_ONCE):
            parameters = given(market_tickers=",".join(tickers[place : place + _TICKERS_AT_ONCE]))
            body = self._http.get("/portfolio/orders/queue_positions", parameters).body
            for row in wire.decode(QueueList, body, "queue positions").queue_positions:
                ahead_ch[row.order_id] = wire.count_ch(row.queue_position_fp)
        return ahead_ch

    def queue_position(self, order_id: str) -> int:
        """Hundredths of a contract that trade before one resting order."""
        body = self._http.get("/portfolio/orders/{order_id}/queue_position", order_id=order_id).body
        return wire.count_ch(wire.decode(OneQueueRow, body, f"queue position of {order_id}").queue_position_fp)

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


def _about(order_id: str, named: str, count_ch: int) -> int:
    """A count that the exchange tells us, if it is told about the order we asked for."""
    if named != order_id:
        raise Unavailable(f"asked about {order_id}, the answer is about {named}", "look both up")
    return count_ch
