"""Tick ranges: only prices on a band's grid, strictly inside a dollar, may be ordered at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.market import FeeTerms, Market, PriceRange, Status

CENT = (PriceRange(0, 10_000, 100),)
TAPERED = (PriceRange(0, 1_000, 10), PriceRange(1_000, 9_000, 100), PriceRange(9_000, 10_000, 10))
OFFSET = (PriceRange(130, 930, 100),)
CENTI_EDGE = (PriceRange(0, 100, 1), PriceRange(100, 9_900, 10), PriceRange(9_900, 10_000, 1))


def market(ranges):
    return Market("T-1", "T", "S", 2, Status.ACTIVE, 0, 900_000, ranges)


@pytest.mark.parametrize(
    ("ranges", "price_cc", "down_cc", "up_cc"),
    [
        (CENT, 4_350, 4_300, 4_400),
        (CENT, 4_300, 4_300, 4_300),
        (CENT, 50, None, 100),
        (CENT, 9_950, 9_900, None),
        (CENT, 10_000, 9_900, None),
        (CENT, 0, None, 100),
        (TAPERED, 995, 990, 1_000),
        (TAPERED, 1_000, 1_000, 1_000),
        (TAPERED, 1_001, 1_000, 1_100),
        (TAPERED, 8_999, 8_900, 9_000),
        (TAPERED, 9_001, 9_000, 9_010),
        (TAPERED, 9_999, 9_990, None),
        (TAPERED, 5, None, 10),
        (CENTI_EDGE, 9_999, 9_999, 9_999),
        (OFFSET, 130, 130, 130),
        (OFFSET, 129, None, 130),
        (OFFSET, 400, 330, 430),
        (OFFSET, 931, 930, None),
    ],
)
def test_snap_goes_down_for_buys_and_up_for_sells(ranges, price_cc, down_cc, up_cc):
    assert market(ranges).snap(price_cc, down=True) == down_cc
    assert market(ranges).snap(price_cc, down=False) == up_cc


@given(st.sampled_from([CENT, TAPERED, CENTI_EDGE, OFFSET]), st.integers(0, 10_000))
def test_a_snapped_price_is_the_nearest_on_the_grid(ranges, price_cc):
    there = market(ranges)
    grid = [price for price in range(10_001) if there.on_grid(price)]
    assert there.snap(price_cc, down=True) == max((price for price in grid if price <= price_cc), default=None)
    assert there.snap(price_cc, down=False) == min((price for price in grid if price >= price_cc), default=None)


def test_a_grid_begins_where_its_band_begins():
    grid = [price for price in range(10_001) if market(OFFSET).on_grid(price)]
    assert grid == list(range(130, 931, 100))


def test_neither_zero_nor_a_dollar_is_a_price():
    assert not market(CENT).on_grid(0)
    assert not market(CENT).on_grid(10_000)
    assert (market(TAPERED).lowest_cc(), market(TAPERED).highest_cc()) == (10, 9_990)
    assert market((PriceRange(100, 5_000, 50),)).highest_cc() == 5_000
    assert market((PriceRange(100, 5_000, 50),)).lowest_cc() == 100


@pytest.mark.parametrize(
    ("fee_type", "taker", "maker"),
    [
        ("quadratic", 70_000, 0),
        ("quadratic_with_maker_fees", 70_000, 17_500),
        ("quadratic_with_combo_maker_fees", 70_000, 35_000),
        ("flat", None, None),
    ],
)
def test_what_makers_and_takers_pay(fee_type, taker, maker):
    terms = FeeTerms(fee_type)
    assert (terms.rate_millionths(True), terms.rate_millionths(False)) == (taker, maker)
