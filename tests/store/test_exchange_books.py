"""The local exchange's file: one transaction a step, append-only truth, the manners of every database here."""

import sqlite3

import pytest

from outcry.store import database, exchange_books, exchange_tables
from outcry.store.exchange_books import Rows


@pytest.fixture
def file(tmp_path):
    db = exchange_books.open_file(tmp_path / "exchange.db")
    yield db
    db.close()


def market_row() -> tuple:
    values = {"ticker": "T", "status": "active", "price_ranges": "[]", "settlement_value_cc": None}
    text = {"event_ticker", "series_ticker", "fee_type", "title", "underlying", "strike_type", "result"}
    return tuple(values.get(name, "" if name in text else 0) for name in exchange_tables.MARKET_COLUMNS)


def order_row(**changes) -> tuple:
    values = {
        "order_id": "o1", "account": "ann", "client_order_id": "c1", "ticker": "T", "side": "bid", "price_cc": 4300,
        "initial_ch": 100, "remaining_ch": 100, "time_in_force": "good_till_canceled", "self_trade": "maker",
        "status": "resting", "reason": "", "number": 1,
    } | changes  # fmt: skip
    return tuple(values.get(name, 0) for name in exchange_tables.ORDER_COLUMNS)


def fill_row(**changes) -> tuple:
    values = {"account": "ann", "trade_id": "t1", "order_id": "o1", "client_order_id": "c1", "ticker": "T"}
    values |= {"side": "bid", "price_cc": 4300, "count_ch": 10} | changes
    return tuple(values.get(name, 0) for name in exchange_tables.FILL_COLUMNS)


def settlement_row() -> tuple:
    values = {"account": "ann", "ticker": "T", "event_ticker": "E", "result": "yes"}
    return tuple(values.get(name, 0) for name in exchange_tables.SETTLEMENT_COLUMNS)


def start(file: sqlite3.Connection, **rows) -> None:
    exchange_books.save(file, Rows(accounts=[("ann", "basic", None)], markets=[market_row()], **rows))


@pytest.mark.parametrize("table", exchange_tables.TABLES, ids=lambda table: table.name)
def test_columns_are_those_of_the_tables(file, table):
    found = tuple(row["name"] for row in file.execute("SELECT name FROM pragma_table_info(?)", (table.name,)))
    assert table.columns == tuple(name for name in found if name != "id")


def test_an_acknowledged_step_is_on_the_disk(file):
    assert file.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert file.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL: each commit is fsynced


def test_a_step_is_written_whole_or_not_at_all(file):
    start(file)
    with pytest.raises(sqlite3.IntegrityError):
        exchange_books.save(file, Rows(orders=[order_row()], fills=[fill_row(count_ch=0)]))
    assert exchange_books.load(file).orders == []


def test_a_fill_is_kept_once_and_for_ever(file):
    start(file, orders=[order_row()], fills=[fill_row()])
    with pytest.raises(sqlite3.IntegrityError):
        exchange_books.save(file, Rows(fills=[fill_row()]))
    for statement in ("UPDATE fills SET count_ch = 1", "DELETE FROM fills"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            file.execute(statement)
    assert len(exchange_books.load(file).fills) == 1


def test_a_market_pays_an_account_once(file):
    start(file, settlements=[settlement_row()])
    with pytest.raises(sqlite3.IntegrityError):
        exchange_books.save(file, Rows(settlements=[settlement_row()]))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        file.execute("DELETE FROM settlements")


def test_an_order_is_updated_in_place(file):
    start(file, orders=[order_row()], fills=[fill_row()])
    exchange_books.save(file, Rows(orders=[order_row(remaining_ch=0, filled_ch=100, status="executed")]))
    (row,) = exchange_books.load(file).orders
    assert (row["status"], row["filled_ch"], row["client_order_id"]) == ("executed", 100, "c1")


def test_cash_below_zero_is_refused(file):
    with pytest.raises(sqlite3.IntegrityError):
        start(file, cash=[("ann", 0, 2, -1, 0)])


def test_notes_are_remembered(file):
    assert exchange_books.noted(file, "seed") is None
    exchange_books.note(file, "seed", "7")
    exchange_books.note(file, "seed", "8")
    assert exchange_books.noted(file, "seed") == "8"


def test_opening_again_finds_the_same(file, tmp_path):
    start(file, orders=[order_row()])
    again = exchange_books.open_file(tmp_path / "exchange.db")
    assert [row["order_id"] for row in exchange_books.load(again).orders] == ["o1"]
    assert database.pending(again, exchange_books.FOLDER) == []
    again.close()
