"""Publishes: what the collector lets the other programs see, and what they read of it.

One publish is one short transaction with a number that only grows: rows of markets that changed, bars that were
completed, and the number itself. Readers notice a commit with `PRAGMA data_version` and read what is newer than the
last number they saw.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from outcry import failpoints
from outcry.domain.view import Bar, Level, Quote
from outcry.store import bars as bar_rows
from outcry.store.database import quick

LEVELS = 10


class Publish(NamedTuple):
    """The last publish; number 0 when there was none yet."""

    number: int
    at_ms: int


class Row(NamedTuple):
    """A quote ready to be written. The levels come as JSON, which the collector keeps while a book does not change."""

    quote: Quote
    bids_json: str
    asks_json: str


def row(quote: Quote) -> Row:
    """A quote with its levels written out."""
    return Row(quote, json.dumps(quote.bids), json.dumps(quote.asks))


def publish(db: sqlite3.Connection, number: int, at_ms: int, rows: Iterable[Row], bars: Iterable[Bar] = ()) -> None:
    """Write one publish. The rows' own `publish` and `published_at_ms` are taken from here.

    number  higher than any before (`last` + 1); a reader looks for rows above the number it has seen
    raises  Unavailable when the database stays locked: nothing was published, try again with the same number
    """
    with quick(db):
        db.executemany(_REPLACE, [_values(row, number, at_ms) for row in rows])
        bar_rows.write(db, number, bars)
        db.execute("INSERT OR REPLACE INTO publishes (one, number, at_ms) VALUES (1, ?, ?)", (number, at_ms))
        failpoints.reached("publish.commit")


def distrust(db: sqlite3.Connection, number: int, at_ms: int, why: str) -> None:
    """One publish that takes back every quote of the last life: nobody knows what happened to the books since."""
    with quick(db):
        db.execute(
            "UPDATE quotes SET trusted = 0, distrust = ?, publish = ?, published_at_ms = ? WHERE trusted = 1",
            (why, number, at_ms),
        )
        db.execute("INSERT OR REPLACE INTO publishes (one, number, at_ms) VALUES (1, ?, ?)", (number, at_ms))


def last(db: sqlite3.Connection) -> Publish:
    """The newest publish."""
    found = db.execute("SELECT number, at_ms FROM publishes").fetchone()
    return Publish(found[0], found[1]) if found else Publish(0, 0)


def since(db: sqlite3.Connection, publish: int) -> list[Quote]:
    """Quotes published after a publish number, in the order of their publishes."""
    rows = db.execute(_SELECT + " WHERE publish > ? ORDER BY publish, ticker", (publish,))
    return [_quote(row) for row in rows]


def load(db: sqlite3.Connection, ticker: str) -> Quote | None:
    """One market's last published quote."""
    found = db.execute(_SELECT + " WHERE ticker = ?", (ticker,)).fetchone()
    return _quote(found) if found else None


_COLUMNS = (
    "ticker, publish, published_at_ms, bids, asks, last_price_cc, volume_ch, open_interest_ch, heard_at_ms,"
    " changed_at_ms, ticker_moved_at_ms, epoch, trusted, distrust, source"
)
_SELECT = f"SELECT {_COLUMNS} FROM quotes"  # noqa: S608  constant text
_REPLACE = (
    f"INSERT OR REPLACE INTO quotes ({_COLUMNS}, bid_cc, bid_ch, ask_cc, ask_ch)"  # noqa: S608  constant text
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _values(row: Row, number: int, at_ms: int) -> tuple[object, ...]:
    quote = row.quote
    bid_cc, bid_ch = quote.bids[0] if quote.bids else (None, None)
    ask_cc, ask_ch = quote.asks[0] if quote.asks else (None, None)
    return (
        quote.ticker, number, at_ms, row.bids_json, row.asks_json, quote.last_price_cc, quote.volume_ch,
        quote.open_interest_ch, quote.heard_at_ms, quote.changed_at_ms, quote.ticker_moved_at_ms, quote.epoch,
        int(quote.trusted), quote.distrust, quote.source, bid_cc, bid_ch, ask_cc, ask_ch,
    )  # fmt: skip


def _quote(row: sqlite3.Row) -> Quote:
    ticker, publish, published_at_ms, bids, asks, last_price, volume, interest, *times, trusted, distrust, source = row
    heard, changed, moved, epoch = times
    return Quote(
        ticker, publish, published_at_ms, _levels(bids), _levels(asks), last_price, volume, interest, heard, changed,
        moved, epoch, bool(trusted), distrust, source,
    )  # fmt: skip


def _levels(text: str) -> tuple[Level, ...]:
    return tuple((price, count) for price, count in json.loads(text))
