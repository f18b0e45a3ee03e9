"""A floor in fast motion: agents with a known edge trade for months, and are judged after each day.

Every trade is a fill and a payment, made evidence by review.settled_work, review.evidence and review.scores, and
decided on by review.selection at the levels of review.bets, as `score` and `evolve` do; only the database between them
is left out, and with it what needs one: drawdown, starvation, challenges and people. tests/desk/test_evolving_year.py
holds the two beside each other, decision by decision.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from outcry.desk.common.day import birth_allocation_micros
from outcry.desk.evolving.standings import BASELINE_TRADES, thresholds
from outcry.domain.fill import Fill, Settlement
from outcry.domain.market import FeeTerms
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC, ONE_DOLLAR_MICROS
from outcry.ops.settings import Settings
from outcry.review import scores
from outcry.review.bets import Bets, level
from outcry.review.evidence import Evidence, Observation, observe
from outcry.review.scores import Sums
from outcry.review.selection import Decision, decide
from outcry.review.settled_work import Seen, work
from outcry.review.standing import DAY_MS, MILLIONTHS, Question, Standing
from outcry.review.variation import child_name
from outcry.store.questions import BIRTH, FLAG, GAIN, LOSS, POOR, STAGE
from outcry.venue.fees import trade_fee_micros

FIRST_DAY_MS = 20_800 * DAY_MS
MEANS = tuple(cents / 100 for cents in range(-3, 4))  # of the grid, those that are asked about
ZERO = (0.0, 0.01)  # ... where all are the baseline
PRICES_CC = range(3_000, 7_001, 100)


@dataclass(frozen=True, slots=True)
class Bet:
    """One contract of YES bought and held to the end."""

    agent: str
    price_cc: int
    fee_micros: int
    won: bool


@cache
def outcome(price_cc: int, fee_micros: int, won: bool) -> tuple[Observation, Sums]:
    """What scoring makes of such a bet; the same for all that are alike."""
    fill = Fill("t", "x", "E-1", 0, Side.BID, price_cc, 100, fee_micros, True, 1, "c")
    paid = Settlement("E-1", 0, "yes" if won else "no", ONE_DOLLAR_CC if won else 0, 2)
    made = work("somebody", "E", "", [Seen(fill)], paid)
    seen = observe([made])
    assert seen is not None
    return seen, scores.of_event([made])


@dataclass(slots=True, eq=False)
class Asked:
    """A question: of which kind, its place among those, since which day, and what it saw."""

    kind: str
    place: int
    day: int
    seen: Evidence


@dataclass(slots=True)
class Player:
    """An agent whose true edge is known: dollars per contract, after fees. One without an edge pays its fees."""

    name: str
    edge_dollars: float = 0.0
    baseline: bool = False
    parent: str = ""
    prices_cc: Sequence[int] = PRICES_CC
    stage: str = "birth"
    allocation_micros: int = 0
    asked: Asked | None = None
    flag: Asked | None = None
    shrunk_day: int | None = None
    days: dict[int, Sums] = field(default_factory=dict)

    @property
    def settled(self) -> int:
        return sum(one.settled for one in self.days.values())


@dataclass(frozen=True, slots=True)
class Happened:
    """A decision, on which day, and how many trades of the agent had settled by then."""

    day: int
    decision: Decision
    settled: int
    edge_dollars: float


class FastFloor:
    """All agents, one capital, one budget. A day is `trades` bets of each agent, then one look at everybody."""

    def __init__(
        self,
        settings: Settings,
        players: Iterable[Player],
        capital_micros: int,
        *,
        trades: int,
        seed: int,
        fees: bool,
        means: Sequence[float] = MEANS,
    ) -> None:
        self._settings, self._limits = settings, thresholds(settings)
        self._capital_micros, self._trades, self._fees = capital_micros, trades, fees
        self._rng, self._means = random.Random(seed), means
        self._places = {BIRTH: 0, STAGE: 0, FLAG: 0}
        self._found: set[tuple[Asked, str]] = set()
        self.players: dict[str, Player] = {}
        self.day = 0
        self.bets: list[Bet] = []  # of the last day
        self.happened: list[Happened] = []
        for player in players:
            self._born(player)

    def live(self, days: int) -> None:
        for _ in range(days):
            self.one_day()

    def one_day(self) -> list[Happened]:
        """Trade, then decide about everybody, then do it."""
        self.bets = [self._bet(player) for player in self.living() for _ in range(self._trades)]
        for bet in self.bets:
            self._settle(bet)
        now_ms = FIRST_DAY_MS + (self.day + 1) * DAY_MS - 1
        self._release()
        baseline_dollars = self._baseline()
        living = self.living()
        children = Counter(player.parent for player in living)
        standings = [self._standing(player, baseline_dollars, children[player.name], len(living)) for player in living]
        today = []
        for standing in standings:
            decision = decide(standing, self._limits, now_ms)
            if decision is not None:
                player = self.players[decision.agent]
                today.append(Happened(self.day, decision, player.settled, player.edge_dollars))
                self._do(player, decision, standing)
        self.happened += today
        self.day += 1
        return today

    def living(self) -> list[Player]:
        return [one for _, one in sorted(self.players.items()) if one.stage != "retired"]

    # ---- trading ----------------------------------------------------------------------------------------------------

    def _bet(self, player: Player) -> Bet:
        price_cc = self._rng.choice(player.prices_cc)
        fee_micros = trade_fee_micros(FeeTerms(), True, price_cc, 100) if self._fees else 0
        chance = price_cc / ONE_DOLLAR_CC
        if player.edge_dollars:
            chance += player.edge_dollars + fee_micros / ONE_DOLLAR_MICROS
        return Bet(player.name, price_cc, fee_micros, self._rng.random() < chance)

    def _settle(self, bet: Bet) -> None:
        player = self.players[bet.agent]
        seen, added = outcome(bet.price_cc, bet.fee_micros, bet.won)
        for asked in (player.asked, player.flag):
            if asked is not None:
                asked.seen.replace(None, seen)
        player.days[self.day] = player.days.get(self.day, Sums()).plus(added)

    # ---- looking ----------------------------------------------------------------------------------------------------

    def _standing(self, player: Player, baseline_dollars: float, children: int, living: int) -> Standing:
        asked, day = player.asked, player.days.get(self.day, Sums())
        assert asked is not None
        week = [player.days.get(at, Sums()) for at in range(max(self.day - 7, 0), self.day + 1)]
        returns = self._returns(player, asked)
        told = scores.sharpe(returns)
        staged = asked.kind == STAGE
        against = 0.0 if player.baseline else baseline_dollars
        since = player.flag
        return Standing(
            player.name,
            player.stage,
            _end_ms(asked.day) if asked.day >= 0 else FIRST_DAY_MS,
            player.allocation_micros,
            birth_allocation_micros(self._settings, self._capital_micros),
            settled=asked.seen.settled,
            net_micros=asked.seen.net_micros,
            edge=self._question(asked, 0.0) if staged else Question(),
            beside_baseline=self._question(asked, against) if staged else Question(),
            day_settled=day.settled,
            day_won=day.won,
            day_break_even_millionths=day.break_even_millionths,
            week_sharpe=told[0] if told else None,
            daily=self._poor(player, asked, returns, scores.total(week)) if staged else Question(),
            daily_since_flag=self._poor(player, since, returns, scores.total(week)) if staged and since else Question(),
            shrunk_at_ms=0 if player.shrunk_day is None else _end_ms(player.shrunk_day),
            flagged_at_ms=None if since is None else _end_ms(since.day),
            edge_since_flag=Question() if since is None else self._question(since, 0.0),
            net_since_flag_micros=0 if since is None else since.seen.net_micros,
            settled_since_flag=0 if since is None else since.seen.settled,
            living_children=children,
            floor_agents=living,
        )

    def _question(self, asked: Asked, mean: float, answers: tuple[str, ...] = (GAIN, LOSS)) -> Question:
        budget = self._limits.false_discoveries_millionths / MILLIONTHS
        levels = []
        for answer in answers:
            others = sum(one.kind == asked.kind and one is not asked and said == answer for one, said in self._found)
            levels.append(level(asked.place, others, budget))
        return asked.seen.about(max(self._means[0], min(self._means[-1], mean)), min(levels))

    def _returns(self, player: Player, asked: Asked) -> list[float]:
        if player.allocation_micros <= 0:
            return []
        days = range(max(self.day - 7, asked.day, 0), self.day + 1)
        return [player.days.get(day, Sums()).net_micros / player.allocation_micros for day in days]

    def _poor(self, player: Player, asked: Asked, returns: list[float], week: Sums) -> Question:
        if len(returns) < scores.FEWEST_DAYS or not week.contracts_ch:
            return Question()
        wanted = scores.wanted_per_contract(
            returns, week.contracts_ch, player.allocation_micros, self._limits.shrink_sharpe
        )
        return self._question(asked, wanted, (POOR,))

    def _baseline(self) -> float:
        whole = scores.total(day for one in self.players.values() if one.baseline for day in one.days.values())
        return whole.net_micros / (whole.contracts_ch * ONE_DOLLAR_CC) if whole.settled >= BASELINE_TRADES else 0.0

    # ---- doing ------------------------------------------------------------------------------------------------------

    def _do(self, player: Player, decision: Decision, standing: Standing) -> None:
        shares = self._settings.agents
        match decision.act:
            case "trial" | "production":
                if decision.act == "production":
                    self._answered(player.asked, GAIN)
                player.stage, player.flag = decision.act, None
                player.asked = self._ask(STAGE)
                share = shares.trial_share_millionths if decision.act == "trial" else shares.production_share_millionths
                wanted_micros = self._capital_micros * share // MILLIONTHS
                player.allocation_micros = max(player.allocation_micros, self._room_micros(player, wanted_micros))
            case "clone":
                if len(self.living()) < self._limits.agents:
                    self._answered(player.asked, GAIN)
                    name = child_name(player.name, list(self.players))
                    self._born(Player(name, player.edge_dollars, player.baseline, player.name, player.prices_cc))
            case "retire":
                if standing.edge.loses:
                    self._answered(player.asked, LOSS)
                if standing.edge_since_flag.loses:
                    self._answered(player.flag, LOSS)
                player.stage = "retired"
            case "flag":
                if standing.edge.loses:
                    self._answered(player.asked, LOSS)
                player.flag = self._ask(FLAG)
            case "unflag":
                if standing.edge_since_flag.gains:
                    self._answered(player.flag, GAIN)
                player.flag = None
            case "shrink":
                if standing.daily.loses:
                    self._answered(player.asked, POOR)
                if standing.daily_since_flag.loses:
                    self._answered(player.flag, POOR)
                player.shrunk_day = self.day
                player.allocation_micros = int(decision.figures["allocation_micros"])
            case other:
                raise AssertionError(f"a floor in fast motion does not {other}")

    def _born(self, player: Player) -> None:
        self.players[player.name] = player
        player.asked = self._ask(BIRTH, self.day if player.parent else -1)
        wanted_micros = birth_allocation_micros(self._settings, self._capital_micros)
        player.allocation_micros = self._room_micros(player, wanted_micros)

    def _ask(self, kind: str, day: int | None = None) -> Asked:
        self._places[kind] += 1
        return Asked(kind, self._places[kind], self.day if day is None else day, Evidence(bets=Bets(self._means)))

    def _answered(self, asked: Asked | None, answer: str) -> None:
        assert asked is not None
        self._found.add((asked, answer))

    def _room_micros(self, player: Player, wanted_micros: int) -> int:
        others = sum(one.allocation_micros for one in self.players.values() if one is not player)
        return max(0, min(wanted_micros, self._capital_micros - others))

    def _release(self) -> None:
        for player in self.players.values():
            if player.stage == "retired":
                player.allocation_micros = 0


def _end_ms(day: int) -> int:
    """When a day was looked at."""
    return FIRST_DAY_MS + (day + 1) * DAY_MS - 1
