"""The ledger: fills and settlements are the only things that move money, and the account's identity always holds."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.errors import InvariantBroken
from outcry.domain.fill import Fill, Settlement
from outcry.domain.ledger import (
    Holding,
    apply_fill,
    expected_balance_micros,
    liquidation_micros,
    realized_micros,
    scalar_rounding_micros,
    settle,
)
from outcry.domain.order import Side


def fill(side="bid", price_cc=4_000, count_ch=100, fee_micros=0, ticker="T", number=0):
    return Fill(f"t{number}", "o", ticker, 2, Side(side), price_cc, count_ch, fee_micros, True, number)


sides = st.sampled_from(["bid", "ask"])
prices = st.integers(1, 9_999)
trades = st.tuples(sides, prices, st.integers(1, 50_000), st.integers(-1_000, 100_000))
books = st.tuples(st.integers(1, 9_998), st.integers(1, 9_998)).map(lambda pair: (min(pair), max(pair) + 1))


class Venue:
    """An obvious exchange: nets one position a market, holds $1 for each net short contract, and pays at settlement."""

    def __init__(self, deposit):
        self.cash, self.held = deposit, defaultdict(int)

    def fill(self, each):
        before = self.held[each.ticker]
        after = before + each.side.sign * each.count_ch
        self.cash -= each.side.sign * each.price_cc * each.count_ch + each.fee_micros
        self.cash += 10_000 * (max(0, -before) - max(0, -after))
        self.held[each.ticker] = after

    def settle(self, ticker, value_cc):
        net = self.held.pop(ticker, 0)
        exact = net * value_cc if net >= 0 else -net * (10_000 - value_cc)
        self.cash += exact // 100 * 100


@given(st.lists(trades, max_size=30), prices)
def test_settlement_adds_position_times_value(history, value_cc):
    holding = Holding()
    for number, (side, price_cc, count_ch, fee) in enumerate(history):
        holding = apply_fill(holding, fill(side, price_cc, count_ch, fee, number=number))
    settled = settle(holding, Settlement("T", 2, "scalar", value_cc, 0))
    assert settled.net_cash_micros - holding.net_cash_micros == holding.position_ch * value_cc
    assert settled.position_ch == 0


@given(books, st.lists(st.tuples(sides, st.integers(1, 9_999)), max_size=30))
def test_on_a_frozen_book_no_sequence_of_takes_raises_equity(book, takes):
    bid_cc, ask_cc = book
    holding, equity = Holding(), 0
    for side, count_ch in takes:
        price_cc = ask_cc if side == "bid" else bid_cc
        holding = apply_fill(holding, fill(side, price_cc, count_ch, fee_micros=1))
        now = holding.net_cash_micros + liquidation_micros(holding.position_ch, bid_cc, ask_cc)
        assert now < equity
        equity = now


@given(books, st.integers(1, 10_000), st.integers(0, 10_000), sides)
def test_a_round_trip_costs_exactly_spread_plus_fees(book, count_ch, fee, side):
    bid_cc, ask_cc = book
    first, second = (fill("bid", ask_cc, count_ch, fee), fill("ask", bid_cc, count_ch, fee))
    if side == "ask":
        first, second = second, first
    holding = apply_fill(apply_fill(Holding(), first), second)
    assert holding.position_ch == 0
    assert holding.net_cash_micros == -(ask_cc - bid_cc) * count_ch - 2 * fee


@given(st.lists(trades, max_size=30), st.integers(0, 10_000))
def test_mirroring_yes_and_no_gives_equal_profit(history, value_cc):
    plain, mirrored = Holding(), Holding()
    for side, price_cc, count_ch, fee in history:
        plain = apply_fill(plain, fill(side, price_cc, count_ch, fee))
        other = "ask" if side == "bid" else "bid"
        mirrored = apply_fill(mirrored, fill(other, 10_000 - price_cc, count_ch, fee))
    one = settle(plain, Settlement("T", 2, "scalar", value_cc, 0))
    two = settle(mirrored, Settlement("T", 2, "scalar", 10_000 - value_cc, 0))
    assert one.net_cash_micros == two.net_cash_micros


events = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("ABC"), st.sampled_from(["M1", "M2"]), trades),
        st.tuples(st.just("settle"), st.sampled_from(["M1", "M2"]), st.integers(0, 10_000)),
    ),
    max_size=60,
)


@given(events)
def test_several_agents_and_one_netted_account_agree_after_every_event(history):
    deposit = 1_000_000_000
    venue, rounding = Venue(deposit), 0
    holdings: dict[tuple[str, str], Holding] = defaultdict(Holding)
    closed: set[str] = set()
    for number, (agent, ticker, what) in enumerate(history):
        if ticker in closed:
            continue
        if agent == "settle":
            positions = {owner: held.position_ch for (owner, where), held in holdings.items() if where == ticker}
            rounding += scalar_rounding_micros(positions, what)
            for owner in positions:
                holdings[owner, ticker] = settle(holdings[owner, ticker], Settlement(ticker, 2, "scalar", what, 0))
            venue.settle(ticker, what)
            closed.add(ticker)
        else:
            side, price_cc, count_ch, fee = what
            each = fill(side, price_cc, count_ch, fee, ticker, number)
            holdings[agent, ticker] = apply_fill(holdings[agent, ticker], each)
            venue.fill(each)
        net: dict[str, int] = defaultdict(int)
        for (_, where), held in holdings.items():
            net[where] += held.position_ch
        cash = sum(held.net_cash_micros for held in holdings.values()) + rounding
        assert expected_balance_micros(deposit, cash, net.values()) == venue.cash


@given(st.lists(trades, max_size=30))
def test_realised_profit_of_a_flat_history_is_its_cash(history):
    fills = [fill(side, price_cc, count_ch, 0, number=n) for n, (side, price_cc, count_ch, _) in enumerate(history)]
    net_ch = sum(each.position_change_ch for each in fills)
    if net_ch:
        fills.append(fill("ask" if net_ch > 0 else "bid", 5_000, abs(net_ch)))
    assert realized_micros(fills) == sum(each.cash_change_micros for each in fills)


def test_average_cost_realises_the_share_that_closed():
    history = [fill("bid", 4_000, 100), fill("bid", 6_000, 100), fill("ask", 7_000, 100), fill("ask", 3_000, 200)]
    assert realized_micros(history[:3]) == (7_000 - 5_000) * 100
    assert realized_micros(history) == (7_000 - 5_000) * 100 + (3_000 - 5_000) * 100


def test_a_one_sided_book_marks_at_its_worst():
    assert liquidation_micros(500, None, 9_000) == 0
    assert liquidation_micros(-500, 100, None) == -5_000_000
    assert liquidation_micros(-500, 100, 0) == 0


@pytest.mark.parametrize("count_ch", [0, -1])
def test_an_impossible_fill_is_refused(count_ch):
    with pytest.raises(InvariantBroken):
        apply_fill(Holding(), fill(count_ch=count_ch))


@pytest.mark.parametrize("price_cc", [-1, 10_001])
def test_a_fill_outside_a_dollar_is_refused(price_cc):
    with pytest.raises(InvariantBroken, match=f"^fill t0 of 100 hundredths at {price_cc} centicents$"):
        apply_fill(Holding(), fill(price_cc=price_cc))
    assert apply_fill(Holding(), fill(price_cc=0)).cash_micros == 0
    assert apply_fill(Holding(), fill(price_cc=10_000)).cash_micros == -1_000_000


@pytest.mark.parametrize("value_cc", [-1, 10_001])
def test_a_settlement_outside_a_dollar_is_refused(value_cc):
    with pytest.raises(InvariantBroken, match=f"^T settled at {value_cc} centicents$"):
        settle(Holding(100), Settlement("T", 2, "scalar", value_cc, 0))


def test_realised_profit_is_a_whole_number_rounded_toward_zero():
    """3 hundredths for 100 micros: closing one realises a third of what they cost, 33 on either side."""
    for side, other in (("bid", "ask"), ("ask", "bid")):
        history = [fill(side, 33, 2), fill(side, 34, 1), fill(other, 40, 1)]
        gain = realized_micros(history)
        assert (gain, type(gain)) == (7 if side == "bid" else -7, int)
