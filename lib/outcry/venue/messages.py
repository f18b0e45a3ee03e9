"""What the stream says, as small structs of integers; `decoder` makes them from frames.

Prices are centicents on the YES scale, counts hundredths of a contract, money micro-dollars, times Unix ms. `sid` is
the subscription, `seq` its counter; channels without one (ticker, fill, user_orders, market_positions) carry none.
"""

from collections.abc import Callable

from msgspec import Struct

from outcry.domain.fill import Fill
from outcry.domain.market import PriceRange
from outcry.domain.order import Side

TERMINAL_CODES = frozenset({10, 25})  # channel error, buffer overflow


class Message(Struct, frozen=True, gc=False):
    """Any message of the stream."""


class Subscribed(Message, frozen=True, gc=False):
    id: int
    channel: str
    sid: int


class Unsubscribed(Message, frozen=True, gc=False):
    id: int
    sid: int
    seq: int


class Ok(Message, frozen=True, gc=False):
    """A command was done. `tickers`: the whole list of the subscription after it. `sids` answers list_subscriptions."""

    id: int
    sid: int | None
    seq: int | None
    tickers: tuple[str, ...]
    sids: tuple[tuple[str, int], ...] = ()


class Failed(Message, frozen=True, gc=False):
    """A command or a subscription failed. Codes 10 and 25 are terminal: begin again."""

    id: int
    sid: int | None
    seq: int | None
    code: int
    text: str
    ticker: str

    @property
    def terminal(self) -> bool:
        return self.code in TERMINAL_CODES


class Snapshot(Message, frozen=True, gc=False):
    """A whole book: {price_cc: count_ch} a side. `id` is the command's that asked for it, 0 when none did."""

    sid: int
    seq: int
    ticker: str
    bids: dict[int, int]
    asks: dict[int, int]
    id: int = 0


class Delta(Message, frozen=True, gc=False):
    """A signed change of one level. `client_order_id` only where an order of ours caused it."""

    sid: int
    seq: int
    ticker: str
    is_bid: bool
    price_cc: int
    change_ch: int
    at_ms: int | None
    client_order_id: str = ""


class Ticker(Message, frozen=True, gc=False):
    """A market's public numbers. A side that is empty is None, as is the last price before the first trade."""

    sid: int
    ticker: str
    last_price_cc: int | None
    bid_cc: int | None
    ask_cc: int | None
    bid_ch: int
    ask_ch: int
    volume_ch: int
    open_interest_ch: int
    at_ms: int


class Trade(Message, frozen=True, gc=False):
    """A public print. `taker_side` BID: the taker bought YES. None where the exchange did not say."""

    sid: int
    seq: int | None
    trade_id: str
    ticker: str
    price_cc: int
    count_ch: int
    taker_side: Side | None
    is_block: bool
    at_ms: int


class FillMessage(Message, frozen=True, gc=False):
    """One fill of ours. `exchange_index` is None from exchanges older than shards: ask the market then."""

    sid: int
    trade_id: str
    order_id: str
    client_order_id: str
    ticker: str
    exchange_index: int | None
    side: Side
    price_cc: int
    count_ch: int
    fee_micros: int
    is_taker: bool
    post_position_ch: int
    at_ms: int

    def fill(self, shard_of: Callable[[str], int]) -> Fill:
        """The domain's fill. `shard_of` names a ticker's shard where the message did not."""
        shard = shard_of(self.ticker) if self.exchange_index is None else self.exchange_index
        return Fill(
            self.trade_id,
            self.order_id,
            self.ticker,
            shard,
            self.side,
            self.price_cc,
            self.count_ch,
            self.fee_micros,
            self.is_taker,
            self.at_ms,
            self.client_order_id,
            self.post_position_ch,
        )


class UserOrder(Message, frozen=True, gc=False):
    """One order of ours as it stands now. `status`: resting, canceled, executed, or a word we do not know."""

    sid: int
    order_id: str
    client_order_id: str
    ticker: str
    exchange_index: int | None
    side: Side
    price_cc: int
    status: str
    initial_ch: int
    filled_ch: int
    remaining_ch: int
    fees_micros: int
    created_at_ms: int
    expires_at_ms: int | None
    updated_at_ms: int | None
    reason: str


class MarketPosition(Message, frozen=True, gc=False):
    """The account's signed net position in one market."""

    sid: int
    ticker: str
    position_ch: int
    cost_micros: int
    realized_micros: int
    fees_micros: int
    volume_ch: int


class Lifecycle(Message, frozen=True, gc=False):
    """A market's life changed. Only the facts that `kind` is about are set. Opening and closing say nothing."""

    sid: int
    seq: int | None
    kind: str
    ticker: str
    exchange_index: int | None = None
    open_at_ms: int | None = None
    close_at_ms: int | None = None
    at_ms: int | None = None  # of a determination or a settlement
    result: str = ""
    value_cc: int | None = None
    strike_type: str = ""
    strike_micros: int | None = None
    price_ranges: tuple[PriceRange, ...] = ()
    event_ticker: str = ""
    title: str = ""


class EventListed(Message, frozen=True, gc=False):
    sid: int
    seq: int | None
    event_ticker: str
    series_ticker: str
    exchange_index: int


class EventFee(Message, frozen=True, gc=False):
    """An event's fee differs from its series', or no longer does (None)."""

    sid: int
    seq: int | None
    event_ticker: str
    fee_type: str | None
    multiplier_millionths: int | None


class OrderGroupUpdate(Message, frozen=True, gc=False):
    """An order group of ours changed. `kind`: created, triggered, reset, deleted or limit_updated.

    limit_ch  hundredths of a contract within 15 seconds, on created and limit_updated; else None
    """

    sid: int
    seq: int
    kind: str
    order_group_id: str
    limit_ch: int | None
    at_ms: int


class IndexValue(Message, frozen=True, gc=False):
    """One value of an index. `settle_micros` over `settle_values` seconds: the settlement mean, in its last minute."""

    sid: int
    seq: int
    index_id: str
    value_micros: int
    at_ms: int
    received_at_ms: int
    settle_micros: int | None = None
    settle_values: int = 0


class IndexList(Message, frozen=True, gc=False):
    sid: int
    seq: int
    index_ids: tuple[str, ...]


class Other(Message, frozen=True, gc=False):
    """A type of message that we do not use. Its seq still counts."""

    sid: int | None
    seq: int | None
    type: str
