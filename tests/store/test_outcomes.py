"""Losing streaks and peaks, as the ledger tells them."""

import pytest

from account import SHARD, T0, furnish, our_id, plan
from outcry.domain.fill import Fill, Settlement
from outcry.domain.order import Purpose, Side, State
from outcry.store import activity, fills, outcomes, peaks, settlements, system


@pytest.fixture
def floor(db):
    furnish(db, "bull", "bear")
    return db


class Trades:
    """Trades that an agent enters and a market settles, one after the other."""

    def __init__(self, db):
        self.db, self.number = db, 0

    def fill(self, ticker, side, price_cc, count_ch, purpose=Purpose.ENTRY, agent="bull"):
        self.number += 1
        name = our_id(agent, self.number)
        plan(self.db, name, agent, State.EXECUTED, ticker=ticker, side=side, order_id=f"x{self.number}",
             filled_ch=count_ch, purpose=purpose, count_ch=count_ch)  # fmt: skip
        booked = Fill(f"t{self.number}", f"x{self.number}", ticker, SHARD, side, price_cc, count_ch, 10_000, True, T0,
                      name)  # fmt: skip
        fills.book(self.db, booked, "stream", T0)

    def settle(self, ticker, value_cc, at_ms=T0):
        result = {0: "no", 10_000: "yes"}.get(value_cc, "scalar")
        settlements.record(self.db, Settlement(ticker, SHARD, result, value_cc, at_ms), "rest", at_ms)


@pytest.fixture
def trades(floor):
    return Trades(floor)


def streak(db, since_ms=0, agent="bull"):
    return outcomes.losing_streak(db, agent, since_ms)


def test_losses_in_a_row_and_what_they_cost(floor, trades):
    for number, (side, value_cc) in enumerate([(Side.BID, 10_000), (Side.BID, 0), (Side.ASK, 10_000)]):
        trades.fill(f"M-{number}-1", side, 4_000, 100)
        trades.settle(f"M-{number}-1", value_cc, T0 + number)
    found = streak(floor)
    assert found.losses == 2  # the bid that won ended an older one
    assert found.paid_micros == 100 * (4_000 + 6_000) + 2 * 10_000  # a bid pays its price, an ask a dollar less it
    assert found.bought_ch == 200
    assert found.break_even_millionths == 510_000
    assert streak(floor, agent="bear").losses == 0


def test_a_stop_loss_is_a_loss_when_its_market_settles_and_only_entries_say_what_was_paid(floor, trades):
    trades.fill("M-1-1", Side.BID, 5_000, 100)
    trades.fill("M-1-1", Side.ASK, 4_000, 100, Purpose.EXIT)
    assert streak(floor).losses == 0
    trades.settle("M-1-1", 10_000)
    assert (streak(floor).losses, streak(floor).paid_micros) == (1, 510_000)


@pytest.mark.parametrize(("fee_paid_back", "losses"), [(0, 1), (1, 0)])
def test_breaking_even_is_no_loss(floor, trades, fee_paid_back, losses):
    """A scalar payout that gives back exactly what was paid, with the fee or a unit less."""
    trades.fill("M-1-1", Side.BID, 4_900, 100)
    trades.settle("M-1-1", 4_999 + fee_paid_back)
    assert streak(floor).losses == losses


def test_only_what_settled_since_counts_and_a_correction_counts_as_it_is(floor, trades):
    for number in range(3):
        trades.fill(f"M-{number}-1", Side.BID, 5_000, 100)
        trades.settle(f"M-{number}-1", 0, T0 + number)
    assert [streak(floor, T0 + beside).losses for beside in (-1, 0, 1, 2)] == [3, 2, 1, 0]
    trades.settle("M-0-1", 10_000, T0 + 9)  # re-determined: it was won, and is the latest to settle
    assert streak(floor).losses == 0


def test_trades_since_a_pause_are_entries_that_filled_or_may(floor):
    assert activity.since_streak(floor, "bull") == (0, 0)
    for on, at_ms in ((True, T0), (False, T0 + 5)):
        system.set_control(floor, "agent", "bull", "stop_entries", on, cause="losing_streak", reason="r", now_ms=at_ms)
    for number, (state, filled_ch, purpose, at_ms) in enumerate(
        [
            (State.EXECUTED, 1_000, Purpose.ENTRY, T0 - 1),  # before the pause
            (State.EXECUTED, 1_000, Purpose.ENTRY, T0 + 6),
            (State.CANCELED, 1, Purpose.ENTRY, T0 + 7),
            (State.CANCELED, 0, Purpose.ENTRY, T0 + 8),  # came to nothing
            (State.RESTING, 0, Purpose.ENTRY, T0 + 9),
            (State.EXECUTED, 1_000, Purpose.EXIT, T0 + 9),
        ]
    ):
        plan(floor, our_id("bull", number), "bull", state, filled_ch=filled_ch, purpose=purpose, created_at_ms=at_ms)
    assert activity.since_streak(floor, "bull") == (1, 3)
    assert activity.today(floor, "bull", T0)[:2] == (5, 3)
    assert activity.since_streak(floor, "bear") == (0, 0)


def test_a_peak_only_rises_until_it_begins_anew(db):
    def highest(result_micros, since_ms=1, begin_micros=0):
        return peaks.highest_micros(
            db, "floor", "", result_micros, since_ms=since_ms, begin_micros=begin_micros, now_ms=9
        )

    assert highest(-5) == 0
    assert [highest(result) for result in (3, 2, 7, -1)] == [3, 3, 7, 7]
    assert highest(2, since_ms=0) == 7, "an older beginning is none"
    assert highest(-4, since_ms=2, begin_micros=-4) == -4
    assert highest(-6, since_ms=2) == -4
    agent = peaks.highest_micros(db, "agent", "bull", 1, since_ms=1, begin_micros=0, now_ms=9)
    assert (agent, highest(-9, since_ms=2)) == (1, -4)
