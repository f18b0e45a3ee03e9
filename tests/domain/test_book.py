"""The book equals its snapshot plus every change, whatever the order of changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.book import Book
from outcry.domain.errors import InvariantBroken

changes = st.lists(
    st.tuples(st.booleans(), st.sampled_from([10, 20, 5_000, 5_100, 9_990]), st.integers(-50, 80)), max_size=120
)


@given(changes)
def test_levels_and_best_follow_every_change(changes):
    book, plain = Book(), {True: {}, False: {}}
    for is_bid, price_cc, change_ch in changes:
        size_ch = plain[is_bid].get(price_cc, 0) + change_ch
        if size_ch < 0:
            with pytest.raises(InvariantBroken):
                book.apply(is_bid, price_cc, change_ch)
            return
        book.apply(is_bid, price_cc, change_ch)
        plain[is_bid][price_cc] = size_ch
        bids = {price: size for price, size in plain[True].items() if size}
        asks = {price: size for price, size in plain[False].items() if size}
        assert (book.bids, book.asks) == (bids, asks)
        assert (book.bid_cc, book.ask_cc) == (max(bids, default=None), min(asks, default=None))
        top = book.top(3)
        assert top[0] == tuple(sorted(bids.items(), reverse=True)[:3])
        assert top[1] == tuple(sorted(asks.items())[:3])
        assert book.crossed == (bool(bids) and bool(asks) and max(bids) >= min(asks))


def test_a_snapshot_replaces_everything():
    book = Book()
    book.apply(True, 4_000, 100)
    book.replace({3_900: 5}, {4_100: 7})
    assert (book.bid_cc, book.ask_cc, book.crossed) == (3_900, 4_100, False)
    book.replace({}, {})
    assert (book.bid_cc, book.ask_cc) == (None, None)
