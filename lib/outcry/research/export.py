"""A day of tape as Parquet, in folders that DuckDB, Polars, Spark, Dask and pandas read as one table a kind.

    OUT/deltas/day=2026-11-20/part-0.parquet        likewise snapshots, tickers, prints, index, settlements, markets

Every table has `session` and `arrival`, which order everything, `heard_at` (UTC), and `ticker` or `name`
as text. Prices stay integers of $0.0001 (`_cc`), counts of 0.01 contract (`_ch`), money of $0.000001 (`_micros`); what
is unknown is null. A day that is exported again replaces its own files.
"""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from outcry.domain.errors import Misconfigured, Unavailable
from outcry.research.tape import Bar, Day, More, Session, no_bar, rows_of
from outcry.store.tape_reader import Table
from outcry.store.tape_rows import NO_LAG, UNKNOWN

if TYPE_CHECKING:
    import pyarrow

    Batches = Iterator[pyarrow.Table]

_MAY_LACK = {"last_cc", "bid_cc", "ask_cc", "bid_ch", "ask_ch", "volume_ch", "open_interest_ch", "settle_micros"}
_NARROW = {"signed_price_cc": "int16", "price_cc": "int16", "last_cc": "int16", "bid_cc": "int16", "ask_cc": "int16",
           "lag_ms": "int32", "epoch": "int32", "sid": "int32"}  # fmt: skip
_TAKER = {1: "yes", -1: "no", 0: None}


def export(day: Day, out: Path, bar: Bar = no_bar) -> dict[str, int]:
    """Write a day; returns rows by table.

    raises  Misconfigured without pyarrow; Unavailable when the disk refuses
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise Misconfigured("Parquet needs pyarrow", f"{sys.prefix}/bin/pip install pyarrow")
    written = {}
    with bar(f"exporting {day.name}", rows_of(day)) as more:
        for name, batches in _TABLES.items():
            folder = out / name / f"day={day.name}"
            draft = folder.with_name(f".{folder.name}.draft")
            try:
                shutil.rmtree(draft, ignore_errors=True)
                rows = _write(draft, (batch for session in day.sessions for batch in batches(session)), more)
                shutil.rmtree(folder, ignore_errors=True)
                if rows:
                    draft.rename(folder)
            except OSError as error:
                raise Unavailable(f"cannot write {folder}: {error}") from error
            written[name] = rows
    return written


def _write(folder: Path, batches: "Batches", more: More) -> int:
    """All batches into one file; no folder without any."""
    import pyarrow.parquet

    writer, rows = None, 0
    try:
        for batch in batches:
            if writer is None:
                folder.mkdir(parents=True)
                writer = pyarrow.parquet.ParquetWriter(folder / "part-0.parquet", batch.schema, compression="zstd")
            writer.write_table(batch)
            rows += len(batch)
            more(len(batch))
    finally:
        if writer is not None:
            writer.close()
    return rows


def _rows(kind: str) -> Callable[[Session], "Batches"]:
    """The tables of a kind of rows."""

    def batches(session: Session) -> "Batches":
        for table in session.tables(kind):
            yield _batch(session, table)

    return batches


def _batch(session: Session, table: Table) -> "pyarrow.Table":
    import pyarrow

    size = len(table)
    columns: dict[str, Any] = {"session": pyarrow.array([session.number] * size, "int32")}
    for name, values in zip(table.names, table.columns(), strict=True):
        if name == "at_ms":
            columns["heard_at"] = pyarrow.array(list(values), pyarrow.timestamp("ms", "UTC"))
        elif name == "value_at_ms":
            columns["value_at"] = pyarrow.array(list(values), pyarrow.timestamp("ms", "UTC"))
        elif name == "symbol":
            label = "name" if table.kind == "index" else "ticker"
            columns[label] = _texts([session.names[symbol] for symbol in values])
        elif name == "inferred":
            columns[name] = pyarrow.array([value == 1 for value in values])
        elif name == "taker":
            columns[name] = _texts([_TAKER[value] for value in values])
        else:
            lacking = NO_LAG if name == "lag_ms" else UNKNOWN if name in _MAY_LACK else None
            known = list(values) if lacking is None else [None if value == lacking else value for value in values]
            columns[name] = pyarrow.array(known, _NARROW.get(name, "int64"))
    if table.kind == "delta":
        columns["side"] = _texts(["bid" if price > 0 else "ask" for price in table.column("signed_price_cc")])
        columns["price_cc"] = pyarrow.array([abs(price) for price in table.column("signed_price_cc")], "int16")
        del columns["signed_price_cc"]
    if table.kind == "print":
        columns["trade_id"] = pyarrow.array([line or None for line in table.ids] or [None] * size, "string")
    return pyarrow.table(columns)


def _texts(values: "list[str] | list[str | None]") -> "pyarrow.Array":
    import pyarrow

    return pyarrow.array(values, "string").dictionary_encode()


def _levels(session: Session) -> "Batches":
    """Whole books, a row a level; the empty ones have none."""
    for it in session.snapshots():
        sides = (("bid", it.bids), ("ask", it.asks))
        levels = [
            {"side": side, "price_cc": price, "count_ch": size} for side, held in sides for price, size in held.items()
        ]
        head = {
            "session": it.session,
            "arrival": it.arrival,
            "heard_at": it.at_ms,
            "epoch": it.epoch,
            "ticker": it.ticker,
        }
        if levels:
            yield _records([head | level for level in levels], _LEVEL)


def _settlements(session: Session) -> "Batches":
    rows = [it._asdict() | {"session": session.number, "heard_at": it.at_ms} for it in session.settlements()]
    if rows:
        yield _records(rows, _SETTLEMENT)


def _markets(session: Session) -> "Batches":
    """What was known of each market, a row each time that it changed."""
    rows = [
        {"session": session.number, "arrival": arrival, "heard_at": at_ms}
        | msgspec.to_builtins(market)
        | {"open_at": market.open_at_ms, "close_at": market.close_at_ms}
        for arrival, at_ms, market in session.markets()
    ]
    if rows:
        yield _records(rows, _MARKET)


_PLACE = {"session": "int32", "arrival": "int64", "heard_at": "time"}
_LEVEL = _PLACE | {"epoch": "int32", "ticker": "text", "side": "text", "price_cc": "int16", "count_ch": "int64"}
_SETTLEMENT = _PLACE | {"ticker": "text", "result": "text", "value_cc": "int16", "expiration_micros": "int64",
                        "source": "text"}  # fmt: skip
_MARKET = _PLACE | {
    "ticker": "text", "event_ticker": "text", "series_ticker": "text", "status": "text", "open_at": "time",
    "close_at": "time", "underlying": "text", "strike_type": "text", "strike_micros": "int64", "result": "text",
    "settlement_value_cc": "int16", "title": "text",
}  # fmt: skip


def _records(rows: Iterable[dict[str, Any]], columns: dict[str, str]) -> "pyarrow.Table":
    import pyarrow

    special = {"time": pyarrow.timestamp("ms", "UTC"), "text": pyarrow.string()}
    fields = [(name, special.get(kind) or pyarrow.type_for_alias(kind)) for name, kind in columns.items()]
    return pyarrow.Table.from_pylist(list(rows), pyarrow.schema(fields))


_TABLES: dict[str, Callable[[Session], "Batches"]] = {
    "deltas": _rows("delta"),
    "tickers": _rows("ticker"),
    "prints": _rows("print"),
    "index": _rows("index"),
    "snapshots": _levels,
    "settlements": _settlements,
    "markets": _markets,
}
