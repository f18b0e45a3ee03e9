"""What the reports read: one read transaction, so that all figures are of the same instant."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from outcry.domain.fill import Fill, Settlement
from outcry.store.fills import fill_of


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """One agent's open position at the price it could be closed at now. Prices on the YES scale; None: empty side."""

    agent: str
    ticker: str
    position_ch: int
    mark_cc: int
    mark_micros: int
    close_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Work:
    """One agent's fills in one market, in time order, and what the market paid if it has."""

    agent: str
    ticker: str
    fills: tuple[Fill, ...]
    settlement: Settlement | None


@contextmanager
def one_instant(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Read everything inside as of one moment, whatever others commit meanwhile."""
    db.execute("BEGIN")
    try:
        yield db
    finally:
        db.execute("ROLLBACK")


def work_since(db: sqlite3.Connection, since_ms: int) -> list[Work]:
    """Each agent's work in every market where something may have closed since a time, or is still open.

    Whole histories of those markets: a trade closed today may have begun yesterday.
    """
    keys = db.execute(
        "SELECT agent, ticker, result, value_cc, settled_at_ms, exchange_index FROM agent_markets"
        " WHERE fills > 0 AND (value_cc IS NULL AND position_ch <> 0 OR last_fill_at_ms >= ?1 OR settled_at_ms >= ?1)"
        " ORDER BY agent, ticker",
        (since_ms,),
    ).fetchall()
    return [
        Work(
            key["agent"],
            key["ticker"],
            tuple(_fills(db, key["agent"], key["ticker"])),
            None
            if key["value_cc"] is None
            else Settlement(key["ticker"], key["exchange_index"], key["result"], key["value_cc"], key["settled_at_ms"]),
        )
        for key in keys
    ]


def _fills(db: sqlite3.Connection, agent: str, ticker: str) -> list[Fill]:
    rows = db.execute(
        "SELECT * FROM booked_fills WHERE ticker = ? AND agent = ? ORDER BY filled_at_ms, id", (ticker, agent)
    )
    return [fill_of(row) for row in rows]


def open_positions(db: sqlite3.Connection) -> list[OpenPosition]:
    """All open positions, by agent and ticker."""
    rows = db.execute(
        "SELECT p.agent, p.ticker, p.position_ch, p.mark_cc, p.mark_micros, m.close_at_ms FROM positions p"
        "  LEFT JOIN markets m ON m.ticker = p.ticker ORDER BY p.agent, p.ticker"
    )
    return [OpenPosition(*row) for row in rows]


def day_equity_micros(db: sqlite3.Connection, day: str) -> dict[str, int]:
    """Each agent's equity, without its allocation, at the roll of a trading day; agents born later are missing."""
    return {row[0]: row[1] for row in db.execute("SELECT agent, equity_micros FROM agent_days WHERE day = ?", (day,))}


def day_capital_micros(db: sqlite3.Connection, day: str) -> int | None:
    """Floor equity at the roll of a trading day; None when nobody fixed it."""
    row = db.execute("SELECT equity_micros FROM capital WHERE day = ?", (day,)).fetchone()
    return row[0] if row else None


def cash_since_micros(db: sqlite3.Connection, since_ms: int) -> int:
    """Deposits less withdrawals since a time: what changed the floor's equity without being profit or loss."""
    return db.execute(
        "SELECT coalesce(sum(amount_micros), 0) FROM cash_events WHERE at_ms >= ? AND kind <> 'adjustment'", (since_ms,)
    ).fetchone()[0]


def day_rolled_at_ms(db: sqlite3.Connection, day: str) -> int | None:
    """When a trading day's capital was fixed."""
    row = db.execute("SELECT at_ms FROM capital WHERE day = ?", (day,)).fetchone()
    return row[0] if row else None


def last_booking_ms(db: sqlite3.Connection) -> int:
    """When the ledger last changed, on our clock: a fill, its owner, a settlement or cash; 0 when it never did."""
    return db.execute(
        "SELECT max(coalesce((SELECT recorded_at_ms FROM fills ORDER BY id DESC LIMIT 1), 0),"
        " coalesce((SELECT at_ms FROM attributions ORDER BY id DESC LIMIT 1), 0),"
        " coalesce((SELECT recorded_at_ms FROM settlements ORDER BY id DESC LIMIT 1), 0))"
    ).fetchone()[0]


def floor_facts(db: sqlite3.Connection) -> tuple[str, str]:
    """The floor's id and environment; empty before bin/migrate."""
    row = db.execute("SELECT floor_id, environment FROM floor").fetchone()
    return (row[0], row[1]) if row else ("", "")


@dataclass(frozen=True, slots=True)
class Feeds:
    """How fresh the market data is. Times in ms; None: never.

    books      subscribed markets, how many of them are trusted now, and when the quietest was last heard
    index      newest one-second bar of each index symbol
    """

    publish: int
    published_at_ms: int | None
    books: int
    trusted: int
    heard_at_ms: int | None
    index: dict[str, int]


def feeds(db: sqlite3.Connection) -> Feeds:
    """The collector's last publish, the books it follows, and the index prices it writes."""
    publish = db.execute("SELECT number, at_ms FROM publishes").fetchone()
    books = db.execute(
        "SELECT count(*) AS books, coalesce(sum(q.trusted), 0) AS trusted, min(q.heard_at_ms) AS heard_at_ms"
        "  FROM markets m LEFT JOIN quotes q ON q.ticker = m.ticker WHERE m.subscribed = 1 AND m.status = 'active'"
    ).fetchone()
    index = db.execute(
        "SELECT symbol, max(at_ms) AS at_ms FROM bars WHERE symbol IN"
        " (SELECT DISTINCT underlying FROM markets WHERE underlying <> '') GROUP BY symbol ORDER BY symbol"
    )
    return Feeds(
        publish["number"] if publish else 0,
        publish["at_ms"] if publish else None,
        books["books"],
        books["trusted"],
        books["heard_at_ms"],
        {row["symbol"]: row["at_ms"] for row in index},
    )
