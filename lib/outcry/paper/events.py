"""What flows through the local exchange: from a market source in, and from the engine out. Frozen records only.

Times in Unix ms UTC of the exchange's clock; prices in centicents on the YES scale; counts in hundredths of a contract.
"""

from dataclasses import dataclass, field
from typing import Protocol

from outcry.domain.market import FeeTerms, Market
from outcry.domain.order import Side

# ---- in: what a source (generator, replay, mirror) says happened among everybody else -------------------------------


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """A recurring question. `underlying` is the index symbol its markets settle on."""

    ticker: str
    title: str
    category: str
    frequency: str
    fee: FeeTerms
    exchange_index: int
    underlying: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A market appeared or its description changed (strike, status, times). `market` is the whole truth now."""

    market: Market
    at_ms: int


@dataclass(frozen=True, slots=True)
class BookSet:
    """Foreign displayed size replaced whole: {price_cc: count_ch} a side."""

    ticker: str
    bids: dict[int, int]
    asks: dict[int, int]
    at_ms: int


@dataclass(frozen=True, slots=True)
class BookChange:
    """A signed change of foreign displayed size at one level."""

    ticker: str
    side: Side
    price_cc: int
    change_ch: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Print:
    """A public trade among others. It comes before the `BookChange` that removes the size it took.

    taker_side  who crossed (BID: the taker bought YES, so asks were hit); None when unknown: no maker fill then
    inferred    True where the source had to guess it from volume and book decreases
    """

    ticker: str
    price_cc: int
    count_ch: int
    taker_side: Side | None
    at_ms: int
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Stats:
    """A market's public numbers, where the source knows them better than we could count them."""

    ticker: str
    last_price_cc: int | None
    volume_ch: int
    open_interest_ch: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class IndexTick:
    """One value of an index or spot price, in micro-dollars."""

    symbol: str
    value_micros: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Opened:
    ticker: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Closed:
    ticker: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Determined:
    """The outcome is known, or (told again, with another one, before it was paid) it is changed.

    expiration_value_micros  the settlement statistic where there is one
    timer_ms                 how long it may be challenged before the exchange itself pays it; None: `Settled` will come
    """

    ticker: str
    result: str
    value_cc: int
    at_ms: int
    expiration_value_micros: int | None = None
    timer_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Disputed:
    """Somebody challenges the outcome: nothing is paid before it is determined again, the same or changed."""

    ticker: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Voided:
    """The market is called off: determined as a scalar at the middle of its book. `timer_ms` as for `Determined`."""

    ticker: str
    at_ms: int
    timer_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The settlement timer ran out: pay. Ignored while the outcome may still be challenged."""

    ticker: str
    at_ms: int


SourceEvent = (
    Listed
    | BookSet
    | BookChange
    | Print
    | Stats
    | IndexTick
    | Opened
    | Closed
    | Determined
    | Disputed
    | Voided
    | Settled
)


class Source(Protocol):
    """Where markets come from. Pure: the clock is handed in, randomness is seeded at construction."""

    def series(self) -> list[SeriesInfo]:
        """All series this source will ever list."""
        ...

    def advance(self, now_ms: int) -> list[SourceEvent]:
        """Everything that happened up to now and was not yet told, in time order."""
        ...

    def next_at_ms(self) -> int | None:
        """When the next event is due; None when the source has ended."""
        ...

    def history(self, symbol: str, from_ms: int, to_ms: int) -> list[IndexTick]:
        """Index values before now, oldest first: what a spot venue's candles endpoint would give."""
        ...


# ---- out: what the engine tells subscribers and the keeper of its books ---------------------------------------------


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """Displayed size at one level changed (foreign and accounts' orders together).

    account / client_order_id / subaccount  whose order caused it, "" for foreign; told only to that account
    """

    ticker: str
    side: Side
    price_cc: int
    change_ch: int
    at_ms: int
    account: str = ""
    client_order_id: str = ""
    subaccount: int = 0


@dataclass(frozen=True, slots=True)
class BookReset:
    """The whole displayed book changed at once: subscribers need a snapshot."""

    ticker: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Traded:
    """A public print (foreign, or with an account on one or both sides)."""

    trade_id: str
    ticker: str
    price_cc: int
    count_ch: int
    taker_side: Side | None
    at_ms: int
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class TickerMoved:
    """Touch, last price, volume or open interest changed."""

    ticker: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An account's order changed; the engine holds its new state. `reason` is the venue's last_update_reason or ""."""

    account: str
    order_id: str
    at_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AccountFill:
    """One account's side of a match."""

    account: str
    trade_id: str
    order_id: str
    client_order_id: str
    ticker: str
    exchange_index: int
    side: Side
    price_cc: int
    count_ch: int
    fee_micros: int
    is_taker: bool
    at_ms: int
    post_position_ch: int
    subaccount: int = 0


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What the lifecycle channel says: created, activated, deactivated, close_date_updated, determined, settled,
    metadata_updated, price_level_structure_updated. (Opening and closing say nothing.)"""

    kind: str
    ticker: str
    at_ms: int
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountSettled:
    """A subaccount was paid for a market: its settlement record. Counts gross per side, revenue net."""

    account: str
    ticker: str
    event_ticker: str
    exchange_index: int
    result: str
    value_cc: int
    yes_count_ch: int
    yes_cost_micros: int
    no_count_ch: int
    no_cost_micros: int
    revenue_micros: int
    fee_micros: int
    at_ms: int
    subaccount: int = 0


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """An order group of an account: created, triggered, reset, deleted or limit_updated.

    limit_ch  the limit, told where it is new (created, limit_updated)
    """

    account: str
    group_id: str
    kind: str
    at_ms: int
    limit_ch: int | None = None
    subaccount: int = 0


EngineEvent = (
    LevelChanged
    | BookReset
    | Traded
    | TickerMoved
    | OrderChanged
    | AccountFill
    | Lifecycle
    | AccountSettled
    | GroupChanged
    | IndexTick
)
