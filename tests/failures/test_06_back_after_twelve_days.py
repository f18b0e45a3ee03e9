"""6: back twelve days after the last trade, with nothing in the look-back; or with a backup that lacks the trade.

Recorded and reported markets are compared over their union. What only they have is adopted from their fills, however
old; what only we have stops entries, by name. Twelve days are a clock handed in.
"""

import pytest

from account import OTHER, SHARD, T0, TICKER, HeldExchange, describe, furnish, market, our_id, plan
from outcry.desk.clerking.bookings import Memory
from outcry.desk.clerking.statesync import StateSync
from outcry.domain.order import Side, State
from outcry.store import accounts, fills, system

LATER = T0 + 12 * 86_400_000
OURS = our_id("momentum")


@pytest.fixture
def exchange():
    """Ours traded in one market and a person in another, twelve days ago; none of it has settled."""
    exchange = HeldExchange()
    exchange.described = {name: market(name, LATER + 86_400_000) for name in (TICKER, OTHER)}
    exchange.match(exchange.place(OURS), 1_000, at_ms=T0 + 1_000)
    exchange.match(exchange.place("by-hand", Side.ASK, 6_000, 500, ticker=OTHER), 500, at_ms=T0 + 2_000)
    return exchange


def returned(db, exchange, now_ms=LATER):
    """The clerk's core after a restart with the checkpoint of a moment ago, until it is sure of something."""
    sync = StateSync(db, exchange, Memory(fills_until_ms=LATER - 1_000))
    while (agreed := sync.reconcile(now_ms)) is None:
        now_ms += 2_000
    return agreed


@pytest.fixture
def floor(db):
    """A ledger that began before any trade."""
    furnish(db, "momentum")
    describe(db, market(TICKER, LATER + 86_400_000), market(OTHER, LATER + 86_400_000))
    accounts.open_shard(db, SHARD, 1_000_000_000, T0)
    return db


def test_with_everything_booked_an_empty_look_back_is_no_difference(floor, exchange):
    plan(floor, OURS, "momentum", State.SENT)
    for fill in exchange.filled:
        fills.book(floor, fill, "stream", T0)
    assert exchange.fills(min_ts=(LATER - 121_000) // 1_000) == []
    assert returned(floor, exchange) is True
    assert accounts.net_positions(floor) == {TICKER: 1_000, OTHER: -500}
    assert system.controls_now(floor) == []


def test_what_they_have_and_a_restored_backup_has_not_is_adopted_from_their_fills(floor, exchange):
    assert returned(floor, exchange) is True
    assert accounts.net_positions(floor) == {TICKER: 1_000, OTHER: -500}
    assert floor.execute("SELECT count(*) FROM fills").fetchone()[0] == 2
    assert system.controls_now(floor) == []


def test_what_they_have_and_cannot_explain_stops_entries_and_is_named(floor, exchange):
    exchange.late = {fill.trade_id for fill in exchange.filled}
    assert returned(floor, exchange) is False
    (control,) = system.controls_now(floor)
    assert f"{TICKER}: our position 0.00, the exchange's 10.00" in control.reason
    assert f"{OTHER}: our position 0.00, the exchange's -5.00" in control.reason


def test_what_only_we_have_stops_entries_is_named_and_not_deleted(floor, exchange):
    plan(floor, OURS, "momentum", State.SENT)
    for fill in exchange.filled:
        fills.book(floor, fill, "stream", T0)
    del exchange.held[TICKER]
    assert returned(floor, exchange) is False
    (control,) = system.controls_now(floor)
    assert (control.kind, control.cause) == ("stop_entries", "drift")
    assert f"{TICKER}: our position 10.00, the exchange's 0.00" in control.reason
    assert accounts.net_positions(floor) == {TICKER: 1_000, OTHER: -500}
    told = [row for row in system.recent_events(floor) if row["level"] == "critical"]
    assert len(told) == 1 and TICKER in told[0]["detail"]
