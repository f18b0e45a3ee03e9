"""What would have to change for a trade to happen, step by step, in sentences."""

from collections.abc import Iterator, Mapping, Sequence

from outcry.domain.funnel import Step
from outcry.review.reports.funnel import Lost, Stage
from outcry.review.reports.hindrances import Hindrance
from outcry.review.reports.nearness import SETTINGS

FIRST = "it has to be lifted, or to end by itself: what is in force now is said first, bin/status has what was"
# Conditions that are no matter of thresholds, as the trader and the strategies word them.
CURES: Mapping[str, str] = {
    "floor halted": FIRST,
    "entries stopped": FIRST,
    "agent paused": FIRST,
    "agent retired": FIRST,
    "state CALIBRATING": "the trader has to be sure of its orders and of the floor's capital: seconds after a start",
    "state ERROR": "what the trader says of itself (bin/status) has to end; it tries again by itself",
    "state ACTING": "nothing: one order at a time, and the answer to the last one was on its way",
    "cooling down after an intent": "nothing: an agent rests a while in a market where it just wanted something",
    "no index price for this market": "prices have to come of the index that the market settles on",
    "the book has one side or none": "somebody else has to quote both sides",
    "already holds a position here": "the position held there has to be left first",
    "already holds a position in this event": "the positions held in that event have to be left first",
    "an order of ours is open here": "the order that is open there has to be over",
    "nobody to trade with on that side": "somebody has to quote the side that is wanted",
    "too close to the close to rest": "nothing: the next market opens soon",
    "strategy raised": "the strategy failed: journalctl -u 'kalshi-trader@*' has the traceback",
}
MOST_AGENTS = 3


def changes(stages: Sequence[Stage], hindrances: Sequence[Hindrance], thresholds: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for the largest loss of each step and for what a rule refused most; two for a signal that never came.

    thresholds  by agent: what its strategy acts on, in words
    """
    return tuple(_changes(stages, hindrances, thresholds))


def _changes(stages: Sequence[Stage], hindrances: Sequence[Hindrance], thresholds: Mapping[str, str]) -> Iterator[str]:
    if not stages[0].left:
        if not hindrances:
            yield "seen: an agent has to look: no market that is followed changed in this time, or it has just begun"
        return
    for stage in stages:
        told = list(stage.lost[: 2 if stage.step is Step.SIGNAL else 1])
        refused = next((lost for lost in stage.lost if lost.nearest is not None), None)
        if refused is not None and refused not in told:
            told.append(refused)
        for lost in told:
            yield f"{stage.step}: {_cure(stage.step, lost, thresholds)}"


def _cure(step: Step, lost: Lost, thresholds: Mapping[str, str]) -> str:
    times = f"{lost.count:,} time{'s' if lost.count > 1 else ''}"
    if lost.nearest is not None:
        limit = f"; the limit is {SETTINGS[lost.rule]} in [risk]" if lost.rule in SETTINGS else ""
        near = "once" if lost.count == 1 else f"the nearest of {lost.count:,}"
        return f"{lost.what} ({lost.nearest.ticker}, {near}){limit}"
    cure = CURES.get(lost.what)
    if cure is None and step in (Step.TRUSTED, Step.SIGNAL):
        acting = [f"{name} {thresholds[name]}" for name in lost.agents[:MOST_AGENTS] if thresholds.get(name)]
        cure = "; ".join(acting)
    return f"{lost.what} ({times})" + (f": {cure}" if cure else "")
