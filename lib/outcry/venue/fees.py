"""What a fill costs: the fee model, and the exchange's rounding with its per-order accumulator. Integers throughout.

    model fee = rate x multiplier x contracts x P x (1 - P)        P = YES price in dollars

The taker rate is 0.07; the maker rate is nothing, a quarter or a half of it, by fee type. Live, the floor books the fee
the exchange reports; this module serves the local exchange, backtests and estimates before a trade.
Source: the exchange's API reference, "Fee rounding" (August 2026), and the fee types of its OpenAPI description.
"""

from outcry.domain.errors import SchemaDrift
from outcry.domain.market import FeeTerms
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC

DIRECT_MICROS = 100  # balances of direct members move in steps of $0.0001
NON_DIRECT_MICROS = 10_000  # those of members behind a broker, in whole cents

_MODEL_TO_MICROS = 10**16  # rate 1e-6 x multiplier 1e-6 x count 1e-2 x price 1e-4 x price 1e-4 = 1e-22 dollars


def known(terms: FeeTerms) -> bool:
    """Whether the formula covers these terms. `flat` markets charge by a table nobody should trade without."""
    return terms.rate_millionths(True) is not None


def trade_fee_micros(terms: FeeTerms, is_taker: bool, price_cc: int, count_ch: int) -> int:
    """The model fee of one fill, rounded up to a micro-dollar.

    raises  SchemaDrift for a fee type the formula does not cover

    >>> trade_fee_micros(FeeTerms(), True, 5000, 1000), trade_fee_micros(FeeTerms(), False, 5000, 1000)
    (175000, 0)
    """
    rate = terms.rate_millionths(is_taker)
    if rate is None:
        raise SchemaDrift(f"no formula for fee type {terms.fee_type!r}")
    model = rate * terms.multiplier_millionths * count_ch * price_cc * (ONE_DOLLAR_CC - price_cc)
    return -(-model // _MODEL_TO_MICROS)


def charge(
    accumulator_micros: int,
    terms: FeeTerms,
    side: Side,
    is_taker: bool,
    price_cc: int,
    count_ch: int,
    precision_micros: int = DIRECT_MICROS,
) -> tuple[int, int]:
    """The net fee of one fill and the order's accumulator after it.

    The balance may only move in steps of the precision: what the fill brings (negative when paying) less its trade fee
    is rounded down to a step, and the difference is charged as a rounding fee. Rounding fees gather on the order; whole
    steps of them are given back with later fills, as far as the net fee stays at or above zero. The accumulator starts
    at 0, belongs to the order, and survives its change from taker to maker.

    accumulator_micros  of this order before the fill
    precision_micros    DIRECT_MICROS or NON_DIRECT_MICROS
    returns             (fee_micros, new accumulator_micros)
    """
    trade_fee = trade_fee_micros(terms, is_taker, price_cc, count_ch)
    moved = -side.sign * price_cc * count_ch - trade_fee
    rounding = moved % precision_micros  # moved less its floor: never negative
    gathered = accumulator_micros + rounding
    rebate_steps = min(gathered, trade_fee + rounding) // precision_micros
    rebate = rebate_steps * precision_micros
    return trade_fee + rounding - rebate, gathered - rebate


def estimate_micros(
    terms: FeeTerms, is_taker: bool, price_cc: int, count_ch: int, precision_micros: int = DIRECT_MICROS
) -> int:
    """The most one fill can be charged, either side, whatever its order has gathered: for use before a trade.

    >>> estimate_micros(FeeTerms(), True, 500, 100)
    3400
    """
    return max(charge(0, terms, side, is_taker, price_cc, count_ch, precision_micros)[0] for side in Side)
