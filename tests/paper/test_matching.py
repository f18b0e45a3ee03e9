"""The queue's rules one by one, and the whole matcher against a slow and obvious one on random histories."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obvious import Obvious
from outcry.domain.errors import InvariantBroken
from outcry.paper.engine.matching import MarketBook
from outcry.paper.engine.queue import Match

BID, ASK = True, False


def book_with(bids=None, asks=None, **options) -> MarketBook:
    book = MarketBook(**options)
    book.replace(bids or {}, asks or {})
    return book


def filled(matches: list[Match]) -> list[tuple[str, int, int]]:
    return [(match.resting.key, match.price_cc, match.count_ch) for match in matches]


def place(book: MarketBook, key: str, is_bid: bool, price_cc: int, count_ch: int, owner: str = "me", **options):
    """An order as the engine places it: match, then rest what is left. Returns its plan."""
    plan = book.plan(owner, is_bid, price_cc, count_ch, **options)
    for order in plan.displaced:
        book.withdraw(order.key)
    book.execute(plan, is_bid)
    if plan.left_ch and not (plan.met_own and not plan.displaced):
        book.rest(key, owner, is_bid, price_cc, plan.left_ch)
    return plan


# ---- makers ---------------------------------------------------------------------------------------------------------


def test_an_order_joins_the_back_and_prints_at_its_price_consume_what_is_ahead_first():
    book = book_with({4300: 1000}, {4500: 500})
    book.rest("a", "me", BID, 4300, 200)
    assert book.ahead_ch("a") == 1000
    assert book.printed(4300, 900, False) == []
    assert book.ahead_ch("a") == 100
    assert filled(book.printed(4300, 150, False)) == [("a", 4300, 50)]
    assert filled(book.printed(4300, 500, False)) == [("a", 4300, 150)]
    assert book.resting("a") is None


def test_prints_of_the_other_side_and_of_unknown_takers_fill_nobody():
    book = book_with({4300: 1000}, {4500: 500})
    book.rest("a", "me", BID, 4400, 200)
    assert book.printed(4400, 900, True) == []
    assert book.printed(4300, 900, None) == []
    assert book.resting("a").left_ch == 200


def test_size_that_stands_behind_us_does_not_delay_us():
    book = book_with({4300: 100}, {})
    book.rest("a", "me", BID, 4300, 50)
    book.change(BID, 4300, 10_000)
    assert filled(book.printed(4300, 130, False)) == [("a", 4300, 30)]


def test_a_print_through_our_price_fills_one_who_queued_there_whole():
    book = book_with({4300: 1000, 4200: 1000}, {4500: 500})
    book.rest("a", "me", BID, 4300, 5000)
    assert filled(book.printed(4200, 100, False)) == [("a", 4300, 5000)]


def test_one_who_improved_the_quote_gets_no_more_than_was_printed():
    book = book_with({4300: 1000}, {4500: 500})
    book.rest("a", "me", BID, 4400, 5000)
    assert filled(book.printed(4300, 100, False)) == [("a", 4400, 100)]
    assert filled(book.printed(4400, 60, False)) == [("a", 4400, 60)]


def test_a_print_is_shared_by_price_then_time_among_accounts():
    book = book_with({4300: 100}, {4500: 500})
    book.rest("late", "b", BID, 4310, 30)
    book.rest("first", "a", BID, 4320, 50)
    book.rest("second", "b", BID, 4320, 50)
    assert filled(book.printed(4310, 120, False)) == [("first", 4320, 50), ("second", 4320, 50), ("late", 4310, 20)]


def test_a_touched_price_alone_fills_nobody():
    book = book_with({4300: 1000}, {4500: 500})
    book.rest("a", "me", BID, 4300, 200)
    assert book.change(ASK, 4400, 300) == []
    assert book.change(BID, 4300, -999) == []
    assert book.ahead_ch("a") == 1


@pytest.mark.parametrize(("share", "ahead"), [(0, 400), (500_000, 350), (1_000_000, 300)])
def test_cancels_shorten_the_queue_ahead_only_by_the_chosen_share(share, ahead):
    book = book_with({4300: 400}, {}, cancel_share_millionths=share)
    book.rest("a", "me", BID, 4300, 200)
    book.change(BID, 4300, 400)
    book.change(BID, 4300, -200)  # of 800 displayed, half of it ahead of us: a quarter left
    assert book.ahead_ch("a") == ahead


def test_a_decrease_that_a_print_explains_is_no_cancel():
    book = book_with({4300: 400}, {}, cancel_share_millionths=1_000_000)
    book.rest("a", "me", BID, 4300, 200)
    book.printed(4300, 100, False)
    book.change(BID, 4300, -100)
    assert book.ahead_ch("a") == 300


def test_what_is_ahead_never_exceeds_what_is_displayed():
    book = book_with({4300: 400}, {})
    book.rest("a", "me", BID, 4300, 200)
    book.change(BID, 4300, -390)
    assert book.ahead_ch("a") == 10
    book.change(BID, 4300, 500)
    assert book.ahead_ch("a") == 10


def test_foreign_size_arriving_through_our_price_fills_us_at_our_price_up_to_its_size():
    book = book_with({4200: 100}, {4500: 100})
    book.rest("a", "me", BID, 4300, 200)
    assert filled(book.change(ASK, 4250, 150)) == [("a", 4300, 150)]
    assert book.shown.asks == {4500: 100}
    assert filled(book.change(ASK, 4300, 80)) == [("a", 4300, 50)]
    assert book.shown.asks == {4300: 30, 4500: 100}


def test_foreign_size_crossed_for_an_instant_waits_for_the_next_change():
    book = book_with({4300: 100}, {4500: 100})
    book.rest("a", "me", BID, 4300, 200)
    assert book.change(ASK, 4300, 80) == []
    assert filled(book.change(BID, 4300, -100)) == [("a", 4300, 80)]
    assert not book.shown.crossed


# ---- takers ---------------------------------------------------------------------------------------------------------


def test_a_taker_walks_finite_depth_and_what_it_took_is_gone():
    book = book_with({}, {4400: 100, 4500: 200})
    plan = place(book, "a", BID, 4500, 250)
    assert [(match.price_cc, match.count_ch) for match in plan.matches] == [(4400, 100), (4500, 150)]
    assert book.shown.asks == {4500: 50}
    assert book.foreign_ch(ASK, 4400) == (100, 100)
    assert place(book, "b", BID, 4400, 10).matches == []


def test_taken_size_stays_gone_while_the_tape_shows_it_and_new_size_is_available():
    book = book_with({}, {4400: 100})
    book.execute(book.plan("me", BID, 4400, 80), BID)
    book.change(ASK, 4400, -10)  # the tape's own cancel is not charged to our debt
    assert book.shown.asks == {4400: 10}
    book.change(ASK, 4400, 50)
    assert book.shown.asks == {4400: 60}
    book.change(ASK, 4400, -140)
    assert book.shown.asks == {} and book.foreign_ch(ASK, 4400) == (0, 0)
    book.change(ASK, 4400, 70)
    assert book.shown.asks == {4400: 70}


def test_the_same_book_told_again_does_not_refill_what_was_taken():
    book = book_with({}, {4400: 100})
    book.execute(book.plan("me", BID, 4400, 80), BID)
    book.replace({}, {4400: 100})
    assert book.shown.asks == {4400: 20}
    book.replace({}, {4400: 130})
    assert book.shown.asks == {4400: 50}


def test_a_taker_meets_the_queue_in_time_order():
    book = book_with({}, {4400: 100})
    book.rest("a", "other", ASK, 4400, 30)
    book.change(ASK, 4400, 500)
    book.rest("b", "third", ASK, 4400, 40)
    plan = book.plan("me", BID, 4400, 700)
    assert [(match.count_ch, match.resting and match.resting.key) for match in plan.matches] == [
        (100, None),
        (30, "a"),
        (500, None),
        (40, "b"),
    ]
    assert plan.left_ch == 30


def test_a_takers_bite_moves_those_behind_up():
    book = book_with({}, {4400: 100})
    book.rest("a", "other", ASK, 4400, 30)
    book.execute(book.plan("me", BID, 4400, 60), BID)
    assert book.ahead_ch("a") == 40


def test_an_incoming_order_stops_at_its_own_or_displaces_it():
    def book():
        book = book_with({}, {4400: 100})
        book.rest("mine", "me", ASK, 4400, 30)
        book.change(ASK, 4500, 50)
        return book

    stops = book().plan("me", BID, 4500, 200)
    assert (stops.left_ch, stops.met_own, stops.displaced) == (100, True, [])
    goes_on = book().plan("me", BID, 4500, 200, displace_own=True)
    assert (goes_on.left_ch, [order.key for order in goes_on.displaced]) == (50, ["mine"])


# ---- the source, restarts -------------------------------------------------------------------------------------------


def test_a_level_below_zero_means_something_was_missed():
    book = book_with({4300: 100}, {})
    with pytest.raises(InvariantBroken):
        book.change(BID, 4300, -101)
    book.rest("a", "me", BID, 4300, 5)
    with pytest.raises(InvariantBroken):
        book.change(BID, 4300, -101)


def test_orders_restored_before_any_book_are_at_the_back_of_the_first():
    book = MarketBook()
    book.rest("a", "me", BID, 4300, 50)
    book.replace({4300: 700}, {4500: 10})
    assert book.ahead_ch("a") == 700
    book.replace({4300: 900}, {4500: 10})
    assert book.ahead_ch("a") == 700


def test_orders_restored_into_a_market_that_moved_through_them_are_filled():
    book = MarketBook()
    book.rest("a", "me", BID, 4300, 50)
    assert filled(book.replace({4000: 700}, {4100: 30})) == [("a", 4300, 30)]


def test_every_displayed_change_is_told():
    told = []
    book = MarketBook(lambda *change: told.append(change))
    book.replace({4300: 100}, {4500: 100})
    place(book, "a", BID, 4500, 150)
    book.change(ASK, 4500, -100)  # taken already: nothing displayed moves
    book.withdraw("a")
    assert told == [(ASK, 4500, -100), (BID, 4500, 50), (BID, 4500, -50)]


# ---- against the obvious matcher ------------------------------------------------------------------------------------


SIDED_PRICES = st.one_of(  # bids below asks mostly, so that queues form; sometimes anywhere
    st.tuples(st.just(BID), st.integers(1, 2)),
    st.tuples(st.just(ASK), st.integers(3, 4)),
    st.tuples(st.booleans(), st.integers(1, 4)),
)
STEPS = st.one_of(
    st.tuples(st.just("change"), SIDED_PRICES, st.integers(-6, 8)),
    st.tuples(st.just("print"), SIDED_PRICES, st.integers(1, 6)),
    st.tuples(st.just("place"), SIDED_PRICES, st.integers(1, 9), st.sampled_from("xyz")),
    st.tuples(st.just("withdraw"), st.integers(0, 30)),
)


def summed(units: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
    return {pair: units.count(pair) for pair in units}


def totals(matches) -> dict[tuple[str, int], int]:
    sums: dict[tuple[str, int], int] = {}
    for price_cc, count_ch, resting in matches:
        pair = (resting.key if resting else "", price_cc)
        sums[pair] = sums.get(pair, 0) + count_ch
    return sums


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, min_size=20, max_size=50))
def test_it_agrees_with_the_obvious_matcher(steps):
    book, obvious = book_with(), Obvious()
    for number, step in enumerate(steps):
        kind, key = step[0], f"o{number}"
        if kind == "change":
            _, (is_bid, price), change = step
            change = max(change, -book.foreign_ch(is_bid, price)[0])
            ours, theirs = book.change(is_bid, price, change), obvious.change(is_bid, price, change)
        elif kind == "print":
            ours, theirs = book.printed(*_print(step)), obvious.printed(*_print(step))
        elif kind == "place":
            _, (is_bid, price), count, owner = step
            ours = place(book, key, is_bid, price, count, owner).matches
            theirs = obvious.place(key, owner, is_bid, price, count)
        else:
            book.withdraw(f"o{step[1]}")
            obvious.withdraw(f"o{step[1]}")
            ours, theirs = [], []
        assert totals(ours) == summed(theirs)
        assert (book.shown.bids, book.shown.asks) == (obvious.shown(BID), obvious.shown(ASK))
        for side in (BID, ASK):
            assert_level_sums(book, obvious, side)


def _print(step) -> tuple[int, int, bool]:
    (hits_bids, price), count = step[1:]
    return price, count, not hits_bids


def assert_level_sums(book: MarketBook, obvious: Obvious, side: bool) -> None:
    """Displayed is foreign - taken + orders, at every price, and the queue ahead is the one in the obvious list."""
    for price, queue in obvious.queues[side].items():
        foreign, taken = book.foreign_ch(side, price)
        own = sum(1 for entry in queue if entry)
        assert (book.shown.bids if side else book.shown.asks).get(price, 0) == foreign - taken + own
        assert taken == obvious.ghosts[side].get(price, 0)
        for key in set(queue) - {""}:
            assert book.ahead_ch(key) == queue.index(key)
            assert book.resting(key).left_ch == queue.count(key)
