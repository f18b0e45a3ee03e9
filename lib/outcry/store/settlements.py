"""Settlements: what each market paid, once; a later row of the same market supersedes an earlier one."""

import sqlite3
from dataclasses import dataclass

from outcry import failpoints
from outcry.domain.fill import Settlement
from outcry.domain.ledger import scalar_rounding_micros
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.store.database import write


@dataclass(frozen=True, slots=True)
class Recorded:
    """A settlement with its row number, which only grows."""

    settlement_id: int
    settlement: Settlement


def record(db: sqlite3.Connection, settlement: Settlement, source: str, now_ms: int) -> bool:
    """Book what a market paid; False when it is already booked so, whoever says it again.

    The exchange floors a scalar payout on the account's net position; what that loses against the exact sum over
    agents is booked beside it as an adjustment, so the ledger stays exact. A re-determination corrects both.

    source  'rest', or 'market' when only the market's own description says it
    """
    with write(db):
        before = in_force(db, settlement.ticker)
        if before and (before.result, before.value_cc) == (settlement.result, settlement.value_cc):
            return False
        db.execute(
            "INSERT INTO settlements (ticker, exchange_index, result, value_cc, settled_at_ms, recorded_at_ms, source)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                settlement.ticker,
                settlement.exchange_index,
                settlement.result,
                settlement.value_cc,
                _distinct_time(db, settlement),
                now_ms,
                source,
            ),
        )
        book_rounding(db, settlement.ticker, settlement.settled_at_ms)
        failpoints.reached("settlement.commit")
    return True


def in_force(db: sqlite3.Connection, ticker: str) -> Settlement | None:
    """The settlement that counts for a market; None while it has none."""
    row = db.execute("SELECT * FROM market_values WHERE ticker = ?", (ticker,)).fetchone()
    return _settlement(row) if row else None


def since(db: sqlite3.Connection, settlement_id: int) -> list[Recorded]:
    """Settlements booked after one that was seen, in order of booking."""
    rows = db.execute("SELECT * FROM settlements WHERE id > ? ORDER BY id", (settlement_id,))
    return [Recorded(row["id"], _settlement(row)) for row in rows]


def awaited(db: sqlite3.Connection, closed_before_ms: int) -> list[tuple[str, int]]:
    """Markets that somebody traded, that closed before a time, and that have not paid yet: (ticker, closed_at_ms).

    A market we have no description of counts as closed long ago: better to ask about it than to wait for ever.
    """
    rows = db.execute(
        "SELECT h.ticker, min(coalesce(m.close_at_ms, 0)) AS closed_at_ms"
        "  FROM holdings h LEFT JOIN markets m ON m.ticker = h.ticker"
        " WHERE h.settled = 0 AND coalesce(m.close_at_ms, 0) < ?"
        " GROUP BY h.ticker HAVING sum(h.fills) > 0 ORDER BY closed_at_ms, h.ticker",
        (closed_before_ms,),
    )
    return [(row["ticker"], row["closed_at_ms"]) for row in rows]


def _settlement(row: sqlite3.Row) -> Settlement:
    return Settlement(row["ticker"], row["exchange_index"], row["result"], row["value_cc"], row["settled_at_ms"])


def _distinct_time(db: sqlite3.Connection, settlement: Settlement) -> int:
    """The time to record: a market re-determined back to an earlier value at the same instant needs the next one."""
    at_ms = settlement.settled_at_ms
    while db.execute(
        "SELECT 1 FROM settlements WHERE (ticker, value_cc, settled_at_ms) = (?, ?, ?)",
        (settlement.ticker, settlement.value_cc, at_ms),
    ).fetchone():
        at_ms += 1
    return at_ms


def book_rounding(db: sqlite3.Connection, ticker: str, at_ms: int) -> None:
    """Bring a settled market's rounding adjustments to what flooring its payout loses; inside the caller's transaction.

    Nothing for plain yes and no, nor before settlement. Called again when a late fill changes the net position.
    """
    settlement = in_force(db, ticker)
    if settlement is None:
        return
    prefix = f"rounding:{ticker}:"
    booked_micros, entries = db.execute(
        "SELECT coalesce(sum(amount_micros), 0), count(*) FROM cash_events WHERE substr(reference, 1, ?) = ?",
        (len(prefix), prefix),
    ).fetchone()
    net_ch = db.execute("SELECT coalesce(sum(position_ch), 0) FROM holdings WHERE ticker = ?", (ticker,)).fetchone()[0]
    plain = settlement.value_cc in (0, ONE_DOLLAR_CC)
    due_micros = 0 if plain else scalar_rounding_micros({"net": net_ch}, settlement.value_cc)
    if due_micros != booked_micros:
        db.execute(
            "INSERT INTO cash_events (exchange_index, kind, amount_micros, at_ms, note, reference)"
            " VALUES (?, 'adjustment', ?, ?, ?, ?)",
            (
                settlement.exchange_index,
                due_micros - booked_micros,
                at_ms,
                f"payout of {ticker} rounded down",
                f"{prefix}{entries}",
            ),
        )
