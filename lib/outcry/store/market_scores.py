"""What markets look like to somebody who chooses among them: sightings, the figures to score by, and scores."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from outcry.store.database import quick


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was last seen of a market. Prices in centicents, None for an empty side; None for what was not seen."""

    ticker: str
    category: str = ""
    bid_cc: int | None = None
    ask_cc: int | None = None
    maker_millionths: int | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What we won net in a series, over how many contracts and markets."""

    micros: int = 0
    count_ch: int = 0
    trades: int = 0


def see(db: sqlite3.Connection, sightings: Iterable[Sighting], now_ms: int) -> None:
    """Keep what was seen last; an empty category or presence leaves what was known."""
    with quick(db):
        db.executemany(
            "INSERT INTO market_sightings (ticker, category, bid_cc, ask_cc, maker_millionths, seen_at_ms)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (ticker) DO UPDATE SET"
            " category = CASE excluded.category WHEN '' THEN category ELSE excluded.category END,"
            " bid_cc = excluded.bid_cc, ask_cc = excluded.ask_cc, seen_at_ms = excluded.seen_at_ms,"
            " maker_millionths = coalesce(excluded.maker_millionths, maker_millionths)",
            [
                (seen.ticker, seen.category, seen.bid_cc, seen.ask_cc, seen.maker_millionths, now_ms)
                for seen in sightings
            ],
        )
        db.execute("DELETE FROM market_sightings WHERE seen_at_ms < ?", (now_ms - 86_400_000,))


def sightings(db: sqlite3.Connection) -> dict[str, Sighting]:
    """Everything seen within a day, by ticker."""
    rows = db.execute("SELECT ticker, category, bid_cc, ask_cc, maker_millionths FROM market_sightings")
    return {row["ticker"]: Sighting(*row) for row in rows}


def prints_since(db: sqlite3.Connection, ticker: str, at_ms: int) -> int:
    """How many prints a market had since a time."""
    query = "SELECT coalesce(sum(trades), 0) FROM bars WHERE symbol = ? AND at_ms >= ?"
    return db.execute(query, (ticker, at_ms)).fetchone()[0]


def past(db: sqlite3.Connection) -> dict[str, Past]:
    """By series: what agents won, net of fees, in its markets that have paid."""
    rows = db.execute(
        "SELECT m.series_ticker, sum(h.cash_micros + h.position_ch * v.value_cc - h.fees_micros) AS micros,"
        " sum(max(h.bought_ch, h.sold_ch)) AS count_ch, count(*) AS trades"
        "  FROM holdings h JOIN market_values v ON v.ticker = h.ticker JOIN markets m ON m.ticker = h.ticker"
        " WHERE h.fills > 0 GROUP BY m.series_ticker"
    )
    return {row["series_ticker"]: Past(row["micros"], row["count_ch"], row["trades"]) for row in rows}


def needed(db: sqlite3.Connection) -> set[str]:
    """Markets in which somebody holds or orders something: their books have to be followed."""
    rows = db.execute(
        "SELECT ticker FROM holdings WHERE settled = 0 AND position_ch <> 0 UNION"
        " SELECT ticker FROM orders WHERE state IN ('planned', 'sent', 'unknown', 'presumed_absent', 'resting')"
    )
    return {row["ticker"] for row in rows}


def keep(
    db: sqlite3.Connection,
    scores: Iterable[tuple[str, str, str, int, Mapping[str, int], Mapping[str, object]]],
    now_ms: int,
) -> None:
    """Replace all scores: (ticker, series, category, score, parts, figures)."""
    rows = [
        {
            "ticker": ticker,
            "series_ticker": series,
            "category": category,
            "score": score,
            **parts,
            "figures": json.dumps(figures),
            "at_ms": now_ms,
        }
        for ticker, series, category, score, parts, figures in scores
    ]
    with quick(db):
        db.execute("DELETE FROM market_scores")
        if rows:
            names = ", ".join(rows[0])
            marks = ", ".join(f":{name}" for name in rows[0])
            db.executemany(f"INSERT INTO market_scores ({names}) VALUES ({marks})", rows)  # noqa: S608  our own names


def scores(db: sqlite3.Connection) -> dict[str, int]:
    """Every market's score of the last scoring."""
    return {row["ticker"]: row["score"] for row in db.execute("SELECT ticker, score FROM market_scores")}
