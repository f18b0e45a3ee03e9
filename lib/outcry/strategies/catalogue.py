"""Which strategies there are, and how a row of parameters becomes one.

To add one: write `strategies/<name>.py`, and give it a line in CATALOGUE.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from outcry.domain.errors import Misconfigured
from outcry.strategies.arbitrage import Arbitrage
from outcry.strategies.coin_flip import CoinFlip
from outcry.strategies.digital import Digital
from outcry.strategies.favorite import Favorite
from outcry.strategies.mean_reversion import MeanReversion
from outcry.strategies.momentum import Momentum
from outcry.strategies.order_flow import OrderFlow
from outcry.strategies.setting import Setting, settings_of
from outcry.strategies.spread_capture import SpreadCapture
from outcry.strategies.strategy import Strategy
from outcry.strategies.technical import Technical
from outcry.strategies.volume_spike import VolumeSpike

CATALOGUE: dict[str, type[Strategy]] = {
    "arbitrage": Arbitrage,
    "coin_flip": CoinFlip,
    "digital": Digital,
    "favorite": Favorite,
    "mean_reversion": MeanReversion,
    "momentum": Momentum,
    "order_flow": OrderFlow,
    "spread_capture": SpreadCapture,
    "technical": Technical,
    "volume_spike": VolumeSpike,
}


def names() -> list[str]:
    return sorted(CATALOGUE)


def module(name: str) -> str:
    """The import name of a strategy's module, for whoever keeps its source. Raises Misconfigured."""
    return _kind(name).__module__


def settings(name: str) -> tuple[Setting, ...]:
    """What can be set about a strategy, for whoever tunes, varies or describes it. Raises Misconfigured."""
    return settings_of(_kind(name))


def build(name: str, parameters: Mapping[str, Any]) -> Strategy:
    """A strategy with its defaults, and these parameters instead where given.

    raises  Misconfigured for an unknown strategy or parameter (with the nearest name), a value that is no whole
            number, or one outside its range; None is a value only where it is the default
    """
    kind = _kind(name)
    known = {setting.name: setting for setting in settings_of(kind)}
    for parameter, value in parameters.items():
        if parameter not in known:
            raise Misconfigured(f"{name} has no parameter {parameter!r}", _nearest(parameter, list(known)))
        setting = known[parameter]
        if value is None and setting.default is None:
            continue
        if type(value) is not int or not setting.low <= value <= setting.high:
            whole = f"a whole number from {setting.low} to {setting.high}"
            raise Misconfigured(f"{name}.{parameter} = {value!r} is not {whole}")
    return kind(**parameters)


def _kind(name: str) -> type[Strategy]:
    if name not in CATALOGUE:
        raise Misconfigured(f"no strategy is called {name!r}", _nearest(name, names()))
    return CATALOGUE[name]


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
