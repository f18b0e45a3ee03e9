"""Publishes: what goes in comes out, once, to whoever has not seen it."""

import json
import sqlite3

import pytest

from outcry.domain.errors import Unavailable
from outcry.domain.view import Bar, Quote
from outcry.store import bars, database, quotes

QUOTE = Quote(
    "KXBTC15M-26NOV201215-15",
    7,
    1_000,
    bids=((4300, 1200), (4200, 50)),
    asks=((4500, 300),),
    last_price_cc=4400,
    volume_ch=99,
    open_interest_ch=12,
    heard_at_ms=990,
    changed_at_ms=980,
    ticker_moved_at_ms=970,
    epoch=3,
    trusted=True,
    distrust="",
    source="stream",
)


def test_a_quote_comes_back_as_it_went_in(db: sqlite3.Connection):
    quotes.publish(db, 7, 1_000, [quotes.row(QUOTE)])
    assert quotes.load(db, QUOTE.ticker) == QUOTE
    assert quotes.since(db, 6) == [QUOTE]
    assert quotes.last(db) == (7, 1_000)


def test_an_empty_side_is_null_for_people_who_ask_in_sql(db: sqlite3.Connection):
    quotes.publish(db, 1, 5, [quotes.row(Quote("M", 1, 5, asks=((9990, 1),), distrust="no snapshot"))])
    row = db.execute("SELECT bid_cc, bid_ch, ask_cc, ask_ch, trusted, distrust FROM quotes").fetchone()
    assert tuple(row) == (None, None, 9990, 1, 0, "no snapshot")
    assert quotes.load(db, "M").bids == ()


def test_readers_see_only_what_is_newer_than_they_saw(db: sqlite3.Connection):
    assert quotes.last(db) == (0, 0)
    quotes.publish(db, 1, 10, [quotes.row(Quote("A", 0, 0)), quotes.row(Quote("B", 0, 0))])
    quotes.publish(db, 2, 30, [quotes.row(Quote("B", 0, 0, volume_ch=5))])
    assert [(quote.ticker, quote.publish) for quote in quotes.since(db, 0)] == [("A", 1), ("B", 2)]
    (newer,) = quotes.since(db, 1)
    assert (newer.ticker, newer.volume_ch, newer.published_at_ms) == ("B", 5, 30)
    assert quotes.since(db, 2) == []
    assert db.execute("SELECT count(*) FROM quotes").fetchone()[0] == 2


def test_a_new_life_takes_back_what_the_last_one_trusted(db: sqlite3.Connection):
    quotes.publish(db, 7, 1_000, [quotes.row(QUOTE), quotes.row(Quote("B", 0, 0, distrust="crossed"))])
    quotes.distrust(db, 8, 2_000, "collector restarts")
    (taken_back,) = quotes.since(db, 7)
    assert (taken_back.ticker, taken_back.trusted, taken_back.distrust) == (QUOTE.ticker, False, "collector restarts")
    assert quotes.load(db, "B").distrust == "crossed"
    assert quotes.last(db) == (8, 2_000)


def test_quotes_and_bars_of_a_publish_appear_together(db: sqlite3.Connection):
    bar = Bar("BTC-USD", 5_000, 1, 4, 1, 2, source="exchange")
    quotes.publish(db, 1, 10, [quotes.row(QUOTE)], [bar])
    assert bars.since(db, 0) == [bar]
    assert json.loads(db.execute("SELECT bids FROM quotes").fetchone()[0]) == [[4300, 1200], [4200, 50]]


def test_a_locked_database_refuses_a_publish_whole(tmp_path):
    file = tmp_path / "kalshi.db"
    ours, stranger = database.connect(file, timeout_ms=10), database.connect(file)
    database.migrate(ours)
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        quotes.publish(ours, 1, 10, [quotes.row(QUOTE)])
    stranger.execute("ROLLBACK")
    assert quotes.last(ours) == (0, 0)
    quotes.publish(ours, 1, 10, [quotes.row(QUOTE)])
    assert quotes.last(ours) == (1, 10)
    ours.close()
    stranger.close()
