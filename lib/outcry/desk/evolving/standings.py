"""How every agent stands, read at one instant: what the rules of review/rules look at."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from outcry.desk.common.day import birth_allocation_micros
from outcry.desk.scoring.agents import Spans, evidence_of
from outcry.desk.scoring.figures import since_ms
from outcry.domain.funnel import Step
from outcry.domain.units import ONE_DOLLAR_CC, ONE_DOLLAR_MICROS
from outcry.ops.settings import Settings
from outcry.review import scores
from outcry.review.bets import level
from outcry.review.evidence import Evidence
from outcry.review.scores import COLUMNS, Sums
from outcry.review.settled_work import words
from outcry.review.standing import MILLIONTHS, Challenge, Question, Standing, Thresholds
from outcry.risk import drawdown
from outcry.store import accounts, agents, looks, peaks, questions
from outcry.store import scores as rows
from outcry.store.agents import Agent
from outcry.store.questions import AHEAD, BIRTH, CHALLENGE, FLAG, GAIN, LOSS, POOR, STAGE, Asked

FORBIDDEN = ("floor halted", "entries stopped", "agent paused")  # by others: who may not trade is not behind
BASELINE_TRADES = 30  # of fewer the baseline's mean says nothing, and doing nothing is the baseline


@dataclass(frozen=True, slots=True)
class Found:
    """One agent's standing, the questions behind it, and what they have seen."""

    standing: Standing
    asked: Mapping[str, Asked]
    seen: Mapping[str, Evidence]

    def facts(self) -> dict[str, object]:
        """The present stage's evidence in plain words, for whoever reads the decision."""
        seen = self.seen.get(STAGE) or self.seen.get(BIRTH) or Evidence()
        granted = self.standing.edge.level
        return {
            "events": seen.events,
            "settled": seen.settled,
            "net_dollars": round(seen.net_micros / ONE_DOLLAR_MICROS, 6),
            "net_per_contract_dollars": round(_mean_dollars(seen), 6),
            "low_dollars": seen.bets.lower(granted),
            "high_dollars": seen.bets.upper(granted),
            "level": granted,
        }


def thresholds(settings: Settings) -> Thresholds:
    """The settings as the rules read them; days are shortened on a floor whose windows are."""
    plain = msgspec.to_builtins(settings.evolution)
    del plain["baseline"]
    for name in ("production_days", "flag_days", "shrink_days", "pause_days", "respect_days"):
        plain[name] /= settings.time_factor
    return Thresholds(**plain)


def read(db: sqlite3.Connection, settings: Settings, capital_micros: int, now_ms: int) -> dict[str, Found]:
    """Every agent that is not retired. Call it within one read transaction."""
    reader = _Reader(db, settings, capital_micros, now_ms)
    return {agent.name: reader.found(agent) for agent in reader.living}


class _Reader:
    """What is the same for all agents is read once."""

    def __init__(self, db: sqlite3.Connection, settings: Settings, capital_micros: int, now_ms: int) -> None:
        self._db, self._settings, self._now_ms = db, settings, now_ms
        self._capital_micros = capital_micros
        self._limits = thresholds(settings)
        self._spans = Spans.of(settings.time_factor)
        everyone = agents.everyone(db)
        self.living = [agent for agent in everyone if agent.stage != "retired"]
        self._by_name = {agent.name: agent for agent in everyone}
        self._results = accounts.agent_equity_micros(db)
        self._doubted = {word for text in rows.doubts(db) for word in words(text)}
        self._discoveries = questions.discoveries(db)
        self._open: dict[str, dict[str, Asked]] = defaultdict(dict)
        for one in questions.everything(db):
            if one.ended_at_ms is None:
                self._open[one.agent][one.kind] = one
        day_from_ms, _ = since_ms("24h", self._spans, now_ms)
        week_from_ms, _ = since_ms("7d", self._spans, now_ms)
        self._day = self._sums(self._spans.hour_ms, day_from_ms)
        self._week = self._sums(self._spans.day_ms, week_from_ms)
        self._week_from_ms = week_from_ms
        self._baseline_dollars = self._baseline()
        self._looks = self._looked()

    def found(self, agent: Agent) -> Found:
        asked = self._open[agent.name]
        kept = questions.evidence(self._db, [one.number for one in asked.values()])
        seen = {kind: evidence_of(kept.get(one.number)) for kind, one in asked.items()}
        standing = self._flag_and_pause(agent, asked, seen, self._plain(agent, asked, seen))
        return Found(replace(standing, challenge=self._challenge(agent, asked, seen)), asked, seen)

    def _plain(self, agent: Agent, asked: Mapping[str, Asked], seen: Mapping[str, Evidence]) -> Standing:
        now = asked.get(STAGE) or asked.get(BIRTH)
        stage = seen.get(STAGE) or seen.get(BIRTH) or Evidence()
        day = scores.total(self._day[agent.name].values())
        week = self._week_returns(agent, now)
        told = scores.sharpe(week)
        _, decided_at_ms = agents.last_decided(self._db, agent.name)
        shrunk_rule, shrunk_at_ms = agents.last_time(self._db, agent.name, "shrunk")
        standing = Standing(
            agent.name,
            agent.stage,
            now.began_at_ms if now else agent.created_at_ms,
            agent.allocation_micros,
            birth_allocation_micros(self._settings, self._capital_micros),
            settled=stage.settled,
            net_micros=stage.net_micros,
            day_settled=day.settled,
            day_won=day.won,
            day_break_even_millionths=day.break_even_millionths,
            week_sharpe=told[0] if told else None,
            shrunk_at_ms=shrunk_at_ms if shrunk_rule else 0,
            drawdown_millionths=self._fallen_millionths(agent),
            open_findings=int(agent.name in self._doubted),
            living_children=sum(one.parent == agent.name for one in self.living),
            floor_agents=len(self.living),
            starved=self._starved(agent),
            decided_until_ms=decided_at_ms + int(self._limits.respect_days * 86_400_000) if decided_at_ms else 0,
        )
        if STAGE not in asked:
            return standing
        baseline_dollars = 0.0 if agent.strategy == self._settings.evolution.baseline else self._baseline_dollars
        return replace(
            standing,
            edge=self._question(asked[STAGE], stage, 0.0, GAIN, LOSS),
            beside_baseline=self._question(asked[STAGE], stage, baseline_dollars, GAIN, LOSS),
            daily=self._poor(asked[STAGE], stage, week, agent),
            daily_since_flag=self._poor(asked[FLAG], seen[FLAG], week, agent) if FLAG in asked else Question(),
        )

    def _question(self, one: Asked, seen: Evidence, mean_dollars: float, up: str, down: str) -> Question:
        """Both sides at the stricter of their two levels: they are spent from budgets of their own."""
        granted = min(self._level(one, up), self._level(one, down))
        return seen.about(mean_dollars, granted)

    def _level(self, one: Asked, answer: str) -> float:
        others = questions.others(self._discoveries, one, answer)
        return level(one.place, others, self._limits.false_discoveries_millionths / MILLIONTHS)

    def _week_returns(self, agent: Agent, now: Asked | None) -> list[float]:
        """Settled net of each day of the last week that the agent lived in its stage, on its allocation."""
        if now is None or agent.allocation_micros <= 0:
            return []
        first_ms = max(self._week_from_ms, now.began_at_ms)
        days = range(first_ms - first_ms % self._spans.day_ms, self._now_ms + 1, self._spans.day_ms)
        week = self._week[agent.name]
        return [week[day].net_micros / agent.allocation_micros if day in week else 0.0 for day in days]

    def _poor(self, one: Asked, seen: Evidence, week: list[float], agent: Agent) -> Question:
        """The mean daily return against what the wanted Sharpe ratio asks, said in dollars per contract.

        With so many contracts a day, the mean day is that many times the mean contract: the bound on the one is a bound
        on the other, and knows every trade instead of a handful of days.
        """
        traded_ch = sum(one.contracts_ch for one in self._week[agent.name].values())
        if len(week) < scores.FEWEST_DAYS or not traded_ch:
            return Question()
        contract = scores.wanted_per_contract(week, traded_ch, agent.allocation_micros, self._limits.shrink_sharpe)
        return self._question(one, seen, contract, POOR, POOR)

    def _flag_and_pause(
        self, agent: Agent, asked: Mapping[str, Asked], seen: Mapping[str, Evidence], standing: Standing
    ) -> Standing:
        if agent.flagged and FLAG in asked:
            since = seen[FLAG]
            standing = replace(
                standing,
                flagged_at_ms=asked[FLAG].began_at_ms,
                edge_since_flag=self._question(asked[FLAG], since, 0.0, GAIN, LOSS),
                net_since_flag_micros=since.net_micros,
                settled_since_flag=since.settled,
            )
        if agent.paused:
            rule, at_ms = agents.last_time(self._db, agent.name, "paused")
            standing = replace(standing, paused_at_ms=at_ms, paused_by_rule=rule == drawdown.CAUSE)
        return standing

    def _challenge(self, agent: Agent, asked: Mapping[str, Asked], seen: Mapping[str, Evidence]) -> Challenge | None:
        parent = self._by_name.get(agent.parent or "")
        if CHALLENGE not in asked or parent is None or parent.stage == "retired":
            return None
        half = self._question(asked[CHALLENGE], seen[CHALLENGE], 0.0, AHEAD, AHEAD)
        whole = replace(half, low_dollars=_twice(half.low_dollars), high_dollars=_twice(half.high_dollars))
        return Challenge(parent.name, parent.allocation_micros, seen[CHALLENGE].events, whole)

    def _fallen_millionths(self, agent: Agent) -> int:
        """How far below its highest equity; 0 while the clerk's breaker, which knows small agents, would not act."""
        kept_micros = peaks.kept_micros(self._db, "agent", agent.name)
        result_micros = self._results.get(agent.name, 0) - agent.began_micros
        peak_micros = 0 if kept_micros is None else kept_micros - agent.began_micros
        if kept_micros is None or not drawdown.agent(
            peak_micros, result_micros, agent.allocation_micros, self._capital_micros, self._settings.risk
        ):
            return 0
        return (peak_micros - result_micros) * MILLIONTHS // max(1, agent.allocation_micros + peak_micros)

    def _starved(self, agent: Agent) -> str:
        """Why an agent could not trade for most of the last day or week, though it would; "" when it could."""
        for span, counted in zip(("week", "day"), self._looks[agent.name], strict=True):
            hungry = {condition: times for (step, condition), times in counted.items() if _could_not(step, condition)}
            whole = sum(counted.values())
            if not whole:
                return f"it looked at no market in the last {span}"
            if 2 * sum(hungry.values()) > whole:
                worst, share = max(hungry, key=lambda one: hungry[one]), 100 * sum(hungry.values()) // whole
                return f"in {share} % of its looks of the last {span} it could not trade, most often: {worst}"
        return ""

    def _looked(self) -> dict[str, tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]]:
        """How often each agent's looks ended at each condition, in the last week and in the last day."""
        day_ms = self._spans.day_ms
        found: dict[str, tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]]
        found = defaultdict(lambda: (Counter(), Counter()))
        counted = looks.by_condition(self._db, self._now_ms - 7 * day_ms, self._now_ms - day_ms)
        for agent, step, condition, week, day in counted:
            found[agent][0][step, condition] += week
            found[agent][1][step, condition] += day
        return found

    def _sums(self, width_ms: int, from_ms: int) -> dict[str, dict[int, Sums]]:
        found: dict[str, dict[int, Sums]] = defaultdict(dict)
        for row in rows.sums(self._db, width_ms, from_ms):
            mine, at_ms = found[row["agent"]], row["start_ms"]
            one = Sums(*(row[name] for name in COLUMNS))
            mine[at_ms] = mine[at_ms].plus(one) if at_ms in mine else one
        return found

    def _baseline(self) -> float:
        """The baseline's mean net per contract over all it ever did; 0, what doing nothing earns, without enough."""
        names = {one.name for one in self._by_name.values() if one.strategy == self._settings.evolution.baseline}
        ever = self._sums(self._spans.day_ms, 0)
        whole = scores.total(one for name in names for one in ever[name].values())
        if whole.settled < BASELINE_TRADES:
            return 0.0
        return whole.net_micros / (whole.contracts_ch * ONE_DOLLAR_CC)


def _mean_dollars(seen: Evidence) -> float:
    return seen.net_micros / (seen.contracts_ch * ONE_DOLLAR_CC) if seen.contracts_ch else 0.0


def _could_not(step: str, condition: str) -> bool:
    """Whether a look ended for want of data, of a market, or of leave: it could not, not: it would not."""
    return step == Step.TRUSTED or condition in FORBIDDEN or condition.startswith("state ")


def _twice(bound_dollars: float | None) -> float | None:
    """A challenge bets on half the difference, so that it stays within a dollar."""
    return None if bound_dollars is None else 2 * bound_dollars
