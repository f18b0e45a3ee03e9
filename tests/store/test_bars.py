"""Bars: one a second, replaced when a late print changes them, the exchange's own before any other source's."""

import sqlite3

from outcry.domain.view import Bar
from outcry.store import bars


def bar(at_ms: int, close: int, source: str = "exchange", symbol: str = "BTC-USD") -> Bar:
    return Bar(symbol, at_ms, close, close, close, close, source=source)


def test_a_late_print_replaces_its_second_and_is_published_again(db: sqlite3.Connection):
    first = Bar("M", 1_000, 4300, 4300, 4300, 4300, 100, 100, 0, 1, "exchange")
    late = Bar("M", 1_000, 4300, 4400, 4300, 4400, 150, 100, 50, 2, "exchange")
    bars.write(db, 1, [first])
    bars.write(db, 2, [late])
    assert bars.since(db, 1) == [late]
    assert bars.history(db, "M", 0, 2_000) == [late]


def test_history_is_half_open_and_of_one_symbol(db: sqlite3.Connection):
    bars.write(db, 1, [bar(at_ms, at_ms) for at_ms in (3_000, 1_000, 2_000)] + [bar(2_000, 9, symbol="ETH-USD")])
    assert [found.at_ms for found in bars.history(db, "BTC-USD", 1_000, 3_000)] == [1_000, 2_000]
    assert bars.newest_ms(db, "BTC-USD") == 3_000
    assert bars.newest_ms(db, "SOL-USD") is None


def test_the_exchanges_own_index_wins_where_both_are_there(db: sqlite3.Connection):
    bars.write(db, 1, [bar(1_000, 10, "coinbase"), bar(2_000, 20, "coinbase"), bar(2_000, 21), bar(3_000, 31)])
    assert [found.close for found in bars.history(db, "BTC-USD", 0, 9_000)] == [10, 21, 31]
    assert [found.close for found in bars.since(db, 0, ["BTC-USD"])] == [10, 21, 31]
    assert bars.since(db, 0, ["ETH-USD"]) == []
    bars.write(db, 2, [bar(3_000, 32, "coinbase")])
    assert [found.close for found in bars.history(db, "BTC-USD", 0, 9_000)] == [10, 21, 31]


def test_pruning_forgets_the_old_in_small_steps(db: sqlite3.Connection):
    bars.write(db, 1, [bar(at_ms * 1000, 1) for at_ms in range(10)])
    assert bars.prune(db, 6_000, limit=4) == 4
    assert bars.prune(db, 6_000, limit=4) == 2
    assert bars.prune(db, 6_000, limit=4) == 0
    assert [found.at_ms for found in bars.history(db, "BTC-USD", 0, 99_000)] == [6_000, 7_000, 8_000, 9_000]
