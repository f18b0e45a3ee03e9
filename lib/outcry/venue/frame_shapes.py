"""The stream's JSON as the exchange writes it, for msgspec: only the fields we use, each with its type.

Field names are the exchange's. A field without a default must be there. Kalshi's AsyncAPI description is the source;
where an older capture lacks a field that the description requires, it is optional here.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from outcry.venue.fields import Whole

YesNo = Literal["yes", "no"]
BidAsk = Literal["bid", "ask"]


class DeltaBody(Struct, gc=False):
    market_ticker: str
    price_dollars: str
    delta_fp: str
    side: YesNo
    ts_ms: Whole | None = None
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
    ts_ms: Whole


class TradeBody(Struct, gc=False):
    trade_id: str
    market_ticker: str
    yes_price_dollars: str
    count_fp: str
    ts_ms: Whole
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
    ts_ms: Whole
    book_side: BidAsk | None = None
    outcome_side: YesNo | None = None
    exchange_index: Whole | None = None
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
    created_ts_ms: Whole
    book_side: BidAsk | None = None
    outcome_side: YesNo | None = None
    exchange_index: Whole | None = None
    expiration_ts_ms: Whole | None = None
    last_updated_ts_ms: Whole | None = None
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
    exchange_index: Whole | None = None
    open_ts: Whole | None = None
    close_ts: Whole | None = None
    result: str = ""
    determination_ts: Whole | None = None
    settlement_value: str | None = None
    settled_ts: Whole | None = None
    strike_type: str = ""
    floor_strike: Decimal | None = None
    price_ranges: list[RangeBody] = []
    additional_metadata: MetadataBody | None = None


class EventListedBody(Struct):
    event_ticker: str
    series_ticker: str
    exchange_index: Whole


class EventFeeBody(Struct):
    event_ticker: str
    fee_type_override: str | None
    fee_multiplier_override: Decimal | None


class GroupBody(Struct):
    event_type: str
    order_group_id: str
    ts_ms: Whole
    contracts_limit_fp: str | None = None


class AverageBody(Struct):
    value: Decimal
    window_size: Whole


class IndexBody(Struct):
    index_id: str
    received_at: Whole
    data: str  # JSON in a string
    last_60s_windowed_average_15min: AverageBody | None = None


class IndexData(Struct):
    time: Whole
    value: Decimal


class IndexListBody(Struct):
    index_ids: list[str]


class ChannelBody(Struct):
    channel: str
    sid: Whole


class OkBody(Struct):
    market_tickers: list[str] = []


class ErrorBody(Struct):
    code: Whole
    msg: str
    market_ticker: str = ""


# ---- envelopes: `type` selects one ----------------------------------------------------------------------------------


class DeltaFrame(Struct, tag_field="type", tag="orderbook_delta", gc=False):
    sid: Whole
    seq: Whole
    msg: DeltaBody


class SnapshotFrame(Struct, tag_field="type", tag="orderbook_snapshot"):
    sid: Whole
    seq: Whole
    msg: SnapshotBody
    id: Whole = 0


class TickerFrame(Struct, tag_field="type", tag="ticker", gc=False):
    sid: Whole
    msg: TickerBody


class TradeFrame(Struct, tag_field="type", tag="trade", gc=False):
    sid: Whole
    msg: TradeBody
    seq: Whole | None = None


class FillFrame(Struct, tag_field="type", tag="fill"):
    sid: Whole
    msg: FillBody


class UserOrderFrame(Struct, tag_field="type", tag="user_order"):
    sid: Whole
    msg: UserOrderBody


class PositionFrame(Struct, tag_field="type", tag="market_position"):
    sid: Whole
    msg: PositionBody


class LifecycleFrame(Struct, tag_field="type", tag="market_lifecycle_v2"):
    sid: Whole
    msg: LifecycleBody
    seq: Whole | None = None


class EventListedFrame(Struct, tag_field="type", tag="event_lifecycle"):
    sid: Whole
    msg: EventListedBody
    seq: Whole | None = None


class EventFeeFrame(Struct, tag_field="type", tag="event_fee_update"):
    sid: Whole
    msg: EventFeeBody
    seq: Whole | None = None


class GroupFrame(Struct, tag_field="type", tag="order_group_updates"):
    sid: Whole
    seq: Whole
    msg: GroupBody


class IndexFrame(Struct, tag_field="type", tag="cfbenchmarks_value"):
    sid: Whole
    seq: Whole
    msg: IndexBody


class IndexListFrame(Struct, tag_field="type", tag="cfbenchmarks_value_indexlist"):
    sid: Whole
    seq: Whole
    msg: IndexListBody


class SubscribedFrame(Struct, tag_field="type", tag="subscribed"):
    msg: ChannelBody
    id: Whole = 0


class UnsubscribedFrame(Struct, tag_field="type", tag="unsubscribed"):
    sid: Whole
    seq: Whole
    id: Whole = 0


class OkFrame(Struct, tag_field="type", tag="ok"):
    id: Whole = 0
    sid: Whole | None = None
    seq: Whole | None = None
    msg: OkBody | list[ChannelBody] | None = None


class ErrorFrame(Struct, tag_field="type", tag="error"):
    msg: ErrorBody
    id: Whole = 0
    sid: Whole | None = None
    seq: Whole | None = None


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
