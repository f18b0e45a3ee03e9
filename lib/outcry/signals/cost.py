"""What a trade costs beside its price, as an estimate: strategies ask whether it is worth it; the gate counts."""

from outcry.domain.market import Market
from outcry.domain.units import ONE_DOLLAR_CC


def fee_cc(market: Market, price_cc: int, *, is_taker: bool) -> float | None:
    """The fee of one contract at a YES price, in centicents, before rounding; None where no formula is known.

    source  the exchange's fee model: rate x multiplier x P x (1 - P), P in dollars

    >>> from outcry.domain.market import PriceRange, Status
    >>> grid = (PriceRange(0, 10_000, 100),)
    >>> fee_cc(Market("T", "E", "S", 0, Status.ACTIVE, 0, 1, grid), 5_000, is_taker=True)
    175.0
    """
    rate = market.fee.rate_millionths(is_taker)
    if rate is None:
        return None
    return rate * market.fee.multiplier_millionths * price_cc * (ONE_DOLLAR_CC - price_cc) / (10**12 * ONE_DOLLAR_CC)
