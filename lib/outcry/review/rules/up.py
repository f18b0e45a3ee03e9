"""Rules that give: stages, clones, and a parent's capital to a clone that does better."""

from collections.abc import Iterator, Mapping
from typing import Any

from outcry.review.rules.rule import (
    Rule,
    day_figures,
    day_rate_in_words,
    day_rate_millionths,
    days_since,
    enough_of_a_day,
    in_profit,
    no_finding,
    percent,
    proven_gain,
    proving,
)
from outcry.review.standing import MILLIONTHS, Standing, Thresholds


def _at_birth(one: Standing) -> str:
    return "" if one.stage == "birth" else f"only from birth, and its stage is {one.stage}"


def _in_trial(one: Standing) -> str:
    return "" if one.stage == "trial" else f"only from trial, and its stage is {one.stage}"


def _challenger(one: Standing) -> str:
    return "" if one.challenge is not None else "no clone of an agent that is still there"


def _enough_settled(one: Standing, least: int) -> Iterator[str]:
    if one.settled < least:
        yield f"{least - one.settled} more settled trades ({one.settled} of {least})"


def _trial_lacks(one: Standing, limits: Thresholds, now_ms: int) -> Iterator[str]:
    """Ten settled trades and no open finding: it works, whatever it earns."""
    yield from _enough_settled(one, limits.trial_settled)
    yield from no_finding(one)


def _trial_figures(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any]:
    return {"settled": one.settled, "needs": limits.trial_settled, "open_findings": 0}


def _production_lacks(one: Standing, limits: Thresholds, now_ms: int) -> Iterator[str]:
    days = days_since(one.stage_began_at_ms, now_ms)
    if days < limits.production_days:
        yield f"{limits.production_days - days:.2f} more days in trial ({days:.2f} of {limits.production_days:g})"
    yield from _enough_settled(one, limits.production_settled)
    yield from in_profit(one)
    yield from no_finding(one)
    yield from proven_gain(one.edge, "a proven gain in its stage")
    if one.beside_baseline != one.edge:
        yield from proven_gain(one.beside_baseline, "a proven gain beyond the baseline's")


def _production_figures(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any]:
    return {
        "days": round(days_since(one.stage_began_at_ms, now_ms), 2),
        "needs_days": limits.production_days,
        "settled": one.settled,
        "needs_settled": limits.production_settled,
        "net_micros": one.net_micros,
        **one.edge.figures("edge"),
        **one.beside_baseline.figures("beside_baseline"),
    }


def _clone_lacks(one: Standing, limits: Thresholds, now_ms: int) -> Iterator[str]:
    won = day_rate_millionths(one)
    yield from enough_of_a_day(one, limits)
    if won is not None and won <= limits.clone_win_millionths:
        yield f"a day with more than {percent(limits.clone_win_millionths)} won ({day_rate_in_words(one)})"
    yield from in_profit(one)
    yield from no_finding(one)
    yield from proven_gain(one.edge, "a proven gain in its stage")
    if one.living_children >= limits.children:
        yield f"room: {one.living_children} of {limits.children} children live"
    if one.floor_agents >= limits.agents:
        yield f"room: the floor has {one.floor_agents} of {limits.agents} agents"


def _clone_figures(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any]:
    return {
        **day_figures(one),
        "above": limits.clone_win_millionths,
        **one.edge.figures("edge"),
    }


def _succeed_lacks(one: Standing, limits: Thresholds, now_ms: int) -> Iterator[str]:
    challenge = one.challenge
    assert challenge is not None
    yield from proven_gain(challenge.question, f"a proven gain beyond {challenge.parent}'s on the same events")
    if challenge.parent_allocation_micros <= one.allocation_micros:
        yield f"a parent with more capital than its own ${one.allocation_micros / MILLIONTHS:,.2f}"


def _succeed_figures(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any]:
    challenge = one.challenge
    assert challenge is not None
    return {
        "parent": challenge.parent,
        "events": challenge.events,
        "allocation_micros": challenge.parent_allocation_micros,
        **challenge.question.figures("difference"),
    }


TRIAL = Rule("ten settled trades", "trial", _at_birth, _trial_lacks, _trial_figures)
PRODUCTION = Rule("proven gain", "production", _in_trial, _production_lacks, _production_figures)
CLONE = Rule("winning day, proven gain", "clone", proving, _clone_lacks, _clone_figures)
SUCCEED = Rule("ahead of its parent, proven", "succeed", _challenger, _succeed_lacks, _succeed_figures)
