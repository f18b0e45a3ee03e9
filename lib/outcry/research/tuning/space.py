"""What is searched: the settings of a strategy, on the grid of their own steps through their defaults.

A setting with many steps is searched by the logarithm: from one step to two is as far as from a hundred to two hundred.
What says how much is traded is left alone: more of it makes any good result better and any bad one worse, and is for
the risk rules to say. So is what is off by default, unless it is named.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from itertools import product
from typing import Any, NamedTuple

from outcry.domain.errors import Misconfigured
from outcry.strategies import catalogue
from outcry.strategies.setting import Setting

SIZES = ("stake_millionths", "most_ch")
MANY_STEPS = 128


class Axis(NamedTuple):
    """One setting: `places` values from `first` on, `step` apart. A place is a number from 1; `start`: the default."""

    name: str
    first: int
    step: int
    places: int
    start: int

    @property
    def wide(self) -> bool:
        """Whether it is searched by the logarithm of the place."""
        return self.places > MANY_STEPS

    def value(self, place: int) -> int:
        return self.first + (place - 1) * self.step

    def spread(self, most: int) -> list[int]:
        """Up to so many places, evenly spread; of one, where the default is.

        >>> Axis("a", 0, 10, 21, 3).spread(3), Axis("a", 0, 10, 1_000, 3).spread(3), Axis("a", 0, 10, 21, 3).spread(1)
        ([4, 11, 18], [3, 32, 316], [3])
        """
        if most == 1:
            return [self.start]
        middles = [(number + 0.5) / most for number in range(most)]
        if self.wide:
            return sorted({round(self.places**middle) for middle in middles})
        return sorted({1 + math.floor(self.places * middle) for middle in middles})


def axes(strategy: str, fixed: Mapping[str, Any], named: Collection[str]) -> list[Axis]:
    """What to search of a strategy: all that is on and neither fixed nor a size; or what is named.

    raises  Misconfigured for a name that cannot be searched, or when nothing is left
    """
    known = {one.name: one for one in catalogue.settings(strategy)}
    for name in named:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            raise Misconfigured(f"{strategy} has no setting {name!r}", f"did you mean {close[0]!r}?" if close else "")
        if name in SIZES or name in fixed:
            why = "is given by --set" if name in fixed else "is a size: more of it makes any bound larger"
            raise Misconfigured(f"{name} cannot be searched: it {why}")
    wanted = [one for one in known.values() if one.name in named] if named else _usual(known.values(), fixed)
    found = [axis for one in wanted if (axis := _axis(one)).places > 1]
    if not found:
        raise Misconfigured(f"nothing is left to search of {strategy}", "take away a --set")
    return found


def grid(axes: Sequence[Axis], most: int) -> list[dict[str, int]]:
    """Places for a search of every combination, at most so many: levels are added in turn while they fit."""
    levels = [1] * len(axes)
    grown = True
    while grown:
        grown = False
        for number, axis in enumerate(axes):
            more = math.prod(levels) // levels[number] * (levels[number] + 1)
            if levels[number] < axis.places and more <= most:
                levels[number] += 1
                grown = True
    places = [axis.spread(level) for axis, level in zip(axes, levels, strict=True)]
    return [dict(zip([axis.name for axis in axes], point, strict=True)) for point in product(*places)]


def _usual(known: Collection[Setting], fixed: Mapping[str, Any]) -> list[Setting]:
    return [one for one in known if one.default is not None and one.name not in SIZES and one.name not in fixed]


def _axis(one: Setting) -> Axis:
    first = one.low if one.default is None else one.low + (one.default - one.low) % one.step
    default = first if one.default is None else one.default
    return Axis(one.name, first, one.step, (one.high - first) // one.step + 1, (default - first) // one.step + 1)
