"""The breakers: each trips at its limit, not one unit before; and resets when its rule says so, not one unit before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.limits import Limits
from outcry.risk import abnormal_market, api_errors, database_silence, drawdown, losing_streak
from outcry.risk.abnormal_market import Look

LIMITS = Limits()
CAPITAL = 1_000_000_000

# ---- drawdown -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peak_micros", "result_micros", "trips"),
    [
        (0, -149_999_999, False),
        (0, -150_000_000, True),
        (0, -150_000_001, True),
        (30_000_000, -119_999_999, False),  # from the day's highest, not from its beginning
        (30_000_000, -120_000_000, True),
        (30_000_000, -120_000_001, True),
    ],
)
def test_a_floor_that_fell_15_percent_of_capital_in_a_day_is_halted(peak_micros, result_micros, trips):
    trip = drawdown.floor(peak_micros, result_micros, CAPITAL, LIMITS)
    assert (trip is not None) == trips
    if trip:
        assert dict(trip.numbers) == {
            "peak_micros": peak_micros,
            "result_micros": result_micros,
            "fell_micros": peak_micros - result_micros,
            "limit_micros": 150_000_000,
        }
        assert "limit $150.00" in trip.reason


def test_before_any_capital_is_known_nothing_is_halted():
    assert drawdown.floor(0, 0, 0, LIMITS) is None


@pytest.mark.parametrize(
    ("allocation_micros", "peak_micros", "limit_micros"),
    [
        (100_000_000, 0, 20_000_000),  # 20 % of $100
        (100_000_000, 50_000_000, 30_000_000),  # of the highest it was
        (300_000_000, 0, 60_000_000),
        (30_000_000, 0, 20_000_000),  # one order may cost $20
        (10_000_000, 0, 10_000_000),  # never more than it has
    ],
)
@pytest.mark.parametrize(("beside", "trips"), [(1, False), (0, True), (-1, True)])
def test_an_agent_that_fell_20_percent_from_its_highest_equity(
    allocation_micros, peak_micros, limit_micros, beside, trips
):
    result_micros = peak_micros - limit_micros + beside
    trip = drawdown.agent(peak_micros, result_micros, allocation_micros, CAPITAL, LIMITS)
    assert (trip is not None) == trips
    assert drawdown.agent_limit_micros(peak_micros, allocation_micros, CAPITAL, LIMITS) == limit_micros


def test_what_has_nothing_cannot_fall():
    assert drawdown.agent(0, 0, 0, CAPITAL, LIMITS) is None
    assert drawdown.agent(1, 0, 1, CAPITAL, LIMITS) is not None
    assert drawdown.floor(1, 0, 1, LIMITS) is not None


def test_an_agents_pause_ends_after_30_days():
    month_ms = 30 * 86_400_000
    assert [drawdown.agent_rested(5, 5 + month_ms + beside, LIMITS) for beside in (-1, 0, 1)] == [False, True, True]


# ---- losing streak --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("break_even_millionths", "count"),
    [(500_000, 7), (601_892, 6), (601_893, 5), (600_000, 6), (683_000, 5), (900_000, 5), (100_000, 44), (50_000, 90)],
)
def test_how_many_losses_are_too_many(break_even_millionths, count):
    """The least n with (1 - break-even)^n < 1 %, and never fewer than five."""
    assert losing_streak.needed(break_even_millionths, LIMITS) == count
    lose = 1 - break_even_millionths / 1e6
    assert lose**count < 0.01
    assert count == 5 or lose ** (count - 1) >= 0.01


@given(st.integers(1, 999_999), st.integers(1, 999_999))
def test_who_pays_more_may_lose_fewer_in_a_row(one, other):
    low, high = sorted((one, other))
    assert losing_streak.needed(low, LIMITS) >= losing_streak.needed(high, LIMITS) >= 5


def test_who_cannot_lose_by_chance_lost_once_too_often():
    strict = Limits(losing_streak=1, losing_streak_millionths=1)
    assert [losing_streak.needed(share, strict) for share in (999_999, 1_000_000, 1_500_000)] == [2, 1, 1]


def test_exactly_as_unlikely_as_the_limit_is_not_yet_too_unlikely():
    assert losing_streak.needed(990_000, Limits(losing_streak=1)) == 2
    assert losing_streak.needed(990_001, Limits(losing_streak=1)) == 1


def test_a_price_of_nothing_is_never_a_streak():
    assert losing_streak.needed(0, LIMITS) == losing_streak.LONGEST


@pytest.mark.parametrize(
    ("losses", "break_even_millionths", "trips"),
    [(4, 900_000, False), (5, 900_000, True), (6, 900_000, True), (6, 500_000, False), (7, 500_000, True),
     (8, 500_000, True), (43, 100_000, False), (44, 100_000, True)],
)  # fmt: skip
def test_a_losing_streak(losses, break_even_millionths, trips):
    trip = losing_streak.check_losses(losses, break_even_millionths, LIMITS)
    assert (trip is not None) == trips
    if trip:
        assert dict(trip.numbers)["losses"] == losses
        assert dict(trip.numbers)["break_even_millionths"] == break_even_millionths


def test_the_pause_is_six_hours_and_shorter_where_windows_are():
    hours_ms = 6 * 3_600_000
    assert [losing_streak.rested(7, 7 + hours_ms + beside, LIMITS) for beside in (-1, 0, 1)] == [False, True, True]
    assert losing_streak.rested(7, 7 + hours_ms // 15, LIMITS, 15.0)


# ---- API errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calls", "failed", "trips"),
    [
        (19, 19, False),  # too few to say
        (20, 2, False),  # exactly 10 %
        (20, 3, True),
        (21, 2, False),
        (30, 3, False),
        (30, 4, True),
        (29, 3, True),  # 10.3 %
        (100, 10, False),
        (100, 11, True),
    ],
)
def test_more_than_a_tenth_of_at_least_twenty_calls_failed(calls, failed, trips):
    trip = api_errors.check(calls, failed, LIMITS)
    assert (trip is not None) == trips
    if trip:
        assert dict(trip.numbers) == {"calls": calls, "failed": failed, "limit_millionths": 100_000}


@pytest.mark.parametrize(
    ("calls", "failed", "good"), [(0, 0, False), (19, 0, False), (20, 0, True), (20, 2, True), (20, 3, False)]
)
def test_it_is_good_when_enough_calls_since_were(calls, failed, good):
    assert api_errors.good(calls, failed, LIMITS) == good


def test_calls_count_for_five_minutes_and_only_those_since():
    slices = [(0, 1, 1), (1_000, 10, 2), (300_000, 100, 3), (900_000, 1_000, 1_000)]
    assert api_errors.counted(slices, 0, 300_999, LIMITS) == (110, 5)
    assert api_errors.counted(slices, 0, 301_000, LIMITS) == (110, 5)
    assert api_errors.counted(slices, 0, 301_001, LIMITS) == (100, 3)
    assert api_errors.counted(slices, 999, 300_999, LIMITS) == (110, 5)
    assert api_errors.counted(slices, 1_000, 300_999, LIMITS) == (100, 3)


def test_a_slice_counts_from_the_moment_it_began_and_none_from_the_future():
    assert [api_errors.counted([(5, 1, 1)], 0, now_ms, LIMITS) for now_ms in (4, 5, 6)] == [(0, 0), (1, 1), (1, 1)]


# ---- the database ---------------------------------------------------------------------------------------------------


def test_a_database_out_of_reach_for_more_than_a_minute():
    trips = [database_silence.check(60_000 + beside, LIMITS) for beside in (-1, 0, 1)]
    assert [trip is not None for trip in trips] == [False, False, True]
    assert dict(trips[2].numbers) == {"silent_ms": 60_001, "limit_ms": 60_000}
    assert [database_silence.good(60_000 + beside, LIMITS) for beside in (-1, 0, 1)] == [False, True, True]


# ---- an abnormal market ---------------------------------------------------------------------------------------------


def look(at_ms, middle_cc=5_000, shown_ch=10_000, crossed=False):
    return Look(at_ms, None if middle_cc is None else 2 * middle_cc, shown_ch, crossed)


@pytest.mark.parametrize(("moved_cc", "trips"), [(1_999, False), (2_000, False), (2_001, True)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_jump_of_more_than_20_cents(moved_cc, sign, trips):
    looks = [look(0), look(1_000, 5_000 + sign * moved_cc)]
    trip = abnormal_market.check(looks, 1_000, LIMITS)
    assert (trip is not None) == trips
    if trip:
        assert dict(trip.numbers) == {"moved_cc": moved_cc, "limit_cc": 2_000}


def test_half_a_tick_counts():
    looks = [Look(0, 10_000, 100), Look(1, 14_001, 100)]
    assert abnormal_market.check(looks, 1, LIMITS) is not None


@pytest.mark.parametrize(("after_ms", "trips"), [(1_999, True), (2_000, False), (2_001, False)])
def test_a_jump_is_one_within_two_seconds(after_ms, trips):
    """The old price was in force until the step in between; a slow move over the same way is none."""
    looks = [look(0, 4_000), look(1, 5_500), look(1 + after_ms, 6_100)]
    assert (abnormal_market.check(looks, 1 + after_ms, LIMITS) is not None) == trips


def test_a_price_that_stood_until_now_counts_however_old_it_is():
    assert abnormal_market.check([look(0, 4_000), look(600_000, 6_100)], 600_000, LIMITS) is not None


def test_a_side_that_comes_and_goes_is_no_jump():
    assert abnormal_market.check([look(0, 4_000), look(10, None)], 10, LIMITS) is None
    assert abnormal_market.check([look(0, None), look(10, 9_000)], 10, LIMITS) is None


@pytest.mark.parametrize(("left_ch", "trips"), [(1_001, False), (1_000, False), (999, True), (0, True)])
def test_more_than_nine_tenths_of_the_size_is_gone(left_ch, trips):
    trip = abnormal_market.check([look(0), look(500, shown_ch=left_ch)], 500, LIMITS)
    assert (trip is not None) == trips
    if trip:
        assert dict(trip.numbers) == {"most_ch": 10_000, "now_ch": left_ch, "limit_millionths": 900_000}


def test_a_book_that_fills_is_no_collapse_nor_is_an_empty_one():
    assert abnormal_market.check([look(0, shown_ch=10), look(5)], 5, LIMITS) is None
    assert abnormal_market.check([look(0, shown_ch=0), look(5, shown_ch=0)], 5, LIMITS) is None
    assert abnormal_market.check([], 5, LIMITS) is None


@pytest.mark.parametrize(("crossed_ms", "trips"), [(999, False), (1_000, False), (1_001, True)])
def test_a_book_crossed_for_more_than_a_second(crossed_ms, trips):
    looks = [look(0, crossed=True), look(400), look(500, crossed=True), look(900, crossed=True)]
    trip = abnormal_market.check(looks, 500 + crossed_ms, LIMITS)
    assert (trip is not None) == trips
    if trip:
        assert dict(trip.numbers) == {"crossed_ms": crossed_ms, "limit_ms": 1_000}


def test_the_stop_lasts_five_minutes_and_shorter_where_windows_are():
    over = [abnormal_market.over(3, 3 + 300_000 + beside, LIMITS) for beside in (-1, 0, 1)]
    assert over == [False, True, True]
    assert abnormal_market.over(3, 3 + 20_000, LIMITS, 15.0)
    assert abnormal_market.check([look(0), look(1, 9_000), look(200, 9_000)], 200, LIMITS, 15.0) is None


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 1_500), st.none() | st.integers(1, 9_999), st.integers(0, 5_000), st.booleans()),
        min_size=1,
        max_size=12,
    ),
    later_ms=st.integers(0, 3_000),
)
def test_what_is_not_needed_changes_no_answer(steps, later_ms):
    looks, at_ms = [], 0
    for step_ms, middle_cc, shown_ch, crossed in steps:
        at_ms += step_ms
        looks.append(look(at_ms, middle_cc, shown_ch, crossed))
    kept = looks[abnormal_market.needed(looks, at_ms, LIMITS) :]
    assert kept[-1] == looks[-1]
    for now_ms in (at_ms, at_ms + later_ms):
        assert abnormal_market.check(kept, now_ms, LIMITS) == abnormal_market.check(looks, now_ms, LIMITS)


@pytest.mark.parametrize(
    ("now_ms", "time_factor", "count"),
    [(2_999, 1.0, 0), (3_000, 1.0, 1), (1_200, 10.0, 1), (1_199, 10.0, 0), (9_000, 1.0, 2)],
)
def test_a_look_is_needed_as_long_as_it_was_in_force_within_the_window(now_ms, time_factor, count):
    looks = [look(0), look(1_000), look(4_000)]
    looks = looks if now_ms >= 4_000 else looks[:2]
    assert abnormal_market.needed(looks, now_ms, LIMITS, time_factor) == count
    assert abnormal_market.needed([], now_ms, LIMITS, time_factor) == 0
