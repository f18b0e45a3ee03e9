"""Observations taken and given back, kept and read again; clones beside parents; how clones vary."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.review.bets import GRID_DOLLARS, Bets
from outcry.review.evidence import Evidence, Observation, compare
from outcry.review.variation import Knob, vary
from outcry.strategies import catalogue

outcomes = st.floats(-3, 2, allow_nan=False)


@given(st.lists(outcomes, max_size=8), st.lists(outcomes, max_size=8))
def test_what_is_given_back_was_never_there(kept, undone):
    one, other = Bets((-0.1, 0.0, 0.1)), Bets((-0.1, 0.0, 0.1))
    one.take([*undone, *kept])
    one.give_back(undone)
    other.take(kept)
    assert one.count == other.count == len(kept)
    for mean in one.means:
        assert one.log_e_above(mean) == pytest.approx(other.log_e_above(mean), abs=1e-6)
        assert one.log_e_below(mean) == pytest.approx(other.log_e_below(mean), abs=1e-6)


def test_bets_are_kept_whole():
    bets = Bets()
    bets.take([0.3, -0.5, 0.1])
    again = Bets.unpacked(bets.packed(), bets.count)
    assert (again.above, again.below, again.count) == (bets.above, bets.below, 3)
    with pytest.raises(ValueError, match="logarithms"):
        Bets.unpacked(bets.packed()[:-8], 3)


def test_a_corrected_event_replaces_what_it_was_taken_for():
    seen, plain = Evidence(), Evidence()
    first, right = Observation(1, -500_000, 100, -0.5), Observation(2, 400_000, 200, 0.2)
    seen.replace(None, first)
    seen.replace(first, right)
    plain.replace(None, right)
    assert (seen.events, seen.settled, seen.net_micros, seen.contracts_ch) == (1, 2, 400_000, 200)
    assert seen.about(0.0, 0.05).log_gain == pytest.approx(plain.about(0.0, 0.05).log_gain)
    seen.replace(right, None)
    assert seen.events == 0 and seen.about(0.0, 0.05).log_gain == pytest.approx(0.0)


def test_a_mean_between_two_cents_is_asked_for_at_the_harder_one():
    seen = Evidence()
    for _ in range(40):
        seen.replace(None, Observation(1, 50_000, 100, 0.05))
    between, up, down = seen.about(0.015, 0.05), seen.about(0.02, 0.05), seen.about(0.01, 0.05)
    assert (between.log_gain, between.log_loss) == (up.log_gain, down.log_loss)
    assert up.log_gain < down.log_gain and GRID_DOLLARS[32] == 0.02


def test_a_comparison_needs_both():
    child, parent = Observation(1, 300_000, 100, 0.3), Observation(1, -200_000, 100, -0.2)
    assert compare(child, parent).dollars == pytest.approx(0.25)
    assert compare(child, None) is None and compare(None, parent) is None


@pytest.mark.parametrize("strategy", catalogue.names())
def test_clones_of_every_strategy_are_legal_and_differ(strategy):
    kind = catalogue.build(strategy, {})
    knobs = [
        Knob(one.name, one.default, one.low, one.high, one.step)
        for one in catalogue.settings(strategy)
        if one.default is not None
    ]
    changes = set()
    for number in range(200):
        moved = vary(knobs, random.Random(number))
        assert 1 <= len(moved) <= 3
        for name, value in moved.items():
            knob = next(one for one in knobs if one.name == name)
            assert value != knob.value and (value - knob.value) % knob.step == 0 and knob.low <= value <= knob.high
        assert catalogue.build(strategy, moved) != kind
        changes |= moved.keys()
    assert len(changes) > 1
    assert vary(knobs, random.Random(7)) == vary(knobs, random.Random(7))
    assert vary([Knob("stuck", 1, 1, 1, 1)], random.Random(1)) == {}
