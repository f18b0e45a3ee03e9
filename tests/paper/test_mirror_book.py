"""Prints are told before the changes they explain, however the book is seen; what is told adds up to what was seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.book import Book
from outcry.domain.errors import InvariantBroken
from outcry.domain.order import Side
from outcry.paper.events import BookChange, BookSet, Print
from outcry.paper.mirror.book import HOLD_MS, MirroredBook
from outcry.venue.wire import PublicTrade

TICKER = "KXBTC15M-26NOV201215-15"


def trade(price_cc, count_ch, side=Side.ASK, at_ms=1_000, name=None):
    return PublicTrade(name or f"t{price_cc}-{count_ch}-{at_ms}", TICKER, price_cc, count_ch, side, at_ms, False)


def shown(bids, asks, at_ms=1_000):
    """A book that was seen whole and is told."""
    book = MirroredBook(TICKER)
    assert book.whole(bids, asks, at_ms, at_ms) == []
    assert book.show(at_ms) == BookSet(TICKER, bids, asks, at_ms)
    return book


def moves(events):
    """Changes as (side, price, change), prints as (price, count, taker)."""
    return [
        (event.side.value, event.price_cc, event.change_ch)
        if isinstance(event, BookChange)
        else (event.price_cc, event.count_ch, event.taker_side)
        for event in events
    ]


# ---- seen whole ------------------------------------------------------------------------------------------------------


def test_two_books_differ_by_decreases_then_increases():
    book = shown({4_000: 500, 3_900: 100}, {4_200: 300})
    events = book.whole({4_100: 50, 4_000: 200}, {4_200: 300, 4_300: 7}, 2_000, 2_000)
    assert moves(events) == [("bid", 3_900, -100), ("bid", 4_000, -300), ("bid", 4_100, 50), ("ask", 4_300, 7)]


def test_prints_wait_for_the_first_book_after_them_and_come_before_its_changes():
    book = shown({4_000: 500}, {4_200: 300})
    assert book.printed(trade(4_000, 200, at_ms=1_500), Side.ASK, 1_900, polled=True) == []
    assert book.printed(trade(4_000, 50, at_ms=2_500), Side.ASK, 2_600, polled=True) == []
    events = book.whole({4_000: 300}, {4_200: 300}, 2_000, 2_700)
    assert moves(events) == [(4_000, 200, Side.ASK), ("bid", 4_000, -200)]
    assert moves(book.whole({4_000: 250}, {4_200: 300}, 3_000, 3_000)) == [
        (4_000, 50, Side.ASK),
        ("bid", 4_000, -50),
    ]


def test_what_prints_took_and_others_refilled_is_told_as_both():
    book = shown({4_000: 500}, {4_200: 300})
    book.printed(trade(4_200, 250, Side.BID, 1_500), Side.BID, 1_900, polled=True)
    events = book.whole({4_000: 500}, {4_200: 280}, 2_000, 2_000)
    assert moves(events) == [(4_200, 250, Side.BID), ("ask", 4_200, -250), ("ask", 4_200, 230)]


def test_prints_take_no_more_than_was_there():
    book = shown({4_000: 500}, {})
    book.printed(trade(4_000, 800, at_ms=1_500), Side.ASK, 1_900, polled=True)
    assert moves(book.whole({4_000: 30}, {}, 2_000, 2_000)) == [
        (4_000, 800, Side.ASK),
        ("bid", 4_000, -500),
        ("bid", 4_000, 30),
    ]


def test_a_print_whose_change_was_told_already_fills_nobody():
    book = shown({4_000: 500}, {4_200: 300}, at_ms=2_000)
    events = book.printed(trade(4_000, 200, at_ms=1_999), Side.ASK, 2_100, polled=True)
    assert moves(events) == [(4_000, 200, None)]


def test_no_print_is_told_twice():
    book = shown({4_000: 500}, {})
    one = trade(4_000, 200, at_ms=1_500)
    book.printed(one, Side.ASK, 1_600, polled=True)
    assert book.printed(one, Side.ASK, 1_700, polled=True) == []
    assert [type(event) for event in book.whole({4_000: 300}, {}, 2_000, 2_000)] == [Print, BookChange]
    assert book.printed(one, Side.ASK, 2_100, polled=True) == []


def test_a_hidden_book_tells_prints_without_their_taker_and_no_changes():
    book = shown({4_000: 500}, {})
    book.printed(trade(4_000, 200, at_ms=1_500), Side.ASK, 1_600, polled=True)
    assert moves(book.hide(1_700)) == [(4_000, 200, None)]
    assert moves(book.printed(trade(4_000, 9, at_ms=1_800), Side.ASK, 1_900, polled=True)) == [(4_000, 9, None)]
    assert book.whole({3_000: 1}, {}, 2_000, 2_000) == []
    assert book.show(2_000) == BookSet(TICKER, {3_000: 1}, {}, 2_000)


# ---- seen change by change -------------------------------------------------------------------------------------------


def test_a_decrease_at_the_best_price_waits_for_its_print():
    book = shown({4_000: 500}, {4_200: 300})
    assert book.change(True, 4_000, -200, 2_000) == []
    events = book.printed(trade(4_000, 200, at_ms=2_001), Side.ASK, 2_005, polled=False)
    assert moves(events) == [(4_000, 200, Side.ASK), ("bid", 4_000, -200)]


def test_a_decrease_without_a_print_is_told_after_a_moment_and_so_is_what_follows_it():
    book = shown({4_000: 500}, {4_200: 300})
    assert book.change(True, 4_000, -200, 2_000) == []
    assert book.change(True, 3_900, 10, 2_001) == []
    assert book.due(2_000 + HOLD_MS - 1) == []
    assert moves(book.due(2_000 + HOLD_MS)) == [("bid", 4_000, -200), ("bid", 3_900, 10)]


def test_a_print_that_came_first_lets_its_decrease_pass():
    book = shown({4_000: 500}, {4_200: 300})
    assert moves(book.printed(trade(4_200, 300, Side.BID), Side.BID, 2_000, polled=False)) == [(4_200, 300, Side.BID)]
    assert moves(book.change(False, 4_200, -200, 2_001)) == [("ask", 4_200, -200)]
    assert moves(book.change(False, 4_200, -100, 2_002)) == [("ask", 4_200, -100)]
    assert book.change(True, 4_000, -100, 2_003) == [], "the print took nothing on the other side"


def test_increases_and_decreases_behind_the_touch_pass_at_once():
    book = shown({4_000: 500, 3_900: 100}, {4_200: 300})
    assert moves(book.change(True, 3_900, -100, 2_000)) == [("bid", 3_900, -100)]
    assert moves(book.change(True, 4_100, 5, 2_001)) == [("bid", 4_100, 5)]


def test_a_sweep_is_told_print_by_print():
    book = shown({}, {4_200: 300, 4_300: 200})
    assert book.change(False, 4_200, -300, 2_000) == []
    assert book.change(False, 4_300, -50, 2_000) == []
    first = book.printed(trade(4_200, 300, Side.BID), Side.BID, 2_001, polled=False)
    second = book.printed(trade(4_300, 50, Side.BID), Side.BID, 2_001, polled=False)
    assert moves(first + second) == [
        (4_200, 300, Side.BID),
        ("ask", 4_200, -300),
        (4_300, 50, Side.BID),
        ("ask", 4_300, -50),
    ]


def test_a_change_that_cannot_be_says_so():
    book = shown({4_000: 500}, {})
    with pytest.raises(InvariantBroken):
        book.change(True, 4_000, -501, 2_000)


# ---- properties ------------------------------------------------------------------------------------------------------

prices = st.integers(1, 12).map(lambda number: number * 800)
sides = st.dictionaries(prices, st.integers(1, 900), max_size=6)


@given(st.lists(st.tuples(sides, sides, st.lists(st.tuples(prices, st.integers(1, 900), st.booleans()), max_size=3))))
def test_whole_books_add_up_to_what_was_seen_and_nothing_falls_below_zero(seen):
    book, told, at_ms = shown({}, {}), Book(), 1_000
    for number, (bids, asks, prints) in enumerate(seen):
        at_ms += 1_000
        for price, count, buys in prints:
            side = Side.BID if buys else Side.ASK
            early = trade(price, count, side, at_ms - 500, f"{number}-{price}-{count}-{buys}")
            assert book.printed(early, side, at_ms, polled=True) == []
        for event in book.whole(bids, asks, at_ms, at_ms):
            if isinstance(event, BookChange):
                told.apply(event.side is Side.BID, event.price_cc, event.change_ch)
        assert (told.bids, told.asks) == (bids, asks)


@given(
    st.lists(st.tuples(st.booleans(), prices, st.integers(-900, 900), st.booleans(), st.integers(0, 30)), max_size=40)
)
def test_changes_are_all_told_in_their_order_and_none_waits_longer_than_the_moment(steps):
    book, seen, told, at_ms, held = shown({}, {}), Book(), Book(), 1_000, []
    for is_bid, price, wish, printed, later_ms in steps:
        at_ms += later_ms
        change = max(wish, -(seen.bids if is_bid else seen.asks).get(price, 0))
        if not change:
            continue
        events = book.due(at_ms)
        if printed and change < 0:
            side = Side.ASK if is_bid else Side.BID
            events += book.printed(trade(price, -change, side, at_ms, f"{at_ms}-{price}"), side, at_ms, polled=False)
        seen.apply(is_bid, price, change)
        held.append((is_bid, price, change, at_ms))
        events += book.change(is_bid, price, change, at_ms)
        for event in events:
            if isinstance(event, BookChange):
                oldest = held.pop(0)
                assert oldest[:3] == (event.side is Side.BID, event.price_cc, event.change_ch)
                told.apply(event.side is Side.BID, event.price_cc, event.change_ch)
        assert all(since_ms + HOLD_MS > at_ms for *_rest, since_ms in held)
    for event in book.release(at_ms):
        told.apply(event.side is Side.BID, event.price_cc, event.change_ch)
    assert (told.bids, told.asks) == (seen.bids, seen.asks)
