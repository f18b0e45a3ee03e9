"""Generated index prices: random walks with volatility clustering and jumps, correlated, one value a second.

The walk is a function of the seed and the time, not of when it was started: an exchange that is killed and started
again finds the same prices, and so settles what it owes as it would have. Time is cut into blocks of two hours; the
level at a block's edges is a slowly reverting chain, and the path between two edges is a bridge.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from math import erfc, exp, log, sqrt
from random import Random

BLOCK_S = 7_200
KEPT_BLOCKS = 8
YEAR_S = 365 * 86_400
DOLLAR_MICROS = 1_000_000

_REVERSION = 0.985  # of the level from block to block: half of a deviation is gone after four days
_CHAIN = 600  # blocks after which nothing is left of where the chain began
_CORRELATION = 0.8  # between any two indices
_CLUSTER_SD, _CLUSTER_S = 0.35, 600  # of the log of volatility, and its memory
_JUMP_MINUTES = 16  # a jump's deviation is that of so many minutes of walk


@dataclass(frozen=True, slots=True)
class Asset:
    """One index: its symbol, the level it reverts to, how volatile it is beside the stated volatility, and its tick."""

    symbol: str
    dollars: float
    factor: float = 1.0
    tick_micros: int = 10_000


class IndexWalk:
    """Index values by symbol and second.

    volatility      annualised, 0.6 is 60 %
    jumps_per_hour  mean number; a jump moves all indices
    """

    def __init__(self, seed: int, assets: Iterable[Asset], volatility: float, jumps_per_hour: float) -> None:
        self._seed = seed
        self._assets = {asset.symbol: asset for asset in assets}
        self._sd = volatility / sqrt(YEAR_S)
        self._jump_chance = jumps_per_hour / 3_600
        self._blocks: dict[int, dict[str, array[float]]] = {}

    def sd(self, symbol: str) -> float:
        """Standard deviation of one second's relative change."""
        return self._sd * self._assets[symbol].factor

    def micros(self, symbol: str, second: int) -> int:
        """The index at a whole second since 1970, in micro-dollars, in whole ticks."""
        tick_micros = self._assets[symbol].tick_micros
        return round(exp(self._log(symbol, second)) * (DOLLAR_MICROS // tick_micros)) * tick_micros

    def dollars(self, symbol: str, at_ms: int) -> float:
        """The price between two seconds, as those see it who look at the underlying trades: an estimate."""
        second, ms = divmod(at_ms, 1_000)
        level = self._log(symbol, second)
        return exp(level + (self._log(symbol, second + 1) - level) * ms / 1_000 if ms else level)

    def mean_micros(self, symbol: str, close_s: int, average_s: int) -> int:
        """The settlement statistic: the mean of the last values up to the close, in whole ticks (half a tick up)."""
        tick_micros = self._assets[symbol].tick_micros
        total = sum(self.micros(symbol, second) for second in range(close_s - average_s + 1, close_s + 1))
        return (2 * total + tick_micros * average_s) // (2 * tick_micros * average_s) * tick_micros

    def _log(self, symbol: str, second: int) -> float:
        number, offset = divmod(second, BLOCK_S)
        block = self._blocks.get(number)
        if block is None:
            while len(self._blocks) >= KEPT_BLOCKS:
                del self._blocks[max(self._blocks, key=lambda known: abs(known - number))]
            block = self._blocks[number] = self._block(number)
        return block[symbol][offset]

    def _block(self, number: int) -> dict[str, "array[float]"]:
        rng = Random(f"{self._seed}/path/{number}")
        factors = [asset.factor for asset in self._assets.values()]
        paths = [array("d", [0.0]) for _ in factors]
        levels = [0.0] * len(factors)
        own, common = sqrt(1 - _CORRELATION), sqrt(_CORRELATION)
        keep = exp(-1 / _CLUSTER_S)
        push = _CLUSTER_SD * sqrt(1 - keep * keep)
        heat = rng.gauss(0, _CLUSTER_SD)
        jump_sd = self._sd * sqrt(_JUMP_MINUTES * 60)
        for _ in range(BLOCK_S):
            heat = heat * keep + rng.gauss(0, push)
            scale = self._sd * exp(heat - _CLUSTER_SD**2)
            shared = common * rng.gauss(0, 1)
            jump = rng.gauss(0, jump_sd) if rng.random() < self._jump_chance else 0.0
            for index, factor in enumerate(factors):
                levels[index] += factor * (scale * (shared + own * rng.gauss(0, 1)) + jump)
                paths[index].append(levels[index])
        return {
            asset.symbol: self._bridge(paths[index], self._edge(asset, number), self._edge(asset, number + 1))
            for index, asset in enumerate(self._assets.values())
        }

    def _bridge(self, path: "array[float]", start: float, end: float) -> "array[float]":
        slope = (end - start - path[-1]) / BLOCK_S
        return array("d", [start + level + slope * second for second, level in enumerate(path)])

    def _edge(self, asset: Asset, number: int) -> float:
        """Log of the level at the start of a block."""
        sd, common, own = self.sd(asset.symbol) * sqrt(BLOCK_S), sqrt(_CORRELATION), sqrt(1 - _CORRELATION)
        level = 0.0
        for block in range(number - _CHAIN, number + 1):
            shared = Random(f"{self._seed}/edge/{block}").gauss(0, 1)
            alone = Random(f"{self._seed}/edge/{block}/{asset.symbol}").gauss(0, 1)
            level = level * _REVERSION + sd * (common * shared + own * alone)
        return log(asset.dollars) + level


class Average:
    """The settlement mean of one window while it comes about, and from it the fair value of its market.

    average_s  values in the mean: those of the last so many seconds up to the close
    """

    def __init__(self, walk: IndexWalk, symbol: str, close_s: int, average_s: int, strike_micros: int) -> None:
        self._walk, self._symbol = walk, symbol
        self._next_s, self._close_s, self._count = close_s - average_s + 1, close_s, average_s
        self._strike = strike_micros / 1e6
        self._known = 0.0

    def fair(self, at_ms: int) -> float:
        """Probability that the mean reaches the strike, for a walk without drift from the present price.

        With r of n values still to come, the first in d seconds, the mean's deviation is the price's deviation of one
        second times sqrt(d r^2 + r (r - 1) (2 r - 1) / 6) / n: the sum of min(s, t) over all pairs of them.
        """
        while self._next_s <= min(at_ms // 1_000, self._close_s):
            self._known += self._walk.micros(self._symbol, self._next_s) / 1e6
            self._next_s += 1
        left = self._close_s - self._next_s + 1
        if left <= 0:
            return 1.0 if self._known >= self._strike * self._count else 0.0
        price = self._walk.dollars(self._symbol, at_ms)
        wait = self._next_s - at_ms / 1_000
        spread = sqrt(wait * left * left + left * (left - 1) * (2 * left - 1) / 6)
        deviation = price * self._walk.sd(self._symbol) * spread / self._count
        return normal((self._known + left * price - self._strike * self._count) / self._count / deviation)


def normal(z: float) -> float:
    """The standard normal distribution function.

    >>> round(normal(0.0), 3), round(normal(1.96), 3)
    (0.5, 0.975)
    """
    return 0.5 * erfc(-z / sqrt(2))
