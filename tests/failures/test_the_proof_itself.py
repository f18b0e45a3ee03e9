"""The helper that says whether a floor survived, on books that agree and on books that do not."""

import shutil
import sqlite3
from dataclasses import replace

import pytest

from account import our_id
from beside import Desk
from buying import buy
from local_exchange import TICKER, market, now_ms
from outcry.desk.clerking.lookups import Lookups
from outcry.desk.clerking.statesync import StateSync
from outcry.desk.common import connect
from outcry.domain.limits import Limits
from outcry.domain.order import Side
from outcry.paper.events import Closed, Determined, Settled
from outcry.store import accounts, agents, system
from survived import assert_survived, assert_told_once, differences, limit_breaches

COST = 410_000  # of what is bought: one contract at 41 cents


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """One agent bought, sold and bought, a person bought, one market paid, and all of it is booked."""
    folder = tmp_path_factory.mktemp("story")
    desk = Desk(folder)
    agents.set_allocation(desk.db, "momentum", 2 * COST, now_ms(), rule="a test", evidence={})
    rest = connect.rest(desk.floor, connect.signer(desk.floor), desk.floor.addresses().rest_url)
    sync, lookups = StateSync(desk.db, rest), Lookups(desk.db, rest)
    sync.reconcile(now_ms())
    accounts.record_day(desk.db, "today", 1_000_000_000, {}, now_ms() - 10_000)
    buy(desk, 1)
    buy(desk, 2)
    buy(desk, 3, 200, Side.ASK, 3_900)
    hand = desk.client.place(price="0.4100", count="3.00", time_in_force="immediate_or_cancel")["client_order_id"]
    assert sync.reconcile(now_ms()) is True
    later_ms = now_ms() + 30_000
    lookups.resolve_orders(later_ms)
    lookups.resolve_fills(later_ms)
    over, at_ms = market(closes_in_ms=-1_000), now_ms()
    desk.exchange.list(over)
    desk.exchange.feed(Closed(TICKER, at_ms), Determined(TICKER, "yes", 10_000, at_ms), Settled(TICKER, at_ms + 1))
    sync.bookings.settle(TICKER, now_ms())
    system.event(desk.db, "warning", "clerk", "did", "what it had to", now_ms=now_ms())
    desk.close()
    return folder, hand


@pytest.fixture
def state(story, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(story[0] / "embedded", tmp_path / "embedded")


@pytest.fixture
def hand(story):
    return {story[1]}


def spoil(state, name, *statements):
    db = sqlite3.connect(state / name)
    for trigger in [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
        db.execute(f"DROP TRIGGER {trigger}")
    db.execute("PRAGMA foreign_keys = OFF")
    for statement in statements:
        assert db.execute(statement).rowcount > 0, statement
    db.commit()
    db.close()


def test_books_that_agree_differ_in_nothing(state, hand):
    assert_survived(state, by_hand=hand, limits=Limits(), seconds=1)


def test_what_a_person_placed_has_to_be_named(state):
    assert any("never wrote it down" in found for found in differences(state))


TWICE = (
    "INSERT INTO orders SELECT 'again', account, client_order_id, ticker, exchange_index, side, price_cc, initial_ch,"
    " remaining_ch, time_in_force, self_trade, number + 100, created_at_ms, updated_at_ms, status, reason, filled_ch,"
    " taker_filled_ch, taker_value_micros, maker_value_micros, taker_fees_micros, maker_fees_micros,"
    " accumulator_micros, expires_at_ms, post_only, reduce_only, cancel_on_pause, subaccount, order_group_id"
    " FROM orders WHERE number = 1"
)


@pytest.mark.parametrize(
    ("name", "statement", "words"),
    [
        ("exchange.db", TWICE, "is there 2 times"),
        ("exchange.db", "UPDATE orders SET client_order_id = 'x' WHERE number = 1", "never wrote it down"),
        ("exchange.db", "UPDATE orders SET price_cc = price_cc + 1 WHERE number = 1", "there {"),
        ("exchange.db", "DELETE FROM orders WHERE number = 1", "not at the exchange"),
        ("exchange.db", "UPDATE cash SET cash_micros = cash_micros + 1", "micro-dollars, our ledger says"),
        ("exchange.db", "UPDATE fills SET fee_micros = fee_micros + 1 WHERE id = 2", "is not booked"),
        ("exchange.db", "DELETE FROM fills WHERE id = 2", "the exchange has none such"),
        ("exchange.db", "UPDATE positions SET settled = 0, position_ch = 1", "positions there"),
        ("exchange.db", "UPDATE settlements SET value_cc = 0", "settlements there"),
        ("kalshi.db", "UPDATE orders SET state = 'unknown' WHERE side = 'ask'", "still unknown"),
        ("kalshi.db", "UPDATE orders SET state = 'absent' WHERE side = 'ask'", "is absent here, and at the exchange"),
        ("kalshi.db", "DELETE FROM fills WHERE id = 2", "is not booked"),
        ("kalshi.db", "UPDATE attributions SET agent = 'manual'", "is booked"),
        ("kalshi.db", "DELETE FROM settlements", "settlements there"),
        ("kalshi.db", "UPDATE agent_cash SET fees_micros = fees_micros - 1", "total of"),
        ("kalshi.db", "UPDATE holdings SET fees_micros = fees_micros - 1", "differs from its fills"),
    ],
)
def test_each_fault_is_found(state, hand, name, statement, words):
    spoil(state, name, statement)
    assert any(words in found for found in differences(state, hand)), differences(state, hand)
    with pytest.raises(AssertionError):
        assert_survived(state, by_hand=hand, limits=Limits(), seconds=0.1)


@pytest.mark.parametrize(
    ("limit", "enough"),
    [
        ("per_trade_millionths", COST // 1_000),
        ("per_market_millionths", 2 * COST // 1_000),
        ("per_agent_millionths", 2 * COST // 1_000),
        ("per_floor_millionths", 2 * COST // 1_000),
        ("per_market_ch", 200),
        ("per_agent_market_ch", 200),
    ],
)
def test_a_limit_passed_by_a_unit_is_found_and_one_that_is_reached_is_none(state, limit, enough):
    assert limit_breaches(state, replace(Limits(), **{limit: enough})) == []
    assert limit_breaches(state, replace(Limits(), **{limit: enough - 1})) != []


def test_an_allocation_passed_by_a_micro_dollar_is_found(state):
    spoil(state, "kalshi.db", f"UPDATE agents SET allocation_micros = {2 * COST - 1}")
    first, *_ = limit_breaches(state, Limits())
    assert our_id("momentum", 2) in first and "per agent" in first


def test_what_is_told_never_or_twice_is_not_told_once(state):
    assert_told_once(state, "clerk did", "had to")
    for says, also in (("clerk did not", ()), ("clerk did", ("more",))):
        with pytest.raises(AssertionError):
            assert_told_once(state, says, *also)
