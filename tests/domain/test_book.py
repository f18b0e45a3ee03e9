"""The book equals its snapshot plus every change, whatever the order of changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.book import Book
from outcry.domain.errors import InvariantBroken

PRICES = [10, 20, 5_000, 5_100, 9_990]
changes = st.lists(
    st.tuples(st.booleans(), st.sampled_from(PRICES), st.sampled_from(["empty", "one less", 1, 40, 80])), max_size=60
)


@given(changes)
def test_levels_and_best_follow_every_change(changes):
    book, plain = Book(), {True: {}, False: {}}
    for is_bid, price_cc, change in changes:
        old_ch = plain[is_bid].get(price_cc, 0)
        change_ch = {"empty": -old_ch, "one less": min(1, old_ch) * -1}.get(change, change)
        book.apply(is_bid, price_cc, change_ch)
        plain[is_bid][price_cc] = old_ch + change_ch
        bids = {price: size for price, size in plain[True].items() if size}
        asks = {price: size for price, size in plain[False].items() if size}
        assert (book.bids, book.asks) == (bids, asks)
        assert (book.bid_cc, book.ask_cc) == (max(bids, default=None), min(asks, default=None))
        top = book.top(3)
        assert top[0] == tuple(sorted(bids.items(), reverse=True)[:3])
        assert top[1] == tuple(sorted(asks.items())[:3])
        assert book.crossed == (bool(bids) and bool(asks) and max(bids) >= min(asks))


def test_a_level_that_empties_hands_over_to_the_next_best():
    book = Book()
    for is_bid, price_cc in ((True, 4_000), (True, 3_900), (False, 4_200), (False, 4_300)):
        book.apply(is_bid, price_cc, 1)
    book.apply(True, 3_900, -1)
    book.apply(False, 4_300, -1)
    assert (book.bids, book.asks, book.bid_cc, book.ask_cc) == ({4_000: 1}, {4_200: 1}, 4_000, 4_200)
    book.apply(True, 3_800, 5)
    book.apply(False, 4_400, 5)
    book.apply(True, 4_000, -1)
    book.apply(False, 4_200, -1)
    assert (book.bid_cc, book.ask_cc) == (3_800, 4_400)
    book.apply(True, 3_800, -5)
    book.apply(False, 4_400, -5)
    assert (book.bids, book.asks, book.bid_cc, book.ask_cc) == ({}, {}, None, None)
    book.apply(True, 3_000, 0)
    assert book.bids == {}, "nothing of nothing leaves nothing"


@pytest.mark.parametrize(("is_bid", "side"), [(True, "bid"), (False, "ask")])
def test_a_level_below_zero_means_that_something_was_missed(is_bid, side):
    book = Book()
    book.apply(is_bid, 4_000, 5)
    with pytest.raises(InvariantBroken, match=f"^{side} level 4000 would hold -1 hundredths of a contract$"):
        book.apply(is_bid, 4_000, -6)
    assert book.top() == ((((4_000, 5),), ()) if is_bid else ((), ((4_000, 5),))), "as it was"


def test_the_ten_best_levels_are_shown_unless_told_otherwise():
    book = Book()
    book.replace(dict.fromkeys(range(100, 1300, 100), 1), {})
    assert [price for price, _ in book.top()[0]] == list(range(1_200, 200, -100))


def test_a_snapshot_replaces_everything():
    book = Book()
    book.apply(True, 4_000, 100)
    book.replace({3_900: 5}, {4_100: 7})
    assert (book.bid_cc, book.ask_cc, book.crossed) == (3_900, 4_100, False)
    book.replace({}, {})
    assert (book.bid_cc, book.ask_cc) == (None, None)
