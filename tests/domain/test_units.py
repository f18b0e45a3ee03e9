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


@pytest.mark.parametrize(
    ("text", "places", "value"),
    [("0.5", 4, 5_000), ("-12.5", 2, -1_250), ("7", 6, 7_000_000), ("0.05", 2, 5), ("3.", 1, 30)],
)
def test_a_decimal_shorter_than_its_places(text, places, value):
    assert parse_decimal(text, places) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [("4.2e1", "'4.2e1' is not a decimal number"), ("0.12345", "'0.12345' has more than 4 decimal places")],
)
def test_what_is_wrong_with_a_decimal_is_said(text, said):
    with pytest.raises(ValueError) as raised:
        parse_decimal(text, 4)
    assert str(raised.value) == said


def test_trailing_zeros_beyond_the_places_lose_nothing():
    assert Price.parse("0.430000") == 4300


@pytest.mark.parametrize("centicents", [-1, 10_001])
def test_a_price_outside_a_dollar_is_broken(centicents):
    with pytest.raises(InvariantBroken, match=f"^{centicents} centicents is outside 0 to 1 dollar$"):
        Price(centicents)
    assert (Price(), Price(10_000)) == (0, 10_000)


@pytest.mark.parametrize(
    ("mixed", "said"),
    [
        (lambda: Price(1) + Money(1), "Price and Money do not add up"),
        (lambda: Money(1) - Contracts(1), "Money and Contracts do not add up"),
        (lambda: Money(1) + 1, "Money and int do not add up"),
        (lambda: 5 + Money(1), "int and Money do not add up"),
        (lambda: 5 - Money(1), "int and Money do not add up"),
        (lambda: Money(1) * Money(1), "Money is not multiplied by Money"),
        (lambda: Contracts(1) * Money(1), "Contracts is not multiplied by Money"),
        (lambda: Price(1) * Price(1), "Price is not multiplied by Price"),
        (lambda: Money(1) * 2.0, "Money is not multiplied by float"),
    ],
)
def test_kinds_do_not_mix(mixed, said):
    with pytest.raises(TypeError, match=f"^{said}$"):
        mixed()


def test_a_kind_adds_up_with_its_kind():
    assert (Money(5) + Money(3), Money(5) - Money(3), -Money(5)) == (8, 2, -5)
    assert (Money(6) * 4, 4 * Contracts(6), Price(100) * 3) == (24, 24, 300)
    assert {type(Money(5) - Money(3)), type(Money(6) * 4), type(-Money(1)), type(0 + Money(1))} == {Money}


def test_a_kind_stays_its_kind():
    assert repr(sum([Money(1), Money(2)])) == "Money(0.000003)"
    assert type(-Contracts(5)) is Contracts
    assert type(3 * Money(2)) is Money
    assert Price(4300).no == Price(5700)
    assert str(Contracts(-50)) == "-0.50"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0.00"), (1, "0.01"), (-1, "-0.01"), (100, "1.00"), (-12_345, "-123.45")]
)
def test_zero_has_no_sign(value, text):
    assert format_decimal(value, 2) == text
