"""Bodies of requests that change orders, as typed records; and their texts as the engine's integers."""

from typing import Literal

from msgspec import Struct

from outcry.domain.order import Side, TimeInForce
from outcry.domain.units import parse_decimal
from outcry.paper.engine.records import AmendRequest, NewOrderRequest, Reject, SelfTrade

AUTO_ROUTE = -1
LATEST_S = 253_402_300_799  # the last second of the year 9999
MOST_CH = 100_000_000_000  # a billion contracts


class NewOrder(Struct):
    """The body of a create, and an item of a batch of them."""

    ticker: str
    side: Literal["bid", "ask"]
    count: str
    price: str
    time_in_force: Literal["good_till_canceled", "immediate_or_cancel", "fill_or_kill"]
    self_trade_prevention_type: Literal["taker_at_cross", "maker"]
    client_order_id: str | None = None
    expiration_time: int | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    cancel_order_on_pause: bool | None = None
    subaccount: int | None = None
    order_group_id: str | None = None
    exchange_index: int | None = None

    def request(self) -> NewOrderRequest:
        return NewOrderRequest(
            ticker=self.ticker,
            side=Side(self.side),
            price_cc=read_price_cc(self.price),
            count_ch=read_count_ch(self.count),
            time_in_force=TimeInForce(self.time_in_force),
            self_trade=SelfTrade(self.self_trade_prevention_type),
            client_order_id=self.client_order_id or "",
            expires_at_ms=_expiry_ms(self.expiration_time),
            post_only=bool(self.post_only),
            reduce_only=bool(self.reduce_only),
            cancel_on_pause=bool(self.cancel_order_on_pause),
            exchange_index=explicit(self.exchange_index),
            subaccount=self.subaccount or 0,
            order_group_id=self.order_group_id or "",
        )


class Amendment(Struct):
    """`count` is the total: what has filled plus what shall still rest."""

    ticker: str
    side: Literal["bid", "ask"]
    price: str
    count: str
    client_order_id: str | None = None
    updated_client_order_id: str | None = None
    expiration_time: int | None = None
    exchange_index: int | None = None

    def request(self, subaccount: int) -> AmendRequest:
        return AmendRequest(
            ticker=self.ticker,
            side=Side(self.side),
            price_cc=read_price_cc(self.price),
            count_ch=read_count_ch(self.count),
            client_order_id=self.client_order_id or "",
            updated_client_order_id=self.updated_client_order_id or "",
            expires_at_ms=_expiry_ms(self.expiration_time),
            exchange_index=explicit(self.exchange_index),
            subaccount=subaccount,
        )


class Decrease(Struct):
    """Exactly one of `reduce_by` and `reduce_to`."""

    reduce_by: str | None = None
    reduce_to: str | None = None
    market_ticker: str | None = None
    exchange_index: int | None = None


class Cancellation(Struct):
    """An item of a batch of cancels."""

    order_id: str
    market_ticker: str | None = None
    exchange_index: int | None = None
    subaccount: int | None = None


def explicit(index: int | None) -> int | None:
    """A shard as the engine takes it: None where the exchange shall route."""
    return None if index == AUTO_ROUTE else index


def read_price_cc(given: str) -> int:
    try:
        return parse_decimal(given, 4)
    except ValueError as error:
        raise Reject(400, "invalid_price", "price is not a decimal of at most 4 places", str(error)) from None


def read_count_ch(given: str) -> int:
    try:
        count_ch = parse_decimal(given, 2)
    except ValueError as error:
        raise Reject(400, "invalid_order_size", "count is not a decimal of at most 2 places", str(error)) from None
    if count_ch > MOST_CH:
        raise Reject(400, "invalid_order_size", "count is too large")
    return count_ch


def _expiry_ms(at_s: int | None) -> int | None:
    if at_s is not None and at_s > LATEST_S:
        raise Reject(400, "invalid_order", "invalid order", "expiration is too far away")
    return None if at_s is None else at_s * 1000
