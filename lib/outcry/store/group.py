"""What is at risk in the markets that win and lose together with one of them."""

import sqlite3
from dataclasses import dataclass, field

from outcry.domain.groups import Bet, correlated


@dataclass(slots=True)
class Group:
    """What is at risk by market. Gathered in the transaction that reserves, then summed over one market's group.

    bets  pairs of agent and market that hold something, or have an entry that still counts
    """

    micros: dict[str, int] = field(default_factory=dict)
    bets: set[tuple[str, str]] = field(default_factory=set)

    def add(self, agent: str, ticker: str, micros: int, *, bet: bool) -> None:
        self.micros[ticker] = self.micros.get(ticker, 0) + micros
        if bet:
            self.bets.add((agent, ticker))

    def around(self, db: sqlite3.Connection, ticker: str) -> tuple[int, int]:
        """Micro-dollars and bets in the group of a market, whether or not anything is at risk in itself."""
        if not self.micros:
            return 0, 0
        known = {name: _bet(db, name) for name in {ticker, *self.micros}}
        inside = {name for name in self.micros if correlated(known[ticker], known[name])}
        return sum(self.micros[name] for name in inside), sum(name in inside for _, name in self.bets)


def _bet(db: sqlite3.Connection, ticker: str) -> Bet:
    """What is known of a market; of one that nobody described, its ticker."""
    row = db.execute(
        "SELECT ticker, event_ticker, underlying, open_at_ms, close_at_ms FROM markets WHERE ticker = ?", (ticker,)
    ).fetchone()
    return Bet(*row) if row else Bet(ticker)
