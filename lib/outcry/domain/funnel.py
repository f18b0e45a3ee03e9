"""The steps between a market and a trade: where a look ends that leads to none.

Each look ends once, at the first condition that fails; an order that is filled has passed them all. `bin/why` counts
what ended where.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from outcry.domain.view import Lacking, Wish


class Step(StrEnum):
    """What is asked at each, in this order. SEEN is where every look begins: nothing ends there."""

    SEEN = "seen"
    FREE = "free"  # is the agent free to enter: not halted, stopped, paused, calibrating, or busy with an order?
    TRUSTED = "trusted"  # is there what it judges by: a sound book, an index, enough history?
    SIGNAL = "signal"  # does the strategy want to trade?
    EDGE = "edge"  # is it worth its spread and fees?
    RISK = "risk"  # do the limits leave room?
    SENT = "sent"  # did the order leave?
    FILLED = "filled"  # did anybody trade with it?


LOOKED = (Step.FREE, Step.TRUSTED, Step.SIGNAL, Step.RISK)  # where a look can end before the gate is asked


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks of one agent at one market that ended at one condition."""

    agent: str
    ticker: str
    step: str
    condition: str
    looks: int


@dataclass(frozen=True, slots=True)
class Decided:
    """An entry that the gate was asked about.

    state   of its order; "" when there is none
    became  why the order is where it is, as far as that was written down
    """

    agent: str
    ticker: str
    at_ms: int
    answer: str
    rule: str
    reason: str
    numbers: Mapping[str, int | float | str]
    state: str
    became: str
    filled_ch: int


def step_of(answer: Wish | str | None, forbidden: str) -> Step:
    """Where a look ended that led to no question to the gate.

    answer     the strategy's; None when it was not asked, or raised
    forbidden  the general condition against entering; "" when there was none

    >>> step_of("no pattern", ""), step_of(Lacking("touch history too short"), ""), step_of(None, "floor halted")
    (<Step.SIGNAL: 'signal'>, <Step.TRUSTED: 'trusted'>, <Step.FREE: 'free'>)
    """
    if isinstance(answer, str):
        return Step.TRUSTED if isinstance(answer, Lacking) else Step.SIGNAL
    if forbidden:
        return Step.FREE
    return Step.SIGNAL if answer is None else Step.RISK
