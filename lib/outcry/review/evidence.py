"""What a question about an agent has seen: one observation an event, and the bets on them (review.bets).

An observation is the net result of an event in dollars per contract, fees included. When an event turns out to be
otherwise (a second market of it pays, a payout is corrected, a fill belongs to somebody else), the old observation is
given back and the new one taken: nothing is ever counted twice.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from outcry.domain.units import ONE_DOLLAR_CC
from outcry.review.bets import GRID_DOLLARS, Bets
from outcry.review.settled_work import Work
from outcry.review.standing import Question


@dataclass(frozen=True, slots=True)
class Observation:
    """One event. `dollars`: what is bet on, net per contract; of a challenge half of child less parent."""

    settled: int
    net_micros: int
    contracts_ch: int
    dollars: float


@dataclass(slots=True)
class Evidence:
    """All observations of one question taken together."""

    events: int = 0
    settled: int = 0
    net_micros: int = 0
    contracts_ch: int = 0
    last_at_ms: int = 0
    bets: Bets = field(default_factory=Bets)

    def replace(self, old: Observation | None, new: Observation | None) -> None:
        """Give back what an event was taken for, and take what it is."""
        if old is not None:
            self._add(old, -1)
            self.bets.give_back([old.dollars])
        if new is not None:
            self._add(new, 1)
            self.bets.take([new.dollars])

    def _add(self, one: Observation, times: int) -> None:
        self.events += times
        self.settled += times * one.settled
        self.net_micros += times * one.net_micros
        self.contracts_ch += times * one.contracts_ch

    def about(self, mean_dollars: float, level: float) -> Question:
        """Whether the mean is above or below this one, which is moved to the cent that is harder to prove."""
        above, below = _cent(mean_dollars, up=True), _cent(mean_dollars, up=False)
        return Question(
            self.bets.log_e_above(above),
            self.bets.log_e_below(below),
            level,
            mean_dollars,
            self.bets.lower(level),
            self.bets.upper(level),
        )


def observe(work: Iterable[Work]) -> Observation | None:
    """An agent's counted work in one event; None when it did none."""
    counted = [one for one in work if not one.excluded]
    contracts_ch = sum(one.contracts_ch for one in counted)
    if not contracts_ch:
        return None
    net_micros = sum(one.net_micros for one in counted)
    return Observation(len(counted), net_micros, contracts_ch, net_micros / (contracts_ch * ONE_DOLLAR_CC))


def compare(child: Observation | None, parent: Observation | None) -> Observation | None:
    """A clone beside its parent on an event that both traded; None when one of them did not."""
    if child is None or parent is None:
        return None
    half = (child.dollars - parent.dollars) / 2
    return Observation(child.settled, child.net_micros - parent.net_micros, child.contracts_ch, half)


def _cent(mean_dollars: float, *, up: bool) -> float:
    """The mean of the grid beyond this one.

    >>> _cent(0.011, up=True), _cent(-0.011, up=False), _cent(0.02, up=True), _cent(-9.0, up=True)
    (0.02, -0.02, 0.02, -0.3)
    """
    cents = mean_dollars * 100
    whole = math.ceil(cents - 1e-9) if up else math.floor(cents + 1e-9)
    return GRID_DOLLARS[min(max(whole, -30), 30) + 30]
