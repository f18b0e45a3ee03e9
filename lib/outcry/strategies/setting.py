"""What can be set about a strategy: each setting declared once, as data, on the line of the field that holds it.

The catalogue refuses what is out of range, `tune` searches between low and high in steps, `evolve` varies by steps, and
the documentation prints the meaning. Nothing about a setting is written anywhere else.
"""

from dataclasses import dataclass, field, fields
from typing import Any

MILLIONTHS = 1_000_000


@dataclass(frozen=True, slots=True)
class Setting:
    """One whole number that may be set, and tuned.

    default  None where the setting is an exit that is off by default; only then may it be set to None
    low, high  the least and the most, both included
    step     how finely a search has to look
    unit     what one is: "ms", "cc" (centicents), "ch" (hundredths of a contract), "millionths", "bars", "legs",
             "points", "choice"
    """

    name: str
    default: int | None
    low: int
    high: int
    step: int
    unit: str
    meaning: str


def setting(default: int | None, low: int, high: int, step: int, unit: str, meaning: str) -> Any:
    """A dataclass field that is a setting."""
    return field(default=default, metadata={"setting": (low, high, step, unit, meaning)})


def stake(default: int = 20_000) -> Any:
    """The share of capital that a strategy without a probability stakes."""
    return setting(default, 1, 100_000, 5_000, "millionths", "share of capital staked (20 000 is 2 %)")


def stop_loss(default: int = 200_000) -> Any:
    return setting(default, 10_000, MILLIONTHS, 50_000, "millionths", "leave once so much of the cost is lost")


def take_profit(default: int | None) -> Any:
    return setting(
        default, 10_000, 100 * MILLIONTHS, 50_000, "millionths", "leave once so much of the cost is won; None: never"
    )


def hold(default: int | None) -> Any:
    return setting(default, 1_000, 86_400_000, 30_000, "ms", "leave after so long; None holds to settlement")


def settings_of(kind: type[Any]) -> tuple[Setting, ...]:
    """All settings of a strategy's class, in the order in which they are declared."""
    declared: list[tuple[str, Any, tuple[int, int, int, str, str]]] = [
        (item.name, item.default, item.metadata["setting"]) for item in fields(kind)
    ]
    return tuple(Setting(name, default, *bounds) for name, default, bounds in declared)
