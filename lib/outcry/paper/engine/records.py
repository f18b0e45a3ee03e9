"""What the local exchange keeps: requests, orders, positions, balances, markets; and how it says no.

Prices in centicents on the YES scale, counts in hundredths of a contract, money in micro-dollars, times in Unix ms UTC.
Orders and positions are the engine's own live objects: read them, shape them, never write to them.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from outcry.domain.market import Market, Status
from outcry.domain.order import Side, TimeInForce
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.engine.matching import MarketBook
from outcry.paper.events import Traded

RECENT_TRADES = 1_000


class Reject(Exception):
    """The exchange says no and nothing changed. `status` is the HTTP status; `code` what clients branch on."""

    def __init__(self, status: int, code: str, message: str = "", details: str = "") -> None:
        super().__init__(f"{status} {code} {details or message}")
        self.status, self.code, self.message, self.details = status, code, message or code, details


class OrderStatus(StrEnum):
    """The wire's words. A partly filled, then cancelled order is canceled, with a fill count."""

    RESTING = "resting"
    EXECUTED = "executed"
    CANCELED = "canceled"


class SelfTrade(StrEnum):
    """What happens when an order meets a resting one of its own account: it stops there, or the resting one goes."""

    TAKER_AT_CROSS = "taker_at_cross"
    MAKER = "maker"


class Reason(StrEnum):
    """The wire's `last_update_reason`."""

    NONE = ""
    TRADE = "Trade"
    AMEND = "Amend"
    DECREASE = "Decrease"
    EXPIRY = "ExpiryCancel"
    CLOSE = "CloseCancel"
    HALT = "HaltCancel"
    SELF_TRADE = "SelfTradeCancel"
    REDUCE_ONLY = "ReduceOnlyCancel"
    MARGIN = "MarginCancel"
    POST_ONLY = "PostOnlyCrossCancel"


@dataclass(frozen=True, slots=True)
class NewOrderRequest:
    """One order as asked for. `exchange_index` None or -1 leaves the routing to the exchange.

    expires_at_ms   only with good-till-canceled, and in the future
    order_group_id  a group of the same subaccount and shard; "" for none
    """

    ticker: str
    side: Side
    price_cc: int
    count_ch: int
    time_in_force: TimeInForce
    self_trade: SelfTrade = SelfTrade.TAKER_AT_CROSS
    client_order_id: str = ""
    expires_at_ms: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    cancel_on_pause: bool = False
    exchange_index: int | None = None
    subaccount: int = 0
    order_group_id: str = ""


@dataclass(frozen=True, slots=True)
class AmendRequest:
    """A change of a resting order. `count_ch` is the total: what has filled plus what shall still rest.

    expires_at_ms  None keeps the expiry, 0 clears it, anything else is the new one
    """

    ticker: str
    side: Side
    price_cc: int
    count_ch: int
    client_order_id: str = ""
    updated_client_order_id: str = ""
    expires_at_ms: int | None = None
    exchange_index: int | None = None
    subaccount: int = 0


@dataclass(slots=True)
class OrderRecord:
    """One order and all that has happened to it.

    number             rises with every order and with every loss of priority; orders of the same price fill by it
    *_value_micros     price times count of its fills on the YES scale, by role
    *_fees_micros      fees charged, by role
    accumulator_micros the fee rule's rounding account, which belongs to the order
    """

    order_id: str
    account: str
    client_order_id: str
    ticker: str
    exchange_index: int
    side: Side
    price_cc: int
    initial_ch: int
    remaining_ch: int
    time_in_force: TimeInForce
    self_trade: SelfTrade
    number: int
    created_at_ms: int
    updated_at_ms: int
    status: OrderStatus = OrderStatus.RESTING
    reason: Reason = Reason.NONE
    filled_ch: int = 0
    taker_filled_ch: int = 0
    taker_value_micros: int = 0
    maker_value_micros: int = 0
    taker_fees_micros: int = 0
    maker_fees_micros: int = 0
    accumulator_micros: int = 0
    expires_at_ms: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    cancel_on_pause: bool = False
    subaccount: int = 0
    order_group_id: str = ""

    @property
    def is_bid(self) -> bool:
        return self.side is Side.BID

    @property
    def risk_cc(self) -> int:
        """What one contract of it ties up when it opens: its price for a bid, $1 less it for an ask."""
        return self.price_cc if self.side is Side.BID else ONE_DOLLAR_CC - self.price_cc

    @property
    def fees_micros(self) -> int:
        return self.taker_fees_micros + self.maker_fees_micros

    @property
    def taker_cost_micros(self) -> int:
        """Cost of its taker fills on its own outcome's scale: an ask pays $1 less the YES price."""
        return _outcome_cost(self.side, self.taker_value_micros, self.taker_filled_ch)

    @property
    def maker_cost_micros(self) -> int:
        """The same for its maker fills."""
        return _outcome_cost(self.side, self.maker_value_micros, self.filled_ch - self.taker_filled_ch)


def _outcome_cost(side: Side, value_micros: int, count_ch: int) -> int:
    return value_micros if side is Side.BID else ONE_DOLLAR_CC * count_ch - value_micros


@dataclass(slots=True)
class PositionRecord:
    """One subaccount in one market: a signed net position, and the gross counts the settlement record wants.

    basis_micros     what the open position cost: price times count, signed like the position, at average cost
    realized_micros  average-cost profit of what was closed, before fees
    traded_micros    price times count of everything traded (YES scale)
    yes_/no_         contracts bought on each side, and what they cost (an ask buys NO at $1 less its price)
    """

    account: str
    ticker: str
    exchange_index: int
    subaccount: int = 0
    position_ch: int = 0
    basis_micros: int = 0
    realized_micros: int = 0
    traded_micros: int = 0
    fees_micros: int = 0
    yes_count_ch: int = 0
    yes_cost_micros: int = 0
    no_count_ch: int = 0
    no_cost_micros: int = 0
    updated_at_ms: int = 0
    settled: bool = False

    @property
    def exposure_micros(self) -> int:
        """Cost of the open position on its own side: what can still be lost. A short's is $1 each less its basis."""
        return self.basis_micros if self.position_ch >= 0 else self.basis_micros - ONE_DOLLAR_CC * self.position_ch

    @property
    def volume_ch(self) -> int:
        return self.yes_count_ch + self.no_count_ch


@dataclass(frozen=True, slots=True)
class Balance:
    """A subaccount (or all of an account) on one shard (or summed over all).

    cash_micros      after netting: $1 is locked for each contract of a net short position
    reserved_micros  collateral of resting orders, exactly: for each market
                     max(0, sum of price x count over bids - $1 x contracts short)
                     + max(0, sum of ($1 - price) x count over asks - $1 x contracts long);
                     and the fees they may still be charged, where the exchange's manners are to reserve them
    value_micros     open positions at the price they could be closed now
    """

    cash_micros: int
    reserved_micros: int
    value_micros: int

    @property
    def free_micros(self) -> int:
        return self.cash_micros - self.reserved_micros


@dataclass(slots=True)
class MarketRecord:
    """A market as the exchange runs it: its description, its book, its public numbers.

    foreign_*         the source's own count; `volume_ch` and `open_interest_ch` add what the accounts did
    source_counts     whether the source states volumes itself, so that its prints need not be counted
    restored          known from before a restart, and not yet spoken of by the source since
    touch             best bid and ask with their sizes, as last told to subscribers
    determined_at_ms  when the outcome became known, or was last changed; settled_at_ms when it was paid
    pays_at_ms        when the exchange itself pays the outcome; None when its source says when
    """

    market: Market
    created_at_ms: int
    updated_at_ms: int
    book: MarketBook = field(default_factory=MarketBook)
    trades: deque[Traded] = field(default_factory=lambda: deque(maxlen=RECENT_TRADES))
    last_price_cc: int | None = None
    last_count_ch: int = 0
    foreign_volume_ch: int = 0
    foreign_interest_ch: int = 0
    own_volume_ch: int = 0
    own_interest_ch: int = 0
    expiration_value_micros: int | None = None
    determined_at_ms: int | None = None
    settled_at_ms: int | None = None
    pays_at_ms: int | None = None
    source_counts: bool = False
    restored: bool = False
    touch: tuple[int | None, int, int | None, int] = (None, 0, None, 0)

    @property
    def volume_ch(self) -> int:
        return self.foreign_volume_ch + self.own_volume_ch

    @property
    def open_interest_ch(self) -> int:
        return self.foreign_interest_ch + self.own_interest_ch

    @property
    def trading(self) -> bool:
        return self.market.status is Status.ACTIVE
