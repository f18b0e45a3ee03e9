"""What the dashboard reads beside the reports: the newest fills with their reasons, how orders fared, one market."""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from outcry.domain.errors import Misconfigured
from outcry.domain.order import Order
from outcry.store import database
from outcry.store.orders import order_of

ANSWER_WINDOW_MS = 300_000  # how long ago an order may have been answered to count for the latency
LOOK_BACK = 20_000  # rows among which the newest of one agent or market are looked for


@dataclass(frozen=True, slots=True)
class ShownFill:
    """A booked fill, whose it is, and why its order was sent. Prices on the YES scale."""

    trade_id: str
    at_ms: int
    agent: str
    ticker: str
    side: str
    purpose: str
    count_ch: int
    price_cc: int
    fee_micros: int
    is_taker: int
    order_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Executed:
    """Fills since a time, and how long after its signing an order's fills came (mean; None without any of ours)."""

    fills: int
    maker_fills: int
    taker_fills: int
    count_ch: int
    traded_micros: int
    fees_micros: int
    fill_time_ms: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """One agent's orders since a time: how many left, and how much of those that are over was filled."""

    orders: int
    asked_ch: int
    filled_ch: int


@dataclass(frozen=True, slots=True)
class ShownMarket:
    """A market that is followed or held, and its touch; None where a side is empty."""

    ticker: str
    title: str
    status: str
    close_at_ms: int
    bid_cc: int | None
    ask_cc: int | None
    last_price_cc: int | None
    volume_ch: int
    trusted: int


@dataclass(frozen=True, slots=True)
class ShownDecision:
    """What an agent wanted, and what the rules answered."""

    at_ms: int
    agent: str
    ticker: str
    purpose: str
    side: str
    limit_cc: int
    why: str
    answer: str
    rule: str
    reason: str
    numbers: dict[str, int | float | str]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A budget of requests as it is now, in thousandths of a token."""

    name: str
    left_millis: int
    capacity_millis: int


def recent_fills(
    db: sqlite3.Connection, limit: int, *, agent: str | None = None, ticker: str | None = None
) -> list[ShownFill]:
    """The newest fills, the newest first; of one agent or in one market where asked."""
    rows = db.execute(
        "SELECT f.trade_id, f.filled_at_ms, f.agent, f.ticker, f.side, coalesce(o.purpose, ''), f.count_ch, f.price_cc,"
        " f.fee_micros, f.is_taker, f.order_id, coalesce(d.why, '') FROM booked_fills f"
        "  LEFT JOIN orders o ON o.order_id = f.order_id AND o.order_id <> ''"
        "  LEFT JOIN decisions d ON d.decision_id = o.decision_id"
        " WHERE (?1 IS NULL OR f.agent = ?1) AND (?2 IS NULL OR f.ticker = ?2)"
        "  AND f.id > (SELECT coalesce(max(id), 0) FROM fills) - ?4 ORDER BY f.id DESC LIMIT ?3",
        (agent, ticker, limit, LOOK_BACK),
    )
    return [ShownFill(*row) for row in rows]


def executed(db: sqlite3.Connection, since_ms: int) -> Executed:
    """What the fills since a time come to."""
    row = db.execute(
        "SELECT count(*), coalesce(sum(NOT f.is_taker), 0), coalesce(sum(f.is_taker), 0), coalesce(sum(f.count_ch), 0),"
        " coalesce(sum(f.price_cc * f.count_ch), 0), coalesce(sum(f.fee_micros), 0),"
        " avg(max(f.filled_at_ms - o.signed_at_ms, 0)) FROM fills f"
        "  LEFT JOIN orders o ON o.order_id = f.order_id AND o.order_id <> '' WHERE f.filled_at_ms >= ?",
        (since_ms,),
    ).fetchone()
    return Executed(*row)


def asked(db: sqlite3.Connection, since_ms: int) -> dict[str, Asked]:
    """Each agent's orders that left since a time."""
    rows = db.execute(
        "SELECT agent, count(*), sum(over * count_ch), sum(over * filled_ch) FROM"
        " (SELECT *, state IN ('executed', 'canceled', 'rejected', 'absent') AS over FROM orders"
        "   WHERE created_at_ms >= ? AND state NOT IN ('planned', 'abandoned')) GROUP BY agent",
        (since_ms,),
    )
    return {row[0]: Asked(*row[1:]) for row in rows}


def agent_cash(db: sqlite3.Connection) -> dict[str, int]:
    """What each agent's trades and fees left of money since it began, its allocation left out; not who never traded."""
    rows = db.execute(
        "SELECT agent, sum(cash_micros - fees_micros) - coalesce(began_micros, 0)"
        "  FROM agent_cash LEFT JOIN agents ON name = agent GROUP BY agent"
    )
    return {row[0]: row[1] for row in rows}


def orders_in(db: sqlite3.Connection, ticker: str) -> list[Order]:
    """Our open orders in a market."""
    rows = db.execute("SELECT * FROM open_orders WHERE ticker = ? ORDER BY price_cc DESC, created_at_ms", (ticker,))
    return [order_of(row) for row in rows]


def shown_markets(db: sqlite3.Connection) -> list[ShownMarket]:
    """Markets that are followed now or held, by their close."""
    rows = db.execute(
        "SELECT m.ticker, m.title, m.status, m.close_at_ms, q.bid_cc, q.ask_cc, q.last_price_cc,"
        " coalesce(q.volume_ch, m.volume_ch), coalesce(q.trusted, 0) FROM markets m"
        "  LEFT JOIN quotes q ON q.ticker = m.ticker"
        " WHERE m.subscribed = 1 AND m.status = 'active' OR m.ticker IN (SELECT ticker FROM account_positions)"
        " ORDER BY m.close_at_ms, m.ticker"
    )
    return [ShownMarket(*row) for row in rows]


def recent_decisions(
    db: sqlite3.Connection, limit: int, *, agent: str | None = None, ticker: str | None = None
) -> list[ShownDecision]:
    """The newest decisions of an agent or in a market, refused ones too, the newest first."""
    rows = db.execute(
        "SELECT at_ms, agent, ticker, purpose, side, limit_cc, why, answer, rule, reason, numbers FROM decisions"
        " WHERE (?1 IS NULL OR agent = ?1) AND (?2 IS NULL OR ticker = ?2)"
        "  AND rowid > (SELECT coalesce(max(rowid), 0) FROM decisions) - ?4 ORDER BY rowid DESC LIMIT ?3",
        (agent, ticker, limit, LOOK_BACK),
    )
    return [ShownDecision(**dict(row) | {"numbers": json.loads(row["numbers"])}) for row in rows]


def day_capitals(db: sqlite3.Connection, days: int) -> list[tuple[int, int]]:
    """(at_ms, equity_micros) at the newest rolls of the trading day, oldest first."""
    rows = db.execute("SELECT at_ms, equity_micros FROM capital ORDER BY day DESC LIMIT ?", (days,))
    return [(row[0], row[1]) for row in rows][::-1]


def results_since(db: sqlite3.Connection, since_ms: int) -> list[tuple[int, int]]:
    """(settled_at_ms, what the fills since a time brought there, net of fees) of each market that paid since."""
    rows = db.execute(
        "SELECT v.settled_at_ms, sum(CASE f.side WHEN 'bid' THEN 1 ELSE -1 END * (v.value_cc - f.price_cc) * f.count_ch"
        "   - f.fee_micros) FROM fills f JOIN market_values v ON v.ticker = f.ticker"
        " WHERE f.filled_at_ms >= ?1 AND v.settled_at_ms >= ?1 GROUP BY f.ticker ORDER BY v.settled_at_ms, f.ticker",
        (since_ms,),
    )
    return [(row[0], row[1]) for row in rows]


def answer_ms(db: sqlite3.Connection, now_ms: int) -> float | None:
    """How long the exchange took to answer an order, mean of the last five minutes; None without one."""
    return db.execute(
        "SELECT avg(e.at_ms - o.signed_at_ms) FROM orders o JOIN order_events e USING (client_order_id)"
        " WHERE o.created_at_ms >= ? AND e.source = 'answer' AND o.signed_at_ms IS NOT NULL",
        (now_ms - ANSWER_WINDOW_MS,),
    ).fetchone()[0]


def fills_since(db: sqlite3.Connection, since_ms: int) -> int:
    """How many fills happened since a time."""
    return db.execute("SELECT count(*) FROM fills WHERE filled_at_ms >= ?", (since_ms,)).fetchone()[0]


def buckets(path: Path, now_ms: int) -> list[Bucket]:
    """What is left of the account's request budgets, refilled up to now; nothing where no budget was kept yet.

    raises  Unavailable when the file cannot be read
    """
    try:
        db = database.read_only(path)
    except Misconfigured:
        return []
    try:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'rates'").fetchone():
            return []
        rates = {row[0]: (row[1], row[2]) for row in db.execute("SELECT kind, per_s, capacity FROM rates")}
        found = []
        for name, level_millis, at_ms in db.execute("SELECT name, level_millis, at_ms FROM buckets ORDER BY name"):
            per_s, capacity = rates.get(name.partition(":")[0], (0, 0))
            refilled_millis = level_millis + max(0, now_ms - at_ms) * per_s
            found.append(Bucket(name, min(refilled_millis, capacity * 1000), capacity * 1000))
        return found
    finally:
        db.close()
