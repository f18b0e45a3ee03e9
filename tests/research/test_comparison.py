"""Strategies beside a baseline: events are counted, not trades; what is shared by both is no difference; looks cost."""

import math
from random import Random

import pytest

from outcry.research import comparison
from outcry.research.comparison import Earned

ONE_LOOK = comparison.width()


def made(count, mean, spread=0.3, seed=1, contracts=10.0):
    """So many events, each with contracts that made about `mean` dollars each."""
    draw = Random(seed)
    return {f"E{n}": Earned(contracts * draw.gauss(mean, spread), contracts) for n in range(count)}


def test_many_trades_of_one_event_are_one_observation():
    once = made(40, 0.05)
    ten_times = comparison.together([once] * 10)
    one, ten = comparison.per_contract(once, ONE_LOOK), comparison.per_contract(ten_times, ONE_LOOK)
    assert (ten.value, ten.low, ten.high) == pytest.approx((one.value, one.low, one.high))
    assert comparison.total(ten_times, ONE_LOOK).value == pytest.approx(10 * comparison.total(once, ONE_LOOK).value)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    held = sum(
        estimate.low <= 0.02 <= estimate.high
        for seed in range(400)
        for estimate in [comparison.per_contract(made(60, 0.02, seed=seed), ONE_LOOK)]
    )
    assert 0.92 <= held / 400 <= 0.98


def test_events_of_unequal_size_weigh_by_their_contracts():
    events = {"A": Earned(1.0, 1.0), "B": Earned(-9.0, 90.0)}
    assert comparison.per_contract(events, ONE_LOOK).value == pytest.approx(-8 / 91)


def test_what_both_went_through_is_no_difference():
    """An edge of a cent shows beside somebody in the same events, and is lost in the noise alone."""
    baseline = made(100, 0.0)
    better = {event: Earned(one.net + 0.01 * one.contracts, one.contracts) for event, one in baseline.items()}
    beside = comparison.against(better, baseline, ONE_LOOK)
    assert (beside.value, beside.low, beside.high) == pytest.approx((0.01, 0.01, 0.01))
    assert comparison.per_contract(better, ONE_LOOK).low < 0
    assert comparison.verdict(better, baseline, 10) == "no gain and no loss shown; better than a coin"
    assert comparison.verdict(baseline, better, 10) == "no gain and no loss shown; worse than a coin"


def test_events_of_the_baseline_alone_count_in_the_difference():
    ours, theirs = made(50, 0.0, seed=2), {f"F{n}": one for n, one in enumerate(made(50, 0.0, seed=3).values())}
    apart = comparison.against(ours, theirs, ONE_LOOK)
    widths = [comparison.per_contract(one, ONE_LOOK) for one in (ours, theirs)]
    both = math.hypot(*(one.high - one.low for one in widths))
    assert apart.high - apart.low == pytest.approx(both, rel=0.02)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ({}, "did not trade"),
        (made(29, 0.5), "29 events: no conclusion"),
        (made(60, 0.5), "gains; better than a coin"),
        (made(60, -0.5), "loses; worse than a coin"),
        (made(60, 0.0, seed=5), "no gain and no loss shown; no difference to a coin shown"),
    ],
)
def test_the_verdict_in_words(events, said):
    assert comparison.verdict(events, made(60, 0.0, seed=9), 10) == said


def test_ten_looks_need_more_than_one():
    baseline, edge = made(60, 0.0, seed=9), made(60, 0.09, seed=6)
    assert comparison.verdict(edge, baseline, 1).startswith("gains")
    assert comparison.verdict(edge, baseline, 10).startswith("no gain")
    assert comparison.per_contract({"E": Earned(1.0, 1.0)}, ONE_LOOK).high == math.inf
