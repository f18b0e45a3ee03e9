"""What settled trades prove about an agent's edge, however often one looks: bets against a claim about the mean.

Somebody who doubts the claim "the mean is at most m" bets on each next observation x at odds that would be fair if the
claim held: a stake of the fraction f of the capital changes it by the factor 1 + f (x - m) / (m - low). Were the claim
true, no way of betting would be expected to gain, so capital that grew to 1/a is evidence against it at level a; and as
this holds for the whole path of the capital (Ville's inequality), one may look after every trade and stop when one
likes. What the bets do not refute, taken over all means m, is a confidence sequence.

The capital is spread evenly over a few fixed fractions, so the result does not depend on the order of observations
and costs at most the logarithm of their number. Source: Waudby-Smith and Ramdas, "Estimating means of bounded random
variables by betting", JRSS B 86 (2024), sections 4 and B.6 (diversified betting).
"""

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

# Net dollars per contract of one event: at most the contract's dollar. A contract can cost a dollar, and fees come on
# top of that: of tiny fractional fills they can be as much again.
WORST_DOLLARS, BEST_DOLLARS = -2.0, 1.0
FRACTIONS = (0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
# Cent by cent where edges lie, so that a bound can be shown; what lies beyond is beyond any edge.
GRID_DOLLARS = tuple(cents / 100 for cents in range(-30, 31))
NOTHING_LEFT = -10_000.0  # the logarithm of what a bet keeps that lost all: finite, so that it can be given back
LOW_DOLLARS = -1.1  # what bets on a gain reckon with losing; a fraction of 0.64 of it survives the worst


@dataclass(slots=True)
class Bets:
    """Bets for and against each of some means, on observations of WORST_DOLLARS to BEST_DOLLARS (clipped to those).

    means  the claimed means in dollars per contract, ascending
    above  log capital of the bets against "the mean is at most m", for each m each fraction
    below  log capital of the bets against "the mean is at least m"
    """

    means: Sequence[float] = GRID_DOLLARS
    count: int = 0
    above: list[list[float]] = field(default_factory=list)
    below: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.above:
            self.above = [[0.0] * len(FRACTIONS) for _ in self.means]
            self.below = [[0.0] * len(FRACTIONS) for _ in self.means]

    def take(self, observations: Iterable[float]) -> None:
        """Bet on what was seen next, in dollars per contract."""
        for seen in observations:
            self._add(seen, 1)

    def give_back(self, observations: Iterable[float]) -> None:
        """Undo bets on what turned out to be otherwise: logarithms add up, so the order does not matter."""
        for seen in observations:
            self._add(seen, -1)

    def _add(self, seen: float, times: int) -> None:
        x, log1p = min(BEST_DOLLARS, max(WORST_DOLLARS, seen)), math.log1p
        self.count += times
        for m, above, below in zip(self.means, self.above, self.below, strict=True):
            gain, loss = (x - m) / (m - LOW_DOLLARS), (m - x) / (BEST_DOLLARS - m)
            for index, fraction in enumerate(FRACTIONS):
                above[index] += times * (log1p(fraction * gain) if fraction * gain > -1 else NOTHING_LEFT)
                below[index] += times * log1p(fraction * loss)

    def packed(self) -> bytes:
        """All logarithms in 8 bytes each, to be kept."""
        return array("d", [log for logs in (*self.above, *self.below) for log in logs]).tobytes()

    @classmethod
    def unpacked(cls, raw: bytes, count: int, means: Sequence[float] = GRID_DOLLARS) -> "Bets":
        """What `packed` made.

        raises  ValueError when it was packed with other means or fractions
        """
        logs, step, half = array("d"), len(FRACTIONS), len(means) * len(FRACTIONS)
        logs.frombytes(raw)
        if len(logs) != 2 * half:
            raise ValueError(f"{len(logs)} logarithms for {len(means)} means and {step} fractions")
        rows = [list(logs[at : at + step]) for at in range(0, 2 * half, step)]
        return cls(means, count, rows[: len(means)], rows[len(means) :])

    def log_e_above(self, mean: float) -> float:
        """The logarithm of the capital of who doubted "the mean is at most `mean`"; `mean` is one of the means."""
        return _spread(self.above[self.means.index(mean)])

    def log_e_below(self, mean: float) -> float:
        """The same of who doubted "the mean is at least `mean`"."""
        return _spread(self.below[self.means.index(mean)])

    def lower(self, level: float) -> float | None:
        """The largest of the means that the true one exceeds, with an error of `level`; None when none is shown."""
        shown = [m for m, logs in zip(self.means, self.above, strict=True) if _spread(logs) >= -math.log(level)]
        return max(shown, default=None)

    def upper(self, level: float) -> float | None:
        """The smallest of the means that the true one falls short of, with an error of `level`; None when none is."""
        shown = [m for m, logs in zip(self.means, self.below, strict=True) if _spread(logs) >= -math.log(level)]
        return min(shown, default=None)


def _spread(logs: Sequence[float]) -> float:
    """The logarithm of the mean of capitals given by their logarithms."""
    most = max(logs)
    return most + math.log(math.fsum(math.exp(one - most) for one in logs) / len(logs))


def level(number: int, discovered: int, budget: float) -> float:
    """At which level the `number`-th question ever asked (from 1) may be answered yes, so that of all that are answered
    yes at most the share `budget` is expected to be wrong, whatever the answers have to do with each other.

    discovered  how many others have been answered yes so far

    e-LOND with the weights 1 / (n (n + 1)), which add up to 1: Xu and Ramdas, "Online multiple testing with e-values",
    AISTATS 2024. Each question may be asked again at any time: its level only grows.
    """
    return min(1.0, budget * (discovered + 1) / (number * (number + 1)))
