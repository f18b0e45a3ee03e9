"""What a backtest assumes, and what came of it."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from outcry.domain.limits import Limits
from outcry.domain.market import Market
from outcry.domain.units import ONE_DOLLAR_MICROS
from outcry.research.backtesting.account import Account
from outcry.research.backtesting.marks import Marks
from outcry.research.backtesting.trader import Trader
from outcry.research.tape import Settlement


@dataclass(frozen=True, slots=True)
class Terms:
    """What a backtest assumes.

    latency_ms        from a decision to the exchange; the answer is known then
    proportional      whether cancels ahead of us are shared out in proportion (else none was ahead: pessimistic)
    publish_ms        how often the collector publishes what moved
    capital_micros, allocation_micros  of the floor, and what of it the agent may risk
    zone              in which trading days begin at midnight
    only              markets that may be traded; None for all
    """

    latency_ms: int = 150
    proportional: bool = False
    publish_ms: int = 20
    capital_micros: int = 1_000 * ONE_DOLLAR_MICROS
    allocation_micros: int = 100 * ONE_DOLLAR_MICROS
    limits: Limits = field(default_factory=Limits)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("America/New_York"))
    time_factor: float = 1.0
    expire_s: int = 600
    seed: str = "backtest"
    only: frozenset[str] | None = None


@dataclass(slots=True)
class Result:
    """What happened. `equity`: (at_ms, won or lost so far, at risk), in micro-dollars; `marks` beside each fill."""

    terms: Terms
    trader: Trader
    account: Account
    markets: dict[str, Market]
    marks: Marks
    results: dict[str, Settlement] = field(default_factory=dict)
    equity: list[tuple[int, int, int]] = field(default_factory=list)
    days: dict[str, int] = field(default_factory=dict)
    first_ms: int = 0
    last_ms: int = 0
    changes: int = 0
    unbooked: set[str] = field(default_factory=set)  # markets that were open without a book ever being known
