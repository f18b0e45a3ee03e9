import pytest

from outcry.domain.order import Side
from outcry.strategies.favorite import Favorite


def book(bid_cc, ask_cc):
    return {"quote__bids": ((bid_cc, 10_000),), "quote__asks": ((ask_cc, 10_000),)}


@pytest.mark.parametrize(
    ("bid_cc", "ask_cc", "side", "limit_cc"),
    [(8_900, 9_000, Side.BID, 9_000), (7_900, 8_000, Side.BID, 8_000), (1_000, 1_100, Side.ASK, 1_000)],
)
def test_buys_the_favourite_of_either_side(made, bid_cc, ask_cc, side, limit_cc):
    intent = Favorite().decide(made.view(**book(bid_cc, ask_cc)))
    assert (intent.side, intent.limit_cc, intent.probability) == (side, limit_cc, None)
    assert (intent.stop_loss_millionths, intent.hold_ms) == (500_000, None)


@pytest.mark.parametrize(("bid_cc", "ask_cc"), [(5_900, 6_000), (9_500, 9_600), (400, 500), (7_800, 7_900)])
def test_leaves_other_prices_alone(made, bid_cc, ask_cc):
    assert Favorite().decide(made.view(**book(bid_cc, ask_cc))) == "no favourite at such a price"


def test_waits_until_the_end_is_near(made):
    early = made.view(**book(8_900, 9_000), market__close_at_ms=made.now_ms + 300_001)
    assert Favorite().decide(early) == "too early to tell a favourite"
    late = made.view(**book(8_900, 9_000), time_factor=15.0)
    assert Favorite().decide(late) == "too early to tell a favourite", "300 s are 20 s on a floor that lives faster"


def test_needs_a_two_sided_book_and_no_position_yet(made):
    assert Favorite().decide(made.view(quote__bids=())) == "the book has one side or none"
    assert Favorite().decide(made.view(position_ch=1)) == "already holds a position here"
