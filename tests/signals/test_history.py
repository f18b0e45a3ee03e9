import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.errors import InvariantBroken
from outcry.domain.view import Bar
from outcry.signals.history import GAP_MS, Move, close_at, move, shortened_ms

T0 = 1_778_679_000_000


def bars(*closes, start_ms=T0):
    return tuple(Bar("BTC-USD", start_ms + at * 1_000, c, c, c, c) for at, c in enumerate(closes) if c is not None)


@pytest.mark.parametrize(
    ("after_ms", "expected"),
    [
        (0, None),
        (999, None),  # the first second is not over
        (1_000, 100),
        (1_999, 100),
        (2_000, 101),
        (3_000, 102),
        (3_000 + GAP_MS, 102),
        (3_000 + GAP_MS + 1, None),  # too old to be a price
    ],
)
def test_a_bar_is_used_from_its_end_on_and_not_for_long(after_ms, expected):
    assert close_at(bars(100, 101, 102), T0 + after_ms) == expected


def test_a_gap_is_not_bridged():
    history = bars(100, None, None, None, None, 105)
    assert close_at(history, T0 + 1_000 + GAP_MS) == 100
    assert close_at(history, T0 + 1_001 + GAP_MS) is None
    assert close_at(history, T0 + 6_000) == 105


@given(st.lists(st.none() | st.integers(1, 10**12), max_size=40), st.integers(-2_000, 50_000), st.integers(1, 10**12))
def test_the_future_changes_nothing(closes, after_ms, poison):
    at_ms = T0 + after_ms
    spoiled = [
        poison if close is not None and T0 + (at + 1) * 1_000 > at_ms else close for at, close in enumerate(closes)
    ]
    assert close_at(bars(*closes), at_ms) == close_at(bars(*spoiled), at_ms)
    assert move(bars(*closes), at_ms, 5_000) == move(bars(*spoiled), at_ms, 5_000)


def test_a_move_needs_both_ends():
    history = bars(*range(1, 12))
    assert move(history, T0 + 11_000, 10_000) == Move(1, 11)
    assert move(history, T0 + 11_000, 10_001) is None
    assert move(history, T0 + 11_000 + GAP_MS + 1, 5_000) is None
    assert move((), T0, 5_000) is None
    assert move(bars(0, 5), T0 + 2_000, 1_000) is None


@pytest.mark.parametrize(
    ("then", "now", "reaches", "exceeds"),
    [
        (1_000_000, 1_004_999, False, False),
        (1_000_000, 1_005_000, True, False),
        (1_000_000, 1_005_001, True, True),
        (3, 4, True, True),
        (1_000_000, 995_000, False, False),
    ],
)
def test_a_rise_is_compared_exactly(then, now, reaches, exceeds):
    assert (Move(then, now).reaches(5_000), Move(then, now).exceeds(5_000)) == (reaches, exceeds)
    fall = Move(then, 2 * then - now)
    assert (fall.reaches(-5_000), fall.exceeds(-5_000)) == (reaches, exceeds)


@pytest.mark.parametrize(
    ("span_ms", "factor", "expected"),
    [(300_000, 1, 300_000), (300_000, 15.0, 20_000), (600_000, 45, 13_333), (5_000, 30, 1_000)],
)
def test_look_backs_are_shortened_to_a_second_at_least(span_ms, factor, expected):
    assert shortened_ms(span_ms, factor) == expected


@pytest.mark.parametrize("factor", [0, -1, float("nan"), float("inf")])
def test_time_has_a_sensible_factor(factor):
    with pytest.raises(InvariantBroken):
        shortened_ms(300_000, factor)
