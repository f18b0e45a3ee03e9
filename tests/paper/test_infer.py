from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.order import Side
from outcry.paper.replay.infer import Match, Take, explain, with_matches
from outcry.paper.replay.recorded import Change, Lost, Tick, Whole
from outcry.paper.replay.verify import Verifier

TICKER = "KXBTC15M-26MAY130945-45"
T0 = 1_778_679_193_000_000


def bid(count, price=4_000):
    return Take(True, ((price, count),))


def ask(count, price=4_200):
    return Take(False, ((price, count),))


def test_the_only_set_that_adds_up_is_certain():
    assert explain([bid(500), ask(300), bid(250), ask(100)], 600, 4_200, 100) == {0, 3}


def test_what_several_sets_share_is_certain_and_the_rest_is_not():
    assert explain([bid(500), ask(500), ask(100)], 600, 4_200, 100) == {2}


def test_takes_that_are_alike_stand_for_each_other():
    assert explain([bid(500), ask(100), bid(500), ask(100)], 600, 4_200, 100) == {2, 3}


def test_a_last_match_that_no_take_shows_leaves_all_unknown():
    assert explain([bid(500), ask(300)], 800, 4_100, 300) == set()
    assert explain([], 800, 4_100, 300) == set()


def test_a_take_larger_than_the_volume_was_a_cancel():
    assert explain([ask(900)], 800, 4_200, 900) == set()


def test_a_crowded_interval_gives_up_instead_of_guessing():
    assert explain([bid(1)] * 70 + [ask(7)], 40, 4_200, 7) == {70}
    assert explain([bid(n) for n in range(1, 30)] + [ask(500), ask(500)], 600, 4_200, 500) == set()


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.booleans()), min_size=1, max_size=12))
def test_what_is_certain_was_truly_matched(history):
    """Hide which takes were matches: whatever is called certain was one (up to takes that are alike)."""
    takes = [bid(count) if is_bid else ask(count) for is_bid, count, _ in history]
    matched = [index for index, (_, _, was_match) in enumerate(history) if was_match]
    if not matched:
        return
    last = takes[matched[-1]]
    found = explain(takes, sum(takes[index].count_ch for index in matched), *last.parts[-1])
    truth = [takes[index] for index in matched]
    for index in found:
        truth.remove(takes[index])  # raises when it was none


def change(at, is_bid, price, size):
    return Change(T0 + at, TICKER, "s", is_bid, price, size)


def tick(at, touch, last, volume):
    return Tick(T0 + at, TICKER, "s", *last, *touch, volume, 0)


def played(*items):
    verifier = Verifier()
    whole = Whole(T0, TICKER, "s", {4_000: 500, 3_900: 900}, {4_200: 700, 4_300: 100}, True)
    return list(with_matches([whole, *items], verifier)), verifier


def test_a_print_comes_before_the_change_that_removes_its_size():
    told, verifier = played(
        change(10, True, 3_900, 100),
        tick(10, (4_000, 500, 4_200, 700), (4_000, 100), 10_000),
        change(20, True, 4_000, -200),
        change(30, False, 4_200, -700),
        change(30, False, 4_300, -50),
        tick(30, (4_000, 300, 4_300, 50), (4_300, 50), 10_000 + 2 * 950),
    )
    kinds = [type(item) for item in told]
    assert kinds == [Whole, Change, Tick, Match, Change, Match, Match, Change, Change, Tick]
    matches = [(m.price_cc, m.count_ch, m.taker_side) for m in told if isinstance(m, Match)]
    assert matches == [(4_000, 200, Side.ASK), (4_200, 700, Side.BID), (4_300, 50, Side.BID)]
    assert (verifier.known_ch, verifier.unknown_ch, verifier.tickers_agree) == (950, 0, 2)


def test_moved_orders_and_cancels_behind_the_touch_are_no_matches():
    told, verifier = played(
        change(10, True, 3_900, 100),
        tick(10, (4_000, 500, 4_200, 700), (4_000, 100), 10_000),
        change(20, True, 4_000, -200),
        change(20, True, 3_900, 200),
        change(30, True, 3_900, -200),
        tick(40, (4_000, 300, 4_200, 700), (4_000, 200), 10_400),
    )
    assert [(m.count_ch, m.taker_side) for m in told if isinstance(m, Match)] == [(200, None)]
    assert (verifier.known_ch, verifier.unknown_ch) == (0, 200)


def test_unexplained_volume_is_told_before_the_last_match_so_that_the_last_price_stays_right():
    told, _ = played(
        change(10, True, 3_900, 100),
        tick(10, (4_000, 500, 4_200, 700), (4_000, 100), 10_000),
        change(20, False, 4_200, -700),
        tick(30, (4_000, 500, 4_300, 100), (4_200, 700), 10_000 + 2 * 1_000),
    )
    matches = [(m.price_cc, m.count_ch, m.taker_side) for m in told if isinstance(m, Match)]
    assert matches == [(4_200, 300, None), (4_200, 700, Side.BID)]


def test_volume_from_before_the_book_was_seen_gives_no_prints():
    told, verifier = played(
        tick(5, (4_000, 500, 4_200, 700), (4_000, 100), 10_000),
        change(20, False, 4_200, -700),
        tick(30, (4_000, 500, 4_300, 100), (4_200, 700), 90_000),
    )
    assert not [item for item in told if isinstance(item, Match)]
    assert (verifier.tickers_before_book, verifier.tickers_agree) == (1, 1)


def test_a_ticker_that_differs_is_counted_and_described():
    told, verifier = played(change(10, True, 3_900, 100), tick(20, (4_000, 499, 4_200, 700), (4_000, 100), 0))
    assert len(told) == 3
    assert (verifier.tickers_agree, verifier.tickers_differ, verifier.ok) == (0, 1, False)
    assert "ticker 4.99 @ 0.4000" in verifier.lines()[-1]


def test_a_ticker_may_be_taken_between_two_changes_of_one_microsecond():
    _, verifier = played(
        change(20, False, 4_200, -100),
        change(20, False, 4_200, -600),
        tick(20, (4_000, 500, 4_200, 600), (4_000, 100), 0),
    )
    assert (verifier.tickers_agree, verifier.ok) == (1, True)


def test_a_later_snapshot_must_equal_the_book():
    _, verifier = played(
        change(10, True, 3_900, 100),
        Whole(T0 + 20, TICKER, "s", {4_000: 500, 3_900: 1_000}, {4_200: 700, 4_300: 100}, False),
        change(30, True, 3_900, 100),
        Whole(T0 + 40, TICKER, "s", {4_000: 500}, {}, False),
    )
    assert (verifier.snapshots_agree, verifier.snapshots_differ, verifier.snapshots_first) == (1, 1, 1)


def test_after_lost_frames_nothing_is_compared_or_inferred():
    told, verifier = played(
        change(10, True, 3_900, 100),
        tick(10, (4_000, 500, 4_200, 700), (4_000, 100), 10_000),
        Lost(T0 + 20, TICKER, "s"),
        tick(30, (4_000, 1, 4_200, 1), (4_000, 100), 90_000),
    )
    assert not [item for item in told if isinstance(item, Match)]
    assert (verifier.gaps, verifier.tickers_differ, verifier.ok) == (1, 0, False)
