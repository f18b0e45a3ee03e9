"""Two hundred agents without an edge, judged day after day: chance promotes nobody beyond what the budget grants.

The tables of docs/evolution.md are printed by this file: OUTCRY_DEEP=1 pytest tests/review/test_coin_flippers.py -s
"""

import os
from collections import Counter

import pytest

from evolving import ZERO, FastFloor, Player
from outcry.ops import settings as settings_file

CAPITAL_MICROS = 1_000_000_000
FLIPPERS, TRADES, YEAR = 200, 10, 365
# In words: whether they pay fees, what rules their floor has beside the usual, how many floors, and how many of those
# may be fooled: at a tenth each, more would be beyond luck.
CASES = {
    "with fees": (True, {}, 20, 5),
    "without fees": (False, {}, 20, 5),
    "without fees, bad days forgiven": (False, {"flag_win_millionths": 0}, 5, 3),
}
deep = pytest.mark.skipif("OUTCRY_DEEP" not in os.environ, reason="set OUTCRY_DEEP to run proofs that take minutes")


def floor_of_flippers(seed, fees, flippers=FLIPPERS, rules=None):
    settings = settings_file.parse({"evolution": {"agents": 1_000, **(rules or {})}})
    players = [Player(f"flip-{number:03}", baseline=True) for number in range(flippers)]
    return FastFloor(settings, players, CAPITAL_MICROS, trades=TRADES, seed=seed, fees=fees, means=ZERO)


def counted(floor):
    return Counter(one.decision.act for one in floor.happened)


@pytest.mark.parametrize("fees", [True, False])
def test_two_months_of_coin_flippers_promote_and_clone_nobody(fees):
    """Two seeds: the budget lets one floor of ten see even a single wrong promotion."""
    for seed in (1, 2):
        floor = floor_of_flippers(seed, fees, flippers=60)
        floor.live(40)
        acts = counted(floor)
        assert acts["trial"] == 60, "ten settled trades are no proof, and need none"
        assert acts["flag"] > 40, "on so many days luck is bad"
        assert (acts["production"], acts["clone"]) == (0, 0)
        assert sum(player.settled for player in floor.players.values()) > 20_000


def test_judging_by_the_best_day_would_promote_nearly_everybody():
    """What the bound is there for: the same luck, by win rate alone."""
    floor = floor_of_flippers(1, False, flippers=100)
    floor.live(10)
    lucky = sum(any(10 * day.won > 6 * day.settled for day in one.days.values()) for one in floor.players.values())
    assert lucky > 80


@deep
@pytest.mark.deep
@pytest.mark.parametrize("case", CASES)
def test_a_year_of_two_hundred_coin_flippers_stays_within_the_budget(case):
    """Of all floors at most a tenth may be expected to see a promotion or a clone: each of them is wrong here.

    Where bad days are forgiven nearly all live through the year: the most looks that chance can have.
    """
    fees, rules, seeds, most_fooled = CASES[case]
    fooled, whole, settled, living = 0, Counter(), 0, 0
    print(f"\n{case}")
    for seed in range(seeds):
        floor = floor_of_flippers(seed, fees, rules=rules)
        floor.live(YEAR)
        acts = counted(floor)
        traded = sum(player.settled for player in floor.players.values())
        print(row(seed, traded, acts, len(floor.living())), flush=True)
        fooled += bool(acts["production"] or acts["clone"])
        settled += traded
        living += len(floor.living())
        whole += acts
    print(row("all", settled, whole, living), f"{fooled} floors of {seeds} fooled")
    assert fooled <= most_fooled


def row(name, settled, acts, living):
    """A line of the table."""
    counts = (settled, acts["trial"], acts["flag"], acts["retire"], living, acts["production"], acts["clone"])
    return f"| {name} | " + " | ".join(f"{count:,}" for count in counts) + " |"
