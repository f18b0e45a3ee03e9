"""Whole passes: agreement at once, a difference only when it stays, and its culprit by name."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from account import DOLLAR_CC, OTHER, SHARD, T0, TICKER, HeldExchange, describe, furnish, market, our_id, plan
from outcry.desk.clerking import identity
from outcry.desk.clerking.statesync import StateSync
from outcry.domain.errors import Unavailable
from outcry.domain.order import Side, State
from outcry.store import accounts, orders, system

OURS = our_id("momentum")
CLOSE = T0 + 900_000


@pytest.fixture
def exchange():
    return HeldExchange()


@pytest.fixture
def sync(db, exchange):
    furnish(db, "momentum")
    describe(db, market(), market(OTHER))
    sync = StateSync(db, exchange)
    assert sync.reconcile(T0) is True
    return sync


def stopped(db):
    return [(control.cause, control.reason) for control in system.controls_now(db)]


def traded(exchange, count_ch=100, **facts):
    order_id = exchange.place("by-hand", facts.pop("side", Side.BID), 4_000, 1_000)
    return order_id, exchange.match(order_id, count_ch, **facts)


def test_trading_and_settlement_agree_pass_by_pass(db, sync, exchange):
    order_id, _ = traded(exchange)
    assert sync.reconcile(T0 + 2_000) is True
    exchange.cancel_order(order_id, TICKER, SHARD)
    assert sync.reconcile(T0 + 3_000) is True
    exchange.settle(TICKER, 3_333, CLOSE + 1_000)
    exchange.cash[SHARD] -= 333_300 % 100
    assert sync.reconcile(CLOSE + 2_000) is True
    (look,) = accounts.reconciliations_now(db)
    assert (look.agreed, look.difference_micros, look.detail) == (True, 0, "")
    assert stopped(db) == []


def test_a_difference_must_be_seen_twice_alike_and_in_quiet_before_entries_stop(db, sync, exchange):
    exchange.cash[SHARD] -= 12_345
    assert sync.reconcile(T0 + 4_000) is None
    assert stopped(db) == []
    assert sync.reconcile(T0 + 5_000) is False
    assert stopped(db) == [("drift", "shard 2: balance differs from the ledger by -0.012345")]
    exchange.cash[SHARD] += 12_345
    assert sync.reconcile(T0 + 6_000) is True
    assert stopped(db) == []


def test_differences_that_change_are_lag_not_drift(db, sync, exchange):
    for step in range(1, 6):
        exchange.cash[SHARD] -= step
        assert sync.reconcile(T0 + 4_000 + step * 1_000) is None
    assert stopped(db) == []


def test_a_difference_soon_after_a_booking_waits_for_three_quiet_seconds(db, sync, exchange):
    order_id, _ = traded(exchange, at_ms=T0 + 10_000)
    exchange.cancel_order(order_id, TICKER, SHARD)
    exchange.cash[SHARD] -= 5
    assert [sync.reconcile(T0 + 10_500 + step * 1_000) for step in range(5)] == [None, None, None, False, False]


def test_a_fill_that_the_listing_hides_is_named_by_its_market_and_order(db, sync, exchange):
    _, fill = traded(exchange)
    exchange.late.add(fill.trade_id)
    assert [sync.reconcile(T0 + 5_000 + step * 1_000) for step in range(2)] == [None, False]
    ((_, reason),) = stopped(db)
    assert f"{TICKER}: our position 0.00, the exchange's 1.00" in reason
    assert "order by-hand of" in reason
    assert "booked 0.00 with fees $0.000000, the exchange says 1.00 with $0.000100" in reason
    exchange.late.clear()
    assert sync.reconcile(T0 + 9_000) is True


def test_a_position_that_only_we_have_is_named_too(db, sync, exchange):
    traded(exchange)
    assert sync.reconcile(T0 + 2_000) is True
    exchange.held.clear()
    assert [sync.reconcile(T0 + 6_000), sync.reconcile(T0 + 7_000)] == [None, False]
    assert f"{TICKER}: our position 1.00, the exchange's 0.00" in stopped(db)[0][1]


def test_a_market_that_pays_before_its_close_is_booked_when_its_position_is_gone(db, sync, exchange):
    order_id, _ = traded(exchange)
    exchange.cancel_order(order_id, TICKER, SHARD)
    assert sync.reconcile(T0 + 2_000) is True
    exchange.settle(TICKER, DOLLAR_CC, T0 + 5_000)
    assert [sync.reconcile(T0 + 6_000), sync.reconcile(T0 + 7_000)] == [None, True]
    assert accounts.net_positions(db) == {}


def test_half_an_answer_concludes_nothing(db, sync, exchange):
    exchange.held[OTHER] = 700
    exchange.down = True
    for step in range(3):
        with pytest.raises(Unavailable):
            sync.reconcile(T0 + 5_000 + step * 1_000)
    assert stopped(db) == []
    assert accounts.reconciliations_now(db)[0].agreed


@pytest.mark.parametrize("excludes", [True, False])
def test_it_learns_what_the_balance_means_while_something_rests(db, excludes):
    exchange = HeldExchange(excludes_resting=excludes)
    furnish(db, "momentum")
    sync = StateSync(db, exchange)
    assert sync.reconcile(T0) is True
    assert sync.memory.excludes_resting == {}
    exchange.place("by-hand", Side.ASK, 4_000, 1_000)
    assert sync.reconcile(T0 + 1_000) is True
    assert sync.memory.excludes_resting == {SHARD: excludes}
    assert f"the balance {'excludes' if excludes else 'includes'} collateral" in system.recent_events(db)[0]["detail"]


def test_a_reservation_that_we_cannot_compute_is_bounded_not_ignored(db, sync, exchange):
    exchange.place("by-hand", Side.BID, 4_000, 1_000)
    exchange.cash[SHARD] -= 70_000  # it also reserves a fee
    assert [sync.reconcile(T0 + 5_000 + step * 1_000) for step in range(2)] == [True, True]
    assert sync.memory.excludes_resting == {}
    (look,) = accounts.reconciliations_now(db)
    assert look.detail == "balance differs by -0.070000, within the collateral of 1 resting orders"
    exchange.cash[SHARD] -= 5_000_000
    assert [sync.reconcile(T0 + 8_000), sync.reconcile(T0 + 9_000)] == [None, False]


def test_a_reservation_once_known_must_be_exact_and_is_unlearnt_when_the_difference_leaves_with_the_orders(
    db, sync, exchange
):
    exchange.place("by-hand", Side.BID, 4_000, 1_000)
    assert sync.reconcile(T0 + 1_000) is True
    exchange.cash[SHARD] -= 5
    assert [sync.reconcile(T0 + 5_000), sync.reconcile(T0 + 6_000)] == [None, False]
    exchange.cash[SHARD] += 5
    exchange.cancel_all()
    assert sync.reconcile(T0 + 7_000) is True
    assert (sync.memory.excludes_resting, sync.memory.inexact) == ({}, {SHARD})
    exchange.place("by-hand", Side.BID, 4_000, 1_000)
    exchange.cash[SHARD] -= 5
    assert sync.reconcile(T0 + 12_000) is True


def test_the_same_look_is_kept_only_now_and_then(db, sync):
    for second in range(1, 31):
        sync.reconcile(T0 + second * 1_000)
    assert 3 <= db.execute("SELECT count(*) FROM reconciliations").fetchone()[0] <= 6


def test_orders_of_ours_are_followed_through_a_pass(db, sync, exchange):
    plan(db, OURS, "momentum", State.UNKNOWN)
    order_id = exchange.place(OURS)
    exchange.match(order_id, 250)
    assert sync.reconcile(T0 + 2_000) is True
    order = orders.get(db, OURS)
    assert (order.state, order.filled_ch, order.booked_ch) == (State.RESTING, 250, 250)
    assert db.execute("SELECT agent FROM booked_fills").fetchone()[0] == "momentum"


def test_reserved_collateral_nets_against_what_is_held(exchange):
    bid = exchange.book[exchange.place("a", Side.BID, 4_000, 300)]
    ask = exchange.book[exchange.place("b", Side.ASK, 6_000, 500)]
    assert identity.reserved_micros([bid, ask], {}) == 300 * 4_000 + 500 * 4_000
    assert identity.reserved_micros([bid, ask], {TICKER: 200}) == 300 * 4_000 + 500 * 4_000 - 200 * DOLLAR_CC
    assert identity.reserved_micros([bid, ask], {TICKER: -100}) == 300 * 4_000 - 100 * DOLLAR_CC + 500 * 4_000
    assert identity.most_reserved_micros([bid]) == 300 * 4_700


steps = st.lists(
    st.tuples(
        st.sampled_from(list(Side)),
        st.integers(1, 9_999),
        st.integers(1, 900),
        st.integers(0, 20_000),
        st.sampled_from([TICKER, OTHER]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, values=st.tuples(*[st.sampled_from([0, DOLLAR_CC])] * 2))
def test_any_trading_reconciles_to_the_cent_after_every_fill_and_settlement(steps, values):
    import sqlite3

    from outcry.store import database

    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    database.migrate(db)
    furnish(db, "momentum")
    describe(db, market(), market(OTHER))
    exchange = HeldExchange()
    sync = StateSync(db, exchange)
    assert sync.reconcile(T0) is True
    for number, (side, price_cc, count_ch, fee_micros, ticker) in enumerate(steps):
        name = our_id("momentum", number) if number % 2 else "by-hand"
        order_id = exchange.place(name, side, price_cc, count_ch, ticker=ticker)
        exchange.match(order_id, count_ch, fee_micros, at_ms=T0 + 1_000 + number)
        assert sync.reconcile(T0 + 1_000 + number * 1_000) is True
    for number, (ticker, value_cc) in enumerate(zip([TICKER, OTHER], values, strict=True)):
        exchange.settle(ticker, value_cc, CLOSE + 1_000)
        assert sync.reconcile(CLOSE + 2_000 + number * 2_000) is True
    db.close()
