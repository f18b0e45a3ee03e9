"""The stream's JSON as the exchange writes it, for msgspec: only the fields we use, each with its type.

Field names are the exchange's. A field without a default must be there. Kalshi's AsyncAPI description is the source;
where an older capture lacks a field that the description requires, it is optional here.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

YesNo = Literal["yes", "no"]
BidAsk = Literal["bid", "ask"]


class DeltaBody(Struct, gc=False):
    market_ticker: str
    price_dollars: str
    delta_fp: str
    side: YesNo
    ts_ms: int | None = None
    client_order_id: str = ""


class SnapshotBody(Struct):
    market_ticker: str
    yes_dollars_fp: list[tuple[str, str]] = []  # absent when that side is empty
    no_dollars_fp: list[tuple[str, str]] = []


class TickerBody(Struct, gc=False):
    market_ticker: str
    price_dollars: str
    yes_bid_dollars: str
    yes_ask_dollars: str
    yes_bid_size_fp: str
    yes_ask_size_fp: str
    volume_fp: str
    open_interest_fp: str
    ts_ms: int


class TradeBody(Struct, gc=False):
    trade_id: str
    market_ticker: str
    yes_price_dollars: str
    count_fp: str
    ts_ms: int
    taker_book_side: BidAsk | None = None
    taker_outcome_side: YesNo | None = None
    taker_side: YesNo | None = None
    is_block_trade: bool = False


class FillBody(Struct):
    trade_id: str
    order_id: str
    market_ticker: str
    is_taker: bool
    yes_price_dollars: str
    count_fp: str
    fee_cost: str
    post_position_fp: str
    ts_ms: int
    book_side: BidAsk | None = None
    outcome_side: YesNo | None = None
    exchange_index: int | None = None
    client_order_id: str = ""


class UserOrderBody(Struct):
    order_id: str
    ticker: str
    status: str
    yes_price_dollars: str
    initial_count_fp: str
    fill_count_fp: str
    remaining_count_fp: str
    taker_fees_dollars: str
    maker_fees_dollars: str
    client_order_id: str
    created_ts_ms: int
    book_side: BidAsk | None = None
    outcome_side: YesNo | None = None
    exchange_index: int | None = None
    expiration_ts_ms: int | None = None
    last_updated_ts_ms: int | None = None
    last_update_reason: str = ""


class PositionBody(Struct):
    market_ticker: str
    position_fp: str
    position_cost_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str
    volume_fp: str


class RangeBody(Struct):
    start: str
    end: str
    step: str


class MetadataBody(Struct):
    event_ticker: str = ""
    title: str = ""
    strike_type: str = ""
    floor_strike: Decimal | None = None


class LifecycleBody(Struct):
    event_type: str
    market_ticker: str
    exchange_index: int | None = None
    open_ts: int | None = None
    close_ts: int | None = None
    result: str = ""
    determination_ts: int | None = None
    settlement_value: str | None = None
    settled_ts: int | None = None
    strike_type: str = ""
    floor_strike: Decimal | None = None
    price_ranges: list[RangeBody] = []
    additional_metadata: MetadataBody | None = None


class EventListedBody(Struct):
    event_ticker: str
    series_ticker: str
    exchange_index: int


class EventFeeBody(Struct):
    event_ticker: str
    fee_type_override: str | None
    fee_multiplier_override: Decimal | None


class GroupBody(Struct):
    event_type: str
    order_group_id: str
    ts_ms: int
    contracts_limit_fp: str | None = None


class AverageBody(Struct):
    value: Decimal
    window_size: int


class IndexBody(Struct):
    index_id: str
    received_at: int
    data: str  # JSON in a string
    last_60s_windowed_average_15min: AverageBody | None = None


class IndexData(Struct):
    time: int
    value: Decimal


class IndexListBody(Struct):
    index_ids: list[str]


class ChannelBody(Struct):
    channel: str
    sid: int


class OkBody(Struct):
    market_tickers: list[str] = []


class ErrorBody(Struct):
    code: int
    msg: str
    market_ticker: str = ""


# ---- envelopes: `type` selects one ----------------------------------------------------------------------------------


class DeltaFrame(Struct, tag_field="type", tag="orderbook_delta", gc=False):
    sid: int
    seq: int
    msg: DeltaBody


class SnapshotFrame(Struct, tag_field="type", tag="orderbook_snapshot"):
    sid: int
    seq: int
    msg: SnapshotBody
    id: int = 0


class TickerFrame(Struct, tag_field="type", tag="ticker", gc=False):
    sid: int
    msg: TickerBody


class TradeFrame(Struct, tag_field="type", tag="trade", gc=False):
    sid: int
    msg: TradeBody
    seq: int | None = None


class FillFrame(Struct, tag_field="type", tag="fill"):
    sid: int
    msg: FillBody


class UserOrderFrame(Struct, tag_field="type", tag="user_order"):
    sid: int
    msg: UserOrderBody


class PositionFrame(Struct, tag_field="type", tag="market_position"):
    sid: int
    msg: PositionBody


class LifecycleFrame(Struct, tag_field="type", tag="market_lifecycle_v2"):
    sid: int
    msg: LifecycleBody
    seq: int | None = None


class EventListedFrame(Struct, tag_field="type", tag="event_lifecycle"):
    sid: int
    msg: EventListedBody
    seq: int | None = None


class EventFeeFrame(Struct, tag_field="type", tag="event_fee_update"):
    sid: int
    msg: EventFeeBody
    seq: int | None = None


class GroupFrame(Struct, tag_field="type", tag="order_group_updates"):
    sid: int
    seq: int
    msg: GroupBody


class IndexFrame(Struct, tag_field="type", tag="cfbenchmarks_value"):
    sid: int
    seq: int
    msg: IndexBody


class IndexListFrame(Struct, tag_field="type", tag="cfbenchmarks_value_indexlist"):
    sid: int
    seq: int
    msg: IndexListBody


class SubscribedFrame(Struct, tag_field="type", tag="subscribed"):
    msg: ChannelBody
    id: int = 0


class UnsubscribedFrame(Struct, tag_field="type", tag="unsubscribed"):
    sid: int
    seq: int
    id: int = 0


class OkFrame(Struct, tag_field="type", tag="ok"):
    id: int = 0
    sid: int | None = None
    seq: int | None = None
    msg: OkBody | list[ChannelBody] | None = None


class ErrorFrame(Struct, tag_field="type", tag="error"):
    msg: ErrorBody
    id: int = 0
    sid: int | None = None
    seq: int | None = None


Frame = (
    DeltaFrame
    | SnapshotFrame
    | TickerFrame
    | TradeFrame
    | FillFrame
    | UserOrderFrame
    | PositionFrame
    | LifecycleFrame
    | EventListedFrame
    | EventFeeFrame
    | GroupFrame
    | IndexFrame
    | IndexListFrame
    | SubscribedFrame
    | UnsubscribedFrame
    | OkFrame
    | ErrorFrame
)
