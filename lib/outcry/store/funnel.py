"""What became of looks, decisions and orders in a stretch of time: the figures of bin/why, and what it says beside."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from outcry.domain.funnel import Decided, Looks


@dataclass(frozen=True, slots=True)
class Exits:
    """Exits, which nothing holds back: how many left, and how many of those traded."""

    sent: int
    filled: int


@dataclass(frozen=True, slots=True)
class Place:
    """A market as it is now. `distrust`: why its book is not fit to trade on; None without any book."""

    ticker: str
    status: str
    subscribed: int
    open_at_ms: int
    close_at_ms: int
    trusted: int | None
    distrust: str | None
    heard_at_ms: int | None


def looks(db: sqlite3.Connection, from_ms: int, agent: str | None, ticker: str | None) -> list[Looks]:
    """Looks that led to no question since the start of a minute, of one agent or in one market where asked."""
    found = db.execute(
        "SELECT agent, ticker, step, condition, sum(looks) FROM looks WHERE minute_ms >= ?1"
        " AND (?2 IS NULL OR agent = ?2) AND (?3 IS NULL OR ticker = ?3) GROUP BY agent, ticker, step, condition",
        (from_ms, agent, ticker),
    )
    return [Looks(*row) for row in found]


def decided(db: sqlite3.Connection, from_ms: int, names: Sequence[str], ticker: str | None) -> list[Decided]:
    """Entries of some agents since a time, with what became of their orders, oldest first."""
    found = []
    for agent in names:
        orders = {
            row[0]: row[1:]
            for row in db.execute(
                "SELECT decision_id, state, reason, filled_ch FROM orders WHERE agent = ? AND created_at_ms >= ?",
                (agent, from_ms),
            )
        }
        rows = db.execute(
            "SELECT decision_id, ticker, at_ms, answer, rule, reason, numbers FROM decisions"
            " WHERE agent = ?1 AND at_ms >= ?2 AND purpose = 'entry' AND (?3 IS NULL OR ticker = ?3)",
            (agent, from_ms, ticker),
        )
        for decision_id, where, at_ms, answer, rule, reason, numbers in rows:
            figures = msgspec.json.decode(numbers, type=dict[str, int | float | str])
            became = orders.get(decision_id, ("", "", 0))
            found.append(Decided(agent, where, at_ms, answer, rule, reason, figures, *became))
    return sorted(found, key=lambda one: one.at_ms)


def exits(db: sqlite3.Connection, from_ms: int, names: Sequence[str], ticker: str | None) -> Exits:
    """Exits of some agents since a time."""
    sent = filled = 0
    for agent in names:
        row = db.execute(
            "SELECT coalesce(sum(state NOT IN ('planned', 'abandoned')), 0), coalesce(sum(filled_ch > 0), 0)"
            " FROM orders WHERE agent = ?1 AND created_at_ms >= ?2 AND purpose = 'exit'"
            " AND (?3 IS NULL OR ticker = ?3)",
            (agent, from_ms, ticker),
        ).fetchone()
        sent, filled = sent + row[0], filled + row[1]
    return Exits(sent, filled)


def place(db: sqlite3.Connection, ticker: str) -> Place | None:
    """A market and the state of its book; None when nobody ever described it."""
    row = db.execute(
        "SELECT m.ticker, m.status, m.subscribed, m.open_at_ms, m.close_at_ms, q.trusted, q.distrust, q.heard_at_ms"
        "  FROM markets m LEFT JOIN quotes q USING (ticker) WHERE m.ticker = ?",
        (ticker,),
    ).fetchone()
    return Place(*row) if row else None


def tickers(db: sqlite3.Connection) -> list[str]:
    """Every market that is known, the one that closes last first."""
    return [row[0] for row in db.execute("SELECT ticker FROM markets ORDER BY close_at_ms DESC, ticker")]


def underlyings(db: sqlite3.Connection) -> list[str]:
    """The indices that markets followed now settle on."""
    found = db.execute(
        "SELECT DISTINCT underlying FROM markets WHERE subscribed = 1 AND status = 'active' AND underlying <> ''"
        " ORDER BY underlying"
    )
    return [row[0] for row in found]
