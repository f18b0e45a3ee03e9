"""What a rule is, and what rules share: it says what is still lacking for it, in words, and applies when nothing is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from outcry.review.standing import DAY_MS, MILLIONTHS, Question, Standing, Thresholds


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Its functions take an agent's standing, where the rules look, and the present time.

    concerns  whom it looks at at all: "" when this agent, else why not
    lacks     what is missing for it to apply, one by one
    figures   what it compared
    """

    name: str
    act: str
    concerns: Callable[[Standing], str]
    lacks: Callable[[Standing, Thresholds, int], Iterator[str]]
    figures: Callable[[Standing, Thresholds, int], Mapping[str, Any]]

    def applies(self, one: Standing, limits: Thresholds, now_ms: int) -> bool:
        return not self.concerns(one) and next(self.lacks(one, limits, now_ms), None) is None

    def told(self, one: Standing, limits: Thresholds, now_ms: int) -> str:
        """What it says of an agent."""
        if why_not := self.concerns(one):
            return why_not
        lacking = "; ".join(self.lacks(one, limits, now_ms))
        return f"needs {lacking}" if lacking else "applies"


def proving(one: Standing) -> str:
    return "only from trial on: at birth nothing is proven" if one.stage == "birth" else ""


def no_finding(one: Standing) -> Iterator[str]:
    if one.open_findings:
        yield "no open finding about it"


def in_profit(one: Standing) -> Iterator[str]:
    if one.net_micros <= 0:
        yield f"a net of its stage above $0 ({one.net_micros / MILLIONTHS:+.2f})"


def proven_gain(question: Question, what: str) -> Iterator[str]:
    if not question.gains:
        yield f"{what}: {question.gain_in_words()}"


def proven_loss(question: Question, what: str) -> Iterator[str]:
    if not question.loses:
        yield f"{what}: {question.loss_in_words()}"


def enough_of_a_day(one: Standing, limits: Thresholds) -> Iterator[str]:
    if one.day_settled < limits.look_settled:
        yield f"a day with {limits.look_settled} settled trades ({one.day_settled})"


def day_rate_in_words(one: Standing) -> str:
    """A win rate is never shown without its break-even: winning 80 % at 90 cents loses money."""
    won, needed = day_rate_millionths(one), one.day_break_even_millionths
    return f"{percent(won or 0)}, its break-even {percent(needed or 0)}"


def day_figures(one: Standing) -> dict[str, int | None]:
    return {
        "day_won_millionths": day_rate_millionths(one),
        "day_break_even_millionths": one.day_break_even_millionths,
        "day_settled": one.day_settled,
    }


def day_rate_millionths(one: Standing) -> int | None:
    return one.day_won * MILLIONTHS // one.day_settled if one.day_settled else None


def days_since(at_ms: int | None, now_ms: int) -> float:
    return (now_ms - (at_ms or 0)) / DAY_MS


def percent(millionths: int) -> str:
    return f"{round(millionths / 10_000, 1):g} %"
