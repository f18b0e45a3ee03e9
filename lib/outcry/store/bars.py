"""One-second bars: of an index (micro-dollars) or of a market's public prints (centicents).

A bar belongs to the publish that last carried it: a late print changes the bar of its second, which is then published
again. Index bars may come from several sources; readers get one bar a second, the exchange's own where there is one.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from outcry.domain.view import Bar
from outcry.store.database import quick

EXCHANGE = "exchange"  # source of index values on the exchange's stream, and of prints; preferred over all others

PRUNE_ROWS = 500

_COLUMNS = "symbol, at_ms, open, high, low, close, volume_ch, buy_ch, sell_ch, trades, source"
_SELECT = f"SELECT {_COLUMNS} FROM bars"  # noqa: S608  constant text


def write(db: sqlite3.Connection, publish: int, bars: Iterable[Bar]) -> None:
    """Put bars, each replacing the one of its symbol, second and source. Inside the caller's transaction."""
    db.executemany(
        f"INSERT OR REPLACE INTO bars ({_COLUMNS}, publish) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        [
            (
                bar.symbol, bar.at_ms, bar.open, bar.high, bar.low, bar.close, bar.volume_ch, bar.buy_ch, bar.sell_ch,
                bar.trades, bar.source, publish,
            )
            for bar in bars
        ],
    )  # fmt: skip


def since(db: sqlite3.Connection, publish: int, symbols: Sequence[str] = ()) -> list[Bar]:
    """Bars published after a publish number, oldest second first; of some symbols, or of all.

    A bar already seen may come again, changed by a late print: it replaces the one of its symbol and second.
    """
    rows = db.execute(_SELECT + " WHERE publish > ? ORDER BY at_ms, symbol", (publish,))
    wanted = frozenset(symbols)
    return one_a_second(Bar(*row) for row in rows if not wanted or row[0] in wanted)


def history(db: sqlite3.Connection, symbol: str, from_ms: int, to_ms: int) -> list[Bar]:
    """Bars of one symbol whose second begins in [from_ms, to_ms), oldest first."""
    rows = db.execute(
        _SELECT + " WHERE symbol = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms", (symbol, from_ms, to_ms)
    )
    return one_a_second(Bar(*row) for row in rows)


def newest_ms(db: sqlite3.Connection, symbol: str) -> int | None:
    """The second of a symbol's newest bar."""
    found: int | None = db.execute("SELECT max(at_ms) FROM bars WHERE symbol = ?", (symbol,)).fetchone()[0]
    return found


def prune(db: sqlite3.Connection, before_ms: int, limit: int = PRUNE_ROWS) -> int:
    """Forget at most `limit` bars older than a time; says how many went. The tape keeps what they were made of."""
    with quick(db):
        return db.execute(
            "DELETE FROM bars WHERE (symbol, at_ms, source) IN"
            " (SELECT symbol, at_ms, source FROM bars WHERE at_ms < ? LIMIT ?)",
            (before_ms, limit),
        ).rowcount


def one_a_second(bars: Iterable[Bar]) -> list[Bar]:
    """What readers get where several sources tell of the same second."""
    best: dict[tuple[str, int], Bar] = {}
    for bar in bars:
        key = (bar.symbol, bar.at_ms)
        if key not in best or bar.source == EXCHANGE:
            best[key] = bar
    return list(best.values())
