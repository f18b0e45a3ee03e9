"""Prices, counts and money are integers that know their unit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.errors import InvariantBroken
from outcry.domain.units import Contracts, Money, Price, format_decimal, parse_decimal

prices = st.integers(0, 10_000)
counts = st.integers(-(10**9), 10**9)


@given(st.integers(-(10**15), 10**15), st.integers(0, 6))
def test_a_decimal_survives_being_written_and_read(value, places):
    assert parse_decimal(format_decimal(value, places) if places else str(value), places) == value


@given(prices, counts)
def test_price_times_count_is_exact_money(price_cc, count_ch):
    exact = Decimal(price_cc) / 10_000 * Decimal(count_ch) / 100
    assert Price(price_cc) * Contracts(count_ch) == Money(int(exact * 1_000_000))
    assert type(Contracts(count_ch) * Price(price_cc)) is Money


@pytest.mark.parametrize("text", ["", ".", "0.43001", "1e-3", "0,43", "--1", "+1", " 1", "１", "0.4_3", "nan"])
def test_what_is_no_exact_decimal_is_refused(text):
    with pytest.raises(ValueError, match="decimal"):
        parse_decimal(text, 4)


def test_trailing_zeros_beyond_the_places_lose_nothing():
    assert Price.parse("0.430000") == 4300


@pytest.mark.parametrize("centicents", [-1, 10_001])
def test_a_price_outside_a_dollar_is_broken(centicents):
    with pytest.raises(InvariantBroken):
        Price(centicents)


def test_kinds_do_not_mix():
    for mixed in (
        lambda: Price(1) + Money(1),
        lambda: Money(1) - Contracts(1),
        lambda: Money(1) + 1,
        lambda: 5 - Money(1),
    ):
        with pytest.raises(TypeError):
            mixed()
    with pytest.raises(TypeError):
        Money(1) * Money(1)


def test_a_kind_stays_its_kind():
    assert repr(sum([Money(1), Money(2)])) == "Money(0.000003)"
    assert type(-Contracts(5)) is Contracts
    assert type(3 * Money(2)) is Money
    assert Price(4300).no == Price(5700)
    assert str(Contracts(-50)) == "-0.50"
