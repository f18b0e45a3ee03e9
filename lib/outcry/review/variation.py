"""How a clone differs from its parent: one to three of its settings, moved by a few of their own steps."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

MOST_CHANGES = 3
DEVIATION_STEPS = 2.0
TRIES = 100


@dataclass(frozen=True, slots=True)
class Knob:
    """A setting as its strategy declares it, and where the parent has it."""

    name: str
    value: int
    low: int
    high: int
    step: int


def vary(knobs: Sequence[Knob], rng: random.Random) -> dict[str, int]:
    """What the clone has otherwise: new values, on the grid of steps from the parent's, within the declared range.

    Empty when nothing can be moved.
    """
    movable = [knob for knob in knobs if knob.high - knob.low >= knob.step]
    if not movable:
        return {}
    chosen = rng.sample(movable, min(len(movable), rng.randint(1, MOST_CHANGES)))
    return {knob.name: moved for knob in chosen if (moved := _move(knob, rng)) != knob.value}


def _move(knob: Knob, rng: random.Random) -> int:
    """A normal number of steps away, but not none; where that is out of range, another one."""
    for _ in range(TRIES):
        moved = knob.value + round(rng.gauss(0.0, DEVIATION_STEPS)) * knob.step
        if moved != knob.value and knob.low <= moved <= knob.high:
            return moved
    return knob.value


def child_name(parent: str, taken: Sequence[str]) -> str:
    """`parent-N`, the first that is free; of a parent whose name is too long already, of the part that fits.

    >>> child_name("momentum", ["momentum", "momentum-2"]), child_name("a" * 32, [])
    ('momentum-3', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-2')
    """
    number = 2
    while True:
        tail = f"-{number}"
        name = parent[: 32 - len(tail)] + tail
        if name not in taken:
            return name
        number += 1
