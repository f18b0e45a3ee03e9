"""The best prices and what pushes them: middle, microprice, imbalance, order-flow imbalance. Estimates are floats.

A touch is a second's best bid and ask (`domain.view.Touch`); a second without a change has none: the last one holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.domain.view import OwnOrder, Quote, Touch

SECOND_MS = 1_000


def middle_cc(quote: Quote) -> float | None:
    """Half-way between bid and ask, in centicents; None unless both are there."""
    bid_cc, ask_cc = quote.bid_cc, quote.ask_cc
    return None if bid_cc is None or ask_cc is None else (bid_cc + ask_cc) / 2


def imbalance(quote: Quote) -> float | None:
    """How the size at the touch leans, from -1 (all of it asks) to 1 (all of it bids); None unless both are there.

    source  Cartea, Donnelly and Jaimungal (2018), "Enhancing trading strategies with order book signals", Applied
            Mathematical Finance 25(1)
    """
    if not quote.bids or not quote.asks:
        return None
    bid_ch, ask_ch = quote.bids[0][1], quote.asks[0][1]
    return (bid_ch - ask_ch) / (bid_ch + ask_ch)


def microprice_cc(quote: Quote) -> float | None:
    """Where the next trade is likelier to print, given the sizes at the touch, in centicents.

    source  Stoikov (2018), "The micro-price", Quantitative Finance 18(12), level-one form

    >>> microprice_cc(Quote("T", 1, 0, bids=((4000, 300),), asks=((4200, 100),)))
    4150.0
    """
    if not quote.bids or not quote.asks:
        return None
    (bid_cc, bid_ch), (ask_cc, ask_ch) = quote.bids[0], quote.asks[0]
    return (bid_cc * ask_ch + ask_cc * bid_ch) / (bid_ch + ask_ch)


def pushed_ch(before: Touch, after: Touch) -> int:
    """The order-flow imbalance between two states of the touch: what came in to buy less what came in to sell.

    A better bid, or more of it, pushes up; a worse one, or less of it, pushes down; asks the other way round. An empty
    side stands at the end of the scale with nothing there.

    source  Cont, Kukanov and Stoikov (2014), "The price impact of order book events", Journal of Financial
            Econometrics 12(1), equation for e_n

    >>> pushed_ch(Touch(0, 4000, 300, 4200, 100), Touch(1, 4000, 500, 4200, 40))
    260
    """
    bid_0, bid_1 = before.bid_cc or 0, after.bid_cc or 0
    ask_0 = ONE_DOLLAR_CC if before.ask_cc is None else before.ask_cc
    ask_1 = ONE_DOLLAR_CC if after.ask_cc is None else after.ask_cc
    bought_ch = (after.bid_ch if bid_1 >= bid_0 else 0) - (before.bid_ch if bid_1 <= bid_0 else 0)
    sold_ch = (after.ask_ch if ask_1 <= ask_0 else 0) - (before.ask_ch if ask_1 >= ask_0 else 0)
    return bought_ch - sold_ch


def without(quote: Quote, own: Sequence[OwnOrder]) -> Quote:
    """A quote as it would be without some orders of one's own; what stands behind the last level shown is not known.

    >>> book = Quote("T", 1, 0, bids=((4100, 100), (4000, 300)), asks=((4200, 500),))
    >>> without(book, [OwnOrder(Side.BID, 4100, 100), OwnOrder(Side.ASK, 4200, 200)]).bids
    ((4000, 300),)
    """
    if not own:
        return quote
    mine = {(order.side, order.price_cc): 0 for order in own}
    for order in own:
        mine[order.side, order.price_cc] += order.count_ch
    left = {
        side: tuple(
            (price_cc, size_ch - mine.get((side, price_cc), 0))
            for price_cc, size_ch in levels
            if size_ch > mine.get((side, price_cc), 0)
        )
        for side, levels in ((Side.BID, quote.bids), (Side.ASK, quote.asks))
    }
    return replace(quote, bids=left[Side.BID], asks=left[Side.ASK])


def touch_of(quote: Quote, at_ms: int) -> Touch:
    """The touch of a quote, in the second that it belongs to."""
    bid_cc, bid_ch = quote.bids[0] if quote.bids else (None, 0)
    ask_cc, ask_ch = quote.asks[0] if quote.asks else (None, 0)
    return Touch(at_ms // SECOND_MS * SECOND_MS, bid_cc, bid_ch, ask_cc, ask_ch)


@dataclass(frozen=True, slots=True)
class Pressure:
    """What pushed the touch over a stretch of time.

    ofi_ch    order-flow imbalance, hundredths of a contract
    depth_ch  average size at the touch, of both sides: what the push has to be compared with
    """

    ofi_ch: int
    depth_ch: float

    @property
    def ratio(self) -> float:
        """The push as a multiple of the depth it has to move."""
        return self.ofi_ch / self.depth_ch if self.depth_ch else 0.0


def pressure(touches: Sequence[Touch], now_ms: int, window_ms: int) -> Pressure | None:
    """Order-flow imbalance of the last so many ms beside the average depth.

    returns  None until touches reach back over the whole window
    """
    from_ms = now_ms - window_ms
    if not touches or touches[0].at_ms > from_ms:
        return None
    recent = [touch for touch in touches if touch.at_ms > from_ms]
    shown = recent or touches[-1:]
    depth_ch = sum(touch.bid_ch + touch.ask_ch for touch in shown) / (2 * len(shown))
    return Pressure(sum(touch.ofi_ch for touch in recent), depth_ch)


def middle_moves_cc(touches: Sequence[Touch], now_ms: int, window_ms: int) -> list[float]:
    """By how much the middle moved from one touch to the next within a window, in centicents."""
    middles = [
        (touch.bid_cc + touch.ask_cc) / 2
        for touch in touches
        if touch.at_ms > now_ms - window_ms and touch.bid_cc is not None and touch.ask_cc is not None
    ]
    return [after - before for before, after in pairwise(middles)]
