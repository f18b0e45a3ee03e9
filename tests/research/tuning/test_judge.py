"""The bound that the search climbs and the proof that a winner needs, beside computations made otherwise."""

import math
import random
from statistics import NormalDist, mean, stdev

import pytest

from outcry.research.tuning import judge
from outcry.research.tuning.judge import Cluster, Figures

DOLLAR = 1_000_000


def flips(events, chance, seed=3, price_cc=5_000):
    """One contract an event."""
    draw = random.Random(seed).random
    cost = price_cc * 100
    return [Cluster(1, DOLLAR - cost if draw() < chance else -cost, 100, cost) for _ in range(events)]


def test_the_bound_of_single_trades_is_the_textbooks_with_one_event_lost_whole():
    found = flips(80, 0.7)
    nets = [one.net_micros / DOLLAR for one in found] + [-0.5]
    expected = mean(nets) - NormalDist().inv_cdf(0.95) * stdev(nets) / math.sqrt(len(nets))
    assert judge.lower_bound(found) == pytest.approx(expected)
    assert judge.figures(found).low == judge.lower_bound(found)


def test_trades_that_win_and_lose_together_are_one_experience():
    alone = flips(40, 0.7)
    tenfold = [Cluster(10, 10 * one.net_micros, 1_000, 10 * one.paid_micros) for one in alone]
    assert judge.lower_bound(tenfold) == pytest.approx(judge.lower_bound(alone))
    apart = [one for one in alone for _ in range(10)]
    assert judge.lower_bound(apart) > judge.lower_bound(tenfold)


def test_what_never_lost_is_not_certain_and_grows_surer():
    always = [Cluster(1, 50_000, 100, 950_000)]
    bounds = [judge.lower_bound(always * events) for events in (5, 30, 500)]
    assert bounds == sorted(bounds) and bounds[1] < 0 < bounds[2] < 0.05


def test_the_search_climbs_the_worse_part_and_few_events_are_worse_than_any_bound():
    good, bad = Figures(50, 50, 5.0, 0.1, 0.05), Figures(40, 40, -400.0, -10.0, -90.0)
    assert judge.objective(good, bad) == judge.objective(bad, good) == -90.0
    few, fewer = Figures(9, 9, 9.0, 1.0, 0.9), Figures(2, 2, 2.0, 1.0, 0.9)
    assert judge.objective(good, fewer) < judge.objective(few, good) < -1e6
    assert judge.objective(good, judge.figures([])) < judge.objective(good, fewer)


def test_the_evidence_is_what_the_bets_amount_to_bet_by_bet():
    found = flips(60, 0.75)
    capitals = []
    for fraction in (0.02, 0.04, 0.08, 0.16, 0.32, 0.64):
        capitals.append(math.prod(1 + fraction * (one.net_micros / DOLLAR) / 1.1 for one in found))
    verdict = judge.judge(found, 7)
    assert math.exp(verdict.log_gain) == pytest.approx(mean(capitals))
    assert (verdict.level, math.exp(verdict.needs)) == (pytest.approx(0.05 / 7), pytest.approx(140))


def test_a_winner_is_recommended_among_as_many_trials_as_its_evidence_pays_for_and_no_more():
    found = flips(120, 0.8)
    pays_for = int(0.05 * math.exp(judge.judge(found, 1).log_gain))
    assert pays_for > 10
    kept, lost = judge.judge(found, pays_for), judge.judge(found, pays_for + 1)
    assert kept.recommended and kept.low_dollars >= 0 and "proven" in kept.why
    assert not lost.recommended and lost.low_dollars < 0 and "not proven" in lost.why


@pytest.mark.parametrize("events", [0, 1, 29])
def test_below_thirty_events_nothing_is_concluded_however_good(events):
    verdict = judge.judge(flips(events, 1.0, price_cc=1_000), 1)
    assert not verdict.recommended
    assert verdict.why == f"no conclusion possible: it traded in {events} test events, and 30 is the least"


def test_favourites_that_have_not_lost_yet_prove_nothing():
    found = flips(60, 1.0, price_cc=9_500)
    nets = [one.net_micros for one in found]
    assert len(set(nets)) == 1, "an interval that knows only spread would be a point"
    assert not judge.judge(found, 1).recommended


def test_what_lost_money_is_not_recommended_whatever_it_won_a_contract():
    found = [*flips(60, 1.0), Cluster(1, -100 * DOLLAR, 20_000, 100 * DOLLAR)]
    verdict = judge.judge(found, 1)
    assert verdict.low_dollars > 0 and not verdict.recommended
