"""The clerk's breakers on a real ledger: when they trip, what they forbid, and what lets the floor go on."""

import pytest

from account import SHARD, T0, TICKER, describe, furnish, market, our_id, plan
from outcry.desk.clerking.breakers import Breakers
from outcry.domain.errors import Unavailable
from outcry.domain.fill import Fill, Settlement
from outcry.domain.limits import Limits
from outcry.domain.order import Side, State
from outcry.store import accounts, activity, agents, fills, settlements, system

CAPITAL = 1_000_000_000
HOUR, DAY = 3_600_000, 86_400_000


class Floor:
    """Agents bull and bear with $100 each; trades whose outcome one names."""

    def __init__(self, db, limits=Limits(), time_factor=1.0):
        self.db, self.number = db, 0
        self.restart(limits, time_factor)

    def restart(self, limits=Limits(), time_factor=1.0):
        self.breakers = Breakers(self.db, limits, time_factor)

    def lenient(self):
        """The same again, where agents may lose what they like."""
        for name in ("bull", "bear"):
            agents.set_allocation(self.db, name, CAPITAL, T0, rule="person", evidence={})
        self.restart(Limits(agent_drawdown_millionths=1_000_000, losing_streak=1_000))

    def buy(self, ticker, price_cc=5_000, count_ch=100, agent="bull", at_ms=T0):
        self.number += 1
        name = our_id(agent, self.number)
        plan(self.db, name, agent, State.EXECUTED, ticker=ticker, order_id=f"x{self.number}", filled_ch=count_ch,
             count_ch=count_ch)  # fmt: skip
        booked = Fill(f"t{self.number}", f"x{self.number}", ticker, SHARD, Side.BID, price_cc, count_ch, 0, True, at_ms,
                      name)  # fmt: skip
        fills.book(self.db, booked, "stream", at_ms)

    def settle(self, ticker, value_cc, at_ms=T0):
        result = {0: "no", 10_000: "yes"}.get(value_cc, "scalar")
        settlements.record(self.db, Settlement(ticker, SHARD, result, value_cc, at_ms), "rest", at_ms)

    def lose(self, micros, agent="bull", at_ms=T0):
        """A trade that loses so much, and is judged."""
        ticker = f"LOST-{self.number}-1"
        self.buy(ticker, 10_000, micros // 10_000, agent, at_ms)
        self.settle(ticker, 0, at_ms)
        self.look(at_ms)

    def win(self, micros, agent="bull", at_ms=T0):
        ticker = f"WON-{self.number}-1"
        self.buy(ticker, 5_000, micros // 5_000, agent, at_ms)
        self.settle(ticker, 10_000, at_ms)
        self.look(at_ms)

    def look(self, at_ms=T0):
        self.breakers.look(at_ms)

    def controls(self):
        return [(row.scope, row.name, row.kind, row.cause) for row in system.controls_now(self.db)]

    def told(self):
        return [(row["level"], row["event"]) for row in reversed(system.recent_events(self.db, 100))]

    def paused(self, name="bull"):
        return agents.get(self.db, name).paused


@pytest.fixture
def floor(db):
    furnish(db, "bull", "bear")
    for name in ("bull", "bear"):
        agents.set_allocation(db, name, 100_000_000, T0, rule="person", evidence={})
    describe(db, market())
    accounts.open_shard(db, SHARD, CAPITAL, T0 - HOUR)
    accounts.record_day(db, "2026-11-18", CAPITAL, {"bull": 0, "bear": 0}, T0 - HOUR)
    return Floor(db)


HALT = ("floor", "", "halt", "drawdown")

# ---- drawdown of the floor ------------------------------------------------------------------------------------------


def test_the_floor_is_halted_at_15_percent_and_stays_so_over_a_restart(floor):
    floor.lenient()
    floor.lose(149_990_000)
    assert floor.controls() == []
    floor.lose(10_000)
    assert floor.controls() == [HALT]
    for _ in range(2):
        floor.lenient()
        floor.lose(10_000)
    assert floor.controls() == [HALT]
    assert floor.told() == [("critical", "halted")]
    (control,) = system.controls_now(floor.db)
    assert control.reason == "the floor fell $150.00 from the day's highest equity, limit $150.00"


def test_it_is_measured_from_the_days_highest_over_a_restart(floor):
    floor.win(60_000_000, "bear")
    floor.lenient()
    floor.lose(149_990_000)
    assert floor.controls() == []
    floor.lose(10_000)
    assert floor.controls() == [HALT]


def test_once_a_person_resumed_it_is_measured_from_there(floor):
    floor.lenient()
    floor.lose(150_000_000)
    system.set_control(floor.db, "floor", "", "halt", False, cause="drawdown", reason="checked", now_ms=T0 + 1)
    floor.look(T0 + 2)
    assert floor.controls() == []
    floor.lose(149_990_000, at_ms=T0 + 3)
    assert floor.controls() == []
    floor.lose(10_000, at_ms=T0 + 4)
    assert floor.controls() == [HALT]


def test_a_new_day_measures_anew_and_lifts_no_halt(floor):
    floor.lenient()
    floor.lose(100_000_000)
    assert accounts.record_day(floor.db, "2026-11-19", CAPITAL - 100_000_000, {"bull": -100_000_000}, T0 + HOUR)
    floor.lose(134_990_000, at_ms=T0 + HOUR)  # 15 % of what the day began with is $135
    assert floor.controls() == []
    floor.lose(10_000, at_ms=T0 + HOUR)
    assert accounts.record_day(floor.db, "2026-11-20", 1, {}, T0 + DAY)
    assert floor.controls() == [HALT]


def test_deposits_are_no_gain_and_withdrawals_no_loss(floor):
    accounts.record_cash(floor.db, "withdrawal", SHARD, -500_000_000, at_ms=T0, reference="w1")
    floor.look()
    assert floor.controls() == []


def test_a_position_that_nobody_prices_is_no_fall(floor):
    """Its book is not there: it counts at what it cost, until it settles."""
    floor.lenient()
    floor.buy(TICKER, 5_000, 40_000)
    floor.look()
    assert floor.controls() == []
    floor.settle(TICKER, 0)
    floor.look()
    assert floor.controls() == [HALT]


def test_without_any_capital_nothing_is_judged(db):
    furnish(db, "bull")
    Floor(db).look()
    assert system.controls_now(db) == []


# ---- drawdown of an agent -------------------------------------------------------------------------------------------


def test_an_agent_is_paused_at_20_percent_and_the_others_are_not(floor):
    floor.lose(19_990_000)
    assert not floor.paused()
    floor.lose(10_000)
    assert floor.paused() and not floor.paused("bear")
    assert floor.controls() == []
    last = agents.history(floor.db, "bull")[-1]
    assert (last["rule"], last["act"]) == ("drawdown", "paused")
    assert {name: last["evidence"][name] for name in ("fell_micros", "limit_micros")} == {
        "fell_micros": 20_000_000, "limit_micros": 20_000_000,
    }  # fmt: skip
    floor.lose(10_000_000)
    assert floor.told() == [("critical", "paused")]


def test_its_highest_equity_outlives_days_and_restarts(floor):
    floor.win(50_000_000)
    accounts.record_day(floor.db, "2026-11-19", CAPITAL, {"bull": 50_000_000}, T0 + HOUR)
    floor.restart()
    floor.lose(29_990_000, at_ms=T0 + HOUR)
    assert not floor.paused()
    floor.lose(10_000, at_ms=T0 + HOUR)  # 20 % of $150
    assert floor.paused()


def test_a_person_resumes_it_and_it_may_fall_as_far_again(floor):
    floor.lose(20_000_000)
    agents.set_paused(floor.db, "bull", False, reason="", now_ms=T0 + 1)
    floor.look(T0 + 2)
    floor.lose(15_990_000, at_ms=T0 + 3)
    assert not floor.paused()
    floor.lose(4_010_000, at_ms=T0 + 4)  # one order may cost $20, which is more than 20 % of $80
    assert floor.paused()


def test_its_pause_ends_after_30_days_but_one_of_a_person_never_does(floor):
    floor.lose(20_000_000)
    agents.set_paused(floor.db, "bear", True, reason="holiday", now_ms=T0)
    floor.look(T0 + 30 * DAY - 1)
    assert floor.paused() and floor.paused("bear")
    floor.look(T0 + 30 * DAY)
    assert not floor.paused() and floor.paused("bear")
    assert floor.told()[-1] == ("info", "resumed")


# ---- losing streaks -------------------------------------------------------------------------------------------------

STREAK = ("agent", "bull", "stop_entries", "losing_streak")


def lose_in_a_row(floor, count, at_ms=T0, price_cc=5_000):
    for number in range(count):
        ticker = f"S{at_ms}-{floor.number}-{number}"
        floor.buy(ticker, price_cc, 100, at_ms=at_ms)
        floor.settle(ticker, 0, at_ms)
        floor.look(at_ms)


def test_seven_losses_at_even_prices_pause_for_six_hours_over_restarts(floor):
    lose_in_a_row(floor, 6)
    assert floor.controls() == []
    lose_in_a_row(floor, 1)
    assert floor.controls() == [STREAK]
    (control,) = system.controls_now(floor.db)
    assert control.reason == "7 settled losses in a row, limit 7 at a break-even of 50.0 %"
    floor.restart()
    floor.look(T0 + 6 * HOUR - 1)
    assert floor.controls() == [STREAK]
    floor.look(T0 + 6 * HOUR)
    assert floor.controls() == []
    floor.look(T0 + 6 * HOUR + 1)
    assert floor.controls() == [], "the losses that paused it count no more"
    assert floor.told() == [("critical", "stopped_entries"), ("info", "allowed_entries")]
    assert activity.since_streak(floor.db, "bull") == (1, 0)


def test_five_are_enough_at_dear_prices_and_a_win_between_ends_them(floor):
    lose_in_a_row(floor, 4, price_cc=9_000)
    floor.win(1_000_000)
    lose_in_a_row(floor, 4, price_cc=9_000)
    assert floor.controls() == []
    lose_in_a_row(floor, 1, price_cc=9_000)
    assert floor.controls() == [STREAK]


def test_the_pause_is_shortened_with_the_windows(floor):
    floor.restart(time_factor=15.0)
    lose_in_a_row(floor, 7)
    floor.look(T0 + 6 * HOUR // 15)
    assert floor.controls() == []


def test_a_second_streak_counts_from_the_first_pause(floor):
    lose_in_a_row(floor, 7)
    floor.look(T0 + 6 * HOUR)
    lose_in_a_row(floor, 6, at_ms=T0 + 7 * HOUR)
    assert floor.controls() == []
    lose_in_a_row(floor, 1, at_ms=T0 + 7 * HOUR)
    assert floor.controls() == [STREAK]
    assert activity.since_streak(floor.db, "bull")[0] == 2


def test_a_database_that_refuses_leaves_no_half_of_it_and_it_is_done_the_next_time(floor, monkeypatch):
    def fails(*arguments, **more):
        raise Unavailable("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(system, "event", fails)
        with pytest.raises(Unavailable):
            lose_in_a_row(floor, 7)
            floor.lose(20_000_000)
    assert floor.controls() == [] and not floor.paused()
    floor.lose(20_000_000)
    assert floor.paused()
