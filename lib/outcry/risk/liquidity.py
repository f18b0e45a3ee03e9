"""Liquid enough: traded enough, here and in the series' previous market, or enough shown near the touch.

What is shown counts on the thinner side: an entry needs one side and its exit the other.
"""

from outcry.domain.units import format_decimal
from outcry.domain.view import Level, Verdict
from outcry.risk.case import Case, refused

RULE = "liquidity"


def check(case: Case) -> Verdict | None:
    quote, limits = case.facts.quote, case.limits
    volume_ch = quote.volume_ch + case.facts.predecessor_volume_ch
    shown_ch = min(_near_ch(side, limits.displayed_within_cc) for side in (quote.bids, quote.asks))
    if volume_ch >= limits.min_volume_ch or shown_ch >= limits.min_displayed_ch:
        return None
    return refused(
        RULE,
        f"{format_decimal(volume_ch, 2)} contracts traded and {format_decimal(shown_ch, 2)} shown near the touch",
        volume_ch=volume_ch,
        min_volume_ch=limits.min_volume_ch,
        shown_ch=shown_ch,
        min_displayed_ch=limits.min_displayed_ch,
    )


def _near_ch(levels: tuple[Level, ...], within_cc: int) -> int:
    """Contracts shown no further than `within_cc` from the best price of one side (in hundredths)."""
    return sum(count_ch for price_cc, count_ch in levels if abs(price_cc - levels[0][0]) <= within_cc)
