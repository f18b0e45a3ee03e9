"""Decisions made again: the same source, settings, view and circumstances must give the same intent, size and verdict.

The live trader, a backtest and this run one and the same code. What is not the same any more (a source that is not
installed, a shape of an older build) is marked as not replayed, and said once; it is never taken for a difference.
"""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from typing import Any

import msgspec

from outcry.desk.common import strategies
from outcry.desk.dealing import question
from outcry.domain.errors import Misconfigured
from outcry.domain.order import Purpose
from outcry.domain.view import Decision, Verdict, View, intents
from outcry.review.checks.records import CRITICAL, INFO, Finding
from outcry.store import agents, circumstances, decisions
from outcry.strategies import catalogue
from outcry.trading.wishes import snapped

CHECK = "replay"
SAME, DIFFERS, NOT = "same", "differs", "not replayed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`why`: what differs, or why it could not be made again."""

    outcome: str
    why: str = ""


class Replay:
    """Makes decisions again, with the strategies that this build has."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._installed: dict[str, str] = {}

    def again(self, row: sqlite3.Row, view: View | None) -> Outcome:
        """One decision, from its whole row; `view` as decoded from it, None where that failed."""
        if view is None:
            return Outcome(NOT, "its view is of a shape that this build does not read")
        try:
            made = decisions.get(self._db, row["decision_id"])
            intent = self._intent(row, made, view) if made and made.purpose is Purpose.ENTRY else Outcome(SAME)
            verdict = self._verdict(made, view) if made else Outcome(NOT, "it is gone")
        except msgspec.ValidationError as error:
            return Outcome(NOT, f"it is of a shape that this build does not read: {error}")
        return next((found for found in (intent, verdict) if found.outcome == DIFFERS), None) or next(
            (found for found in (intent, verdict) if found.outcome == NOT), Outcome(SAME)
        )

    def _intent(self, row: sqlite3.Row, made: Decision | None, view: View) -> Outcome:
        assert made is not None
        parameters: dict[str, Any] = json.loads(row["parameters"])
        try:
            agent = agents.get(self._db, made.agent)
            if self._sha256(agent.strategy) != row["code_sha256"]:
                return Outcome(NOT, f"{agent.strategy} {row['code_sha256'][:12]} is not installed")
            running = strategies.parameters(agent.strategy, agent.parameters)
            strategy = catalogue.build(agent.strategy, parameters)
        except Misconfigured as error:
            return Outcome(DIFFERS, f"its parameters or agent: {error}")
        if parameters != running:
            return Outcome(DIFFERS, f"parameters {_apart(running, parameters)} are not the agent's")
        try:
            answer = strategy.decide(view)
        except Exception as error:  # whatever a strategy does with a view that somebody edited
            return Outcome(DIFFERS, f"the strategy now raises {type(error).__name__}: {error}")
        if isinstance(answer, str):
            return Outcome(DIFFERS, f"the strategy now says: {answer}")
        same_side = [intent for intent in intents(answer) if intent.side is made.intent.side]
        here = [intent for intent in same_side if intent.ticker == view.market.ticker]
        wanted = snapped((here or intents(answer))[0], view.market)
        if wanted is None:
            return Outcome(DIFFERS, "the strategy's price is not on the market's grid")
        apart = _apart(msgspec.to_builtins(wanted), msgspec.to_builtins(made.intent))
        kept = {"side": str(made.intent.side), "limit_cc": made.intent.limit_cc, "why": made.intent.why}
        columns = {name: row[name] for name in kept}
        return (
            Outcome(DIFFERS, f"intent {apart or _apart(kept, columns)}") if apart or kept != columns else Outcome(SAME)
        )

    def _verdict(self, made: Decision, view: View) -> Outcome:
        if made.agent in agents.RESERVED:
            return Outcome(NOT, "it left what the exchange listed as held, whoever held it")
        known = circumstances.get(self._db, made.decision_id)
        if known is None or known.question_json == "{}":
            return Outcome(NOT, "what the gate was asked was not kept")
        kept = question.read(known.question_json)
        if kept.rules != question.rules_sha256():
            return Outcome(NOT, f"rules {kept.rules[:12]} are not installed")
        asked = question.again(kept, made.purpose, made.intent, view.market, view.quote, made.at_ms)
        apart = _apart(_plain(asked.ask(known.exposure)), _plain(made.verdict))
        return Outcome(DIFFERS, f"verdict {apart}") if apart else Outcome(SAME)

    def _sha256(self, strategy: str) -> str:
        if strategy not in self._installed:
            source = strategies.source_of(strategy)
            self._installed[strategy] = hashlib.sha256(source.encode()).hexdigest()
        return self._installed[strategy]


def finding(decision_id: str, found: Outcome) -> Finding | None:
    """What an outcome is worth telling; one finding for all decisions that miss the same source."""
    if found.outcome == SAME:
        return None
    if found.outcome == NOT:
        text = f"decision {decision_id} (and others like it) was not replayed: {found.why}"
        return Finding(CHECK, f"not replayed: {found.why}", INFO, text, "install that version to replay them")
    return Finding(
        CHECK,
        f"decision {decision_id}",
        CRITICAL,
        f"decision {decision_id} made again comes out otherwise: {found.why}",
        "find out who edited it, or what the strategy reads beside its view",
        {"why": found.why},
    )


def _apart(now: dict[str, Any], then: dict[str, Any]) -> str:
    """The fields that differ, as `name then -> now`; "" when none does."""
    names = sorted(now.keys() | then.keys())
    return ", ".join(
        f"{name} {then.get(name)!r} -> {now.get(name)!r}" for name in names if now.get(name) != then.get(name)
    )


def _plain(verdict: Verdict) -> dict[str, Any]:
    """A verdict as its columns keep it."""
    return {
        "answer": str(verdict.answer),
        "count_ch": verdict.count_ch,
        "rule": verdict.rule,
        "reason": verdict.reason,
        **{f"numbers.{name}": value for name, value in dict(verdict.numbers).items()},
    }
