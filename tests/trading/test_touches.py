from outcry.domain.view import Quote, Touch
from outcry.trading.touches import Touches


def quote(bid_ch=300, trusted=True, bid_cc=4_000):
    return Quote("T", 1, 0, bids=((bid_cc, bid_ch),), asks=((4_200, 100),), trusted=trusted)


def test_seconds_with_changes_are_kept_and_their_pushes_added():
    kept = Touches(60_000)
    for at_ms, bid_ch in ((500, 300), (1_200, 400), (1_900, 350), (2_100, 350), (5_000, 500)):
        kept.hear(quote(bid_ch), at_ms)
    assert kept.until("T", 6_000) == (
        Touch(0, 4_000, 300, 4_200, 100),
        Touch(1_000, 4_000, 350, 4_200, 100, 50),
        Touch(5_000, 4_000, 500, 4_200, 100, 150),
    )
    assert kept.until("OTHER", 6_000) == ()


def test_what_was_before_a_book_nobody_trusted_is_not_compared_with_what_comes_after():
    kept = Touches(60_000)
    kept.hear(quote(), 500)
    kept.hear(quote(trusted=False), 1_500)
    assert kept.until("T", 2_000) == ()
    kept.hear(quote(900), 2_500)
    assert kept.until("T", 3_000) == (Touch(2_000, 4_000, 900, 4_200, 100),)


def test_the_one_that_held_when_the_span_began_is_kept_and_older_ones_go():
    kept = Touches(10_000)
    for second in range(100):
        kept.hear(quote(100 + second), second * 1_000)
    assert [touch.at_ms for touch in kept.until("T", 99_000)] == [second * 1_000 for second in range(89, 100)]
    assert len(kept._seconds["T"]) < 25
    kept.forget("T")
    assert kept.until("T", 99_000) == ()


def test_a_clock_that_was_set_back_loses_no_order():
    kept = Touches(60_000)
    kept.hear(quote(300), 5_000)
    kept.hear(quote(400), 3_000)
    assert kept.until("T", 6_000) == (Touch(5_000, 4_000, 400, 4_200, 100, 100),)
