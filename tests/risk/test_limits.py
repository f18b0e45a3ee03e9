"""Every limit is enforced: bending it alone changes a verdict. And no limit can be set outside its range."""

from dataclasses import fields

import pytest

from outcry.domain.errors import Misconfigured
from outcry.domain.limits import RANGES, Limits

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
    "per_market_millionths": ({}, 10_000),
    "per_market_ch": ({}, 1_000),
    "per_agent_market_ch": ({}, 1_000),
    "per_agent_millionths": ({}, 10_000),
    "max_positions": ({"exposure__agent_markets": 2}, 2),
    "agent_notional_per_day_millionths": ({}, 10_000),
    "agent_daily_loss_millionths": ({"exposure__agent_day_pnl_micros": -40_000_000}, 40_000),
    "per_floor_millionths": ({}, 10_000),
    "floor_daily_loss_millionths": ({"exposure__floor_day_pnl_micros": -90_000_000}, 90_000),
}


def test_the_table_knows_every_limit():
    assert sorted(DECIDES) == sorted(NAMES) == sorted(RANGES)


@pytest.mark.parametrize("name", NAMES)
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
