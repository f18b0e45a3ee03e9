"""Volatility, candles, fees: against numbers worked out by hand."""

from math import exp, sqrt
from random import Random

import pytest

from outcry.domain.market import FeeTerms, Market, PriceRange, Status
from outcry.domain.view import Bar
from outcry.signals.cost import fee_cc
from outcry.signals.digital import Average, average
from outcry.signals.patterns import Candle, breakout, candles, cross, rsi
from outcry.signals.volatility import realised
from outcry.venue import fees

T0 = 1_778_679_000_000


def bars(*closes, start_ms=T0):
    return tuple(Bar("I", start_ms + at * 1_000, c, c, c, c) for at, c in enumerate(closes) if c is not None)


def flat(*closes):
    return [Candle(at, close, close, close) for at, close in enumerate(closes)]


# ---- volatility -----------------------------------------------------------------------------------------------------


def test_a_steady_swing_has_the_volatility_of_its_steps():
    history = bars(*[10_000 if at % 2 else 10_100 for at in range(101)])
    step = realised(history, T0 + 101_000, 100_000, 1_000)
    assert step == pytest.approx(0.00995033, rel=1e-4)
    assert realised(history, T0 + 101_000, 100_000, 2_000) == 0, "steps of two seconds see no swing"


def test_a_random_walk_has_the_volatility_it_was_made_with():
    dice, price, closes = Random(3), 1e12, []
    for _ in range(3_001):
        price *= exp(dice.gauss(0, 0.0005))
        closes.append(round(price))
    for every_ms in (1_000, 5_000):
        seen = realised(bars(*closes), T0 + 3_001_000, 3_000_000, every_ms)
        assert seen == pytest.approx(0.0005, rel=0.1)


def test_too_short_or_torn_a_history_has_none():
    assert realised(bars(*[100] * 40), T0 + 40_000, 100_000, 1_000) is None
    torn = bars(*[100 if at % 20 < 5 else None for at in range(100)])
    assert realised(torn, T0 + 100_000, 100_000, 1_000) is None
    assert realised((), T0, 100_000, 1_000) is None


# ---- the average that settles ---------------------------------------------------------------------------------------


def test_an_average_is_open_seen_in_part_and_closed():
    history = bars(*range(1, 101))  # second k closes at k + 1 when it ends
    close_ms = T0 + 100_000
    whole = average(history, T0 + 20_000, close_ms, 60_000)
    assert (whole.seen, whole.count, len(whole.ahead_s), whole.ahead_s[0], whole.ahead_s[-1]) == (0, 60, 60, 21.0, 80.0)
    part = average(history, T0 + 70_500, close_ms, 60_000)
    assert part.seen == sum(range(41, 71)) and len(part.ahead_s) == 30 and part.ahead_s[0] == 0.5
    assert part.expected == (sum(range(41, 71)) + 30 * 70) / 60
    done = average(history, close_ms, close_ms, 60_000)
    assert done == Average(sum(range(41, 101)), 60, (), 100) and done.deviation(0.1) == 0


def test_the_deviation_is_the_textbooks():
    """All of the window ahead: sigma squared times (time before it + a third of it, nearly)."""
    ahead = Average(0, 60, tuple(float(second) for second in range(241, 301)), 1)
    assert ahead.deviation(1.0) == pytest.approx(sqrt(240 + 60 * 61 * 121 / (6 * 60 * 60)))
    double_sum = sum(min(i, j) for i in range(1, 11) for j in range(1, 11))
    assert Average(0, 10, tuple(map(float, range(1, 11))), 1).deviation(1.0) == pytest.approx(sqrt(double_sum) / 10)


def test_a_second_without_a_price_has_the_one_before_it_and_a_gap_is_none():
    holed = bars(*[None if at in (50, 51) else 7 for at in range(90)])
    assert average(holed, T0 + 90_000, T0 + 100_000, 60_000).seen == 50 * 7
    torn = bars(*[None if 50 <= at < 56 else 7 for at in range(90)])
    assert average(torn, T0 + 90_000, T0 + 100_000, 60_000) is None
    assert average(torn, T0 + 95_000, T0 + 100_000, 60_000) is None


# ---- patterns -------------------------------------------------------------------------------------------------------


def test_candles_are_whole_and_lie_on_a_fixed_grid():
    history = bars(*range(100, 130))
    assert candles(history, T0 + 29_999, 10_000, 2) == [Candle(T0, 109, 100, 109), Candle(T0 + 10_000, 119, 110, 119)]
    assert candles(history, T0 + 30_000, 10_000, 3)[-1].close == 129
    assert candles(history, T0 + 30_000, 10_000, 4) is None
    torn = history[:10] + history[20:]
    assert candles(torn, T0 + 30_000, 10_000, 3) is None


def test_a_breakout_is_beyond_every_price_before_it():
    assert (breakout(flat(1, 5, 3, 6)), breakout(flat(1, 5, 3, 5)), breakout(flat(2, 5, 3, 1))) == (1, 0, -1)
    wick = [*flat(1, 5), Candle(2, 9, 1, 5), *flat(8)]
    assert breakout(wick) == 0, "a high counts, not only closes"


def test_averages_cross_once():
    assert cross(flat(10, 10, 10, 10, 13), 2, 4) == 1
    assert cross(flat(10, 10, 10, 13, 13), 2, 4) == 0
    assert cross(flat(10, 10, 10, 10, 7), 2, 4) == -1


def test_wilders_example():
    """Fourteen changes and one more, smoothed as he smooths; the figures of StockCharts' worked sheet."""
    closes = [
        44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328,
        45.6140, 46.2820, 46.2820, 46.0028, 46.0328,
    ]  # fmt: skip
    history = flat(*[round(close * 10_000) for close in closes])
    assert rsi(history[:15], 14) == pytest.approx(70.53, abs=0.01)
    assert rsi(history[:16], 14) == pytest.approx(66.32, abs=0.01)
    assert rsi(history, 14) == pytest.approx(66.55, abs=0.01)
    assert rsi(flat(5, 5, 5, 5), 3) == 50


# ---- fees -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fee_type", ["quadratic", "quadratic_with_maker_fees", "quadratic_with_combo_maker_fees"])
@pytest.mark.parametrize("is_taker", [True, False])
def test_the_estimate_is_the_exchanges_formula(fee_type, is_taker):
    market = Market("T", "E", "S", 0, Status.ACTIVE, 0, 1, (PriceRange(0, 10_000, 100),), FeeTerms(fee_type, 500_000))
    for price_cc in (100, 3_300, 5_000, 9_900):
        exact = fees.trade_fee_micros(market.fee, is_taker, price_cc, 1_000_000) / 1_000_000
        assert fee_cc(market, price_cc, is_taker=is_taker) == pytest.approx(exact, rel=1e-6)


def test_an_unknown_fee_has_no_estimate():
    market = Market("T", "E", "S", 0, Status.ACTIVE, 0, 1, (PriceRange(0, 10_000, 100),), FeeTerms("flat"))
    assert fee_cc(market, 5_000, is_taker=True) is None
