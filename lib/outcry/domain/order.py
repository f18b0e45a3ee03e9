"""An order and its life. One chart, one table: `NEXT` is the chart that code, database and tests share."""

from dataclasses import dataclass
from enum import StrEnum

from outcry.domain.units import ONE_DOLLAR_CC


class Side(StrEnum):
    """Always on the YES scale: a bid buys YES, an ask sells YES (which is buying NO at $1 less the price)."""

    BID = "bid"
    ASK = "ask"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BID else -1

    @property
    def opposite(self) -> "Side":
        return Side.ASK if self is Side.BID else Side.BID


class TimeInForce(StrEnum):
    GTC = "good_till_canceled"
    IOC = "immediate_or_cancel"
    FOK = "fill_or_kill"


class Purpose(StrEnum):
    ENTRY = "entry"
    EXIT = "exit"


class State(StrEnum):
    PLANNED = "planned"
    ABANDONED = "abandoned"
    SENT = "sent"
    UNKNOWN = "unknown"
    PRESUMED_ABSENT = "presumed_absent"
    RESTING = "resting"
    EXECUTED = "executed"
    CANCELED = "canceled"
    REJECTED = "rejected"
    ABSENT = "absent"


# sent: asked, not yet answered. unknown: the answer never came; the clerk looks it up by client_order_id,
# nothing is ever resent. A taker order never rests: an IOC without a fill goes sent -> canceled.
NEXT: dict[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.SENT, State.ABANDONED}),
    State.SENT: frozenset({State.RESTING, State.EXECUTED, State.CANCELED, State.REJECTED, State.UNKNOWN}),
    State.UNKNOWN: frozenset({State.RESTING, State.EXECUTED, State.CANCELED, State.REJECTED, State.PRESUMED_ABSENT}),
    State.PRESUMED_ABSENT: frozenset({State.ABSENT, State.RESTING, State.EXECUTED, State.CANCELED}),
    State.RESTING: frozenset({State.EXECUTED, State.CANCELED}),
}
TERMINAL = frozenset(state for state in State if state not in NEXT)
UNRESOLVED = frozenset({State.SENT, State.UNKNOWN, State.PRESUMED_ABSENT})


def may_follow(old: State, new: State) -> bool:
    """Whether the chart has an arrow from old to new."""
    return new in NEXT.get(old, ())


@dataclass(frozen=True, slots=True)
class Order:
    """One order as we know it. Prices in centicents, counts in hundredths, money in micro-dollars, times in ms UTC.

    client_order_id  ours, written before the request leaves; the key of everything
    order_id         the exchange's, "" until it answered
    filled_ch        what the exchange says has filled; booked fills catch up with it
    reserved_micros  worst-case cost that counts against limits until the order is terminal and all its fills are booked
    """

    client_order_id: str
    agent: str
    ticker: str
    exchange_index: int
    side: Side
    price_cc: int
    count_ch: int
    time_in_force: TimeInForce
    purpose: Purpose
    state: State
    decision_id: str
    created_at_ms: int
    order_id: str = ""
    filled_ch: int = 0
    booked_ch: int = 0
    reserved_micros: int = 0
    expires_at_ms: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    signed_at_ms: int | None = None
    updated_at_ms: int = 0
    reason: str = ""

    @property
    def remaining_ch(self) -> int:
        return self.count_ch - self.filled_ch

    @property
    def counts(self) -> bool:
        """Whether it still counts at worst case: until terminal and every reported fill is booked."""
        return self.state not in TERMINAL or self.booked_ch < self.filled_ch


def worst_cost_micros(side: Side, price_cc: int, count_ch: int, fee_micros: int) -> int:
    """The most an order can cost if it fills whole: what is paid and could be lost, plus its fee.

    A bid risks its price; an ask that opens NO risks $1 less its price. Unit: micro-dollars.
    """
    risk_cc = price_cc if side is Side.BID else ONE_DOLLAR_CC - price_cc
    return risk_cc * count_ch + fee_micros
