"""Cash, netting, reservations and average cost of one purse."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcry.domain.errors import InvariantBroken
from outcry.domain.fill import Fill
from outcry.domain.ledger import realized_micros
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.purse import Open, Purse
from outcry.paper.engine.records import OrderRecord, SelfTrade

SHARD, T = 2, "KXT-1-1"


def order(key: str, side: Side, price_cc: int, count_ch: int) -> OrderRecord:
    return OrderRecord(
        key, "ann", "", T, SHARD, side, price_cc, count_ch, count_ch, TimeInForce.GTC, SelfTrade.MAKER, 1, 0, 0
    )


def purse(cash_micros: int = 0, position_ch: int = 0) -> Purse:
    """A purse that holds a position, bought or sold at half a dollar, and after that so much cash."""
    made = Purse("ann", 0)
    made.move(SHARD, cash_micros + 5_000 * abs(position_ch))
    if position_ch:
        side = Side.BID if position_ch > 0 else Side.ASK
        made.book(made.position(T, SHARD), side, 5_000, abs(position_ch), 0)
    return made


def test_a_bid_pays_and_an_ask_locks_the_rest_of_the_dollar():
    long, short = purse(position_ch=300), purse(position_ch=-300)
    assert long.cash == short.cash == {SHARD: 0}
    assert [made.positions[T].exposure_micros for made in (long, short)] == [1_500_000, 1_500_000]


def test_buying_back_frees_the_dollar_at_once():
    short = purse(position_ch=-300)
    short.book(short.positions[T], Side.BID, 4_000, 200, 700)
    assert short.cash[SHARD] == 6_000 * 200 - 700
    assert (short.position_ch(T), short.positions[T].realized_micros) == (-100, 1_000 * 200)


@pytest.mark.parametrize(
    ("position_ch", "bids", "asks", "collateral"),
    [
        (0, 430, 0, 430), (0, 0, 570, 570), (0, 430, 570, 1_000),
        (-1, 10_000, 0, 0), (-1, 10_001, 0, 1), (1, 0, 9_999, 0), (1, 5, 10_007, 12), (-1, 9_999, 300, 300),
    ],
)  # fmt: skip
def test_orders_that_close_reserve_nothing_until_they_would_open(position_ch, bids, asks, collateral):
    assert Open(bids, asks).collateral_micros(position_ch) == collateral


def test_a_reservation_follows_its_order_and_the_position():
    made, resting = purse(10_000_000), order("a", Side.ASK, 6_000, 500)
    made.hold(resting, 200)
    assert (made.reserved_micros(SHARD), made.free_micros(SHARD)) == (4_000 * 500, 10_000_000 - 4_000 * 500 - 200)
    made.book(made.position(T, SHARD), Side.BID, 5_000, 100, 0)
    assert made.reserved_micros(SHARD) == 4_000 * 500 - 10_000 * 100
    resting.remaining_ch = 0
    made.hold(resting, 0)
    assert (made.reserved_micros(SHARD), made.free_micros(SHARD)) == (0, 10_000_000 - 500_000)
    assert made.open_in(T).empty


ORDERS = st.lists(
    st.one_of(  # an account's own bids stand below its own asks
        st.tuples(st.just(Side.BID), st.integers(1, 4_999), st.integers(1, 500)),
        st.tuples(st.just(Side.ASK), st.integers(5_000, 9_999), st.integers(1, 500)),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(ORDERS, st.integers(-600, 600), st.lists(st.tuples(st.integers(0, 7), st.integers(1, 500)), max_size=20))
def test_what_is_reserved_covers_whatever_fills_in_whatever_order(orders, position_ch, fills):
    made = purse(10**9, position_ch)
    resting = [order(f"o{number}", *terms) for number, terms in enumerate(orders)]
    for each in resting:
        made.hold(each, 0)
    made.cash[SHARD] = made.reserved_micros(SHARD)  # not a cent more than what is reserved
    for number, wanted_ch in fills:
        filled = resting[number % len(resting)]
        count_ch = min(wanted_ch, filled.remaining_ch)
        if count_ch:
            made.book(made.positions.get(T) or made.position(T, SHARD), filled.side, filled.price_cc, count_ch, 0)
            filled.remaining_ch -= count_ch
            made.hold(filled, 0)
            assert made.cash[SHARD] >= made.reserved_micros(SHARD) >= 0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 9_999), st.integers(1, 900)), max_size=15))
def test_average_cost_is_the_ledgers(trades):
    made = purse(10**9)
    held = made.position(T, SHARD)
    fills = [
        Fill(f"t{n}", "o", T, SHARD, side, price, count, 0, True, n) for n, (side, price, count) in enumerate(trades)
    ]
    for fill in fills:
        made.book(held, fill.side, fill.price_cc, fill.count_ch, 0)
    assert held.realized_micros == realized_micros(fills)
    paid = sum(fill.cash_change_micros for fill in fills)
    assert held.realized_micros - held.basis_micros == paid


@pytest.mark.parametrize(
    ("position_ch", "value_cc", "precision", "paid"),
    [(300, 10_000, 100, (3_000_000, 0)), (-300, 0, 100, (3_000_000, 0)), (-300, 10_000, 100, (0, 0)),
     (33, 3_333, 100, (109_900, 89)), (-33, 3_333, 10_000, (220_000, 11))],
)  # fmt: skip
def test_a_settlement_pays_the_net_position_rounded_down(position_ch, value_cc, precision, paid):
    made = purse(0, position_ch)
    assert made.settle(made.positions[T], value_cc, precision) == paid
    assert (made.cash[SHARD], made.positions[T].position_ch, made.positions[T].settled) == (paid[0], 0, True)


def test_a_market_with_resting_orders_is_not_paid():
    made = purse(10_000_000, 100)
    made.hold(order("a", Side.BID, 4_000, 10), 0)
    with pytest.raises(InvariantBroken):
        made.settle(made.positions[T], 10_000, 100)
