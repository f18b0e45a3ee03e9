"""How lively a price is, from its own recent past."""

from collections.abc import Sequence
from itertools import pairwise
from math import log, sqrt

from outcry.domain.view import Bar
from outcry.signals.history import SECOND_MS, close_at


def realised(bars: Sequence[Bar], now_ms: int, lookback_ms: int, every_ms: int) -> float | None:
    """Standard deviation of the price's relative change over one second.

    Squared log changes over steps of `every_ms` are summed: long enough steps keep the bounce of single quotes out of
    it. The grid is fixed in time, so that each look does not see another sample.

    returns  None when the history is shorter than half the look-back, or most of it is a gap
    source   Andersen and Bollerslev (1998), "Answering the skeptics", International Economic Review 39(4)
    """
    end_ms = now_ms // every_ms * every_ms
    prices = [close_at(bars, at_ms) for at_ms in range(end_ms - lookback_ms, end_ms + 1, every_ms)]
    steps = [
        log(after / before)
        for before, after in pairwise(prices)
        if before is not None and after is not None and before > 0 and after > 0
    ]
    if len(steps) * every_ms * 2 < lookback_ms:
        return None
    return sqrt(sum(step * step for step in steps) / (len(steps) * every_ms / SECOND_MS))
