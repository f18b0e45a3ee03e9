"""Markets: a description in, the same description out; subscriptions apart from it."""

import sqlite3
from dataclasses import replace

from outcry.domain.market import FeeTerms, Market, PriceRange, Status
from outcry.store import markets

TAPERED = (PriceRange(0, 1000, 10), PriceRange(1000, 9000, 100), PriceRange(9000, 10_000, 10))
MARKET = Market(
    "KXBTC15M-26NOV201215-15",
    "KXBTC15M-26NOV201215",
    "KXBTC15M",
    2,
    Status.ACTIVE,
    1_000_000,
    1_900_000,
    TAPERED,
    FeeTerms("quadratic", 500_000),
    title="BTC up?",
    underlying="BTC-USD",
    strike_type="greater_or_equal",
    strike_micros=97_123_450_000,
    volume_ch=77,
    open_interest_ch=5,
)
NEXT = replace(
    MARKET, ticker="KXBTC15M-26NOV201230-30", open_at_ms=1_900_000, close_at_ms=2_800_000, strike_micros=None
)


def test_a_market_comes_back_as_it_went_in(db: sqlite3.Connection):
    settled = replace(MARKET, ticker="S", status=Status.FINALIZED, result="scalar", settlement_value_cc=5_000)
    markets.save(db, [MARKET, NEXT, settled], 10)
    assert [markets.load(db, market.ticker) for market in (MARKET, NEXT, settled)] == [MARKET, NEXT, settled]
    assert markets.load(db, "nowhere") is None
    assert markets.shard(db, MARKET.ticker) == 2
    assert markets.shard(db, "nowhere") is None
    assert markets.unfinished(db) == [MARKET, NEXT]


def test_a_new_description_keeps_the_subscription(db: sqlite3.Connection):
    markets.save(db, [MARKET, NEXT], 10)
    assert markets.subscribed(db) == []
    markets.set_subscribed(db, [MARKET.ticker, NEXT.ticker], 20)
    closed = replace(MARKET, status=Status.CLOSED)
    markets.save(db, [closed], 30)
    assert markets.subscribed(db) == [closed, NEXT]
    assert markets.updated_since(db, 30) == [closed]
    markets.set_subscribed(db, [NEXT.ticker], 40)
    assert markets.subscribed(db) == [NEXT]
    assert markets.updated_since(db, 40) == [closed]


def test_the_predecessor_is_the_last_that_closed_before_this_opened(db: sqlite3.Connection):
    older = replace(MARKET, ticker="OLD", open_at_ms=100_000, close_at_ms=1_000_000)
    other = replace(MARKET, ticker="ETH", series_ticker="KXETH15M")
    markets.save(db, [older, MARKET, NEXT, other], 10)
    assert markets.predecessor(db, NEXT) == MARKET
    assert markets.predecessor(db, MARKET) == older
    assert markets.predecessor(db, older) is None
