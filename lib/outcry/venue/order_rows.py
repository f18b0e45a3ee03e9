"""Bodies that place, renew, cancel and read orders, and what they mean here."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from msgspec import UNSET, Struct, UnsetType

from outcry.domain.errors import SchemaDrift
from outcry.domain.order import Side, State, TimeInForce
from outcry.venue import fields
from outcry.venue.fields import Amount, Whole


class OrderStatus(StrEnum):
    """What an order read may say; the same words as our own `State`."""

    RESTING = "resting"
    CANCELED = "canceled"
    EXECUTED = "executed"


class OrderRow(Struct, frozen=True):
    order_id: str
    client_order_id: str
    ticker: str
    exchange_index: Whole
    book_side: Side
    status: OrderStatus
    yes_price_dollars: Amount
    initial_count_fp: Amount
    fill_count_fp: Amount
    remaining_count_fp: Amount
    taker_fees_dollars: Amount
    maker_fees_dollars: Amount
    created_time: str | None = None
    expiration_time: str | None = None


class OrderReport(NamedTuple):
    """An order as the exchange describes it. `status` is one of RESTING, CANCELED, EXECUTED.

    fees_micros    what its fills were charged so far, taker and maker together
    created_at_ms  None where the exchange says null (it may)
    """

    order_id: str
    client_order_id: str
    ticker: str
    exchange_index: int
    side: Side
    price_cc: int
    status: State
    initial_ch: int
    filled_ch: int
    remaining_ch: int
    fees_micros: int
    created_at_ms: int | None
    expires_at_ms: int | None


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A limit order to be placed. Prices on the YES scale, in centicents; the shard is always explicit.

    expires_at_s     Unix seconds, only with GTC
    cancel_on_pause  have the exchange cancel it when trading pauses
    stp              self-trade prevention: taker_at_cross, or maker
    order_group_id   a group on the same shard that may cancel it, or "" for none
    """

    client_order_id: str
    ticker: str
    side: Side
    price_cc: int
    count_ch: int
    time_in_force: TimeInForce
    exchange_index: int
    post_only: bool = False
    reduce_only: bool = False
    expires_at_s: int | None = None
    cancel_on_pause: bool = False
    stp: str = "taker_at_cross"
    order_group_id: str = ""


class NewOrderBody(Struct, omit_defaults=True):
    """What `create_order` sends. Only what differs from the exchange's own default goes out."""

    ticker: str
    client_order_id: str
    side: str
    count: str
    price: str
    time_in_force: str
    self_trade_prevention_type: str
    exchange_index: Whole
    expiration_time: Whole | UnsetType = UNSET
    post_only: bool = False
    reduce_only: bool = False
    cancel_order_on_pause: bool = False
    order_group_id: str = ""


class Placed(NamedTuple):
    """The exchange's answer to a new order. For an IOC, `remaining_ch` is after its rest was cancelled.

    average_price, average_fee  dollars per contract: for people; booked are the fills' own numbers
    """

    order_id: str
    client_order_id: str
    filled_ch: int
    remaining_ch: int
    at_ms: int
    average_price: float | None
    average_fee: float | None


class PlacedRow(Struct, frozen=True):
    order_id: str
    fill_count: Amount
    remaining_count: Amount
    ts_ms: Whole
    client_order_id: str = ""
    average_fill_price: Amount | None = None
    average_fee_paid: Amount | None = None


class CanceledRow(Struct, frozen=True):
    order_id: str
    reduced_by: Amount
    ts_ms: Whole


class RenewedRow(Struct, frozen=True):
    order_id: str
    ts_ms: Whole


class DecreaseBody(Struct):
    reduce_to: str
    market_ticker: str
    exchange_index: Whole


class DecreasedRow(Struct, frozen=True):
    order_id: str
    remaining_count: Amount
    ts_ms: Whole


class QueueRow(Struct, frozen=True):
    """Where one of several orders stands."""

    order_id: str
    queue_position_fp: Amount


class OneQueueRow(Struct, frozen=True):
    queue_position_fp: Amount


class RenewBody(Struct):
    """What `renew` sends: the order as it is, with another expiry. `count` is the whole count, filled and remaining."""

    ticker: str
    side: str
    price: str
    count: str
    expiration_time: Whole
    exchange_index: Whole


def order(row: OrderRow) -> OrderReport:
    """One order. Raises SchemaDrift when a field cannot be read."""
    return OrderReport(
        row.order_id,
        row.client_order_id,
        row.ticker,
        row.exchange_index,
        row.book_side,
        fields.price_cc(row.yes_price_dollars),
        State(row.status),
        fields.count_ch(row.initial_count_fp),
        fields.count_ch(row.fill_count_fp),
        fields.count_ch(row.remaining_count_fp),
        fields.dollars_micros(row.taker_fees_dollars) + fields.dollars_micros(row.maker_fees_dollars),
        fields.optional_time_ms(row.created_time),
        fields.optional_time_ms(row.expiration_time),
    )


def placed(row: PlacedRow) -> Placed:
    """The answer to a new order. Raises SchemaDrift when it names no order."""
    if not row.order_id:
        raise SchemaDrift("the answer names no order")
    return Placed(
        row.order_id,
        row.client_order_id,
        fields.count_ch(row.fill_count),
        fields.count_ch(row.remaining_count),
        row.ts_ms,
        None if row.average_fill_price is None else float(row.average_fill_price),
        None if row.average_fee_paid is None else float(row.average_fee_paid),
    )


def order_body(new: NewOrder) -> NewOrderBody:
    """The body that places an order."""
    return NewOrderBody(
        ticker=new.ticker,
        client_order_id=new.client_order_id,
        side=new.side.value,
        count=fields.count_text(new.count_ch),
        price=fields.price_text(new.price_cc),
        time_in_force=new.time_in_force.value,
        self_trade_prevention_type=new.stp,
        exchange_index=new.exchange_index,
        expiration_time=UNSET if new.expires_at_s is None else new.expires_at_s,
        post_only=new.post_only,
        reduce_only=new.reduce_only,
        cancel_order_on_pause=new.cancel_on_pause,
        order_group_id=new.order_group_id,
    )
