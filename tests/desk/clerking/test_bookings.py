"""What REST passes book, against an exchange held by hand."""

import itertools

import pytest

from account import DOLLAR_CC, OTHER, SHARD, T0, TICKER, HeldExchange, describe, furnish, market, our_id, plan
from outcry.desk.clerking.bookings import Bookings, Memory, balances_by_shard
from outcry.domain.errors import Unavailable
from outcry.domain.market import Status
from outcry.domain.order import Side, State
from outcry.store import accounts, fills, orders, settlements, system

OURS = our_id("momentum")
LATER = T0 + 10_000


@pytest.fixture
def exchange():
    return HeldExchange()


@pytest.fixture
def bookings(db, exchange):
    furnish(db, "momentum")
    describe(db, market(), market(OTHER))
    return Bookings(db, exchange, Memory())


@pytest.fixture
def opened(db, bookings):
    bookings.open_shards(T0)
    return bookings


def owners(db):
    return [row["agent"] for row in db.execute("SELECT agent FROM booked_fills ORDER BY id")]


def order(db, client_order_id=OURS):
    return orders.get(db, client_order_id)


# ---- opening


def test_a_shard_begins_with_its_balance_once(db, bookings, exchange):
    bookings.open_shards(T0)
    exchange.cash[SHARD] += 5
    bookings.open_shards(T0 + 1)
    assert accounts.deposits_micros(db, SHARD) == 1_000_000_000


def test_an_account_that_already_trades_begins_exact_with_its_history_as_manual(db, bookings, exchange):
    first = exchange.place("by-hand", Side.ASK, 3_000, 500)
    exchange.match(first, 500, fee_micros=1_234, at_ms=T0 - 90_000_000)
    exchange.place("by-hand-2", Side.BID, 2_000, 100, ticker=OTHER)
    bookings.open_shards(T0)
    assert accounts.net_positions(db) == {TICKER: -500}
    assert [item.agent for item in fills.parked(db)] == ["parked"]
    assert accounts.expected_micros(db, SHARD) == exchange.balance(SHARD).cash_micros + 2_000 * 100
    assert bookings.fills(LATER) == 0


def test_fills_from_before_the_opening_are_in_its_balance(db, bookings, exchange):
    closed = exchange.place("by-hand", Side.BID, 3_000, 500, ticker=OTHER)
    exchange.match(closed, 500, at_ms=T0 - 5_000)
    exchange.settle(OTHER, 0, T0 - 1_000)
    bookings.open_shards(T0)
    assert bookings.fills(LATER) == 0
    assert bookings.settlements_again(T0 - 90_000, LATER) == 0
    assert accounts.expected_micros(db, SHARD) == exchange.balance(SHARD).cash_micros


def test_balances_come_shard_by_shard_where_the_answer_does_not_break_them_down(db, bookings, exchange):
    assert balances_by_shard(db, exchange) == {SHARD: 1_000_000_000}
    whole = exchange.balance

    def undivided(exchange_index=None):
        return whole(SHARD if exchange_index is None else exchange_index)

    exchange.balance = undivided
    assert balances_by_shard(db, exchange) == {0: 0, SHARD: 1_000_000_000}


# ---- fills


def test_fills_are_booked_once_in_time_order_and_late_ones_found(db, opened, exchange):
    plan(db, OURS, "momentum", State.SENT)
    order_id = exchange.place(OURS)
    orders.update(db, OURS, State.RESTING, source="answer", now_ms=T0, order_id=order_id)
    second = exchange.match(order_id, 200, at_ms=T0 + 3_000)
    first = exchange.match(order_id, 300, at_ms=T0 + 2_000)
    third = exchange.match(order_id, 100, at_ms=T0 + 2_500)
    exchange.late.add(third.trade_id)
    assert opened.fills(LATER) == 2
    trades = [row[0] for row in db.execute("SELECT trade_id FROM fills ORDER BY id")]
    assert trades == [first.trade_id, second.trade_id]
    exchange.late.clear()
    assert [opened.fills(LATER + 60_000), opened.fills(LATER + 70_000)] == [1, 0]
    assert (order(db).booked_ch, owners(db)) == (600, ["momentum"] * 3)


def test_a_finished_order_that_lacks_fills_is_asked_for_them_by_its_id(db, opened, exchange):
    plan(db, OURS, "momentum", State.SENT)
    order_id = exchange.place(OURS)
    exchange.match(order_id, 1_000, at_ms=T0 + 1_000)
    opened.fills(T0 + 500)
    opened._memory.fills_until_ms = T0 + 86_400_000  # the ordinary listing does not reach back any more
    orders.update(db, OURS, State.EXECUTED, source="stream", now_ms=T0, filled_ch=1_000, order_id=order_id)
    db.execute("DELETE FROM holdings")
    db.execute("DROP TRIGGER fills_no_delete")
    db.execute("DROP TRIGGER attributions_no_delete")
    db.execute("DELETE FROM attributions")
    db.execute("DELETE FROM fills")
    db.execute("UPDATE orders SET booked_ch = 0")
    assert opened.fills(T0 + 86_500_000) == 1


# ---- orders


def resting(db, exchange, **facts):
    plan(db, OURS, "momentum", State.SENT)
    order_id = exchange.place(OURS)
    orders.update(db, OURS, State.RESTING, source="answer", now_ms=T0, order_id=order_id)
    return order_id


def test_an_order_that_ended_unheard_is_asked_about(db, opened, exchange):
    order_id = resting(db, exchange)
    exchange.match(order_id, 400)
    exchange.book[order_id] = exchange.book[order_id]._replace(status=State.CANCELED, remaining_ch=0)
    opened.orders(T0 + 500)
    assert order(db).state is State.RESTING  # too new to be missed from a listing
    opened.orders(LATER)
    assert (order(db).state, order(db).filled_ch) == (State.CANCELED, 400)


def test_only_a_definite_not_found_twice_ends_an_order(db, opened, exchange):
    order_id = resting(db, exchange)
    exchange.late.add(order_id)
    opened.orders(LATER)
    assert order(db).state is State.RESTING
    exchange.late.clear()
    opened.orders(LATER + 1_000)
    exchange.late.add(order_id)
    opened.orders(LATER + 3_000)
    opened.orders(LATER + 4_000)
    assert order(db).state is State.CANCELED
    assert system.recent_events(db)[0]["event"] == "closed_order"


def test_a_failed_listing_ends_nothing(db, opened, exchange):
    resting(db, exchange)
    exchange.down = True
    with pytest.raises(Unavailable):
        opened.orders(LATER)
    assert order(db).state is State.RESTING


def test_an_order_of_ours_without_a_record_is_canceled_and_a_manual_one_left(db, opened, exchange):
    lost = exchange.place(our_id("momentum", 9))
    exchange.place("by-hand")
    opened.orders(LATER)
    assert exchange.canceled == [lost]


@pytest.mark.parametrize("state", [State.ABSENT, State.PRESUMED_ABSENT, State.REJECTED])
def test_an_order_that_rests_against_our_belief_is_canceled(db, opened, exchange, state):
    plan(db, OURS, "momentum", state)
    order_id = exchange.place(OURS)
    opened.orders(LATER)
    assert exchange.canceled == [order_id]


# ---- settlements


def held(db, exchange, bookings, side=Side.BID):
    order_id = exchange.place("by-hand", side, 4_000, 100)
    exchange.match(order_id, 100, at_ms=T0 + 1_000)
    bookings.fills(T0 + 2_000)


CLOSE = T0 + 900_000


@pytest.mark.parametrize(("value_cc", "result"), [(0, "no"), (DOLLAR_CC, "yes"), (3_333, "scalar")])
def test_a_closed_market_is_asked_about_until_it_pays_and_booked_exactly_once(db, opened, exchange, value_cc, result):
    held(db, exchange, opened)
    assert opened.settlements(CLOSE) == 0
    assert opened.settlements(CLOSE + 500) == 0
    exchange.settle(TICKER, value_cc, CLOSE + 2_000)
    assert [opened.settlements(CLOSE + 2_500), opened.settlements(CLOSE + 4_000)] == [1, 0]
    found = settlements.in_force(db, TICKER)
    assert (found.result, found.value_cc) == (result, value_cc)


def test_nobody_asks_about_a_market_that_we_did_not_trade_or_that_is_open(db, opened, exchange):
    held(db, exchange, opened)
    exchange.asked.clear()
    opened.settlements(CLOSE - 1)
    assert exchange.asked == []


def test_the_longer_a_market_keeps_silent_the_rarer_it_is_asked(db, opened, exchange):
    held(db, exchange, opened)
    asked = []
    for second in range(0, 3_600):
        exchange.asked.clear()
        opened.settlements(CLOSE + 1 + second * 1_000)
        asked += [second] if exchange.asked else []
    assert asked[:10] == list(range(10))
    assert max(later - earlier for earlier, later in itertools.pairwise(asked)) <= 300
    assert 60 < len(asked) < 120


def test_a_final_market_without_a_record_is_booked_from_its_own_description(db, opened, exchange):
    held(db, exchange, opened)
    exchange.settle(TICKER, DOLLAR_CC, CLOSE + 2_000)
    exchange.paid.clear()
    assert opened.settlements(CLOSE + 3_000) == 0
    assert opened.settlements(CLOSE + 40_000) == 1
    assert db.execute("SELECT source FROM settlements").fetchone()[0] == "market"
    assert exchange.described[TICKER].status is Status.FINALIZED


def test_a_market_that_nobody_described_is_described_and_awaited(db, opened, exchange):
    held(db, exchange, opened)
    db.execute("DELETE FROM markets")
    assert opened.settlements(T0 + 5_000) == 0
    assert db.execute("SELECT close_at_ms FROM markets").fetchone()[0] == CLOSE
    exchange.settle(TICKER, 0, CLOSE + 500)
    assert opened.settlements(CLOSE + 1_000) == 1


def test_a_market_determined_anew_is_corrected(db, opened, exchange):
    held(db, exchange, opened)
    exchange.settle(TICKER, DOLLAR_CC, CLOSE + 2_000)
    opened.settlements(CLOSE + 3_000)
    exchange.paid.clear()
    exchange.settle(TICKER, 0, CLOSE + 60_000)
    assert opened.settlements_again(CLOSE, CLOSE + 70_000) == 1
    assert settlements.in_force(db, TICKER).value_cc == 0
    assert opened.settlements_again(CLOSE, CLOSE + 80_000) == 0
