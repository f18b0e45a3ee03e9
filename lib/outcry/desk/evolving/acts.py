"""What is done about a decision: the agent's row, its capital, its clone, and the event that says why. All or nothing.

Capital is handed out, never made: what all living agents are allocated together stays within the floor's capital. An
allocation says what may be entered from now on; what is held already stays, and leaves as it would have left.
"""

import random
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from outcry.desk.common import strategies
from outcry.desk.common.day import birth_allocation_micros
from outcry.desk.evolving import offspring
from outcry.desk.evolving.standings import Found
from outcry.ops.settings import Settings
from outcry.review.selection import Decision
from outcry.review.standing import MILLIONTHS
from outcry.review.variation import child_name, vary
from outcry.risk import drawdown
from outcry.store import agents, orders, proposals, questions, report
from outcry.store.agents import Agent
from outcry.store.database import write
from outcry.store.proposals import Proposal
from outcry.store.questions import AHEAD, CHALLENGE, FLAG, GAIN, LOSS, POOR, STAGE


class Acts:
    """One run's. `capital_micros`: the floor's, which the allocations together never exceed."""

    def __init__(self, db: sqlite3.Connection, settings: Settings, capital_micros: int, now_ms: int) -> None:
        self._db, self._settings, self._capital_micros, self._now_ms = db, settings, capital_micros, now_ms

    def apply(self, decision: Decision, found: Found) -> str:
        """Do what a rule wants; returns what was done in a few words, "" when that cannot be any more."""
        evidence = {**decision.figures, "evidence": found.facts()}
        with write(self._db):
            agent = agents.get(self._db, decision.agent)
            if (agent.stage, agent.allocation_micros) != (found.standing.stage, found.standing.allocation_micros):
                return ""
            return _DOES[decision.act](self, agent, decision, found, evidence)

    # ---- stages -----------------------------------------------------------------------------------------------------

    def promote(self, agent: Agent, decision: Decision, found: Found, evidence: Mapping[str, Any]) -> str:
        """To trial or production, with that stage's share of the capital as far as there is room."""
        if decision.act == "production":
            self._answered(found, STAGE, GAIN)
        agents.set_stage(
            self._db, agent.name, decision.act, self._now_ms, rule=decision.rule, act="promoted", evidence=evidence
        )
        shares = self._settings.agents
        share = shares.trial_share_millionths if decision.act == "trial" else shares.production_share_millionths
        wanted_micros = self._capital_micros * share // MILLIONTHS
        granted_micros = self.room_micros(agent, wanted_micros)
        if granted_micros > agent.allocation_micros:
            self._allocate(agent.name, granted_micros, decision.rule, {"share_micros": wanted_micros})
        return f"promoted to {decision.act}"

    def retire(self, agent: Agent, decision: Decision, found: Found, evidence: Mapping[str, Any]) -> str:
        """It enters nothing more; what it holds leaves by its exits or is paid, and then its trader stops."""
        if found.standing.edge.loses:
            self._answered(found, STAGE, LOSS)
        if found.standing.edge_since_flag.loses:
            self._answered(found, FLAG, LOSS)
        self.let_go(agent, decision.rule, evidence)
        return "retired"

    def let_go(self, agent: Agent, rule: str, evidence: Mapping[str, Any]) -> None:
        """Retire an agent, whoever wants it so."""
        agents.set_stage(self._db, agent.name, "retired", self._now_ms, rule=rule, act="retired", evidence=evidence)

    def flag(self, agent: Agent, decision: Decision, found: Found, evidence: Mapping[str, Any]) -> str:
        if found.standing.edge.loses:
            self._answered(found, STAGE, LOSS)
        agents.set_flagged(self._db, agent.name, True, self._now_ms, rule=decision.rule, evidence=evidence)
        return "flagged"

    def unflag(self, agent: Agent, decision: Decision, found: Found, evidence: Mapping[str, Any]) -> str:
        if found.standing.edge_since_flag.gains:
            self._answered(found, FLAG, GAIN)
        agents.set_flagged(self._db, agent.name, False, self._now_ms, rule=decision.rule, evidence=evidence)
        return "flag taken off"

    def pause(self, agent: Agent, decision: Decision, found: Found, evidence: Mapping[str, Any]) -> str:
        agents.set_paused(
            self._db,
            agent.name,
            True,
            reason=decision.rule,
            now_ms=self._now_ms,
            rule=drawdown.CAUSE,
            evidence=evidence,
        )
        return "paused"

    def resume(self, agent: Agent, decision: Decision, found: Found, evidence: Mapping[str, Any]) -> str:
        agents.set_paused(
            self._db, agent.name, False, reason="", now_ms=self._now_ms, rule=drawdown.CAUSE, evidence=evidence
        )
        return "resumed"

    # ---- capital ----------------------------------------------------------------------------------------------------

    def room_micros(self, agent: Agent | None, wanted_micros: int) -> int:
        """As much of what is wanted as the others leave; for an agent, or (None) one that is not there yet."""
        others = sum(
            one.allocation_micros for one in agents.everyone(self._db) if agent is None or one.name != agent.name
        )
        return max(0, min(wanted_micros, self._capital_micros - others))

    def shrink(self, agent: Agent, decision: Decision, found: Found, evidence: Mapping[str, Any]) -> str:
        if found.standing.daily.loses:
            self._answered(found, STAGE, POOR)
        if found.standing.daily_since_flag.loses:
            self._answered(found, FLAG, POOR)
        to_micros = int(decision.figures["allocation_micros"])
        agents.note(self._db, agent.name, self._now_ms, rule=decision.rule, act="shrunk", evidence=evidence)
        self._allocate(agent.name, to_micros, decision.rule, {"from_micros": agent.allocation_micros})
        return f"allocation halved to ${to_micros / 1_000_000:,.2f}"

    def succeed(self, agent: Agent, decision: Decision, found: Found, evidence: Mapping[str, Any]) -> str:
        """Clone and parent change places: the one gets the other's allocation."""
        parent = agents.get(self._db, str(decision.figures["parent"]))
        if parent.stage == "retired" or parent.allocation_micros <= agent.allocation_micros:
            return ""
        self._answered(found, CHALLENGE, AHEAD)
        self._allocate(parent.name, agent.allocation_micros, decision.rule, {"challenger": agent.name})
        self._allocate(agent.name, parent.allocation_micros, decision.rule, evidence)
        return f"took the allocation of {parent.name}"

    def release(self) -> list[str]:
        """Take back the capital of those who are retired and hold and order nothing any more; returns their names."""
        with write(self._db):
            busy = {item.agent for item in report.open_positions(self._db)}
            busy |= {order.agent for order in orders.open_orders(self._db)}
            flat = [
                one.name
                for one in agents.everyone(self._db)
                if one.stage == "retired" and one.allocation_micros and one.name not in busy
            ]
            for name in flat:
                self._allocate(name, 0, "retired and flat", {})
        return flat

    def fit(self) -> list[str]:
        """Cut all allocations alike where the capital has fallen below their sum; returns the names of those cut."""
        with write(self._db):
            given = {one.name: one.allocation_micros for one in agents.everyone(self._db) if one.allocation_micros}
            whole = sum(given.values())
            if whole <= self._capital_micros or self._capital_micros <= 0:
                return []
            for name, micros in given.items():
                facts = {"from_micros": micros, "capital_micros": self._capital_micros, "allocated_micros": whole}
                self._allocate(name, micros * self._capital_micros // whole, "capital fell", facts)
        return list(given)

    def _allocate(self, name: str, micros: int, rule: str, evidence: Mapping[str, Any]) -> None:
        agents.set_allocation(self._db, name, micros, self._now_ms, rule=rule, evidence=evidence)

    # ---- clones -----------------------------------------------------------------------------------------------------

    def clone(self, agent: Agent, decision: Decision, found: Found, evidence: Mapping[str, Any]) -> str:
        living = [one for one in agents.everyone(self._db) if one.stage != "retired"]
        if len(living) >= self._settings.evolution.agents or not self.room_micros(None, self._capital_micros):
            return ""
        self._answered(found, STAGE, GAIN)
        proposal = offspring.proposed(self._db, agent)
        child = self.make_child(agent, decision.rule, evidence, proposal=proposal)
        whence = "" if proposal is None else f"from proposal {proposal.number}, "
        return f"cloned as {child.name}: {whence}{offspring.told(child, agent)}"

    def make_child(
        self,
        parent: Agent,
        rule: str,
        evidence: Mapping[str, Any],
        parameters: Mapping[str, Any] | None = None,
        proposal: Proposal | None = None,
    ) -> Agent:
        """A clone at birth stage, with small capital, measured against its parent from now on.

        parameters  its own; without any its parent's, varied. The same clone of the same floor varies the same way
        proposal    where they come from instead, which is taken by that; what it does not say is its parent's
        """
        name = child_name(parent.name, [one.name for one in agents.everyone(self._db)])
        if proposal is not None:
            parameters = {**parent.parameters, **proposal.parameters}
        elif parameters is None:
            moved = vary(offspring.knobs(parent), random.Random(f"{parent.name}/{name}/{self._now_ms}"))
            parameters = {**parent.parameters, **moved}
        strategies.check(parent.strategy, dict(parameters))
        wanted_micros = birth_allocation_micros(self._settings, self._capital_micros)
        child = Agent(
            name,
            parent.strategy,
            dict(parameters),
            "birth",
            self.room_micros(None, wanted_micros),
            agents.keep_version(self._db, parent.strategy, strategies.source_of(parent.strategy), self._now_ms),
            self._now_ms,
            parent=parent.name,
            generation=parent.generation + 1,
        )
        agents.add(self._db, child, rule=rule)
        if proposal is not None:
            proposals.take(self._db, proposal.number, child.name, rule, self._now_ms)
            evidence = {**evidence, "proposal": proposal.number}
        questions.begin(self._db, child.name, CHALLENGE, "birth", self._now_ms)
        facts = {**evidence, "child": child.name, "parameters": child.parameters}
        agents.note(self._db, parent.name, self._now_ms, rule=rule, act="cloned", evidence=facts)
        return child

    def _answered(self, found: Found, kind: str, answer: str) -> None:
        if kind in found.asked:
            questions.answered(self._db, found.asked[kind].number, answer, self._now_ms)


_Act = Callable[[Acts, Agent, Decision, Found, Mapping[str, Any]], str]
_DOES: dict[str, _Act] = {
    "trial": Acts.promote,
    "production": Acts.promote,
    "clone": Acts.clone,
    "retire": Acts.retire,
    "unflag": Acts.unflag,
    "flag": Acts.flag,
    "shrink": Acts.shrink,
    "pause": Acts.pause,
    "resume": Acts.resume,
    "succeed": Acts.succeed,
}
