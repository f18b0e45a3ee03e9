"""A small floor to place orders on: agents with capital, one market, and intents that are asked about."""

import sqlite3

from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.order import Purpose, Side, TimeInForce, worst_cost_micros
from outcry.domain.view import Answer, Exposure, Intent, Quote, Verdict, View
from outcry.store import accounts, agents, placing

TICKER = "KXBTC15M-26MAY130015-15"
CAPITAL_MICROS = 1_000_000_000


def market(ticker: str = TICKER) -> Market:
    return Market(
        ticker=ticker,
        event_ticker=ticker,
        series_ticker="KXBTC15M",
        exchange_index=2,
        status=Status.ACTIVE,
        open_at_ms=0,
        close_at_ms=900_000,
        price_ranges=(PriceRange(0, 10_000, 100),),
        underlying="BTC-USD",
    )


def view(ticker: str = TICKER, now_ms: int = 1_000, **more) -> View:
    quote = Quote(ticker, 7, now_ms, ((4_000, 10_000),), ((4_200, 10_000),), trusted=True)
    return View(now_ms, market(ticker), quote, **more)


def request(agent: str = "bull", side: Side = Side.BID, limit_cc: int = 4_200, **more) -> placing.Request:
    ticker = more.pop("ticker", TICKER)
    intent = Intent(
        ticker, side, limit_cc, "because", time_in_force=more.pop("time_in_force", TimeInForce.IOC),
        hold_ms=more.pop("hold_ms", None),
    )  # fmt: skip
    return placing.Request(
        floor_id="abcdef",
        environment="embedded",
        agent=agent,
        purpose=more.pop("purpose", Purpose.ENTRY),
        market=market(ticker),
        intent=intent,
        view=view(ticker),
        parameters={"lookback_ms": 1},
        code_sha256="0" * 64,
        **more,
    )


def allow(count_ch: int):
    """A gate that allows so much, whatever is at risk."""
    return lambda exposure: Verdict(Answer.ALLOWED, count_ch)


def refuse(exposure: Exposure) -> Verdict:
    return Verdict(Answer.REFUSED, 0, "spread", "spread 0.1200 > max 0.1000", (("spread_cc", 1_200),))


def reserve_whole(order: placing.Request):
    """Reserve the worst case without a fee."""
    intent = order.intent
    return lambda exposure, count_ch: (False, worst_cost_micros(intent.side, intent.limit_cc, count_ch, 0))


def plan(db: sqlite3.Connection, order: placing.Request, count_ch: int = 1_000, now_ms: int = 1_000):
    """A planned order of so much."""
    placement = placing.place(db, order, allow(count_ch), reserve_whole(order), now_ms)
    assert placement.order is not None
    return placement.order


def furnish(db: sqlite3.Connection, *, rolled: bool = True) -> None:
    """Agents `bull` and `bear`, $1 000 on shard 2, and (where `rolled`) the trading day begun."""
    agents.open_floor(db, "abcdef", "embedded", 1)
    sha256 = agents.keep_version(db, "momentum", "source", 1)
    for name in ("bull", "bear"):
        agents.add(db, agents.Agent(name, "momentum", {}, "birth", 10_000_000, sha256, 1))
    accounts.open_shard(db, 2, CAPITAL_MICROS, 5)
    if rolled:
        accounts.record_day(db, "2026-05-13", CAPITAL_MICROS, {}, 10)
