"""Bets on an agent's mean: fair when there is nothing to find, quick when there is."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.review.bets import BEST_DOLLARS, FRACTIONS, LOW_DOLLARS, Bets, level

outcomes = st.floats(-1.2, 0.99, allow_nan=False)


def contracts(rng: random.Random, edge: float, number: int, price: float = 0.5) -> list[float]:
    """Net dollars per contract of binary contracts bought at a price, held to the end, with an edge."""
    return [(1.0 if rng.random() < price + edge else 0.0) - price for _ in range(number)]


@given(st.lists(outcomes, min_size=1, max_size=30))
def test_capital_is_the_product_of_its_bets(seen):
    bets = Bets((0.0,))
    bets.take(seen)
    above = sum(math.prod(1 + f * x / -LOW_DOLLARS for x in seen) for f in FRACTIONS) / len(FRACTIONS)
    below = sum(math.prod(1 - f * x / BEST_DOLLARS for x in seen) for f in FRACTIONS) / len(FRACTIONS)
    assert bets.log_e_above(0.0) == pytest.approx(math.log(above), abs=1e-9)
    assert bets.log_e_below(0.0) == pytest.approx(math.log(below), abs=1e-9)


@given(st.lists(outcomes, min_size=2, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_observations_does_not_matter(seen, rng):
    one, other = Bets((0.0,)), Bets((0.0,))
    one.take(seen)
    rng.shuffle(seen)
    other.take(seen)
    assert one.log_e_above(0.0) == pytest.approx(other.log_e_above(0.0), abs=1e-9)


@pytest.mark.parametrize("price", [0.1, 0.5, 0.9])
def test_whoever_looks_after_every_trade_is_seldom_fooled(price):
    """Without an edge the capital of either side ever reaches 20 in at most one path of twenty."""
    rng = random.Random(1)
    paths, fooled_above, fooled_below = 400, 0, 0
    for _ in range(paths):
        bets, most_above, most_below = Bets((0.0,)), 0.0, 0.0
        for x in contracts(rng, 0.0, 300, price):
            bets.take([x])
            most_above, most_below = (
                max(most_above, bets.log_e_above(0.0)),
                max(most_below, bets.log_e_below(0.0)),
            )
        fooled_above += most_above >= math.log(20)
        fooled_below += most_below >= math.log(20)
    assert fooled_above <= 0.05 * paths + 3 * math.sqrt(paths * 0.05 * 0.95)
    assert fooled_below <= 0.05 * paths + 3 * math.sqrt(paths * 0.05 * 0.95)


@pytest.mark.parametrize(("edge", "within"), [(0.05, 4500), (-0.06, 3000)])
def test_an_edge_is_found(edge, within):
    """At the level of the fiftieth agent ever born, nine times out of ten."""
    rng, needed = random.Random(2), []
    for _ in range(20):
        bets = Bets((0.0,))
        for number, x in enumerate(contracts(rng, edge, within), 1):
            bets.take([x])
            found = bets.log_e_above(0.0) if edge > 0 else bets.log_e_below(0.0)
            if found >= -math.log(level(50, 0, 0.1)):
                needed.append(number)
                break
    assert len(needed) >= 18, sorted(needed)


def test_bounds_hold_the_mean_and_close_in_on_it():
    rng, bets = random.Random(3), Bets()
    assert bets.lower(0.05) is None and bets.upper(0.05) is None
    widths = []
    for _ in range(4):
        bets.take(contracts(rng, 0.03, 1000))
        lower, upper = bets.lower(0.05), bets.upper(0.05)
        assert lower is not None and upper is not None
        assert lower <= 0.03 <= upper
        widths.append(round(upper - lower, 2))
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.1


def test_a_loss_beyond_all_reckoning_ends_a_bet_and_raises_nothing():
    bets = Bets((0.0,))
    bets.take([-50.0, *[0.5] * 500])
    assert bets.log_e_above(0.0) > 0, "the bolder bets are gone, the careful ones recover"


def test_levels_spend_the_budget_once():
    assert sum(level(number, 0, 0.1) for number in range(1, 100_000)) == pytest.approx(0.1, rel=1e-4)
    assert level(50, 0, 0.1) == pytest.approx(0.1 / 2550)
    assert level(50, 3, 0.1) == pytest.approx(4 * 0.1 / 2550), "every discovery makes room"
    assert level(1, 99, 0.1) == 1.0
