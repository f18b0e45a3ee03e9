"""Whether somebody makes this market: a size at the touch on both sides, much alike, and soon back when it is hit.

source   the traits by which Kirilenko, Kyle, Samadi and Tuzun (2017), "The flash crash", Journal of Finance 72(3), tell
         market makers from others (two-sided, balanced, present), as far as a book without names shows them; that hit
         quotes come back is resiliency in the sense of Kyle (1985), "Continuous auctions and insider trading"
"""

from collections.abc import Sequence
from dataclasses import dataclass

from outcry.domain.view import Touch

ALIKE = 2.0  # sides differ by no more than so many times
BACK_SHARE = 0.8  # so much of a hit quote counts as renewed
BACK_MS = 2_000  # ... if it is there within so long
FEWEST_HITS = 2  # from fewer hits nothing can be told of how soon quotes come back


@dataclass(frozen=True, slots=True)
class Maker:
    """What was seen of a market's touch, as shares of the time, and of the hits on it.

    two_sided, alike  shares of the time from 0 to 1; `alike` of the time that was two-sided
    hits       how often a side lost half its size or its price
    renewed    how many of those were back soon
    spread_cc  average spread while two-sided; None when it never was
    """

    two_sided: float
    alike: float
    hits: int
    renewed: int
    spread_cc: float | None

    @property
    def presence(self) -> float:
        """From 0 (nobody) to 1 (always there, even, and back at once). Without hits, half of what it could be."""
        back = self.renewed / self.hits if self.hits >= FEWEST_HITS else 0.5
        return self.two_sided * self.alike * back


def watch(touches: Sequence[Touch], now_ms: int, window_ms: int) -> Maker | None:
    """What the touches of a stretch of time say; None while they do not reach back over it."""
    from_ms = now_ms - window_ms
    if not touches or touches[0].at_ms > from_ms or window_ms <= 0:
        return None
    first = next((place for place, touch in enumerate(touches) if touch.at_ms > from_ms), len(touches))
    kept = touches[max(first - 1, 0) :]
    both_ms = alike_ms = 0
    spread_ms = 0.0
    for place, touch in enumerate(kept):
        until_ms = kept[place + 1].at_ms if place + 1 < len(kept) else now_ms
        lasted_ms = max(0, until_ms - max(touch.at_ms, from_ms))
        if touch.bid_cc is None or touch.ask_cc is None:
            continue
        both_ms += lasted_ms
        spread_ms += lasted_ms * (touch.ask_cc - touch.bid_cc)
        if max(touch.bid_ch, touch.ask_ch) <= ALIKE * min(touch.bid_ch, touch.ask_ch):
            alike_ms += lasted_ms
    hits, renewed = _hits(kept)
    return Maker(
        both_ms / window_ms,
        alike_ms / both_ms if both_ms else 0.0,
        hits,
        renewed,
        spread_ms / both_ms if both_ms else None,
    )


def _hits(touches: Sequence[Touch]) -> tuple[int, int]:
    """How often a side was hit, and how often it was soon back."""
    hits = renewed = 0
    for place in range(1, len(touches)):
        before, after = touches[place - 1], touches[place]
        soon = [touch for touch in touches[place + 1 : place + 3] if touch.at_ms - after.at_ms <= BACK_MS]
        for sign, (price_0, size_0), (price_1, size_1) in (
            (1, (before.bid_cc, before.bid_ch), (after.bid_cc, after.bid_ch)),
            (-1, (before.ask_cc, before.ask_ch), (after.ask_cc, after.ask_ch)),
        ):
            if price_0 is None or not _gone(sign, price_0, size_0, price_1, size_1):
                continue
            hits += 1
            sides = ((t.bid_cc, t.bid_ch) if sign > 0 else (t.ask_cc, t.ask_ch) for t in soon)
            renewed += any(
                price is not None and sign * (price - price_0) >= 0 and size >= BACK_SHARE * size_0
                for price, size in sides
            )
    return hits, renewed


def _gone(sign: int, price_0: int, size_0: int, price_1: int | None, size_1: int) -> bool:
    """Whether a side lost its price, or half its size at it."""
    if price_1 is None or sign * (price_1 - price_0) < 0:
        return True
    return price_1 == price_0 and 2 * size_1 <= size_0
