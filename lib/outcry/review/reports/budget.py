"""What the budget for false discoveries was spent on: by what is asked, each a budget of its own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tabulate import tabulate

from outcry.review.bets import level


@dataclass(frozen=True, slots=True)
class Spent:
    """One budget. Of all that is answered yes at most the share `budget` is expected to be wrong.

    question    what is asked
    asked       of how many stages, flags or clones
    yes         how many of those were answered yes
    spent       what those asked so far may spend without any yes, of all there is to spend (1)
    granted     the levels, added up, at which those asked may be answered yes now: every yes makes all others' larger
    next_level  the error with which the next new one may be answered yes
    """

    question: str
    asked: int
    yes: int
    spent: float
    granted: float
    next_level: float


def spending(asked: Sequence[tuple[str, Sequence[float], int]], budget: float) -> tuple[Spent, ...]:
    """asked: (question, the level that each one asked was granted, how many were answered yes).

    >>> one, = spending([("gain?", [0.05, 0.1 / 6 * 2], 1)], 0.1)
    >>> round(one.spent, 3), round(one.granted, 4), round(one.next_level, 4)
    (0.667, 0.0833, 0.0167)
    """
    return tuple(
        Spent(
            question,
            len(levels),
            yes,
            len(levels) / (len(levels) + 1),
            math.fsum(levels),
            level(len(levels) + 1, yes, budget),
        )
        for question, levels, yes in asked
    )


def as_text(spent: Sequence[Spent], budget: float) -> str:
    """A line for each."""
    rows = [
        [one.question, one.asked, one.yes, f"{one.spent:.1%}", f"{one.granted:.2g}", f"{one.next_level:.1e}"]
        for one in spent
    ]
    heads = ["question", "asked", "yes", "spent", "granted", "next level"]
    align = ["left", "right", "right", "right", "right", "right"]
    table = tabulate(rows, heads, tablefmt="simple", disable_numparse=True, colalign=align)
    return (
        f"{table}\n\nEach question has a budget of its own: of its yes at most {budget:.0%} are expected to be wrong."
        "\nspent: of that budget, were none answered yes; granted: the levels of all asked, added up; every yes adds."
    )
