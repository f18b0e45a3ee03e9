"""The funnel from market to trade: how much came to each step, what ended there and why, how near it was. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from outcry.domain.funnel import Decided, Looks, Step
from outcry.review.reports import nearness
from outcry.review.reports.hindrances import Hindrance

# The step that a rule of the gate stands at; all others are limits.
RULES: Mapping[str, Step] = {
    "controls": Step.FREE,
    "stale": Step.TRUSTED,
    "edge": Step.EDGE,
    "spread_and_fee": Step.EDGE,
}
NEVER_SENT, NOT_POSTED = ("", "planned", "abandoned"), "not posted"
BECAME: Mapping[str, str] = {  # of an order that filled nothing, where nobody wrote down why
    "resting": "it rests in the book",
    "sent": "its answer is on the way",
    "unknown": "no answer came; the clerk looks it up",
    "presumed_absent": "it never arrived, as it seems; the clerk keeps looking",
    "absent": "it never arrived",
    "canceled": "nobody traded at its price when it arrived",
    "executed": "its fills are not heard yet",
}


@dataclass(frozen=True, slots=True)
class Nearest:
    """The refusal that came nearest to its limit."""

    agent: str
    ticker: str
    at_ms: int
    words: str
    numbers: Mapping[str, int | float | str]


@dataclass(frozen=True, slots=True)
class Lost:
    """What ended at a step for one reason.

    rule     of the gate; "" where the gate was not asked, or said yes
    nearest  of what the gate refused
    """

    what: str
    count: int
    agents: tuple[str, ...]
    markets: int
    rule: str = ""
    nearest: Nearest | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """`left`: how many passed this step; `lost`: what ended here, the most frequent first."""

    step: Step
    left: int
    lost: tuple[Lost, ...]


@dataclass(frozen=True, slots=True)
class Funnel:
    """
    title          the stretch of time, in words
    agent, ticker  whom or where this is about; None for all
    markets        how many were looked at
    standing       how the market stands that was asked about
    changes        what would have to change for a trade to happen, the largest loss first
    """

    environment: str
    title: str
    now_ms: int
    from_ms: int
    agent: str | None
    ticker: str | None
    hindrances: tuple[Hindrance, ...]
    standing: str
    agents: int
    markets: int
    stages: tuple[Stage, ...]
    filled_ch: int
    exits_sent: int
    exits_filled: int
    changes: tuple[str, ...]


def stages(looked: Sequence[Looks], decided: Sequence[Decided]) -> tuple[Stage, ...]:
    """Every step from SEEN to FILLED. A look ends once: in a condition, in a refusal, or as an order."""
    lost: dict[Step, list[Lost]] = {step: [] for step in Step}
    for step, found in _conditions(looked).items():
        lost[step] += found
    for step, found in _endings(decided).items():
        lost[step] += found
    left = sum(one.looks for one in looked) + len(decided)
    told = []
    for step in Step:
        here = sorted(lost[step], key=lambda one: (-one.count, one.what))
        left -= sum(one.count for one in here)
        told.append(Stage(step, left, tuple(here)))
    return tuple(told)


def step_of(one: Decided) -> Step | None:
    """Where an entry ended that the gate was asked about; None when it traded."""
    if one.answer == "refused":
        return RULES.get(one.rule, Step.RISK)
    if one.filled_ch:
        return None
    return Step.SENT if _stayed(one) else Step.FILLED


def _stayed(one: Decided) -> bool:
    """Whether an order never left: its trader may refuse to post one that it marked as sent, and says so."""
    return one.state in NEVER_SENT or (one.state == "rejected" and one.became.startswith(NOT_POSTED))


def _conditions(looked: Iterable[Looks]) -> dict[Step, list[Lost]]:
    grouped: dict[tuple[str, str], list[Looks]] = {}
    for one in looked:
        grouped.setdefault((one.step, one.condition), []).append(one)
    found: dict[Step, list[Lost]] = {}
    for (step, condition), same in grouped.items():
        agents, markets = {one.agent for one in same}, {one.ticker for one in same}
        count = sum(one.looks for one in same)
        found.setdefault(Step(step), []).append(Lost(condition, count, tuple(sorted(agents)), len(markets)))
    return found


def _endings(decided: Iterable[Decided]) -> dict[Step, list[Lost]]:
    grouped: dict[tuple[Step, str], list[Decided]] = {}
    for one in decided:
        step = step_of(one)
        if step is not None:
            grouped.setdefault((step, one.rule if one.answer == "refused" else _became(one)), []).append(one)
    found: dict[Step, list[Lost]] = {}
    for (step, what), same in grouped.items():
        agents, markets = tuple(sorted({one.agent for one in same})), len({one.ticker for one in same})
        if same[0].answer == "refused":
            near = _nearest(same)
            lost = Lost(near.words, len(same), agents, markets, what, near)
        else:
            lost = Lost(what, len(same), agents, markets)
        found.setdefault(step, []).append(lost)
    return found


def _nearest(same: Sequence[Decided]) -> Nearest:
    """The newest of those that missed by least."""
    one = min(reversed(same), key=lambda one: nearness.distance(one.rule, one.numbers))
    said = nearness.words(one.rule, one.reason, one.numbers)
    return Nearest(one.agent, one.ticker, one.at_ms, said, one.numbers)


def _became(one: Decided) -> str:
    if _stayed(one):
        return one.became or "it was not sent"
    if one.state == "rejected":
        return f"the exchange refused it: {one.became or 'no reason given'}"
    return one.became or BECAME[one.state]
