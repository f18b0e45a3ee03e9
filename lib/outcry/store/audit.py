"""What the auditor reads beside the first records: joins, and the ledger's figures; and where it keeps replays."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from outcry.store.database import write

ORDER = (
    "SELECT o.*, coalesce(m.fee_type, 'quadratic') AS fee_type,"
    " coalesce(m.fee_multiplier_millionths, 1000000) AS fee_millionths, coalesce(m.event_ticker, '') AS event_ticker,"
    " coalesce(m.underlying, '') AS underlying, coalesce(m.open_at_ms, 0) AS open_at_ms,"
    " coalesce(m.close_at_ms, 0) AS close_at_ms"
    "  FROM orders o LEFT JOIN markets m ON m.ticker = o.ticker WHERE "
)
FILL = (
    "SELECT f.*, a.agent, coalesce(o.client_order_id, '') AS client_order_id FROM fills f"
    "  JOIN attributions a ON a.fill_id = f.id"
    "  LEFT JOIN orders o ON o.order_id = f.order_id AND o.order_id <> '' WHERE "
)
IN_FORCE = "a.id = (SELECT max(id) FROM attributions WHERE fill_id = f.id)"


@dataclass(frozen=True, slots=True)
class Booked:
    """What the ledger says of one agent in one market, payout included. Hundredths, micro-dollars."""

    exchange_index: int
    position_ch: int
    cash_micros: int
    fees_micros: int
    fills: int


def order(db: sqlite3.Connection, client_order_id: str) -> sqlite3.Row | None:
    """An order, and what its market is."""
    return db.execute(ORDER + "o.client_order_id = ?", (client_order_id,)).fetchone()


def orders_since(db: sqlite3.Connection, at_ms: int) -> list[sqlite3.Row]:
    """Orders planned since a time, and what their markets are."""
    return db.execute(ORDER + "o.created_at_ms >= ?", (at_ms,)).fetchall()


def orders_of(db: sqlite3.Connection, decision_id: str) -> int:
    """How many orders name one decision."""
    return db.execute("SELECT count(*) FROM orders WHERE decision_id = ?", (decision_id,)).fetchone()[0]


def event_before(db: sqlite3.Connection, client_order_id: str, event_id: int) -> sqlite3.Row | None:
    """The event of an order before one of its events; its newest one for an id beyond them."""
    return db.execute(
        "SELECT * FROM order_events WHERE client_order_id = ? AND id < ? ORDER BY id DESC LIMIT 1",
        (client_order_id, event_id),
    ).fetchone()


def attributed(db: sqlite3.Connection, attribution_id: int) -> sqlite3.Row | None:
    """The fill that an attribution gives away, with that owner, and its order's name where we know the order."""
    return db.execute(FILL + "a.id = ?", (attribution_id,)).fetchone()


def fills_of_order(db: sqlite3.Connection, order_id: str) -> int:
    """How much of an order is booked, from its fills."""
    return db.execute("SELECT coalesce(sum(count_ch), 0) FROM fills WHERE order_id = ?", (order_id,)).fetchone()[0]


def fills_in(db: sqlite3.Connection, agent: str, ticker: str) -> list[sqlite3.Row]:
    """One owner's fills in one market."""
    return db.execute(f"{FILL}{IN_FORCE} AND a.agent = ? AND f.ticker = ?", (agent, ticker)).fetchall()


def fills_since(db: sqlite3.Connection, at_ms: int) -> list[sqlite3.Row]:
    """Fills that happened since a time, with their present owners."""
    return db.execute(f"{FILL}{IN_FORCE} AND f.filled_at_ms >= ?", (at_ms,)).fetchall()


def owners(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Every (owner, market) that the fills or the ledger know."""
    rows = db.execute(
        "SELECT DISTINCT agent, ticker FROM booked_fills UNION SELECT agent, ticker FROM holdings ORDER BY 1, 2"
    )
    return [(row[0], row[1]) for row in rows]


def booked(db: sqlite3.Connection, agent: str, ticker: str) -> Booked | None:
    """The ledger's line; None when it has none."""
    row = db.execute(
        "SELECT exchange_index, position_ch, cash_micros, fees_micros, fills FROM agent_markets"
        " WHERE agent = ? AND ticker = ?",
        (agent, ticker),
    ).fetchone()
    return Booked(*row) if row else None


def running_cash(db: sqlite3.Connection) -> dict[tuple[str, int], tuple[int, int]]:
    """The ledger's running totals by owner and shard: cash before fees, fees."""
    rows = db.execute("SELECT agent, exchange_index, cash_micros, fees_micros FROM agent_cash")
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def settlements_since(db: sqlite3.Connection, at_ms: int) -> list[sqlite3.Row]:
    """Settlements in force of markets that paid since a time."""
    return db.execute(
        "SELECT s.* FROM settlements s WHERE s.settled_at_ms >= ?"
        " AND s.id = (SELECT max(id) FROM settlements WHERE ticker = s.ticker)",
        (at_ms,),
    ).fetchall()


def control_lifted_ms(db: sqlite3.Connection, cause: str) -> int:
    """When entries stopped by a cause were last let go on; 0 for never."""
    row = db.execute("SELECT max(at_ms) FROM controls WHERE cause = ? AND active = 0", (cause,)).fetchone()
    return row[0] or 0


def replayed(db: sqlite3.Connection, decision_id: str) -> bool:
    """Whether a decision was made again already (or could not be)."""
    return bool(db.execute("SELECT 1 FROM replays WHERE decision_id = ?", (decision_id,)).fetchone())


def not_yet_replayed(db: sqlite3.Connection) -> int:
    """How many decisions wait to be made again."""
    return db.execute(
        "SELECT count(*) FROM decisions d"
        " WHERE NOT EXISTS (SELECT 1 FROM replays r WHERE r.decision_id = d.decision_id)"
    ).fetchone()[0]


def keep_replays(db: sqlite3.Connection, outcomes: Iterable[tuple[str, str, str]], now_ms: int) -> None:
    """Keep what became of decisions: (decision_id, outcome, why)."""
    with write(db):
        db.executemany(
            "INSERT INTO replays (decision_id, at_ms, outcome, why) VALUES (?, ?, ?, ?)",
            [(name, now_ms, outcome, why) for name, outcome, why in outcomes],
        )
