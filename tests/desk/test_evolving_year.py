"""The floor in fast motion (support/evolving.py) decides what `score` and `evolve` decide on a real database."""

from account import T0
from evolving import FIRST_DAY_MS, FastFloor, Player
from outcry.desk import evolve, migrate
from outcry.desk.common.day import birth_allocation_micros
from outcry.desk.scoring import agents as scoring
from outcry.ops import settings as settings_file
from outcry.ops.floor import Floor
from outcry.review.selection import DAY_MS
from outcry.store import accounts, agents, database, looks
from settled import MINUTE_MS, Played

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


class Beside:
    """The same bets on a database, through the real `score` and `evolve`."""

    def __init__(self, floor):
        self.floor = floor
        migrate.prepare(floor, FIRST_DAY_MS)
        self.db = database.connect(floor.database)
        self.db.execute("PRAGMA synchronous = OFF")
        accounts.record_day(self.db, "2026-11-01", CAPITAL_MICROS, {}, T0)
        self.played, self.bets = Played(self.db), 0
        sha256 = agents.keep_version(self.db, "momentum", "source", FIRST_DAY_MS)
        wanted_micros = birth_allocation_micros(floor.settings, CAPITAL_MICROS)
        for name, edge in EDGES.items():
            strategy = "coin_flip" if edge is None else "momentum"
            made = agents.Agent(name, strategy, {}, "birth", wanted_micros, sha256, FIRST_DAY_MS)
            agents.add(self.db, made, rule="test")

    def one_day(self, day, bets):
        for number, bet in enumerate(bets):
            self.bets += 1
            at_ms = FIRST_DAY_MS + day * DAY_MS + 60 * MINUTE_MS + 1_000 * number
            fee = {"fee_micros": bet.fee_micros, "at_ms": at_ms}
            self.played.bet(bet.agent, f"E{self.bets}", bet.won, bet.price_cc, **fee)
        now_ms = FIRST_DAY_MS + (day + 1) * DAY_MS - 1
        for agent in agents.everyone(self.db):
            looks.add(self.db, agent.name, {("T", now_ms - MINUTE_MS, "no volume spike"): 1})
        scoring.take_in(self.db, scoring.Spans.of(1))
        evolve.once(self.db, self.floor, now_ms)

    def decided(self):
        """(day, agent, rule) of every rule that was applied, and what it gave to whom."""
        kept = self.db.execute(
            "SELECT (at_ms - ?) / ?, agent, rule FROM evolution_events WHERE act NOT IN ('added', 'allocated')"
            " ORDER BY id",
            (FIRST_DAY_MS, DAY_MS),
        )
        return [tuple(row) for row in kept]


def test_every_decision_is_the_one_of_score_and_evolve_on_a_database(tmp_path):
    settings = settings_file.parse(RULES)
    players = [Player(name, edge or 0.0, edge is None) for name, edge in EDGES.items()]
    fast = FastFloor(settings, players, CAPITAL_MICROS, trades=TRADES, seed=4, fees=True)
    real = Beside(Floor(settings, tmp_path, quiet=True))
    for day in range(DAYS):
        fast.one_day()
        real.one_day(day, fast.bets)
        expected = [(one.day, one.decision.agent, one.decision.rule) for one in fast.happened]
        assert real.decided() == expected
        there = {one.name: (one.stage, one.allocation_micros, one.flagged) for one in agents.everyone(real.db)}
        assert there == {
            one.name: (one.stage, one.allocation_micros, one.flag is not None and one.stage != "retired")
            for one in fast.players.values()
        }
    real.db.close()
    acts = {one.decision.act for one in fast.happened}
    assert {"trial", "production", "clone", "flag", "unflag", "retire", "shrink"} <= acts, acts
