"""Every limit is enforced: bending it alone changes a verdict, or what a breaker says. None can be set out of range."""

from dataclasses import fields

import pytest

from outcry.domain.errors import Misconfigured
from outcry.domain.limits import RANGES, Limits
from outcry.risk import abnormal_market, api_errors, database_silence, drawdown, losing_streak
from outcry.risk.abnormal_market import Look

NAMES = [field.name for field in fields(Limits)]
THIN = {"quote__bids": ((5_900, 600), (5_700, 600)), "quote__asks": ((6_000, 600), (6_200, 600)), "quote__volume_ch": 0}

# limit -> (the case in which it decides, a value of it that answers otherwise than the default)
DECIDES = {
    "stream_silence_ms": ({"quote__heard_at_ms": -10_000}, 9_999),
    "quick_book_unchanged_ms": ({"quote__changed_at_ms": -4_000}, 3_999),
    "slow_book_unchanged_ms": ({"quote__changed_at_ms": -50_000, "market__underlying": ""}, 49_999),
    "index_age_ms": ({"facts__index_at_ms": -2_000}, 1_999),
    "min_time_to_close_ms": ({}, 600_001),
    "max_spread_cc": ({}, 99),
    "min_volume_ch": ({**THIN, "quote__volume_ch": 99_999}, 99_999),
    "min_displayed_ch": (THIN, 1_200),
    "displayed_within_cc": ({**THIN, "limits__min_displayed_ch": 700}, 199),
    "min_edge_millionths": ({"intent__probability": 0.7}, 200_000),
    "max_spread_and_fee_millionths": ({}, 16_000),
    "kelly_millionths": ({"intent__probability": 0.7}, 100_000),
    "rest_stake_millionths": ({"quote__source": "rest"}, 400_000),
    "per_trade_millionths": ({}, 10_000),
    "per_trade_own_millionths": ({}, 100_000),
    "per_market_millionths": ({}, 10_000),
    "per_market_ch": ({}, 1_000),
    "per_agent_market_ch": ({}, 1_000),
    "per_agent_millionths": ({}, 10_000),
    "max_positions": ({"exposure__agent_markets": 2}, 2),
    "agent_notional_per_day_millionths": ({}, 10_000),
    "orders_per_day": ({"exposure__orders_today": 100}, 100),
    "trades_per_day": ({"exposure__trades_today": 20}, 20),
    "small_trades": ({"exposure__streak_pauses": 1, "exposure__trades_since_streak": 9}, 9),
    "per_group_millionths": ({}, 10_000),
    "group_correlation_millionths": ({"exposure__group_held": 1}, 0),
    "agent_daily_loss_millionths": ({"exposure__agent_day_pnl_micros": -40_000_000}, 40_000),
    "per_floor_millionths": ({}, 10_000),
    "floor_daily_loss_millionths": ({"exposure__floor_day_pnl_micros": -90_000_000}, 90_000),
}

JUMP = [Look(0, 10_000, 10_000), Look(1_500, 12_000, 10_000), Look(1_600, 15_000, 10_000)]
COLLAPSE = [Look(0, 10_000, 10_000), Look(1, 10_000, 500)]

# limit -> (what a breaker says under some limits, a value of it that makes it say otherwise than the default)
BREAKS = {
    "agent_drawdown_millionths": (lambda limits: drawdown.agent(0, -25_000_000, 100_000_000, 10**9, limits), 300_000),
    "agent_drawdown_pause_ms": (lambda limits: drawdown.agent_rested(0, 86_400_000, limits), 86_400_000),
    "losing_streak": (lambda limits: losing_streak.check_losses(5, 900_000, limits), 6),
    "losing_streak_millionths": (lambda limits: losing_streak.check_losses(7, 500_000, limits), 5_000),
    "losing_streak_pause_ms": (lambda limits: losing_streak.rested(0, 3_600_000, limits), 3_600_000),
    "floor_drawdown_millionths": (lambda limits: drawdown.floor(0, -150_000_000, 10**9, limits), 150_001),
    "api_window_ms": (lambda limits: api_errors.counted([(1, 1, 1)], 0, 300_001, limits), 299_999),
    "api_calls": (lambda limits: api_errors.check(20, 20, limits), 21),
    "api_errors_millionths": (lambda limits: api_errors.check(20, 3, limits), 150_000),
    "database_silence_ms": (lambda limits: database_silence.check(60_001, limits), 60_001),
    "jump_cc": (lambda limits: abnormal_market.check(JUMP, 1_600, limits), 2_500),
    "abnormal_window_ms": (lambda limits: abnormal_market.check(JUMP, 1_600, limits), 100),
    "crossed_ms": (lambda limits: abnormal_market.check([Look(0, None, 1, True)], 1_001, limits), 1_001),
    "collapse_millionths": (lambda limits: abnormal_market.check(COLLAPSE, 1, limits), 950_000),
    "abnormal_stop_ms": (lambda limits: abnormal_market.over(0, 300_000, limits), 300_001),
}


def test_the_tables_know_every_limit():
    assert sorted([*DECIDES, *BREAKS]) == sorted(NAMES) == sorted(RANGES)


@pytest.mark.parametrize("name", BREAKS)
def test_a_breaker_reads_it(name):
    says, value = BREAKS[name]
    assert says(Limits()) != says(Limits(**{name: value}))


@pytest.mark.parametrize("name", DECIDES)
def test_a_rule_reads_it(floor, name):
    case, value = DECIDES[name]
    case = {
        key: floor.now_ms + figure if key.endswith("_at_ms") else figure for key, figure in case.items()
    }  # ages are written as negative times
    before, after = floor.ask(**case), floor.ask(**case, **{f"limits__{name}": value})
    assert (before.answer, before.count_ch) != (after.answer, after.count_ch)


@pytest.mark.parametrize("name", NAMES)
def test_its_range_is_kept(name):
    low, high = RANGES[name]
    for value in (low, high):
        assert getattr(Limits(**{name: value}), name) == value
    for value in (low - 1, high + 1, float(low), float("nan"), str(low), True, None):
        with pytest.raises(Misconfigured, match=f"risk.{name} = "):
            Limits(**{name: value})


def test_kelly_is_never_full():
    assert RANGES["kelly_millionths"][1] == 500_000
