"""A floor whose agents' bets are written to a real database, and judged after each day by the real score and evolve."""

import json

from account import T0
from evolving import FIRST_DAY_MS, Bet, Player
from outcry.desk import evolve, migrate
from outcry.desk.common.day import birth_allocation_micros
from outcry.desk.scoring import agents as scoring
from outcry.review.standing import DAY_MS
from outcry.store import accounts, agents, database, looks
from settled import MINUTE_MS, Played


class Judged:
    """Agents like these players; `one_day` writes what they bet on a day, and lets the floor decide at its end."""

    def __init__(self, floor, players: list[Player], capital_micros: int) -> None:
        self.floor = floor
        migrate.prepare(floor, FIRST_DAY_MS)
        self.db = database.connect(floor.database)
        self.db.execute("PRAGMA synchronous = OFF")
        accounts.record_day(self.db, "2026-11-01", capital_micros, {}, T0)
        self.played, self.bets = Played(self.db), 0
        sha256 = agents.keep_version(self.db, "momentum", "source", FIRST_DAY_MS)
        allocation_micros = birth_allocation_micros(floor.settings, capital_micros)
        for player in players:
            strategy = "coin_flip" if player.baseline else "momentum"
            made = agents.Agent(player.name, strategy, {}, "birth", allocation_micros, sha256, FIRST_DAY_MS)
            agents.add(self.db, made, rule="test")

    def one_day(self, day: int, bets: list[Bet]) -> None:
        for number, bet in enumerate(bets):
            self.bets += 1
            self.bet(bet, f"E{self.bets}", FIRST_DAY_MS + day * DAY_MS + 60 * MINUTE_MS + 1_000 * number)
        now_ms = FIRST_DAY_MS + (day + 1) * DAY_MS - 1
        for agent in agents.everyone(self.db):
            looks.add(self.db, agent.name, {("T", now_ms - MINUTE_MS, "no volume spike", "signal"): 1})
        self.score()
        evolve.once(self.db, self.floor, now_ms)

    def bet(self, bet: Bet, event: str, at_ms: int) -> None:
        self.played.bet(bet.agent, event, bet.won, bet.price_cc, at_ms, fee_micros=bet.fee_micros)

    def score(self) -> None:
        scoring.take_in(self.db, scoring.Spans.of(1))

    def decided(self) -> list[tuple[int, str, str]]:
        """(day, agent, rule) of every rule that was applied."""
        return [one[:3] for one in self.told() if one[3] != "allocated"]

    def told(self) -> list[tuple]:
        """Everything that happened to agents: (day, agent, rule, act, evidence), in order."""
        kept = self.db.execute(
            "SELECT (at_ms - ?) / ?, agent, rule, act, evidence FROM evolution_events WHERE act <> 'added' ORDER BY id",
            (FIRST_DAY_MS, DAY_MS),
        )
        return [(*row[:4], json.loads(row[4])) for row in kept]

    def there(self) -> dict[str, tuple[str, int, bool]]:
        """Every agent's stage, allocation, and whether it is flagged."""
        return {one.name: (one.stage, one.allocation_micros, one.flagged) for one in agents.everyone(self.db)}
