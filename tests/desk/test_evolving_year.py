"""The floor in fast motion (support/evolving.py) decides what `score` and `evolve` decide on a real database."""

from evolving import FastFloor, Player
from judged import Judged
from outcry.ops import settings as settings_file
from outcry.ops.floor import Floor

CAPITAL_MICROS = 1_000_000_000
DAYS, TRADES = 12, 12
RULES = {
    "agents": {"first": ()},
    "evolution": {
        "production_days": 3.0,
        "flag_days": 3.0,
        "flag_win_millionths": 250_000,
        "shrink_days": 3.0,
        "agents": 9,
        "children": 2,
    },
}
EDGES = {"dear": -0.15, "flip": None, "gold": 0.25, "lead": -0.4, "tin": 0.02}  # None: a coin flipper


def test_every_decision_is_the_one_of_score_and_evolve_on_a_database(tmp_path):
    settings = settings_file.parse(RULES)
    players = [Player(name, edge or 0.0, edge is None) for name, edge in EDGES.items()]
    fast = FastFloor(settings, players, CAPITAL_MICROS, trades=TRADES, seed=4, fees=True)
    real = Judged(Floor(settings, tmp_path, quiet=True), players, CAPITAL_MICROS)
    for day in range(DAYS):
        fast.one_day()
        real.one_day(day, fast.bets)
        expected = [(one.day, one.decision.agent, one.decision.rule) for one in fast.happened]
        assert real.decided() == expected
        assert real.there() == {
            one.name: (one.stage, one.allocation_micros, one.flag is not None and one.stage != "retired")
            for one in fast.players.values()
        }
    for _, _, rule, act, evidence in real.told():
        if act != "allocated":
            assert {"low_dollars", "high_dollars", "level", "settled", "events"} <= evidence["evidence"].keys(), rule
            assert len(evidence) > 1, "and what the rule compared"
    real.db.close()
    acts = {one.decision.act for one in fast.happened}
    assert {"trial", "production", "clone", "flag", "unflag", "retire", "shrink"} <= acts, acts
