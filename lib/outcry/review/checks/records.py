"""What the checks read and what they answer. Plain records, made from rows; nothing of the trader's own types.

Prices in centicents on the YES scale, counts in hundredths of a contract, money in micro-dollars, times in ms UTC;
sides are the words 'bid' and 'ask'.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

CRITICAL, WARNING, INFO = "critical", "warning", "info"
ALL = 1_000_000  # millionths in the whole
DOLLAR_CC = 10_000
NOBODYS = frozenset({"manual", "parked", "rounding"})  # owners that are no agents


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be. The same check and subject is the same finding.

    mend  what the reader should do next
    """

    check: str
    subject: str
    severity: str
    what: str
    mend: str
    evidence: dict[str, object] = field(default_factory=dict)


class Decision(NamedTuple):
    """stop, profit, hold: the exits an entry was made with (millionths of cost, ms); None where the intent has none."""

    decision_id: str
    agent: str
    ticker: str
    purpose: str
    at_ms: int
    side: str
    limit_cc: int
    answer: str
    rule: str
    reason: str
    count_ch: int
    stop_millionths: int | None
    hold_ms: int | None


class Order(NamedTuple):
    """What an order asks for, and what its market is: fee terms, event, index, window."""

    client_order_id: str
    decision_id: str
    agent: str
    ticker: str
    exchange_index: int
    side: str
    price_cc: int
    count_ch: int
    time_in_force: str
    purpose: str
    post_only: bool
    reduce_only: bool
    created_at_ms: int
    fee_type: str = "quadratic"
    fee_millionths: int = ALL
    event_ticker: str = ""
    underlying: str = ""
    open_at_ms: int = 0
    close_at_ms: int = 0

    @property
    def risk_cc(self) -> int:
        """What one contract can lose: its price, or $1 less it."""
        return self.price_cc if self.side == "bid" else DOLLAR_CC - self.price_cc


class OrderEvent(NamedTuple):
    event_id: int
    client_order_id: str
    at_ms: int
    state: str
    filled_ch: int
    source: str
    detail: str


class Fill(NamedTuple):
    """`agent` is its present owner; `client_order_id` is "" where we know no such order."""

    fill_id: int
    trade_id: str
    order_id: str
    client_order_id: str
    agent: str
    ticker: str
    exchange_index: int
    side: str
    price_cc: int
    count_ch: int
    fee_micros: int
    is_taker: bool
    filled_at_ms: int
    recorded_at_ms: int

    @property
    def signed_ch(self) -> int:
        return self.count_ch if self.side == "bid" else -self.count_ch


class Settlement(NamedTuple):
    ticker: str
    exchange_index: int
    result: str
    value_cc: int
    settled_at_ms: int
    recorded_at_ms: int


class Control(NamedTuple):
    at_ms: int
    scope: str
    name: str
    kind: str
    active: bool
    cause: str
