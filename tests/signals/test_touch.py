import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.order import Side
from outcry.domain.view import OwnOrder, Quote, Touch
from outcry.signals.touch import (
    Pressure,
    imbalance,
    microprice_cc,
    middle_cc,
    middle_moves_cc,
    pressure,
    pushed_ch,
    touch_of,
    without,
)

BOOK = Quote("T", 1, 0, bids=((4_000, 300), (3_900, 500)), asks=((4_200, 100),))
BEFORE = Touch(0, 4_000, 300, 4_200, 100)
sides = st.tuples(st.none() | st.integers(1, 9_999), st.integers(1, 500))


def touch(bid, ask):
    return Touch(0, bid[0], bid[1] if bid[0] else 0, ask[0], ask[1] if ask[0] else 0)


def test_the_middle_the_microprice_and_the_lean():
    assert (middle_cc(BOOK), microprice_cc(BOOK), imbalance(BOOK)) == (4_100, 4_150, 0.5)
    for half in (Quote("T", 1, 0, bids=BOOK.bids), Quote("T", 1, 0, asks=BOOK.asks), Quote("T", 1, 0)):
        assert (middle_cc(half), microprice_cc(half), imbalance(half)) == (None, None, None)


@pytest.mark.parametrize(
    ("after", "pushed"),
    [
        (BEFORE, 0),
        (Touch(1, 4_000, 500, 4_200, 100), 200),  # more to buy
        (Touch(1, 4_000, 300, 4_200, 150), -50),  # more to sell
        (Touch(1, 4_100, 70, 4_200, 100), 70),  # a better bid, whole
        (Touch(1, 3_900, 900, 4_200, 100), -300),  # the best bid is gone
        (Touch(1, 4_000, 300, 4_300, 900), 100),  # the best ask was taken
        (Touch(1, None, 0, 4_200, 100), -300),
        (Touch(1, 4_000, 300, None, 0), 100),
    ],
)
def test_what_pushes(after, pushed):
    assert pushed_ch(BEFORE, after) == pushed


@given(sides, sides, sides, sides)
def test_turning_the_market_round_turns_the_push_round(bid_0, ask_0, bid_1, ask_1):
    """NO is YES upside down: its bid is a dollar less the ask."""

    def turned(side):
        return (None if side[0] is None else 10_000 - side[0], side[1])

    there, back = touch(bid_0, ask_0), touch(bid_1, ask_1)
    assert pushed_ch(there, back) == -pushed_ch(
        touch(turned(ask_0), turned(bid_0)), touch(turned(ask_1), turned(bid_1))
    )


def test_pressure_is_the_push_of_the_window_beside_its_depth():
    history = (BEFORE, Touch(5_000, 4_000, 500, 4_200, 100, 200), Touch(8_000, 4_100, 100, 4_200, 100, 100))
    assert pressure(history, 10_000, 6_000) == Pressure(300, 200.0)
    assert pressure(history, 10_000, 4_000) == Pressure(100, 100.0)
    assert pressure(history, 30_000, 4_000) == Pressure(0, 100.0), "a book that stands still is not pushed"
    assert pressure(history, 10_000, 10_001) is None and pressure((), 10_000, 1) is None
    assert Pressure(300, 200.0).ratio == 1.5 and Pressure(5, 0).ratio == 0


def test_moves_of_the_middle():
    history = (
        BEFORE,
        Touch(1_000, 4_000, 1, None, 0),
        Touch(2_000, 4_100, 1, 4_300, 1),
        Touch(3_000, 4_100, 1, 4_200, 1),
    )
    assert middle_moves_cc(history, 4_000, 5_000) == [100, -50]
    assert middle_moves_cc(history, 4_000, 1_500) == []


def test_own_orders_are_taken_out_of_a_book():
    own = (OwnOrder(Side.BID, 4_000, 100), OwnOrder(Side.BID, 4_000, 200), OwnOrder(Side.ASK, 4_200, 40))
    left = without(BOOK, own)
    assert (left.bids, left.asks) == (((3_900, 500),), ((4_200, 60),))
    assert without(BOOK, ()) is BOOK
    assert touch_of(left, 5_999) == Touch(5_000, 3_900, 500, 4_200, 60)
