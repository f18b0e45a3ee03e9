"""Who is promoted, cloned, flagged, cut, paused and retired: the rules, in order, on evidence handed in.

Figures of the last day or week only say that it is time to look; what then decides is a bound that holds however often
one looks (review.bets), at the level that the budget for false discoveries grants (review.bets.level). The first rule
that applies decides; there is one decision an agent and a run at most. Silence is never a failure: without settled
trades no rule but the first looks applies.

A rule says what is still lacking for it, in words; it applies when nothing is. So what people are told is what decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outcry.review.rules import down, up
from outcry.review.standing import DAY_MS, Standing, Thresholds

RULES = (
    up.TRIAL,
    up.PRODUCTION,
    up.CLONE,
    down.RETIRE,
    down.UNFLAG,
    down.LOSING_DAY,
    down.SHRINK,
    down.LOSS,
    down.PAUSE,
    down.RESUME,
    up.SUCCEED,
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule wants done, and the figures and thresholds it compared."""

    agent: str
    rule: str
    act: str
    figures: Mapping[str, Any]


def decide(one: Standing, limits: Thresholds, now_ms: int) -> Decision | None:
    """The first rule that applies to an agent; None when none does."""
    if one.stage == "retired" or now_ms < one.decided_until_ms:
        return None
    for rule in RULES:
        if rule.applies(one, limits, now_ms):
            return Decision(one.agent, rule.name, rule.act, rule.figures(one, limits, now_ms))
    return None


def explain(one: Standing, limits: Thresholds, now_ms: int) -> list[tuple[str, str, str]]:
    """(act, rule, what it says of an agent) of every rule, for people; before them what stands above all rules."""
    said = [(rule.act, rule.name, rule.told(one, limits, now_ms)) for rule in RULES]
    if one.starved:
        said.insert(0, ("starved", "not punished", one.starved))
    if now_ms < one.decided_until_ms:
        days = (one.decided_until_ms - now_ms) / DAY_MS
        said.insert(0, ("person", "respected", f"no rule is applied for another {days:.2f} days: a person decided"))
    return said
