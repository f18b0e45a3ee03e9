"""Who is promoted, cloned, flagged, cut, paused and retired: the rules, in order, on evidence handed in.

Figures of the last day or week only say that it is time to look; what then decides is a bound that holds however often
one looks (review.bets), at the level that the budget for false discoveries grants (review.bets.level). The first rule
that applies decides; there is one decision an agent and a run at most. Silence is never a failure: without settled
trades no rule but the first looks applies.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

DAY_MS = 86_400_000
MILLIONTHS = 1_000_000


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the rules look; `[evolution]` of the settings. Rates and shares in millionths, times in days."""

    false_discoveries_millionths: int = 100_000
    trial_settled: int = 10
    production_days: float = 7.0
    production_settled: int = 30
    look_settled: int = 10  # fewer trades in a day are no reason to look at a win rate
    clone_win_millionths: int = 600_000
    flag_win_millionths: int = 450_000
    flag_days: float = 30.0
    shrink_sharpe: float = 0.5
    shrink_days: float = 7.0
    pause_drawdown_millionths: int = 200_000
    pause_days: float = 30.0
    children: int = 3
    agents: int = 12
    respect_days: float = 7.0  # how long what a person decided stands


@dataclass(frozen=True, slots=True)
class Question:
    """What bets have brought so far, and what they would have to: logarithms of capital.

    log_gain  of the bets against "the mean is at most this"
    log_loss  of the bets against "the mean is at least this"
    level     at which the question may be answered yes
    """

    log_gain: float = 0.0
    log_loss: float = 0.0
    level: float = 0.05

    @property
    def gains(self) -> bool:
        """Whether it is shown that the mean is above."""
        return self.log_gain >= -math.log(self.level)

    @property
    def loses(self) -> bool:
        """Whether it is shown that the mean is below."""
        return self.log_loss >= -math.log(self.level)


@dataclass(frozen=True, slots=True)
class Challenge:
    """An agent beside its parent, on the events that both traded: the mean is of the difference, child less parent."""

    parent: str
    parent_allocation_micros: int
    events: int
    question: Question


@dataclass(frozen=True, slots=True)
class Standing:
    """All that is known of one agent: settled, attributable trades only, since its stage began if not said otherwise.

    edge           net dollars per contract against zero;      beside_baseline  the same against the baseline's mean
    day_settled    trades settled in the last 24 hours;        day_won          how many of them
    week_sharpe    of daily returns over seven days, annualised; None while it cannot be told
    daily          mean daily return against the threshold that the wanted Sharpe ratio means for its deviation
    drawdown_millionths  from the peak of its equity
    edge_since_flag      as edge, of what was entered since it was flagged
    starved        why it could not trade, though it would; "" when it could
    decided_until_ms     until when what a person decided stands
    """

    agent: str
    stage: str
    stage_began_at_ms: int
    allocation_micros: int
    birth_allocation_micros: int
    settled: int = 0
    net_micros: int = 0
    edge: Question = Question()
    beside_baseline: Question = Question()
    day_settled: int = 0
    day_won: int = 0
    week_sharpe: float | None = None
    daily: Question = Question()
    shrunk_at_ms: int = 0
    drawdown_millionths: int = 0
    flagged_at_ms: int | None = None
    edge_since_flag: Question = Question()
    net_since_flag_micros: int = 0
    settled_since_flag: int = 0
    paused_at_ms: int | None = None
    paused_by_rule: bool = False
    open_findings: int = 0
    living_children: int = 0
    floor_agents: int = 0
    starved: str = ""
    decided_until_ms: int = 0
    challenge: Challenge | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule wants done, and the figures and thresholds it compared."""

    agent: str
    rule: str
    act: str
    figures: Mapping[str, Any]


Rule = Callable[[Standing, Thresholds, int], Mapping[str, Any] | None]


def decide(one: Standing, limits: Thresholds, now_ms: int) -> Decision | None:
    """The first rule that applies to an agent; None when none does."""
    if one.stage == "retired" or now_ms < one.decided_until_ms:
        return None
    for name, act, rule in RULES:
        figures = rule(one, limits, now_ms)
        if figures is not None:
            return Decision(one.agent, name, act, figures)
    return None


def explain(one: Standing, limits: Thresholds, now_ms: int) -> list[tuple[str, str]]:
    """Every rule and what it says of an agent, for people."""
    if now_ms < one.decided_until_ms:
        days = (one.decided_until_ms - now_ms) / DAY_MS
        return [("person", f"what a person decided stands for another {days:.1f} days")]
    said = [(name, f"{act}: applies" if rule(one, limits, now_ms) else f"{act}: no") for name, act, rule in RULES]
    return [("starved", one.starved), *said] if one.starved else said


def _trial(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any] | None:
    """Ten settled trades and no open finding: it works, whatever it earns."""
    if one.stage != "birth" or one.open_findings or one.settled < limits.trial_settled:
        return None
    return {"settled": one.settled, "needs": limits.trial_settled, "open_findings": 0}


def _production(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any] | None:
    days = (now_ms - one.stage_began_at_ms) / DAY_MS
    if one.stage != "trial" or one.open_findings:
        return None
    if days < limits.production_days or one.settled < limits.production_settled or one.net_micros <= 0:
        return None
    if not (one.edge.gains and one.beside_baseline.gains):
        return None
    return {
        "days": round(days, 2),
        "settled": one.settled,
        "net_micros": one.net_micros,
        **_figures("edge", one.edge),
        **_figures("beside_baseline", one.beside_baseline),
    }


def _clone(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any] | None:
    if one.open_findings or one.living_children >= limits.children or one.floor_agents >= limits.agents:
        return None
    won = _day_rate_millionths(one, limits)
    if won is None or won <= limits.clone_win_millionths or not one.edge.gains or one.net_micros <= 0:
        return None
    return {"day_won_millionths": won, "above": limits.clone_win_millionths, **_figures("edge", one.edge)}


def _retire(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any] | None:
    """Flagged, and either shown to lose, or behind for all the days it was given. Who does not trade is not behind."""
    if one.flagged_at_ms is None:
        return None
    days = (now_ms - one.flagged_at_ms) / DAY_MS
    behind = days >= limits.flag_days and one.settled_since_flag > 0 and one.net_since_flag_micros < 0
    if not (one.edge.loses or one.edge_since_flag.loses or (behind and not one.starved)):
        return None
    return {
        "flagged_days": round(days, 2),
        "net_since_flag_micros": one.net_since_flag_micros,
        **_figures("edge", one.edge),
        **_figures("edge_since_flag", one.edge_since_flag),
    }


def _recover(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any] | None:
    """A flag comes off after as many days without a loss, and at once on proof of a gain since."""
    if one.flagged_at_ms is None:
        return None
    days = (now_ms - one.flagged_at_ms) / DAY_MS
    earned = days >= limits.flag_days and one.settled_since_flag > 0 and one.net_since_flag_micros >= 0
    if not (one.edge_since_flag.gains or earned):
        return None
    return {"flagged_days": round(days, 2), "net_since_flag_micros": one.net_since_flag_micros}


def _flag(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any] | None:
    won = _day_rate_millionths(one, limits)
    if one.flagged_at_ms is not None or won is None or won >= limits.flag_win_millionths:
        return None
    return {"day_won_millionths": won, "below": limits.flag_win_millionths, "day_settled": one.day_settled}


def _shrink(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any] | None:
    if one.week_sharpe is None or one.week_sharpe >= limits.shrink_sharpe or not one.daily.loses:
        return None
    if now_ms - one.shrunk_at_ms < limits.shrink_days * DAY_MS or one.allocation_micros <= one.birth_allocation_micros:
        return None
    halved = max(one.birth_allocation_micros, one.allocation_micros // 2)
    return {
        "week_sharpe": round(one.week_sharpe, 3),
        "below": limits.shrink_sharpe,
        "allocation_micros": halved,
        **_figures("daily", one.daily),
    }


def _pause(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any] | None:
    if one.paused_at_ms is not None or one.drawdown_millionths <= limits.pause_drawdown_millionths:
        return None
    return {"drawdown_millionths": one.drawdown_millionths, "above": limits.pause_drawdown_millionths}


def _resume(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any] | None:
    if one.paused_at_ms is None or not one.paused_by_rule:
        return None
    days = (now_ms - one.paused_at_ms) / DAY_MS
    return {"paused_days": round(days, 2), "needs": limits.pause_days} if days >= limits.pause_days else None


def _succeed(one: Standing, limits: Thresholds, now_ms: int) -> Mapping[str, Any] | None:
    challenge = one.challenge
    if challenge is None or not challenge.question.gains or challenge.parent_allocation_micros <= one.allocation_micros:
        return None
    return {
        "parent": challenge.parent,
        "events": challenge.events,
        "allocation_micros": challenge.parent_allocation_micros,
        **_figures("difference", challenge.question),
    }


RULES: tuple[tuple[str, str, Rule], ...] = (
    ("ten settled trades", "trial", _trial),
    ("proven gain", "production", _production),
    ("winning day, proven gain", "clone", _clone),
    ("flagged, proven loss or a month behind", "retire", _retire),
    ("flag outlived", "unflag", _recover),
    ("losing day", "flag", _flag),
    ("poor week, proven", "shrink", _shrink),
    ("drawdown", "pause", _pause),
    ("pause outlived", "resume", _resume),
    ("ahead of its parent, proven", "succeed", _succeed),
)


def _day_rate_millionths(one: Standing, limits: Thresholds) -> int | None:
    if one.day_settled < limits.look_settled:
        return None
    return one.day_won * MILLIONTHS // one.day_settled


def _figures(name: str, question: Question) -> dict[str, float]:
    """What is written down of a question: e-values as powers of ten are beyond floats, so logarithms."""
    return {
        f"{name}_log_gain": round(question.log_gain, 3),
        f"{name}_log_loss": round(question.log_loss, 3),
        f"{name}_needs": round(-math.log(question.level), 3),
    }
