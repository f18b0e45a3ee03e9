"""What the exchange keeps of the public past is bounded: there is a new market every few minutes, for weeks."""

from dataclasses import replace

from engine_kit import CLOSE_MS, SHARD, TICKER, Rig, market
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.records import MarketRecord
from outcry.paper.engine.state import PAID_WITH_TRADES
from outcry.paper.events import BookSet, Determined, Listed, Settled
from outcry.paper.rest.candles import MOST_MARKETS, Candles

BOOK = {4200: 5000}, {4500: 5000}


def test_only_the_markets_paid_last_keep_their_public_trades():
    rig = Rig(*BOOK)
    tickers = [TICKER, *(f"KXBTC15M-26NOV2012{number:02d}-{number:02d}" for number in range(16, 18 + PAID_WITH_TRADES))]
    for ticker in tickers:
        if ticker != TICKER:
            rig.feed(Listed(market(ticker), rig.now), BookSet(ticker, *BOOK, rig.now))
        rig.order(Side.BID, 4500, 300, ticker=ticker, time_in_force=TimeInForce.IOC)
    assert all(len(rig.engine.trades(ticker)) == 1 for ticker in tickers)
    for ticker in tickers:
        rig.feed(Determined(ticker, "yes", 10_000, CLOSE_MS), Settled(ticker, CLOSE_MS + 1))
    kept = [ticker for ticker in tickers if rig.engine.trades(ticker)]
    assert kept == tickers[-PAID_WITH_TRADES:]
    assert len(rig.engine.settlements("ann")) == len(tickers), "what the account did is kept for ever"


def test_candles_of_the_markets_that_were_quiet_for_longest_go_first():
    rig, candles = Rig(*BOOK), Candles()
    rig.order(Side.BID, 4500, 300, time_in_force=TimeInForce.IOC)
    (traded,) = [event for event in rig.events if type(event).__name__ == "Traded"]
    for number in range(MOST_MARKETS + 5):
        one = MarketRecord(market(f"KXBTC15M-{number}-15", exchange_index=SHARD), 0, 0)
        candles.note(replace(traded, at_ms=60_000 * (number + 1)), one)
    far_s = 60 * (MOST_MARKETS + 100)
    kept = [number for number in range(MOST_MARKETS + 5)
            if candles.read(f"KXBTC15M-{number}-15", 0, far_s, 1, far_s * 1000)]  # fmt: skip
    assert kept == list(range(5, MOST_MARKETS + 5))
