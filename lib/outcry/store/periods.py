"""What the reports read of a span of time: half-open, from_ms <= t < to_ms. Each question has an index to answer it."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from outcry.domain.fill import Fill, Settlement
from outcry.store.fills import fill_of
from outcry.store.report import Work


@dataclass(frozen=True, slots=True)
class Traded:
    """What one agent traded. `taker_*`: of that, what took from the book."""

    agent: str
    fills: int
    taker_fills: int
    count_ch: int
    taker_ch: int
    traded_micros: int
    fees_micros: int


@dataclass(frozen=True, slots=True)
class Paid:
    """One agent's work in the markets that paid, added up: one trade a market."""

    agent: str
    trades: int
    won: int
    gross_micros: int
    fees_micros: int
    contracts_ch: int
    paid_micros: int
    net_squares: float


@dataclass(frozen=True, slots=True)
class PaidMarket:
    """A market in which somebody of ours held something when it paid. `net_micros`: of all agents that traded there."""

    ticker: str
    result: str
    value_cc: int
    settled_at_ms: int
    agents: str
    net_micros: int


@dataclass(frozen=True, slots=True)
class Roll:
    """Floor equity when a trading day began."""

    day: str
    equity_micros: int
    at_ms: int


def work(db: sqlite3.Connection, from_ms: int, to_ms: int, agent: str | None, ticker: str | None) -> Iterator[Work]:
    """Whole histories of the markets where a trade may have been closed in the span, or is still open.

    A trade closed in it may have begun before. What came after the span is left out. Read market by market as they are
    asked for, inside the caller's transaction: a year of them does not have to fit into memory.
    """
    keys: dict[str, set[str]] = {}
    for row in db.execute(
        "SELECT h.ticker, h.agent FROM (SELECT DISTINCT ticker FROM fills WHERE filled_at_ms >= ?1"
        "  AND filled_at_ms < ?2) f JOIN holdings h ON h.ticker = f.ticker WHERE h.fills > 0"
        " UNION SELECT h.ticker, h.agent FROM settlements s JOIN holdings h ON h.ticker = s.ticker"
        "  WHERE s.settled_at_ms >= ?1 AND s.settled_at_ms < ?2 AND h.fills > 0"
        " UNION SELECT ticker, agent FROM holdings WHERE settled = 0 AND position_ch <> 0",
        (from_ms, to_ms),
    ):
        if agent in (None, row["agent"]) and ticker in (None, row["ticker"]):
            keys.setdefault(row["ticker"], set()).add(row["agent"])
    for name in sorted(keys):
        yield from _market(db, name, keys[name], to_ms)


def _market(db: sqlite3.Connection, ticker: str, owners: set[str], to_ms: int) -> list[Work]:
    fills: dict[str, list[Fill]] = {}
    for row in db.execute("SELECT * FROM booked_fills WHERE ticker = ? ORDER BY filled_at_ms, id", (ticker,)):
        if row["agent"] in owners and row["filled_at_ms"] < to_ms:
            fills.setdefault(row["agent"], []).append(fill_of(row))
    value = db.execute("SELECT * FROM market_values WHERE ticker = ? AND settled_at_ms < ?", (ticker, to_ms)).fetchone()
    paid = None
    if value is not None:
        paid = Settlement(ticker, value["exchange_index"], value["result"], value["value_cc"], value["settled_at_ms"])
    return [Work(agent, ticker, tuple(fills[agent]), paid) for agent in sorted(fills)]


def traded(db: sqlite3.Connection, from_ms: int, to_ms: int) -> list[Traded]:
    """By agent, from the running totals: by quarters of an hour, the one that the span begins in whole."""
    rows = db.execute(
        "SELECT agent, sum(fills), sum(taker_fills), sum(count_ch), sum(taker_ch), sum(traded_micros), sum(fees_micros)"
        "  FROM fill_totals WHERE quarter_ms >= ? AND quarter_ms < ? GROUP BY agent HAVING sum(fills) > 0"
        " ORDER BY agent",
        (from_ms - from_ms % 900_000, to_ms),
    )
    return [Traded(*row) for row in rows]


def paid_work(db: sqlite3.Connection, from_ms: int, to_ms: int, agent: str | None, ticker: str | None) -> list[Paid]:
    """By agent, of the markets that paid in the span, as far as they are scored."""
    rows = db.execute(
        "SELECT agent, count(*), sum(gross_micros > fees_micros), sum(gross_micros), sum(fees_micros),"
        "  sum(contracts_ch), sum(paid_micros), sum((gross_micros - fees_micros) / 1e6 * (gross_micros - fees_micros)"
        "  / 1e6) FROM settled_work WHERE settled_at_ms >= ?1 AND settled_at_ms < ?2 AND (?3 IS NULL OR agent = ?3)"
        "  AND (?4 IS NULL OR ticker = ?4) GROUP BY agent ORDER BY agent",
        (from_ms, to_ms, agent, ticker),
    )
    return [Paid(*row) for row in rows]


def unscored(db: sqlite3.Connection) -> int:
    """Settlements that nobody has scored yet."""
    count: int = db.execute(
        "SELECT count(*) FROM settlements WHERE id > (SELECT settlement FROM score_marks)"
    ).fetchone()[0]
    return count


def paid_markets(
    db: sqlite3.Connection, from_ms: int, to_ms: int, agent: str | None, ticker: str | None, limit: int
) -> list[PaidMarket]:
    """Markets with a position of ours that paid in the span, the newest first."""
    rows = db.execute(
        "SELECT s.ticker, s.result, s.value_cc, s.settled_at_ms, group_concat(h.agent, ', ') AS agents,"
        "  sum(h.cash_micros + h.position_ch * s.value_cc - h.fees_micros) AS net_micros"
        "  FROM (SELECT * FROM settlements p WHERE settled_at_ms >= ?1 AND settled_at_ms < ?2"
        "         AND (?5 IS NULL OR ticker = ?5)"
        "         AND EXISTS (SELECT 1 FROM holdings WHERE ticker = p.ticker AND position_ch <> 0"
        "                      AND (?3 IS NULL OR agent = ?3))"
        "         AND id = (SELECT max(id) FROM settlements WHERE ticker = p.ticker)"
        "         ORDER BY settled_at_ms DESC, id DESC LIMIT ?4) s"
        "  JOIN holdings h ON h.ticker = s.ticker WHERE h.fills > 0 AND (?3 IS NULL OR h.agent = ?3)"
        " GROUP BY s.id ORDER BY s.settled_at_ms DESC, s.id DESC",
        (from_ms, to_ms, agent, limit, ticker),
    )
    return [PaidMarket(*row) for row in rows]


def rolls(db: sqlite3.Connection, from_day: str) -> list[Roll]:
    """Floor equity at the roll of each trading day from one on: the equity curve."""
    rows = db.execute("SELECT day, equity_micros, at_ms FROM capital WHERE day >= ? ORDER BY day", (from_day,))
    return [Roll(*row) for row in rows]


def roll_after(db: sqlite3.Connection, day: str) -> Roll | None:
    """The first roll after that of a trading day: where its end was fixed."""
    row = db.execute(
        "SELECT day, equity_micros, at_ms FROM capital WHERE day > ? ORDER BY day LIMIT 1", (day,)
    ).fetchone()
    return Roll(*row) if row else None


def cash_micros(db: sqlite3.Connection, from_ms: int, to_ms: int) -> int:
    """Deposits less withdrawals in a span, transfers between shards included: what was neither profit nor loss."""
    amount: int = db.execute(
        "SELECT coalesce(sum(amount_micros), 0) FROM cash_events"
        " WHERE at_ms >= ? AND at_ms < ? AND kind <> 'adjustment'",
        (from_ms, to_ms),
    ).fetchone()[0]
    return amount


def replays(db: sqlite3.Connection, from_ms: int, to_ms: int) -> dict[str, int]:
    """What came of decisions that the auditor made again in the span: outcome -> how many."""
    rows = db.execute(
        "SELECT outcome, count(*) FROM replays WHERE at_ms >= ? AND at_ms < ? GROUP BY outcome ORDER BY outcome",
        (from_ms, to_ms),
    )
    return {row[0]: row[1] for row in rows}


def metric(db: sqlite3.Connection, window: str, name: str) -> dict[str, float]:
    """One figure of a window by agent, all stages together, as last scored."""
    rows = db.execute(
        "SELECT agent, value FROM performance_metrics WHERE stage = '' AND window = ? AND metric = ? ORDER BY agent",
        (window, name),
    )
    return {row[0]: row[1] for row in rows}


def known(db: sqlite3.Connection, ticker: str) -> bool:
    """Whether this floor ever saw a market or traded in it."""
    found = db.execute(
        "SELECT 1 FROM markets WHERE ticker = ?1 UNION ALL SELECT 1 FROM fills WHERE ticker = ?1 LIMIT 1", (ticker,)
    ).fetchone()
    return found is not None


def decided(db: sqlite3.Connection, from_ms: int, to_ms: int, agent: str | None, limit: int) -> list[dict[str, Any]]:
    """What was decided about agents in the span, the newest first."""
    rows = db.execute(
        "SELECT at_ms, agent, rule, act, evidence FROM evolution_events WHERE at_ms >= ?1 AND at_ms < ?2"
        "  AND (?3 IS NULL OR agent = ?3) ORDER BY id DESC LIMIT ?4",
        (from_ms, to_ms, agent, limit),
    )
    return [{**dict(row), "evidence": json.loads(row["evidence"])} for row in rows]
