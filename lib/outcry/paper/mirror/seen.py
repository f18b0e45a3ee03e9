"""What was seen of the exchange that is mirrored: plain records, from the threads that look to the one that tells.

`at_ms` is when we had it, on this machine's clock. Index values travel as the `IndexTick` they will be told as.
"""

from dataclasses import dataclass

from outcry.domain.market import Market
from outcry.paper.events import IndexTick
from outcry.venue.wire import PublicTrade

Levels = dict[int, int]  # price_cc: count_ch


@dataclass(frozen=True, slots=True)
class RowsSeen:
    """Descriptions of markets: times, grid, fees, strike, status, outcome, public numbers."""

    markets: tuple[Market, ...]
    at_ms: int


@dataclass(frozen=True, slots=True)
class BooksSeen:
    """Whole books by ticker, as (bids, asks)."""

    books: dict[str, tuple[Levels, Levels]]
    at_ms: int


@dataclass(frozen=True, slots=True)
class ChangeSeen:
    """A signed change of one level."""

    ticker: str
    is_bid: bool
    price_cc: int
    change_ch: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class PrintSeen:
    """A public trade. `trade.at_ms` is the exchange's own time of it."""

    trade: PublicTrade
    taker_known: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class NumbersSeen:
    """A market's public numbers."""

    ticker: str
    last_price_cc: int | None
    volume_ch: int
    open_interest_ch: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class HeardSeen:
    """The stream spoke, if only to ping: every book that it keeps is as new as this."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class LostSeen:
    """Something was missed: these books (None: all) are wrong until they are seen whole again."""

    tickers: frozenset[str] | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class PausedSeen:
    """The shards on which nobody can trade now; on all others one can."""

    shards: frozenset[int]
    at_ms: int


@dataclass(frozen=True, slots=True)
class PastSeen:
    """Index values from before we looked, oldest first. They become history and are told to nobody."""

    ticks: tuple[IndexTick, ...]
    at_ms: int


Seen = (
    RowsSeen
    | BooksSeen
    | ChangeSeen
    | PrintSeen
    | NumbersSeen
    | HeardSeen
    | LostSeen
    | PausedSeen
    | PastSeen
    | IndexTick
)
