"""The report on a database with a day in it."""

import json
from datetime import UTC, datetime

import pytest

from account import OTHER, SHARD, T0, TICKER, describe, furnish, market, our_id
from outcry.desk import report
from outcry.desk.common.day import roll, trading_day
from outcry.domain.errors import Misconfigured
from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Side
from outcry.ops.settings import Settings
from outcry.review.reports import today, today_text
from outcry.store import accounts, fills, settlements

HOUR = 3_600_000
MORNING = int(datetime(2026, 11, 20, 8, tzinfo=UTC).timestamp() * 1000)


def book(db, trade_id, side, price_cc, *, ticker=TICKER, count_ch=1_000, agent="momentum", at_ms=MORNING, fee=20_000):
    made = Fill(trade_id, f"x{trade_id}", ticker, SHARD, side, price_cc, count_ch, fee, True, at_ms)
    owner = {"client_order_id": our_id(agent)} if agent else {}
    fills.book(db, Fill(*(getattr(made, name) for name in made.__slots__[:10]), **owner), "stream", at_ms)


@pytest.fixture
def floor(db):
    """One trade won, one lost, one open; a manual one; all compared with the exchange afterwards."""
    furnish(db, "momentum", "coin_flip")
    describe(db, market(close_at_ms=MORNING + HOUR), market(OTHER, MORNING + 9 * HOUR))
    accounts.open_shard(db, SHARD, 1_000_000_000, MORNING - HOUR)
    roll(db, Settings(), MORNING - HOUR)
    book(db, "1", Side.BID, 4_000)
    book(db, "2", Side.ASK, 7_000, agent="coin_flip")
    settlements.record(db, Settlement(TICKER, SHARD, "yes", 10_000, MORNING + HOUR), "rest", MORNING + HOUR)
    book(db, "3", Side.ASK, 3_000, ticker=OTHER, at_ms=MORNING + HOUR)
    db.execute(
        "INSERT INTO quotes VALUES (?, 1, 1, 2800, 100, 3200, 100, '[]', '[]', NULL, 0, 0, 1, 1, 1, 0, 1, '', '')",
        (OTHER,),
    )
    return db


def build(db, agent=None, at_ms=MORNING + 2 * HOUR, settings=Settings()):
    return report.build(db, settings, agent, at_ms)


def look(db, at_ms, agreed=True):
    accounts.record_reconciliation(
        db, accounts.Reconciliation(at_ms, SHARD, 1, 0, 1, True, agreed, "" if agreed else "x")
    )


def test_every_figure_of_the_day(floor):
    answer = build(floor)
    lines = {line.facts.name: line for line in answer.agents}
    won, lost = lines["momentum"], lines["coin_flip"]
    assert (won.summary.trades, won.summary.won, won.summary.gross_micros) == (1, 1, 6_000_000)
    assert won.summary.net_micros == 6_000_000 - 20_000
    assert (lost.summary.net_micros, lost.summary.win_rate) == (-3_000_000 - 20_000, 0.0)
    assert (won.open_positions, won.open_worth_micros) == (1, 1_000 * 6_800)
    profit = 6_000_000 - 20_000 + 3_000_000 - 3_200_000 - 20_000
    assert won.facts.equity_micros == 10_000_000 + profit
    assert won.facts.day_change_micros == profit
    (position,) = answer.positions
    assert (position.side, position.paid_cc, position.mark_cc, position.unrealized_micros) == (
        "no",
        7_000,
        6_800,
        -200_000,
    )
    assert answer.floor.equity_micros == 1_000_000_000 + profit - 3_020_000
    assert answer.floor.day_change_micros == answer.floor.equity_micros - 1_000_000_000
    assert (answer.floor.deposits_micros, answer.floor.internal_spread_micros) == (1_000_000_000, 0)


def test_one_agent_alone(floor):
    answer = build(floor, "coin_flip")
    assert [line.facts.name for line in answer.agents] == ["coin_flip"]
    assert (answer.total.trades, answer.positions) == (1, ())
    with pytest.raises(Misconfigured, match="agents here: coin_flip, momentum"):
        build(floor, "nobody")


def test_trades_by_hand_are_shown_and_credited_to_nobody(floor):
    book(floor, "9", Side.BID, 2_000, ticker=OTHER, agent="", at_ms=MORNING + HOUR)
    (parked,) = fills.parked(floor)
    fills.attribute(floor, parked.fill_id, fills.MANUAL, why="by hand", now_ms=MORNING + HOUR)
    names = [line.facts.name for line in build(floor).agents]
    assert names == ["coin_flip", "momentum", "manual"]


def test_a_deposit_is_no_profit(floor):
    before = build(floor).floor
    accounts.record_cash(floor, "deposit", SHARD, 500_000_000, at_ms=MORNING + HOUR, reference="bank")
    after = build(floor).floor
    assert after.equity_micros == before.equity_micros + 500_000_000
    assert after.day_change_micros == before.day_change_micros


def test_yesterdays_trades_are_yesterdays(floor):
    tomorrow = build(floor, at_ms=MORNING + 24 * HOUR)
    assert tomorrow.total.trades == 0
    assert len(tomorrow.positions) == 1


def test_reconciled_needs_a_look_after_the_last_booking_and_an_owner_for_every_fill(floor):
    assert not report.reconciled(floor).agreed
    look(floor, MORNING)
    assert report.reconciled(floor).detail == "booked since the last comparison with the exchange"
    look(floor, MORNING + 2 * HOUR)
    assert report.reconciled(floor) == today.Reconciled(True, MORNING + 2 * HOUR, "")
    look(floor, MORNING + 3 * HOUR, agreed=False)
    assert report.reconciled(floor).detail == "shard 2: x"
    look(floor, MORNING + 4 * HOUR)
    book(floor, "10", Side.BID, 2_000, agent="", at_ms=MORNING + 4 * HOUR)
    assert report.reconciled(floor).detail == "fills whose owner is being looked up: 1"


def test_the_text_and_the_json_come_out(floor):
    assert json.loads(json.dumps(today.as_json(build(floor))))["reconciled"] is False
    assert "open position" in today_text.as_text(build(floor))


def test_reading_leaves_no_transaction_behind(floor):
    build(floor)
    assert not floor.in_transaction


@pytest.mark.parametrize(
    ("zone", "at", "name", "began"),
    [
        ("UTC", "2026-11-20T23:59:59+00:00", "2026-11-20", "2026-11-20T00:00:00+00:00"),
        ("America/New_York", "2026-11-20T03:00:00+00:00", "2026-11-19", "2026-11-19T00:00:00-05:00"),
        ("America/New_York", "2026-11-02T04:30:00+00:00", "2026-11-01", "2026-11-01T00:00:00-04:00"),  # 25 hours
        ("America/New_York", "2026-03-09T03:30:00+00:00", "2026-03-08", "2026-03-08T00:00:00-05:00"),  # 23 hours
    ],
)
def test_the_trading_day_rolls_at_midnight_of_its_zone(zone, at, name, began):
    at_ms, began_ms = (int(datetime.fromisoformat(text).timestamp() * 1000) for text in (at, began))
    day = trading_day(Settings(time_zone=zone), at_ms)
    assert (day.name, day.from_ms) == (name, began_ms)


def test_the_first_roll_gives_newborn_agents_their_share(db):
    furnish(db, "momentum")
    db.execute("UPDATE agents SET allocation_micros = 0")
    accounts.open_shard(db, SHARD, 250_000_000, T0)
    assert roll(db, Settings(), T0)
    assert not roll(db, Settings(), T0 + 1)
    assert db.execute("SELECT allocation_micros FROM agents").fetchone()[0] == 2_500_000
