"""One ordinary case that passes every rule, and ways to bend one figure of it."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from outcry.domain.limits import Limits
from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.order import Side
from outcry.domain.view import Exposure, Intent, Quote, Verdict
from outcry.risk.case import Case, Facts
from outcry.risk.rules import gate

NOW_MS = 1_778_679_000_000
TICKER = "KXBTC15M-26MAY130945-45"
MARKET = Market(
    ticker=TICKER,
    event_ticker="KXBTC15M-26MAY130945",
    series_ticker="KXBTC15M",
    exchange_index=2,
    status=Status.ACTIVE,
    open_at_ms=NOW_MS - 300_000,
    close_at_ms=NOW_MS + 600_000,
    price_ranges=(PriceRange(0, 10_000, 100),),
    underlying="BTC-USD",
)
QUOTE = Quote(
    ticker=TICKER,
    publish=7,
    published_at_ms=NOW_MS - 20,
    bids=((5_900, 40_000), (5_800, 50_000)),
    asks=((6_000, 30_000), (6_100, 50_000)),
    volume_ch=500_000,
    heard_at_ms=NOW_MS - 100,
    changed_at_ms=NOW_MS - 200,
    ticker_moved_at_ms=NOW_MS - 150,
    trusted=True,
)
EXPOSURE = Exposure(
    capital_micros=1_000_000_000, allocation_micros=100_000_000, available_cash_micros=1_000_000_000
)  # $1 000, $100
INTENT = Intent(TICKER, Side.BID, 6_000, why="a test")


def free(is_taker: bool, price_cc: int, count_ch: int) -> int:
    return 0


def quadratic(is_taker: bool, price_cc: int, count_ch: int) -> int:
    """7 % of C·P·(1-P) for a taker, rounded up to $0.0001; nothing for a maker."""
    exact_millionths = 7 * count_ch * price_cc * (10_000 - price_cc) if is_taker else 0
    return -(-exact_millionths // 100_000_000) * 100


def make(fee: Callable[[bool, int, int], int] = free, now_ms: int = NOW_MS, **changes: object) -> Case:
    """The ordinary case with changes: `part__field=value`, the parts being intent, market, quote, facts, …"""
    parts = {"intent": {}, "market": {}, "quote": {}, "facts": {}, "exposure": {}, "limits": {}}
    for name, value in changes.items():
        part, _, field = name.partition("__")
        parts[part][field] = value
    facts = Facts(replace(MARKET, **parts["market"]), replace(QUOTE, **parts["quote"]), index_at_ms=NOW_MS - 500)
    return Case(
        replace(INTENT, **parts["intent"]),
        replace(facts, **parts["facts"]),
        replace(EXPOSURE, **parts["exposure"]),
        Limits(**parts["limits"]),
        now_ms,
        fee,
    )


def ask(case: Case) -> Verdict:
    return gate(case.intent, case.facts, case.exposure, case.limits, case.now_ms, case.fee)


@pytest.fixture(scope="session")
def floor() -> SimpleNamespace:
    """`floor.ask(**changes)` is the gate's verdict on the ordinary case, bent; `floor.make` the case itself."""
    return SimpleNamespace(
        now_ms=NOW_MS,
        make=make,
        gate=ask,
        ask=lambda **changes: ask(make(**changes)),
        quadratic=quadratic,
        free=free,
    )
