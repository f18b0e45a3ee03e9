"""Fills: booked once, whoever reports them, and always somebody's.

The exchange's ids are the key, so the stream, the REST list and a restarted program may all report the same match.
A fill belongs to the agent whose order it was. One whose order we do not know is `parked` until the exchange has been
asked for that order; only an order that is not ours makes it `manual`. Attribution is an append-only row that a later
one may supersede; positions and cash follow it (a trigger keeps `holdings` in step inside the same transaction).
"""

import sqlite3
from dataclasses import dataclass

from outcry import failpoints
from outcry.domain.errors import InvariantBroken
from outcry.domain.fill import Fill
from outcry.domain.order import Side
from outcry.store import settlements
from outcry.store.database import write

MANUAL = "manual"
PARKED = "parked"

_COLUMNS = "trade_id, order_id, ticker, exchange_index, side, price_cc, count_ch, fee_micros, is_taker, filled_at_ms"

_BOOKED = (
    "SELECT b.*, a.id AS attribution_id FROM booked_fills b"
    "  JOIN attributions a ON a.id = (SELECT max(id) FROM attributions WHERE fill_id = b.id) WHERE "
)


@dataclass(frozen=True, slots=True)
class Booked:
    """A fill in the ledger. `attribution_id` grows with every booking: the place to read on from."""

    fill_id: int
    attribution_id: int
    agent: str
    fill: Fill


def book(db: sqlite3.Connection, fill: Fill, source: str, now_ms: int) -> bool:
    """Write a fill, say whose it is and count it to its order, in one transaction; False when it was there already.

    source  'stream' or 'rest'
    raises  InvariantBroken when the same trade and order was booked with other figures, or overfills its order
    """
    with write(db):
        if _is_booked(db, fill):
            return False
        fill_id = db.execute(
            f"INSERT INTO fills ({_COLUMNS}, recorded_at_ms, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                fill.trade_id,
                fill.order_id,
                fill.ticker,
                fill.exchange_index,
                fill.side,
                fill.price_cc,
                fill.count_ch,
                fill.fee_micros,
                fill.is_taker,
                fill.filled_at_ms,
                now_ms,
                source,
            ),
        ).lastrowid
        agent = owner(db, fill.order_id, fill.client_order_id)
        _attribute(db, int(fill_id or 0), agent or PARKED, "order" if agent else "order not known yet", now_ms)
        _count(db, fill.order_id, fill.client_order_id, source=source, detail=f"fill {fill.trade_id}", now_ms=now_ms)
        settlements.book_rounding(db, fill.ticker, fill.filled_at_ms)
        failpoints.reached("fill.commit")
    return True


def attribute(
    db: sqlite3.Connection, fill_id: int, agent: str, *, why: str, now_ms: int, client_order_id: str = ""
) -> bool:
    """Give a fill to an agent (or `manual`), superseding whoever had it; False when it is theirs already.

    client_order_id  what the exchange says the order was called: lets the order learn its order_id
    """
    with write(db):
        row = db.execute("SELECT agent, order_id, trade_id FROM booked_fills WHERE id = ?", (fill_id,)).fetchone()
        if row is None:
            raise InvariantBroken(f"no fill {fill_id} to attribute to {agent}")
        detail = f"fill {row['trade_id']}"
        _count(db, row["order_id"], client_order_id, source="clerk", detail=detail, now_ms=now_ms)
        if row["agent"] == agent:
            return False
        _attribute(db, fill_id, agent, why, now_ms)
    return True


def owner(db: sqlite3.Connection, order_id: str, client_order_id: str = "") -> str | None:
    """The agent an order belongs to: by the exchange's id, by ours, or by the name inside one of ours; None unknown."""
    row = db.execute(
        "SELECT agent FROM orders WHERE (order_id = ? AND order_id <> '') OR client_order_id = ?",
        (order_id, client_order_id),
    ).fetchone()
    if row:
        return row["agent"]
    name = agent_named_in(db, client_order_id)
    known = name and db.execute("SELECT 1 FROM agents WHERE name = ?", (name,)).fetchone()
    return name if known else None


def agent_named_in(db: sqlite3.Connection, client_order_id: str) -> str | None:
    """The agent's name inside `oc-<floor>-<agent>-<ULID>` when the id is this floor's, else None.

    A floor restored from an old backup has no row for an order it sent later; the id itself still says whose it is.
    """
    floor = db.execute("SELECT floor_id FROM floor").fetchone()
    prefix = f"oc-{floor['floor_id']}-" if floor else None
    if prefix is None or not client_order_id.startswith(prefix):
        return None
    name, _, unique = client_order_id[len(prefix) :].rpartition("-")
    return name if name and unique else None


def parked(db: sqlite3.Connection) -> list[Booked]:
    """Fills whose order we do not know yet, oldest first: the clerk asks the exchange about each."""
    theirs = "b.ticker IN (SELECT ticker FROM holdings WHERE agent = ?1 AND fills > 0)"  # else every fill is looked at
    return _booked(db, f"b.agent = ?1 AND {theirs}", (PARKED,))


def of_agent(db: sqlite3.Connection, agent: str, ticker: str) -> list[Fill]:
    """One agent's fills in one market, as they happened (same millisecond: as they were booked)."""
    booked = _booked(db, "b.agent = ? AND b.ticker = ?", (agent, ticker))
    return [item.fill for item in sorted(booked, key=lambda item: (item.fill.filled_at_ms, item.fill_id))]


def sums_by_order(db: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """What is booked of each order, by the exchange's id: (count_ch, fees_micros)."""
    rows = db.execute("SELECT order_id, sum(count_ch), sum(fee_micros) FROM fills GROUP BY order_id")
    return {row[0]: (row[1], row[2]) for row in rows}


def times_of_agents(db: sqlite3.Connection) -> list[int]:
    """When agents traded, oldest first: what nobody did by hand."""
    rows = db.execute(
        "SELECT DISTINCT filled_at_ms FROM booked_fills WHERE agent NOT IN (?, ?) ORDER BY 1", (MANUAL, PARKED)
    )
    return [row[0] for row in rows]


def misbooked(db: sqlite3.Connection) -> list[str]:
    """What runs in total (`agent ticker`, `agent shard n`) and differs from its first records: must be empty."""
    columns = "agent, ticker, position_ch, cash_micros, fees_micros, fills"
    kept = f"SELECT {columns} FROM holdings WHERE (position_ch, cash_micros, fees_micros, fills) <> (0, 0, 0, 0)"  # noqa: S608
    first = f"SELECT {columns} FROM holdings_check"  # noqa: S608
    rows = db.execute(
        f"SELECT DISTINCT agent || ' ' || ticker AS name FROM (SELECT * FROM ({kept} EXCEPT {first})"  # noqa: S608
        f" UNION ALL SELECT * FROM ({first} EXCEPT {kept}))"
        " UNION SELECT agent || ' shard ' || exchange_index FROM totals_check ORDER BY name"
    )
    return [row["name"] for row in rows]


def fill_of(row: sqlite3.Row) -> Fill:
    """A row of `fills` or `booked_fills` as a domain fill."""
    return Fill(
        trade_id=row["trade_id"],
        order_id=row["order_id"],
        ticker=row["ticker"],
        exchange_index=row["exchange_index"],
        side=Side(row["side"]),
        price_cc=row["price_cc"],
        count_ch=row["count_ch"],
        fee_micros=row["fee_micros"],
        is_taker=bool(row["is_taker"]),
        filled_at_ms=row["filled_at_ms"],
    )


def _booked(db: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[Booked]:
    rows = db.execute(_BOOKED + where + " ORDER BY a.id", values)
    return [Booked(row["id"], row["attribution_id"], row["agent"], fill_of(row)) for row in rows]


def _is_booked(db: sqlite3.Connection, fill: Fill) -> bool:
    row = db.execute(
        f"SELECT {_COLUMNS} FROM fills WHERE trade_id = ? AND order_id = ?",  # noqa: S608
        (fill.trade_id, fill.order_id),
    ).fetchone()
    if row is None:
        return False
    for name in ("ticker", "side", "price_cc", "count_ch", "fee_micros", "exchange_index"):
        if row[name] != getattr(fill, name):
            raise InvariantBroken(
                f"fill {fill.trade_id} of {fill.ticker} was booked with {name}={row[name]}"
                f" and is now reported with {getattr(fill, name)}"
            )
    return True


def _attribute(db: sqlite3.Connection, fill_id: int, agent: str, why: str, now_ms: int) -> None:
    db.execute(
        "INSERT INTO attributions (fill_id, agent, at_ms, why) VALUES (?, ?, ?, ?)", (fill_id, agent, now_ms, why)
    )


def _count(
    db: sqlite3.Connection, order_id: str, client_order_id: str, *, source: str, detail: str, now_ms: int
) -> None:
    """Make an order's booked count the sum of its fills; a fill is also proof that the order exists and has filled."""
    row = db.execute(
        "SELECT client_order_id, order_id, count_ch, filled_ch, state FROM orders"
        " WHERE (order_id = ? AND order_id <> '') OR client_order_id = ?",
        (order_id, client_order_id),
    ).fetchone()
    if row is None:
        return
    booked_ch = db.execute("SELECT coalesce(sum(count_ch), 0) FROM fills WHERE order_id = ?", (order_id,)).fetchone()[0]
    if booked_ch > row["count_ch"] or row["order_id"] not in ("", order_id):
        raise InvariantBroken(
            f"order {row['client_order_id']} of {row['count_ch']} hundredths cannot have"
            f" {booked_ch} filled under {order_id}"
        )
    filled_ch = max(row["filled_ch"], booked_ch)
    db.execute(
        "UPDATE orders SET order_id = ?, booked_ch = ?, filled_ch = ?, updated_at_ms = max(updated_at_ms, ?)"
        " WHERE client_order_id = ?",
        (order_id, booked_ch, filled_ch, now_ms, row["client_order_id"]),
    )
    if (order_id, filled_ch) != (row["order_id"], row["filled_ch"]):
        db.execute(
            "INSERT INTO order_events (client_order_id, at_ms, state, filled_ch, source, detail)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (row["client_order_id"], now_ms, row["state"], filled_ch, source, detail),
        )
