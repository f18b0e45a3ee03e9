"""What the budget for false discoveries was spent on: by what is asked, each a budget of its own."""

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
    next_level  the error with which the next new one may be answered yes: every yes makes room
    """

    question: str
    asked: int
    yes: int
    spent: float
    next_level: float


def spending(asked: Sequence[tuple[str, int, int]], budget: float) -> tuple[Spent, ...]:
    """asked: (question, of how many, how many were answered yes).

    >>> spending([("gain?", 4, 1)], 0.1)[0].spent
    0.8
    """
    return tuple(
        Spent(question, number, yes, number / (number + 1), level(number + 1, yes, budget))
        for question, number, yes in asked
    )


def as_text(spent: Sequence[Spent], budget: float) -> str:
    """A line for each."""
    rows = [[one.question, one.asked, one.yes, f"{one.spent:.1%}", f"{one.next_level:.1e}"] for one in spent]
    heads = ["question", "asked", "yes", "spent", "next level"]
    align = ["left", "right", "right", "right", "right"]
    table = tabulate(rows, heads, tablefmt="simple", disable_numparse=True, colalign=align)
    return f"{table}\n\nOf all answers of a kind at most {budget:.0%} are expected to be wrong."
