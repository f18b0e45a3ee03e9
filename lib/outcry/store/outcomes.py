"""How an agent's settled trades came out, the latest first: what a losing streak is read from."""

import sqlite3
from dataclasses import dataclass

from outcry.domain.units import ONE_DOLLAR_CC


@dataclass(frozen=True, slots=True)
class Streak:
    """Losses in a row, the latest settled ones.

    paid_micros  what their entries cost, fees included
    bought_ch    for how many contracts, of whichever side
    """

    losses: int = 0
    paid_micros: int = 0
    bought_ch: int = 0

    @property
    def break_even_millionths(self) -> int:
        """The win rate at which such prices break even: the average cost of a contract that pays $1."""
        return self.paid_micros * 1_000_000 // (self.bought_ch * ONE_DOLLAR_CC) if self.bought_ch else 0


def losing_streak(db: sqlite3.Connection, agent: str, since_ms: int) -> Streak:
    """The losses in a row that were booked as settled after a time. What broke even is no loss, and ends them.

    One market is one trade, whatever was bought and sold in it.
    """
    losses = paid_micros = bought_ch = 0
    rows = db.execute(
        "SELECT s.ticker, h.cash_micros + h.position_ch * s.value_cc - h.fees_micros AS result_micros"
        "  FROM settlements s CROSS JOIN holdings h ON h.agent = ? AND h.ticker = s.ticker"  # CROSS: the latest first
        " WHERE s.recorded_at_ms > ? AND h.fills > 0"
        "   AND s.id = (SELECT max(id) FROM settlements WHERE ticker = s.ticker) ORDER BY s.id DESC",
        (agent, since_ms),
    )
    for row in rows:
        if row["result_micros"] >= 0:
            break
        cost_micros, count_ch = _entered(db, agent, row["ticker"])
        losses, paid_micros, bought_ch = losses + 1, paid_micros + cost_micros, bought_ch + count_ch
    return Streak(losses, paid_micros, bought_ch)


def newest(db: sqlite3.Connection) -> int:
    """A number that grows with each settlement that is booked."""
    return db.execute("SELECT coalesce(max(id), 0) FROM settlements").fetchone()[0]


def _entered(db: sqlite3.Connection, agent: str, ticker: str) -> tuple[int, int]:
    """What an agent's entries in a market cost with their fees, and how many contracts they bought."""
    row = db.execute(
        "SELECT coalesce(sum(CASE f.side WHEN 'bid' THEN f.price_cc ELSE 10000 - f.price_cc END * f.count_ch"
        "   + f.fee_micros), 0) AS micros, coalesce(sum(f.count_ch), 0) AS count_ch"
        "  FROM booked_fills f JOIN orders o ON o.order_id = f.order_id AND o.order_id <> ''"  # as the index has it
        " WHERE f.agent = ? AND f.ticker = ? AND o.purpose = 'entry'",
        (agent, ticker),
    ).fetchone()
    return row["micros"], row["count_ch"]
