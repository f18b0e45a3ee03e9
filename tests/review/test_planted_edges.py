"""Agents whose edge is known: how soon it is found, where the capital goes, and what happens when the edge dies.

The tables of docs/evolution.md are printed by this file: OUTCRY_DEEP=1 pytest tests/review/test_planted_edges.py -s
"""

import os
import random
import statistics

import pytest

from evolving import FastFloor, Player
from outcry.ops import settings as settings_file
from outcry.review.bets import Bets, level

CAPITAL_MICROS = 10_000_000_000
AGENTS, TRADES, DAYS = 50, 200, 30
RULES = {
    "agents": {
        "birth_share_millionths": 2_000,
        "trial_share_millionths": 5_000,
        "production_share_millionths": 100_000,
    },
    "evolution": {"agents": 200},
}
deep = pytest.mark.skipif("OUTCRY_DEEP" not in os.environ, reason="set OUTCRY_DEEP to run proofs that take minutes")


def planted(seed, winners=5, losers=5, others=AGENTS - 10, trades=TRADES):
    """Five that earn 5 c a contract after fees, five that lose 6 c, and coin flippers who pay their fees."""
    players = [Player(f"win-{number}", 0.05) for number in range(winners)]
    players += [Player(f"lose-{number}", -0.06) for number in range(losers)]
    players += [Player(f"flip-{number:02}", baseline=True) for number in range(others)]
    return FastFloor(settings_file.parse(RULES), players, CAPITAL_MICROS, trades=trades, seed=seed, fees=True)


def firsts(floor, act):
    """When it first happened to each agent: name -> what happened."""
    found = {}
    for one in floor.happened:
        if one.decision.act == act:
            found.setdefault(one.decision.agent, one)
    return found


def held_to_the_promise(floor):
    promoted, retired = firsts(floor, "production"), firsts(floor, "retire")
    won = [name for name in promoted if name.startswith("win")]
    lost = [one.settled for name, one in retired.items() if name.startswith("lose")]
    assert len({name for name in won if name.count("-") == 1}) >= 4
    assert not [name for name in promoted if not name.startswith("win")]
    assert len(lost) == 5 and max(lost) <= 3_000
    capital = {kind: sum(one.allocation_micros for one in floor.players.values() if one.name.startswith(kind))
               for kind in ("win", "lose", "flip")}  # fmt: skip
    assert capital["lose"] == 0 and capital["win"] > CAPITAL_MICROS // 3 and capital["win"] > 3 * capital["flip"]
    assert sum(capital.values()) <= CAPITAL_MICROS
    return promoted, retired, capital


def test_winners_are_promoted_losers_retired_and_capital_flows():
    """A small floor; the whole one of fifty agents for thirty days is the deep test below."""
    floor = planted(1, others=4)
    floor.live(22)
    held_to_the_promise(floor)


EVEN, DEAR = range(3_000, 7_001, 100), range(4_500, 7_501, 100)  # what a contract costs, in hundredths of a cent


def drift(seed, prices_cc, good_days=0, before=0.08, after=-0.08):
    """An agent turns bad overnight, so long after its promotion: days until it is halved, flagged, gone."""
    floor = planted(seed, winners=1, losers=0, others=2, trades=100)
    player = floor.players["win-0"]
    player.edge_dollars, player.prices_cc = before, prices_cc
    while player.stage != "production":
        floor.one_day()
    floor.live(good_days)
    died, player.edge_dollars = floor.day, after
    while player.stage != "retired" and floor.day < died + 120:
        floor.one_day()
    since = [one for one in floor.happened if one.decision.agent == "win-0" and one.day >= died]
    return [
        next((one.day - died + 1 for one in since if one.decision.act == act), None)
        for act in ("shrink", "flag", "retire")
    ]


def test_an_edge_that_dies_is_shrunk_then_retired():
    """Bought dear, its win rate looks sound for long, and the halving comes first."""
    shrunk, flagged, retired = drift(4, DEAR)
    assert shrunk < flagged < retired < 60


def test_an_edge_that_dies_and_loses_more_than_it_wins_is_flagged_and_retired():
    _, flagged, retired = drift(1, EVEN)
    assert flagged < retired < 30


def trades_to_decide(edge, place, seed, most=200_000):
    """Bets at 50 c until one side is proven; `most` when it is not by then."""
    rng, bets = random.Random(seed), Bets((0.0,))
    needs = level(place, 0, 0.1)
    for number in range(1, most + 1):
        bets.take([(1.0 if rng.random() < 0.5 + edge else 0.0) - 0.5])
        if number % 10 == 0:
            proven = bets.lower(needs) if edge > 0 else bets.upper(needs)
            if proven is not None:
                return number
    return most


@deep
@pytest.mark.deep
def test_five_winners_and_five_losers_among_fifty():
    for seed in range(1, 6):
        promoted, retired, capital = held_to_the_promise(floor := lived(planted(seed)))
        days = sorted(one.day + 1 for name, one in promoted.items() if name.count("-") == 1)
        trades = sorted(one.settled for name, one in retired.items() if name.startswith("lose"))
        shares = {kind: f"{100 * micros / CAPITAL_MICROS:.0f} %" for kind, micros in capital.items()}
        clones = sum(one.parent.startswith("win") for one in floor.players.values())
        print(f"\n| {seed} | {days} | {trades} | {shares} | clones of winners {clones} |", end="", flush=True)


def lived(floor):
    floor.live(DAYS)
    return floor


@deep
@pytest.mark.deep
def test_how_long_a_decision_takes():
    print()
    for cents in (6, 5, 4, 3, 2, 1, -1, -2, -3, -4, -5, -6):
        seeds = 20 if abs(cents) > 2 else 8
        row = []
        for place in (1, 50):
            took = sorted(trades_to_decide(cents / 100, place, seed) for seed in range(seeds))
            row += [f"{statistics.median(took):,.0f}", f"{took[-1 - seeds // 10]:,}"]
        print(f"| {cents:+} ¢ | " + " | ".join(row) + " |", flush=True)
    assert statistics.median(trades_to_decide(-0.06, 50, seed) for seed in range(9)) < 3_000


@deep
@pytest.mark.deep
def test_how_soon_a_dead_edge_is_noticed():
    cases = (("30 … 70 ¢", EVEN, 0), ("45 … 75 ¢", DEAR, 0), ("30 … 70 ¢", EVEN, 30), ("45 … 75 ¢", DEAR, 30))
    for words, prices_cc, good_days in cases:
        found = [drift(seed, prices_cc, good_days) for seed in range(5)]
        print(f"\n| {words} | {good_days} |", end="")
        for at in range(3):
            days = sorted(one[at] for one in found if one[at] is not None)
            said = f"{statistics.median(days):g} ({days[0]} … {days[-1]})" if days else "–"
            print(f" {said}, {len(days)} of {len(found)} |", end="")
        assert all(one[2] is not None for one in found)
