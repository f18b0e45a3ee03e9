"""Which strategies there are, and how a row of parameters becomes one.

To add one: write `strategies/<name>.py`, and give it a line in CATALOGUE.
"""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, ClassVar, Protocol

from outcry.domain.errors import Misconfigured
from outcry.domain.view import Intent, View
from outcry.strategies.coin_flip import CoinFlip
from outcry.strategies.mean_reversion import MeanReversion
from outcry.strategies.momentum import Momentum
from outcry.strategies.volume_spike import VolumeSpike


class Strategy(Protocol):
    """A frozen dataclass of whole-numbered settings with one pure method.

    RANGES      the least and the most of each setting, both included
    warm_up_ms  how much history `decide` needs, before look-backs are shortened; less is answered by a condition
    """

    RANGES: ClassVar[Mapping[str, tuple[int, int]]]

    @property
    def warm_up_ms(self) -> int: ...

    def decide(self, view: View) -> Intent | str:
        """An intent, or the first condition that failed: a fixed phrase without numbers, so that it can be counted."""
        ...


CATALOGUE: dict[str, type[Any]] = {
    "coin_flip": CoinFlip,
    "mean_reversion": MeanReversion,
    "momentum": Momentum,
    "volume_spike": VolumeSpike,
}


def names() -> list[str]:
    return sorted(CATALOGUE)


def module(name: str) -> str:
    """The import name of a strategy's module, for whoever keeps its source. Raises Misconfigured."""
    return _kind(name).__module__


def build(name: str, parameters: Mapping[str, Any]) -> Strategy:
    """A strategy with its defaults, and these parameters instead where given.

    raises  Misconfigured for an unknown strategy or parameter (with the nearest name), a value that is no whole
            number, or one outside its range; None is a value only where it is the default
    """
    kind = _kind(name)
    defaults = {field.name: field.default for field in fields(kind)}
    for parameter, value in parameters.items():
        if parameter not in defaults:
            raise Misconfigured(f"{name} has no parameter {parameter!r}", _nearest(parameter, list(defaults)))
        low, high = kind.RANGES[parameter]
        if value is None and defaults[parameter] is None:
            continue
        if type(value) is not int or not low <= value <= high:
            raise Misconfigured(f"{name}.{parameter} = {value!r} is not a whole number from {low} to {high}")
    return kind(**parameters)


def _kind(name: str) -> type[Any]:
    if name not in CATALOGUE:
        raise Misconfigured(f"no strategy is called {name!r}", _nearest(name, names()))
    return CATALOGUE[name]


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
