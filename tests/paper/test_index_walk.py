from itertools import pairwise
from math import log, sqrt
from statistics import mean, pstdev

import pytest

from outcry.paper.generate.index_walk import BLOCK_S, Asset, Average, IndexWalk

ASSETS = (Asset("BTC-USD", 97_000.0), Asset("ETH-USD", 3_300.0, 1.35))
T0 = 1_795_194_000 // BLOCK_S * BLOCK_S


@pytest.fixture(scope="module")
def walk():
    return IndexWalk(7, ASSETS, 0.6, 0.0)


def returns(walk, symbol, first, count):
    values = [walk.micros(symbol, second) for second in range(first, first + count)]
    return [log(b / a) for a, b in pairwise(values)]


def test_the_walk_depends_on_seed_and_time_only(walk):
    again = IndexWalk(7, ASSETS, 0.6, 0.0)
    seconds = range(T0 + 100, T0 + 4 * BLOCK_S, 977)
    assert [again.micros("BTC-USD", s) for s in reversed(seconds)] == [
        walk.micros("BTC-USD", s) for s in reversed(seconds)
    ]
    assert IndexWalk(8, ASSETS, 0.6, 0.0).micros("BTC-USD", T0) != walk.micros("BTC-USD", T0)


def test_values_are_whole_cents_and_move_about_as_much_as_stated(walk):
    moves = returns(walk, "BTC-USD", T0, 3 * BLOCK_S)
    assert walk.micros("BTC-USD", T0) % 10_000 == 0
    assert pstdev(moves) == pytest.approx(walk.sd("BTC-USD"), rel=0.15)
    assert max(abs(move) for move in moves) < 10 * walk.sd("BTC-USD")  # also across the blocks' edges


def test_indices_move_together_and_volatility_comes_in_clusters(walk):
    btc, eth = returns(walk, "BTC-USD", T0, BLOCK_S), returns(walk, "ETH-USD", T0, BLOCK_S)
    assert correlation(btc, eth) == pytest.approx(0.8, abs=0.05)
    size = [abs(move) for move in btc]
    calm = [mean(size[n : n + 60]) for n in range(0, len(size) - 60, 60)]
    assert correlation(calm[:-1], calm[1:]) > 0.4


def test_jumps_are_far_beyond_the_walk():
    jumpy = IndexWalk(7, ASSETS, 0.6, 30.0)
    moves = [abs(move) / jumpy.sd("BTC-USD") for move in returns(jumpy, "BTC-USD", T0, BLOCK_S)]
    assert 10 < sum(move > 8 for move in moves) < 80  # 60 expected in two hours, four in five beyond eight deviations


def test_levels_stay_near_home_over_months(walk):
    day = 86_400
    levels = [log(walk.micros("BTC-USD", T0 + n * 7 * day) / 97_000e6) for n in range(20)]
    assert max(abs(level) for level in levels) < 0.5


def test_the_mean_is_exact_to_two_decimals(walk):
    values = [walk.micros("BTC-USD", T0 + 900 - n) for n in range(60)]
    exact = sum(values) / 60 / 1e6
    found = walk.mean_micros("BTC-USD", T0 + 900, 60)
    assert found % 10_000 == 0
    assert abs(found / 1e6 - exact) <= 0.005 + 1e-9


def test_fair_values_are_probabilities():
    """Over many windows: the mean fair value is the share that won, and so in each third of the scale."""
    walk = IndexWalk(3, ASSETS, 0.6, 0.0)
    told = []
    for window in range(400):
        open_s = T0 + window * 900
        strike = walk.mean_micros("BTC-USD", open_s, 60)
        average = Average(walk, "BTC-USD", open_s + 900, 60, strike)
        fair = average.fair((open_s + 600) * 1_000)
        told.append((fair, walk.mean_micros("BTC-USD", open_s + 900, 60) >= strike))
    for low, high in ((0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1.01)):
        inside = [(fair, won) for fair, won in told if low <= fair < high]
        error = sqrt(0.25 / len(inside))
        assert mean(fair for fair, _ in inside) == pytest.approx(mean(won for _, won in inside), abs=3 * error)


def test_a_fair_value_ends_where_the_market_settles(walk):
    strike = walk.mean_micros("BTC-USD", T0, 60)
    average = Average(walk, "BTC-USD", T0 + 900, 60, strike)
    won = walk.mean_micros("BTC-USD", T0 + 900, 60) >= strike
    assert average.fair((T0 + 900) * 1_000) == (1.0 if won else 0.0)
    steps = [Average(walk, "BTC-USD", T0 + 900, 60, strike).fair((T0 + s) * 1_000) for s in range(840, 900)]
    assert all(0 <= step <= 1 for step in steps)


def correlation(a, b):
    spread = pstdev(a) * pstdev(b)
    middle_a, middle_b = mean(a), mean(b)
    return mean((x - middle_a) * (y - middle_b) for x, y in zip(a, b, strict=True)) / spread
