import pytest

from outcry.domain.view import Touch
from outcry.signals.makers import watch

NOW = 60_000
STEADY = Touch(0, 4_000, 500, 4_200, 400)


def at(second, bid_ch=500, ask_ch=400, bid_cc=4_000, ask_cc=4_200):
    return Touch(second * 1_000, bid_cc, bid_ch, ask_cc, ask_ch)


def test_a_book_that_stands_even_is_made_but_not_yet_proven():
    seen = watch((STEADY,), NOW, 60_000)
    assert (seen.two_sided, seen.alike, seen.hits, seen.spread_cc, seen.presence) == (1.0, 1.0, 0, 200.0, 0.5)


def test_hits_that_are_soon_back_prove_it():
    touches = [STEADY]
    for second in range(5, 55, 10):
        touches += [at(second, bid_ch=100), at(second + 1)]
    seen = watch(touches, NOW, 60_000)
    assert (seen.hits, seen.renewed) == (5, 5)
    assert seen.presence > 0.85


@pytest.mark.parametrize(
    "back",
    [at(9), at(6, bid_ch=300), at(6, bid_cc=3_900)],
    ids=["too late", "too small", "at a worse price"],
)
def test_hits_that_stay_are_nobodys(back):
    touches = [STEADY, at(5, bid_ch=100), back, at(30), at(40, bid_ch=100), at(49)]
    seen = watch(touches, NOW, 60_000)
    assert seen.renewed == 0 and seen.hits >= 2 and seen.presence == 0


def test_a_lost_price_is_a_hit_on_either_side():
    touches = [STEADY, at(5, ask_cc=4_300), at(6), at(20, bid_cc=None, bid_ch=0), at(21)]
    seen = watch(touches, NOW, 60_000)
    assert (seen.hits, seen.renewed) == (2, 2)
    assert seen.two_sided == pytest.approx(59 / 60)


def test_one_sided_or_uneven_books_are_not_made():
    assert watch((at(0, bid_cc=None, bid_ch=0),), NOW, 60_000).presence == 0
    assert watch((at(0, bid_ch=1_000, ask_ch=499),), NOW, 60_000).presence == 0
    half = watch((at(0), at(30, bid_ch=1_000, ask_ch=100)), NOW, 60_000)
    assert half.alike == 0.5


def test_needs_the_whole_window_and_only_what_it_shows():
    assert watch((at(1),), NOW, 60_000) is None and watch((), NOW, 60_000) is None
    old = (at(0, bid_cc=None, bid_ch=0), at(10))
    assert watch(old, NOW, 40_000).two_sided == 1.0, "what held before the window began does not count"
