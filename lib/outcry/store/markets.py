"""Markets as the exchange last described them, and which of them the collector follows."""

import json
import sqlite3
from collections.abc import Iterable

from outcry.domain.market import FeeTerms, Market, PriceRange, Status
from outcry.store.database import write

_COLUMNS = (
    "ticker, event_ticker, series_ticker, exchange_index, status, open_at_ms, close_at_ms, price_ranges, fee_type,"
    " fee_multiplier_millionths, title, underlying, strike_type, strike_micros, result, settlement_value_cc, volume_ch,"
    " open_interest_ch, exclusive, exhaustive_of"
)
_SELECT = f"SELECT {_COLUMNS} FROM markets"  # noqa: S608  constant text
_UPSERT = (
    f"INSERT INTO markets ({_COLUMNS}, updated_at_ms)"  # noqa: S608  constant text
    f" VALUES ({', '.join('?' * 21)})"
    " ON CONFLICT (ticker) DO UPDATE SET "
    + ", ".join(f"{name.strip()} = excluded.{name.strip()}" for name in _COLUMNS.split(",")[1:])
    + ", updated_at_ms = excluded.updated_at_ms"
)


def save(db: sqlite3.Connection, markets: Iterable[Market], now_ms: int) -> None:
    """Write what is known of some markets now. Whether they are subscribed stays as it was (not, for new ones)."""
    rows = [_values(market, now_ms) for market in markets]
    if rows:
        with write(db):
            db.executemany(_UPSERT, rows)


def set_subscribed(db: sqlite3.Connection, tickers: Iterable[str], now_ms: int) -> None:
    """Make exactly these markets the subscribed ones."""
    wanted = set(tickers)
    with write(db):
        have = {row[0] for row in db.execute("SELECT ticker FROM markets WHERE subscribed = 1")}
        changes = [(1, now_ms, ticker) for ticker in wanted - have] + [(0, now_ms, ticker) for ticker in have - wanted]
        db.executemany("UPDATE markets SET subscribed = ?, updated_at_ms = ? WHERE ticker = ?", changes)


def load(db: sqlite3.Connection, ticker: str) -> Market | None:
    """One market, or None when it was never discovered."""
    found = db.execute(_SELECT + " WHERE ticker = ?", (ticker,)).fetchone()
    return _market(found) if found else None


def subscribed(db: sqlite3.Connection) -> list[Market]:
    """The markets the collector follows, the next to close first."""
    return [_market(row) for row in db.execute(_SELECT + " WHERE subscribed = 1 ORDER BY close_at_ms, ticker")]


def updated_since(db: sqlite3.Connection, at_ms: int) -> list[Market]:
    """Markets whose description or subscription changed at or after a time."""
    return [_market(row) for row in db.execute(_SELECT + " WHERE updated_at_ms >= ? ORDER BY ticker", (at_ms,))]


def unfinished(db: sqlite3.Connection) -> list[Market]:
    """Markets that have not paid out yet, as far as we know."""
    rows = db.execute(_SELECT + " WHERE status <> 'finalized' ORDER BY close_at_ms, ticker")
    return [_market(row) for row in rows]


def predecessor(db: sqlite3.Connection, market: Market) -> Market | None:
    """The market of the same series that closed last before this one opened."""
    found = db.execute(
        _SELECT + " WHERE series_ticker = ? AND close_at_ms <= ? AND ticker <> ? ORDER BY close_at_ms DESC LIMIT 1",
        (market.series_ticker, market.open_at_ms, market.ticker),
    ).fetchone()
    return _market(found) if found else None


def shard(db: sqlite3.Connection, ticker: str) -> int | None:
    """The exchange shard a market lives on, or None when it was never discovered."""
    found = db.execute("SELECT exchange_index FROM markets WHERE ticker = ?", (ticker,)).fetchone()
    return found[0] if found else None


def _values(market: Market, now_ms: int) -> tuple[object, ...]:
    ranges = json.dumps([[band.start_cc, band.end_cc, band.step_cc] for band in market.price_ranges])
    return (
        market.ticker, market.event_ticker, market.series_ticker, market.exchange_index, market.status.value,
        market.open_at_ms, market.close_at_ms, ranges, market.fee.fee_type, market.fee.multiplier_millionths,
        market.title, market.underlying, market.strike_type, market.strike_micros, market.result,
        market.settlement_value_cc, market.volume_ch, market.open_interest_ch, int(market.exclusive),
        market.exhaustive_of, now_ms,
    )  # fmt: skip


def _market(row: sqlite3.Row) -> Market:
    (ticker, event, series, shard, status, opens, closes, ranges, fee_type, multiplier, title, underlying, strike_type,
     strike, result, value, volume, interest, exclusive, exhaustive_of) = row  # fmt: skip
    bands = tuple(PriceRange(*band) for band in json.loads(ranges))
    return Market(
        ticker, event, series, shard, Status(status), opens, closes, bands, FeeTerms(fee_type, multiplier), title,
        underlying, strike_type, strike, result, value, volume, interest, exclusive=bool(exclusive),
        exhaustive_of=exhaustive_of,
    )  # fmt: skip
