"""A market: one yes-or-no outcome, with its tick ranges and its life."""

from dataclasses import dataclass
from enum import StrEnum

from outcry.domain.units import ONE_DOLLAR_CC


class Status(StrEnum):
    """The exchange's words. Opening and closing send no message: run a timer."""

    INITIALIZED = "initialized"
    ACTIVE = "active"
    INACTIVE = "inactive"
    CLOSED = "closed"
    DETERMINED = "determined"
    DISPUTED = "disputed"
    AMENDED = "amended"
    FINALIZED = "finalized"


@dataclass(frozen=True, slots=True)
class PriceRange:
    """One band of the price grid: prices from start to end, both included, in steps. Centicents."""

    start_cc: int
    end_cc: int
    step_cc: int


TAKER_MILLIONTHS = 70_000
MAKER_MILLIONTHS = {
    "quadratic": 0,
    "quadratic_with_maker_fees": 17_500,
    "quadratic_with_combo_maker_fees": 35_000,
}


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """How a market charges. `multiplier_millionths`: the venue's factor times 1 000 000 (usually 1 000 000)."""

    fee_type: str = "quadratic"
    multiplier_millionths: int = 1_000_000

    def rate_millionths(self, is_taker: bool) -> int | None:
        """The rate of the fee formula, before the multiplier; None where no formula is known."""
        if self.fee_type not in MAKER_MILLIONTHS:
            return None
        return TAKER_MILLIONTHS if is_taker else MAKER_MILLIONTHS[self.fee_type]


@dataclass(frozen=True, slots=True)
class Market:
    """What the floor needs to know of one market. Times in Unix ms UTC; prices in centicents on the YES scale.

    underlying         index symbol this market settles on (`BTC-USD`), or "" when it has none
    strike_micros      index level that YES needs, in micro-dollars; None while still to be determined
    settlement_value_cc  what one YES contract pays; None until determined
    expiration_micros  the statistic that determined it (an index's mean, say), in millionths; None if it is no number
    exclusive          whether at most one market of its event pays
    exhaustive_of      markets of its event, where the settings list that as exhaustive (one of them pays); else 0
    """

    ticker: str
    event_ticker: str
    series_ticker: str
    exchange_index: int
    status: Status
    open_at_ms: int
    close_at_ms: int
    price_ranges: tuple[PriceRange, ...]
    fee: FeeTerms = FeeTerms()
    title: str = ""
    underlying: str = ""
    strike_type: str = ""
    strike_micros: int | None = None
    result: str = ""
    settlement_value_cc: int | None = None
    volume_ch: int = 0
    open_interest_ch: int = 0
    expiration_micros: int | None = None
    exclusive: bool = False
    exhaustive_of: int = 0

    def on_grid(self, price_cc: int) -> bool:
        """Whether an order may carry this price: on a band's grid and strictly inside $0 and $1."""
        return 0 < price_cc < ONE_DOLLAR_CC and any(
            band.start_cc <= price_cc <= band.end_cc and (price_cc - band.start_cc) % band.step_cc == 0
            for band in self.price_ranges
        )

    def snap(self, price_cc: int, *, down: bool) -> int | None:
        """The nearest tradable price at or below (`down`, for a buy) or at or above (for a sell) a price.

        returns  centicents, or None when there is none on that side
        """
        price_cc = min(price_cc, ONE_DOLLAR_CC - 1) if down else max(price_cc, 1)
        candidates = []
        for band in self.price_ranges:
            if down and price_cc >= band.start_cc:
                top = min(price_cc, band.end_cc)
                candidates.append(top - (top - band.start_cc) % band.step_cc)
            elif not down and price_cc <= band.end_cc:
                low = max(price_cc, band.start_cc)
                candidates.append(low + (band.start_cc - low) % band.step_cc)
        inside = [price for price in candidates if self.on_grid(price)]
        return (max if down else min)(inside, default=None)

    def lowest_cc(self) -> int:
        """The lowest price an order may carry."""
        band = min(self.price_ranges, key=lambda band: band.start_cc)
        return band.start_cc or band.step_cc

    def highest_cc(self) -> int:
        """The highest price an order may carry."""
        band = max(self.price_ranges, key=lambda band: band.end_cc)
        return band.end_cc - band.step_cc if band.end_cc == ONE_DOLLAR_CC else band.end_cc
