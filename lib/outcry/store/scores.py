"""What scoring reads and keeps: settled work, running sums, performance metrics, and how far it has come.

Only `score` writes these tables. It reads and computes outside of transactions, and writes a batch in a short one
together with its marks: a run that is killed is taken up where it stopped.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.store.database import quick

OVER = "('abandoned', 'executed', 'canceled', 'rejected', 'absent')"
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Marks:
    """How far the first records have been scored: row numbers, and how many findings had ended."""

    settlement: int
    attribution: int
    finding: int
    finding_end: int
    order_row: int


@dataclass(frozen=True, slots=True)
class SeenFill:
    """A fill with its owner and what stands beside it; see review/settled_work.py."""

    agent: str
    fill: Fill
    names: frozenset[str]
    is_entry: bool
    probability: float | None
    touch_cc: int | None
    later_cc: int | None


def come_to(db: sqlite3.Connection) -> Marks:
    return Marks(
        *db.execute("SELECT settlement, attribution, finding, finding_end, order_row FROM score_marks").fetchone()
    )


def due(db: sqlite3.Connection, done: Marks, limit: int) -> tuple[list[str], Marks]:
    """Markets that have paid and of which something is new, from a bounded number of records, and the marks after them.

    New is a settlement, an owner of a fill in a market that has paid, and a finding that began or ended.
    """
    settled = db.execute(
        "SELECT id, ticker FROM settlements WHERE id > ? ORDER BY id LIMIT ?", (done.settlement, limit)
    )
    tickers = {row["ticker"]: row["id"] for row in settled.fetchall()}
    newest = max(tickers.values(), default=done.settlement)
    given = db.execute(
        "SELECT a.id, f.ticker, EXISTS (SELECT 1 FROM settlements s WHERE s.ticker = f.ticker AND s.id <= ?) AS paid"
        "  FROM attributions a JOIN fills f ON f.id = a.fill_id WHERE a.id > ? ORDER BY a.id LIMIT ?",
        (newest, done.attribution, limit * 100),
    ).fetchall()
    found = [*tickers, *(row["ticker"] for row in given if row["paid"])]
    attribution = max((row["id"] for row in given), default=done.attribution)
    now = replace(done, settlement=newest, attribution=attribution)
    findings, ends = db.execute(
        "SELECT (SELECT coalesce(max(id), 0) FROM findings), (SELECT count(*) FROM finding_ends)"
    ).fetchone()
    if (findings, ends) != (done.finding, done.finding_end):
        now = replace(now, finding=findings, finding_end=ends)
        found += _doubted_markets(db, done.finding)
    return list(dict.fromkeys(found)), now


def _doubted_markets(db: sqlite3.Connection, finding: int) -> list[str]:
    """Markets whose work is excluded now, and those of which a finding since this one speaks."""
    rows = db.execute("SELECT DISTINCT ticker FROM settled_work WHERE excluded <> ''").fetchall()
    said = db.execute("SELECT subject || ' ' || what AS text FROM findings WHERE id > ?", (finding,)).fetchall()
    tickers = [row["ticker"] for row in rows]
    for name in {word.strip(".,:;()") for row in said for word in row["text"].split()}:
        tickers += [
            row["ticker"]
            for row in db.execute(
                "SELECT ticker FROM settled_work WHERE ticker = ?1 UNION SELECT ticker FROM orders"
                " WHERE client_order_id = ?1 UNION SELECT ticker FROM orders WHERE decision_id = ?1 UNION"
                " SELECT ticker FROM orders WHERE order_id = ?1 AND order_id <> '' UNION"
                " SELECT ticker FROM fills WHERE trade_id = ?1",
                (name,),
            )
        ]
    return tickers


def doubts(db: sqlite3.Connection) -> list[str]:
    """What the open findings say."""
    return [row["text"] for row in db.execute("SELECT subject || ' ' || what AS text FROM findings_open")]


def market(db: sqlite3.Connection, ticker: str) -> tuple[str, Settlement | None]:
    """A market's event (itself when nobody described it), and what it paid."""
    row = db.execute("SELECT event_ticker FROM markets WHERE ticker = ?", (ticker,)).fetchone()
    value = db.execute("SELECT * FROM market_values WHERE ticker = ?", (ticker,)).fetchone()
    paid = None
    if value is not None:
        paid = Settlement(ticker, value["exchange_index"], value["result"], value["value_cc"], value["settled_at_ms"])
    return (row["event_ticker"] if row else ticker), paid


def seen_fills(db: sqlite3.Connection, ticker: str) -> list[SeenFill]:
    """All fills in a market with their owners, in time order."""
    rows = db.execute(
        "SELECT f.*, o.client_order_id, o.decision_id, coalesce(o.purpose, 'entry') AS purpose, d.probability,"
        "  json_extract(d.view, CASE f.side WHEN 'bid' THEN '$.quote.asks[0][0]' ELSE '$.quote.bids[0][0]' END)"
        "    AS touch_cc,"
        "  (SELECT close FROM bars b WHERE b.symbol = f.ticker AND b.at_ms > f.filled_at_ms"
        "    AND b.at_ms <= f.filled_at_ms + ?1 ORDER BY b.at_ms DESC LIMIT 1) AS later_cc"
        "  FROM booked_fills f LEFT JOIN orders o ON o.order_id = f.order_id AND o.order_id <> ''"
        "  LEFT JOIN decisions d ON d.decision_id = o.decision_id"
        " WHERE f.ticker = ?2 ORDER BY f.filled_at_ms, f.id",
        (MINUTE_MS, ticker),
    )
    return [
        SeenFill(
            row["agent"],
            Fill(
                row["trade_id"], row["order_id"], ticker, row["exchange_index"], Side(row["side"]), row["price_cc"],
                row["count_ch"], row["fee_micros"], bool(row["is_taker"]), row["filled_at_ms"],
            ),
            frozenset(
                name for name in (row["trade_id"], row["order_id"], row["client_order_id"], row["decision_id"]) if name
            ),
            row["purpose"] == "entry",
            row["probability"],
            row["touch_cc"],
            row["later_cc"],
        )
        for row in rows
    ]  # fmt: skip


def work_of_events(db: sqlite3.Connection, event_tickers: Iterable[str]) -> list[dict[str, Any]]:
    """Everybody's settled work in some events, as scored before."""
    found = []
    for event_ticker in event_tickers:
        found += [dict(row) for row in db.execute("SELECT * FROM settled_work WHERE event_ticker = ?", (event_ticker,))]
    return found


def ended_entries(db: sqlite3.Connection, order_row: int, limit: int) -> tuple[list[tuple[str, int, int, int]], int]:
    """Entries that are over, in order of planning: (agent, created_at_ms, count_ch, filled_ch), and how far we came.

    It stops at the first that is not over, so that none is passed by.
    """
    rows = db.execute(
        f"SELECT rowid, agent, created_at_ms, count_ch, filled_ch, purpose, state, state IN {OVER}"  # noqa: S608  ours
        f"  AND booked_ch >= filled_ch AS over FROM orders WHERE rowid > ? ORDER BY rowid LIMIT ?",
        (order_row, limit),
    )
    found = []
    for row in rows:
        if not row["over"]:
            break
        order_row = row["rowid"]
        if row["purpose"] == "entry" and row["state"] not in ("abandoned", "rejected"):
            found.append((row["agent"], row["created_at_ms"], row["count_ch"], row["filled_ch"]))
    return found, order_row


@dataclass(frozen=True, slots=True)
class Batch:
    """What one short transaction writes.

    gone, work  the settled work of these markets, all of it, replaced by this
    sums        {(agent, stage, width_ms, start_ms): what is added to each column}
    seen        observations: (number, event_ticker) -> row without these, or None when there is none any more
    evidence    {number: row without it}
    """

    marks: Marks
    gone: Sequence[str]
    work: Sequence[Mapping[str, Any]]
    sums: Mapping[tuple[str, str, int, int], Mapping[str, float]]
    seen: Mapping[tuple[int, str], Mapping[str, Any] | None]
    evidence: Mapping[int, Mapping[str, Any]]


def keep(db: sqlite3.Connection, batch: Batch) -> None:
    """Write a batch, whole or not at all. It can be had again from first records: no fsync."""
    with quick(db):
        db.executemany("DELETE FROM settled_work WHERE ticker = ?", [(ticker,) for ticker in batch.gone])
        _insert(db, "settled_work", batch.work)
        for (agent, stage, width_ms, start_ms), added in batch.sums.items():
            names, marks = ", ".join(added), ", ".join(f":{name}" for name in added)
            kept = ", ".join(f"{name} = {name} + excluded.{name}" for name in added)
            db.execute(
                f"INSERT INTO score_sums (agent, stage, width_ms, start_ms, {names})"  # noqa: S608  our own names
                f" VALUES (:agent, :stage, :width_ms, :start_ms, {marks})"
                f" ON CONFLICT (width_ms, agent, stage, start_ms) DO UPDATE SET {kept}",
                {"agent": agent, "stage": stage, "width_ms": width_ms, "start_ms": start_ms, **added},
            )
        for number, event_ticker in batch.seen:
            db.execute("DELETE FROM observations WHERE event_ticker = ? AND number = ?", (event_ticker, number))
        rows = [{"number": number, "event_ticker": event, **row} for (number, event), row in batch.seen.items() if row]
        _insert(db, "observations", rows)
        db.executemany("DELETE FROM evidence WHERE number = ?", [(number,) for number in batch.evidence])
        _insert(db, "evidence", [{"number": number, **row} for number, row in batch.evidence.items()])
        now = batch.marks
        db.execute(
            "UPDATE score_marks SET settlement = ?, attribution = ?, finding = ?, finding_end = ?, order_row = ?",
            (now.settlement, now.attribution, now.finding, now.finding_end, now.order_row),
        )


def _insert(db: sqlite3.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        names, marks = ", ".join(rows[0]), ", ".join(f":{name}" for name in rows[0])
        db.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608  our own names


def sums(db: sqlite3.Connection, width_ms: int, since_ms: int) -> list[dict[str, Any]]:
    """Running sums of one width that begin at or after a time, oldest first."""
    rows = db.execute(
        "SELECT * FROM score_sums WHERE width_ms = ? AND start_ms >= ? ORDER BY agent, stage, start_ms",
        (width_ms, since_ms),
    )
    return [dict(row) for row in rows]


def keep_metrics(db: sqlite3.Connection, agent: str, rows: Iterable[tuple[str, str, str, float]], now_ms: int) -> None:
    """Replace one agent's performance metrics: (stage, window, metric, value). Short: no trader has to wait for it."""
    with quick(db):
        db.execute("DELETE FROM performance_metrics WHERE agent = ?", (agent,))
        db.executemany(
            "INSERT INTO performance_metrics (agent, stage, window, metric, value, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
            [(agent, *row, now_ms) for row in rows],
        )


def all_metrics(db: sqlite3.Connection) -> dict[tuple[str, str, str], dict[str, float]]:
    """Every figure: (agent, stage, window) -> metric -> value."""
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in db.execute("SELECT * FROM performance_metrics ORDER BY agent, stage, window, metric"):
        found.setdefault((row["agent"], row["stage"], row["window"]), {})[row["metric"]] = row["value"]
    return found


def metrics(db: sqlite3.Connection, agent: str, stage: str, window: str) -> dict[str, float]:
    """One window's figures of an agent; `stage` "" for all stages together."""
    rows = db.execute(
        "SELECT metric, value FROM performance_metrics WHERE agent = ? AND stage = ? AND window = ?",
        (agent, stage, window),
    )
    return {row["metric"]: row["value"] for row in rows}


def work_of_markets(db: sqlite3.Connection, tickers: Iterable[str]) -> list[dict[str, Any]]:
    """Everybody's settled work in some markets, as scored before."""
    found = []
    for ticker in tickers:
        found += [dict(row) for row in db.execute("SELECT * FROM settled_work WHERE ticker = ?", (ticker,))]
    return found
