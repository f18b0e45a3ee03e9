"""Publishes: numbered on from the last life, complete or not at all, a long past in small steps."""

import sqlite3
from itertools import pairwise

import pytest

from outcry.desk.collecting.books import Books
from outcry.desk.collecting.publisher import Publisher
from outcry.desk.collecting.showing import HISTORY_ROWS
from outcry.domain.errors import Unavailable
from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.view import Bar, Quote
from outcry.signals.second_bars import SecondBars
from outcry.store import bars, database, quotes
from outcry.venue.messages import Snapshot

A = Market("A", "E", "S", 2, Status.ACTIVE, 0, 1 << 43, (PriceRange(0, 10_000, 100),))


def followed() -> Books:
    books = Books()
    books.follow([A])
    books.connected(1, 1_000)
    books.take([Snapshot(3, 1, "A", {4300: 100}, {4500: 100})], 1_000)
    return books


def test_numbers_go_on_and_the_first_publish_takes_back_what_was_trusted(db: sqlite3.Connection):
    quotes.publish(db, 41, 500, [quotes.row(Quote("OLD", 0, 0, trusted=True))])
    publisher = Publisher(db, followed(), SecondBars(), None)
    assert publisher.publish(1_000)
    assert publisher.number == 43
    assert (quotes.load(db, "OLD").trusted, quotes.load(db, "OLD").publish) == (False, 42)
    assert (quotes.load(db, "A").trusted, quotes.load(db, "A").publish) == (True, 43)
    assert not publisher.publish(1_020)
    assert quotes.last(db) == (43, 1_000)


def test_bars_go_out_once_their_second_is_over(db: sqlite3.Connection):
    made = SecondBars()
    publisher = Publisher(db, followed(), made, None)
    made.add("A", "exchange", 4400, 1_500, 100, None)
    publisher.publish(1_900)
    assert bars.since(db, 0) == []
    assert publisher.publish(2_000)
    assert not publisher.publish(2_020)
    assert [bar.at_ms for bar in bars.since(db, 0)] == [1_000]


def test_a_long_past_goes_out_in_small_steps(db: sqlite3.Connection):
    publisher = Publisher(db, Books(), SecondBars(), None)
    past = [Bar("BTC-USD", at * 1_000, 1, 1, 1, 1, source="coinbase") for at in range(1_000)]
    publisher.history(past)
    counts = [0]
    while publisher.publish(5_000_000):
        counts.append(len(bars.since(db, 0)))
    assert counts[-1] == 1_000
    assert max(after - before for before, after in pairwise(counts)) == HISTORY_ROWS


def test_what_a_locked_database_refused_is_published_later(tmp_path):
    file = tmp_path / "kalshi.db"
    ours, stranger = database.connect(file, timeout_ms=10), database.connect(file)
    database.migrate(ours)
    made = SecondBars()
    made.add("A", "exchange", 4400, 500, 100, None)
    publisher = Publisher(ours, followed(), made, None)
    publisher.history([Bar("BTC-USD", 1_000, 1, 1, 1, 1, source="coinbase")])
    stranger.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        with pytest.raises(Unavailable):
            publisher.publish(2_000)
    stranger.execute("ROLLBACK")
    publisher.publish(3_000)
    assert {bar.symbol for bar in bars.since(ours, 0)} == {"A", "BTC-USD"}
    assert quotes.load(ours, "A").trusted
    assert quotes.last(ours).number == publisher.number
    ours.close()
    stranger.close()
