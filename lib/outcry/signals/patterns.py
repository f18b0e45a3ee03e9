"""Chart patterns on candles, by their well-known definitions. A candle is a stretch of one-second bars.

Only whole candles count, and they lie on a fixed grid of time, so that another start sees the same ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from outcry.domain.view import Bar


@dataclass(frozen=True, slots=True)
class Candle:
    """Prices over a stretch of time, in the bars' own unit."""

    at_ms: int
    high: int
    low: int
    close: int


def candles(bars: Sequence[Bar], now_ms: int, width_ms: int, count: int) -> list[Candle] | None:
    """The last `count` whole candles, oldest first.

    returns  None when one of them has no bar: history is too short or has a gap
    """
    end_ms = now_ms // width_ms * width_ms
    begin_ms = end_ms - count * width_ms
    chosen: dict[int, list[Bar]] = {}
    for bar in bars:
        if begin_ms <= bar.at_ms < end_ms:
            chosen.setdefault(bar.at_ms // width_ms * width_ms, []).append(bar)
    if len(chosen) < count:
        return None
    return [
        Candle(at_ms, max(bar.high for bar in part), min(bar.low for bar in part), part[-1].close)
        for at_ms, part in sorted(chosen.items())
    ]


def breakout(history: Sequence[Candle]) -> int:
    """1 when the last close is above every high before it, -1 when below every low, else 0.

    source  Donchian's channel rule (1960); Brock, Lakonishok and LeBaron (1992), "Simple technical trading rules",
            Journal of Finance 47(5), "trading range break"
    """
    *before, last = history
    if last.close > max(candle.high for candle in before):
        return 1
    return -1 if last.close < min(candle.low for candle in before) else 0


def cross(history: Sequence[Candle], fast: int, slow: int) -> int:
    """1 when the fast moving average of closes has just risen above the slow one, -1 when just fallen below, else 0.

    history  at least slow + 1 candles
    source   Brock, Lakonishok and LeBaron (1992), "variable-length moving average"
    """
    closes = [candle.close for candle in history]

    def gap(end: int) -> int:
        """Fast average less slow average, times both lengths: exact."""
        return sum(closes[end - fast : end]) * slow - sum(closes[end - slow : end]) * fast

    before, now = gap(len(closes) - 1), gap(len(closes))
    if before <= 0 < now:
        return 1
    return -1 if before >= 0 > now else 0


def rsi(history: Sequence[Candle], period: int) -> float:
    """The relative strength index, 0 to 100; 50 when nothing moved.

    history  at least period + 1 candles; more make Wilder's smoothing forget where it began
    source   Wilder (1978), "New concepts in technical trading systems", with his smoothing

    >>> rising = [Candle(0, at, at, at) for at in (10, 11, 12, 13)]
    >>> rsi(rising, 3), rsi(rising[::-1], 3)
    (100.0, 0.0)
    """
    changes = [after.close - before.close for before, after in pairwise(history)]
    gain = sum(max(change, 0) for change in changes[:period]) / period
    loss = sum(max(-change, 0) for change in changes[:period]) / period
    for change in changes[period:]:
        gain = (gain * (period - 1) + max(change, 0)) / period
        loss = (loss * (period - 1) + max(-change, 0)) / period
    return 50.0 if gain + loss == 0 else 100 * gain / (gain + loss)
