"""How far a floor has come, in one row: for a live line of progress."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts so far. `reconciled`: whether every shard's newest look at the identity agreed; None before the first."""

    publishes: int
    decisions: int
    orders: int
    fills: int
    settled_markets: int
    settled_trades: int
    reconciled: bool | None
    reconciled_at_ms: int


def read(db: sqlite3.Connection) -> Progress:
    """Count; a settled trade is a position that one agent held until its market paid."""
    counts = db.execute(
        "SELECT (SELECT coalesce(max(number), 0) FROM publishes) AS publishes,"
        " (SELECT count(*) FROM decisions) AS decisions, (SELECT count(*) FROM orders) AS orders,"
        " (SELECT count(*) FROM fills) AS fills, (SELECT count(DISTINCT ticker) FROM settlements) AS settled_markets,"
        " (SELECT count(*) FROM holdings WHERE settled = 1 AND position_ch <> 0) AS settled_trades"
    ).fetchone()
    looks = db.execute(
        "SELECT min(agreed) AS agreed, min(at_ms) AS at_ms FROM reconciliations"
        " WHERE id IN (SELECT max(id) FROM reconciliations GROUP BY exchange_index)"
    ).fetchone()
    reconciled = None if looks["agreed"] is None else bool(looks["agreed"])
    return Progress(**dict(counts), reconciled=reconciled, reconciled_at_ms=looks["at_ms"] or 0)
