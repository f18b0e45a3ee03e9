"""Strategies beside a baseline on the same tape: what each earned, per contract and in all, and what that proves.

Everybody who trades in an event meets the same prices and the same result. So an event is one observation however many
trades it saw, and the difference to the baseline is taken event by event before anything is said of its spread. Whoever
tries several strategies looks several times: the level is divided among them (Bonferroni), so that the chance of
believing in one that earns nothing stays 5 % for all together. Below `ENOUGH_EVENTS` nothing is concluded at all.

source  a ratio of two sums over clusters and its error: Cochran (1977), "Sampling Techniques", 3rd ed., section 6.4
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from outcry.research.backtesting.report import ENOUGH_EVENTS, LEVEL


@dataclass(frozen=True, slots=True)
class Earned:
    """The closed trades of one event together: dollars net of fees, and contracts bought."""

    net: float
    contracts: float


Events = Mapping[str, Earned]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure in dollars and its interval, which is endless where one event is all there is."""

    value: float
    low: float
    high: float


def together(runs: Iterable[Events]) -> dict[str, Earned]:
    """Several runs as one, event by event: a baseline that draws lots is known better from many draws."""
    parts: defaultdict[str, list[Earned]] = defaultdict(list)
    for run in runs:
        for event, earned in run.items():
            parts[event].append(earned)
    return {
        event: Earned(math.fsum(one.net for one in some), math.fsum(one.contracts for one in some))
        for event, some in parts.items()
    }


def width(tried: int = 1) -> float:
    """Half an interval in standard errors, at 95 % for so many looks together.

    >>> [round(width(tried), 2) for tried in (1, 10)]
    [1.96, 2.81]
    """
    return NormalDist().inv_cdf(1 - LEVEL / 2 / tried)


def total(events: Events, errors: float) -> Estimate:
    """What was earned in all."""
    nets = [earned.net for earned in events.values()]
    mean = math.fsum(nets) / len(nets)
    return _around(math.fsum(nets), [net - mean for net in nets], errors)


def per_contract(events: Events, errors: float) -> Estimate:
    """What a contract earned.

    >>> per_contract({"E1": Earned(2.0, 2.0), "E2": Earned(-1.0, 2.0)}, 1.0)
    Estimate(value=0.25, low=-0.5, high=1.0)
    """
    return _around(_ratio(events), list(_residuals(events).values()), errors)


def against(events: Events, baseline: Events, errors: float) -> Estimate:
    """How much more a contract earned than one of the baseline's, both over all the events that either traded in."""
    ours, theirs = _residuals(events), _residuals(baseline)
    both = [ours.get(event, 0.0) - theirs.get(event, 0.0) for event in ours | theirs]
    return _around(_ratio(events) - _ratio(baseline), both, errors)


def verdict(events: Events, baseline: Events, tried: int) -> str:
    """What may be said of a strategy, one of so many that were tried."""
    if not events:
        return "did not trade"
    if len(events) < ENOUGH_EVENTS:
        return f"{len(events)} events: no conclusion"
    errors = width(tried)
    own, beside = per_contract(events, errors), against(events, baseline, errors)
    said = "gains" if own.low > 0 else "loses" if own.high < 0 else "no gain and no loss shown"
    if beside.low > 0:
        return f"{said}; better than a coin"
    return f"{said}; worse than a coin" if beside.high < 0 else f"{said}; no difference to a coin shown"


def _ratio(events: Events) -> float:
    return math.fsum(one.net for one in events.values()) / math.fsum(one.contracts for one in events.values())


def _residuals(events: Events) -> dict[str, float]:
    """What each event added to the ratio beyond the share of its contracts; together they are zero."""
    ratio, contracts = _ratio(events), math.fsum(one.contracts for one in events.values())
    return {event: (one.net - ratio * one.contracts) / contracts for event, one in events.items()}


def _around(value: float, residuals: Sequence[float], errors: float) -> Estimate:
    """The interval of a sum over independent events, of which each added so much beside the mean."""
    count = len(residuals)
    if count < 2:
        return Estimate(value, -math.inf, math.inf)
    half = errors * math.sqrt(count / (count - 1) * math.fsum(residual**2 for residual in residuals))
    return Estimate(value, value - half, value + half)
