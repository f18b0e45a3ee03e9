"""Trades that agents made and markets that paid, written the way the clerk writes them."""

import itertools
import sqlite3

from account import SHARD, T0, market, our_id, plan
from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Purpose, Side, State
from outcry.store import fills, markets, settlements

MINUTE_MS = 60_000


class Played:
    """A floor's history as it grows. Markets are named EVENT-1, EVENT-2, …; 1.00 contract unless said otherwise."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db, self._numbers = db, itertools.count(1)

    def trade(
        self,
        agent: str,
        ticker: str,
        price_cc: int = 5_000,
        *,
        side: Side = Side.BID,
        count_ch: int = 100,
        fee_micros: int = 10_000,
        at_ms: int = T0,
        taker: bool = True,
        purpose: Purpose = Purpose.ENTRY,
        probability: float | None = None,
        asks_cc: int | None = None,
    ) -> str:
        """Order and fill; returns the order's name. `agent` "manual": an order that is not ours."""
        number = next(self._numbers)
        name = our_id(agent, number)
        markets.save(self.db, [market(ticker)], at_ms)
        if agent != fills.MANUAL:
            plan(
                self.db, name, agent, State.EXECUTED, ticker=ticker, side=side, order_id=f"x{number}", purpose=purpose,
                filled_ch=count_ch, count_ch=count_ch, price_cc=price_cc, created_at_ms=at_ms,
            )  # fmt: skip
        fill = Fill(f"t{number}", f"x{number}", ticker, SHARD, side, price_cc, count_ch, fee_micros, taker, at_ms, name)
        if agent == fills.MANUAL:
            fill = Fill(f"t{number}", f"x{number}", ticker, SHARD, side, price_cc, count_ch, fee_micros, taker, at_ms)
        fills.book(self.db, fill, "stream", at_ms)
        return name

    def settle(self, ticker: str, value_cc: int, at_ms: int = T0 + 15 * MINUTE_MS) -> bool:
        result = {0: "no", 10_000: "yes"}.get(value_cc, "scalar")
        return settlements.record(self.db, Settlement(ticker, SHARD, result, value_cc, at_ms), "rest", at_ms)

    def bet(self, agent: str, event: str, won: bool, price_cc: int = 5_000, at_ms: int = T0, **more) -> None:
        """One contract in a market of its own, held to the end."""
        self.trade(agent, f"{event}-1", price_cc, at_ms=at_ms, **more)
        self.settle(f"{event}-1", 10_000 if won else 0, at_ms + 15 * MINUTE_MS)
