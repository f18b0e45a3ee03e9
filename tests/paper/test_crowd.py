from itertools import zip_longest
from random import Random

import pytest

from outcry.domain.book import Book
from outcry.domain.market import Status
from outcry.domain.order import Side
from outcry.paper.events import BookChange, Print
from outcry.paper.generate.crowd import STEP_MS, Crowd
from outcry.paper.generate.windows import window_at

MARKET = window_at("KXBTC15M", 0, 900_000).market(Status.ACTIVE, None)
PATHS = {
    "still": lambda step: 0.5,
    "swinging": lambda step: 0.5 + 0.45 * (1 if step // 7 % 2 else -1),
    "to the end": lambda step: min(1.0, 0.5 + step / 1_000),
    "jumping": lambda step: Random(step // 20).random(),
}


@pytest.mark.parametrize("path", PATHS)
def test_the_book_is_never_crossed_negative_or_off_the_grid(path):
    crowd, book = Crowd("T", Random(5)), Book()
    opened = crowd.open(PATHS[path](0), 0)
    book.replace(dict(opened.bids), dict(opened.asks))
    last_ms = 0
    for step in range(600):
        for event in crowd.step(PATHS[path](step), step * STEP_MS):
            assert step * STEP_MS <= event.at_ms < (step + 1) * STEP_MS
            assert event.at_ms >= last_ms
            last_ms = event.at_ms
            if isinstance(event, BookChange):
                book.apply(event.side is Side.BID, event.price_cc, event.change_ch)
                assert MARKET.on_grid(event.price_cc)
                assert not book.crossed
        assert (book.bids, book.asks) == (crowd.book.bids, crowd.book.asks)


def test_every_print_is_at_the_touch_and_followed_by_the_change_that_removes_it():
    crowd, book, prints = Crowd("T", Random(5)), Book(), 0
    opened = crowd.open(0.5, 0)
    book.replace(dict(opened.bids), dict(opened.asks))
    for step in range(600):
        events = crowd.step(0.5, step * STEP_MS)
        for event, following in zip_longest(events, events[1:]):
            if isinstance(event, Print):
                prints += 1
                touch = book.ask_cc if event.taker_side is Side.BID else book.bid_cc
                assert event.price_cc == touch
                hit = event.taker_side.opposite
                assert following == BookChange("T", hit, touch, -event.count_ch, event.at_ms)
            elif isinstance(event, BookChange):
                book.apply(event.side is Side.BID, event.price_cc, event.change_ch)
    assert prints > 50
    assert crowd.volume_ch > 0


def test_quotes_follow_the_fair_value_and_its_end():
    crowd = Crowd("T", Random(5))
    crowd.open(0.3, 0)
    for fair, low, high in ((0.3, 2_700, 3_300), (0.62, 5_900, 6_500), (0.02, 0, 400)):
        for step in range(100):
            crowd.step(fair, step * STEP_MS)
        assert low <= crowd.book.bid_cc <= crowd.book.ask_cc <= high
    for step in range(300):
        crowd.step(1.0, step * STEP_MS)
    assert crowd.book.ask_cc is None or crowd.book.ask_cc >= 9_900
    assert crowd.book.bid_cc >= 9_800


def test_prices_left_behind_are_taken():
    """After a jump somebody buys what the slow still offer below the new value."""
    bought = 0
    for seed in range(30):
        crowd = Crowd("T", Random(seed))
        crowd.open(0.3, 0)
        events = crowd.step(0.7, 0)
        bought += sum(e.count_ch for e in events if isinstance(e, Print) and e.taker_side is Side.BID)
    assert bought > 30 * 1_000
