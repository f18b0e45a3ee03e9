"""Bodies of batches: many orders placed or cancelled by one call, each with an outcome of its own."""

from typing import NamedTuple

from msgspec import Struct

from outcry.venue.fields import Amount, Whole
from outcry.venue.order_rows import NewOrderBody


class BatchCreateBody(Struct):
    orders: list[NewOrderBody]


class CancelItemBody(Struct):
    order_id: str
    market_ticker: str
    exchange_index: Whole


class BatchCancelBody(Struct):
    orders: list[CancelItemBody]


class ItemErrorRow(Struct, frozen=True):
    code: str | None = None
    message: str | None = None
    details: str | None = None


class CreatedItemRow(Struct, frozen=True):
    """What became of one new order: an order, or an error."""

    order_id: str = ""
    client_order_id: str | None = None
    fill_count: Amount | None = None
    remaining_count: Amount | None = None
    average_fill_price: Amount | None = None
    average_fee_paid: Amount | None = None
    ts_ms: Whole | None = None
    error: ItemErrorRow | None = None


class CanceledItemRow(Struct, frozen=True):
    """What became of one cancel. With an error, `reduced_by` is 0.00."""

    order_id: str
    reduced_by: Amount
    error: ItemErrorRow | None = None


class BatchCreatedRow(Struct, frozen=True):
    orders: list[CreatedItemRow]


class BatchCanceledRow(Struct, frozen=True):
    orders: list[CanceledItemRow]


class Cancel(NamedTuple):
    """An order to be cancelled, with the market and shard it is on."""

    order_id: str
    ticker: str
    exchange_index: int
