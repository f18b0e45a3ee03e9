"""What every rule and every breaker says when it objects, word for word, and each figure it compared.

These are read by people, kept beside the decision, and recomputed by the auditor: a wrong figure in a refusal that is
right sends somebody looking in the wrong place.
"""

import pytest

from outcry.domain.limits import Limits
from outcry.domain.market import Status
from outcry.risk import abnormal_market, api_errors, database_silence, drawdown, losing_streak
from outcry.risk.abnormal_market import Look
from outcry.risk.breaker import Trip

LIMITS = Limits()
UNDER_WAY = {"stake_micros": 20_000_000, "quote_source": "stream", "wanted_ch": 3_300, "fee_micros": 0}
WANTED = {"wanted_ch": 3_300}
THIN = {"quote__volume_ch": 90_000, "facts__predecessor_volume_ch": 9_999,
        "quote__bids": ((5_900, 4_000), (5_400, 999), (5_399, 9_999))}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "rule", "reason", "numbers"),
    [
        ({"facts__halted": "drill"}, "controls", "halted: drill", {"state": "halted"}),
        ({"facts__stopped": "drift"}, "controls", "stopped: drift", {"state": "stopped"}),
        ({"facts__paused": "streak"}, "controls", "paused: streak", {"state": "paused"}),
        ({"facts__stage": "retired"}, "controls", "a retired agent enters nothing", {"state": "retired"}),
        ({"intent__limit_cc": 6_050}, "sound", "price 6050 is not on the market's grid", {}),
        (
            {"quote__trusted": False, "quote__distrust": "gap"},
            "stale", "untrusted book: gap", {"distrust": "gap"},
        ),
        ({"quote__trusted": False}, "stale", "untrusted book: no reason given", {"distrust": ""}),
        (
            {"quote__heard_at_ms": -15_001},
            "stale", "stream heard 15001 ms ago, limit 15000 ms", {"age_ms": 15_001, "limit_ms": 15_000},
        ),
        (
            {"quote__changed_at_ms": -5_001},
            "stale", "book changed 5001 ms ago, limit 5000 ms", {"age_ms": 5_001, "limit_ms": 5_000},
        ),
        (
            {"market__underlying": "", "quote__changed_at_ms": -60_001},
            "stale", "book changed, though its ticker moves, 60001 ms ago, limit 60000 ms",
            {"age_ms": 60_001, "limit_ms": 60_000},
        ),
        (
            {"facts__index_at_ms": -3_001},
            "stale", "BTC-USD priced 3001 ms ago, limit 3000 ms", {"age_ms": 3_001, "limit_ms": 3_000},
        ),
        ({"facts__index_at_ms": None}, "stale", "no price of BTC-USD yet", {}),
        ({"facts__exchange_open": False}, "close_time", "the exchange is closed", {}),
        (
            {"market__status": Status.INACTIVE},
            "close_time", "the market is inactive, opens at 1778678700000 ms", {"status": "inactive"},
        ),
        (
            {"market__close_at_ms": 19_999},
            "close_time", "19999 ms to close < min 20000 ms", {"left_ms": 19_999, "limit_ms": 20_000},
        ),
        ({"quote__asks": ()}, "spread", "the book has one side or none", {}),
        ({"quote__asks": ((5_900, 100),)}, "spread", "the book is locked or crossed", {"spread_cc": 0}),
        (
            {"quote__bids": ((4_900, 40_000),)},
            "spread", "spread 0.1100 > max 0.1000", {"spread_cc": 1_100, "limit_cc": 1_000},
        ),
        (
            THIN, "liquidity", "999.99 contracts traded and 49.99 shown near the touch",
            {"volume_ch": 99_999, "min_volume_ch": 100_000, "shown_ch": 4_999, "min_displayed_ch": 5_000},
        ),
        (
            {"intent__probability": 0.62, "fee": "quadratic"},
            "edge", "edge after fees 0.53 % of the price < min 5.00 %",
            {"edge_micros": 3_200, "price_micros": 600_000, "edge_millionths": 5_333, "limit_millionths": 50_000},
        ),
        (
            {"intent__limit_cc": 6_300, "fee": "quadratic"},
            "spread_and_fee", "spread and fee 8.94 % of the price > max 5.00 %",
            {"toll_micros": 1_689_600, "price_micros": 18_900_000, "toll_millionths": 89_397,
             "limit_millionths": 50_000, "wanted_ch": 3_000},
        ),
        (
            {"intent__stake_millionths": 500},
            "size", "a stake of $0.50 buys no contract at $0.60",
            {"stake_micros": 500_000, "quote_source": "stream", "contract_micros": 600_000},
        ),
        (
            {"exposure__agent_market_count_ch": 5_000},
            "per_market", "50.00 contracts of this agent and 33.00 asked > 50.00",
            {"held_ch": 5_000, "asked_ch": 3_300, "limit_ch": 5_000, **WANTED},
        ),
        (
            {"exposure__agent_markets": 3},
            "per_agent", "this would be market 4 at once, limit 3", {"markets": 4, "limit": 3, **WANTED},
        ),
        (
            {"exposure__agent_notional_today_micros": 4_999_000_001},
            "per_agent", "$4999.00 ordered today and 33.00 contracts asked > notional $5000.00",
            {"notional_today_micros": 4_999_000_001, "asked_ch": 3_300, "limit_micros": 5_000_000_000, **WANTED},
        ),
        (
            {"exposure__group_held": 99},
            "group", "99 held in the group, correlation 0.50: 33.00 contracts shrink",
            {"held": 99, "correlation_millionths": 500_000, "asked_ch": 3_300, **WANTED},
        ),
        (
            {"exposure__floor_micros": 299_500_000},
            "floor", "$299.50 in use and $19.80 asked > floor $300.00",
            {"used_micros": 299_500_000, "asked_micros": 19_800_000, "limit_micros": 300_000_000, **WANTED},
        ),
        (
            {"exposure__orders_today": 200},
            "per_day", "200 orders today, limit 200", {"what": "orders", "count": 200, "limit": 200, **WANTED},
        ),
        (
            {"exposure__trades_today": 51},
            "per_day", "51 trades today, limit 50", {"what": "trades", "count": 51, "limit": 50, **WANTED},
        ),
        (
            {"exposure__agent_day_pnl_micros": -60_000_000, "exposure__agent_day_doubt_micros": 10_000_000},
            "daily_loss", "the agent made -$60.00 today, limit -$50.00",
            {"scope": "agent", "pnl_micros": -60_000_000, "certain_micros": -50_000_000, "limit_micros": 50_000_000,
             "latch": "agent", **WANTED},
        ),
        (
            {"exposure__floor_day_pnl_micros": -110_000_000, "exposure__floor_day_doubt_micros": 20_000_000},
            "daily_loss", "the floor made -$110.00 today, limit -$100.00",
            {"scope": "floor", "pnl_micros": -110_000_000, "certain_micros": -90_000_000,
             "limit_micros": 100_000_000, "latch": "", **WANTED},
        ),
    ],
)  # fmt: skip
def test_a_refusal(floor, changes, rule, reason, numbers):
    verdict = floor.ask(**at_times(floor, changes))
    assert (str(verdict.answer), verdict.rule, verdict.count_ch, verdict.reason) == ("refused", rule, 0, reason)
    assert dict(verdict.numbers) == numbers
    assert {type(figure) for _, figure in verdict.numbers} <= {int, str}, "figures are whole"


@pytest.mark.parametrize(
    ("changes", "rule", "count_ch", "reason", "numbers"),
    [
        (
            {"exposure__market_micros": 30_200_001},
            "per_market", 3_200, "$30.20 in use and $19.80 asked > per market $50.00",
            {"used_micros": 30_200_001, "asked_micros": 19_800_000, "limit_micros": 50_000_000},
        ),
        (
            {"exposure__market_count_ch": 8_000},
            "per_market", 2_000, "80.00 contracts of all agents and 33.00 asked > 100.00",
            {"held_ch": 8_000, "asked_ch": 3_300, "limit_ch": 10_000},
        ),
        (
            {"exposure__agent_micros": 90_000_000},
            "per_agent", 1_600, "$90.00 in use and $19.80 asked > per agent $100.00",
            {"used_micros": 90_000_000, "asked_micros": 19_800_000, "limit_micros": 100_000_000},
        ),
        (
            {"exposure__agent_notional_today_micros": 4_967_000_001},
            "per_agent", 3_200, "$4967.00 ordered today and 33.00 contracts asked > notional $5000.00",
            {"notional_today_micros": 4_967_000_001, "asked_ch": 3_300, "limit_micros": 5_000_000_000},
        ),
        (
            {"exposure__group_micros": 90_000_000},
            "group", 1_600, "$90.00 in use and $19.80 asked > per group $100.00",
            {"used_micros": 90_000_000, "asked_micros": 19_800_000, "limit_micros": 100_000_000},
        ),
        (
            {"exposure__group_held": 1},
            "group", 2_200, "1 held in the group, correlation 0.50: 33.00 contracts shrink",
            {"held": 1, "correlation_millionths": 500_000, "asked_ch": 3_300},
        ),
        (
            {"exposure__floor_micros": 290_000_000},
            "floor", 1_600, "$290.00 in use and $19.80 asked > floor $300.00",
            {"used_micros": 290_000_000, "asked_micros": 19_800_000, "limit_micros": 300_000_000},
        ),
        (
            {"exposure__available_cash_micros": 600_000},
            "floor", 100, "$0.00 in use and $19.80 asked > cash $0.60",
            {"used_micros": 0, "asked_micros": 19_800_000, "limit_micros": 600_000},
        ),
        (
            {"exposure__streak_pauses": 1, "exposure__trades_since_streak": 3},
            "losing_streak", 100, "trade 4 of 10 small ones after a losing streak",
            {"trades": 3, "limit": 10, "asked_ch": 3_300},
        ),
    ],
)  # fmt: skip
def test_a_cut(floor, changes, rule, count_ch, reason, numbers):
    verdict = floor.ask(**changes)
    assert (str(verdict.answer), verdict.rule, verdict.count_ch, verdict.reason) == ("reduced", rule, count_ch, reason)
    assert dict(verdict.numbers) == {**numbers, **UNDER_WAY, "cost_micros": 6_000 * count_ch}


def test_a_stake_that_one_order_may_not_carry(floor):
    verdict = floor.ask(intent__stake_millionths=30_000)
    assert (verdict.rule, verdict.count_ch) == ("per_trade", 3_300)
    assert verdict.reason == "$0.00 in use and $30.00 asked > per trade $20.00"
    assert dict(verdict.numbers)["asked_micros"] == 30_000_000


def told(at_ms, middle_2cc=10_000, shown_ch=10_000, crossed=False):
    return Look(at_ms, middle_2cc, shown_ch, crossed)


@pytest.mark.parametrize(
    ("tripped", "reason", "numbers"),
    [
        (
            lambda: drawdown.floor(30_000_000, -120_000_000, 1_000_000_000, LIMITS),
            "the floor fell $150.00 from the day's highest equity, limit $150.00",
            {"peak_micros": 30_000_000, "result_micros": -120_000_000, "fell_micros": 150_000_000,
             "limit_micros": 150_000_000},
        ),
        (
            lambda: drawdown.agent(50_000_000, 19_000_000, 100_000_000, 1_000_000_000, LIMITS),
            "fell $31.00 from its highest equity, limit $30.00",
            {"peak_micros": 50_000_000, "result_micros": 19_000_000, "fell_micros": 31_000_000,
             "limit_micros": 30_000_000},
        ),
        (
            lambda: losing_streak.check_losses(8, 512_345, LIMITS),
            "8 settled losses in a row, limit 7 at a break-even of 51.2 %",
            {"losses": 8, "break_even_millionths": 512_345, "limit": 7},
        ),
        (
            lambda: api_errors.check(30, 4, LIMITS),
            "4 of 30 calls to the exchange failed within 300 s, limit 10 %",
            {"calls": 30, "failed": 4, "limit_millionths": 100_000},
        ),
        (
            lambda: database_silence.check(120_000, LIMITS),
            "the database was out of reach for 120 s, limit 60 s",
            {"silent_ms": 120_000, "limit_ms": 60_000},
        ),
        (
            lambda: abnormal_market.check([told(0), told(1_000, 14_003)], 1_000, LIMITS),
            "price jumped 0.2001 within 2000 ms, limit 0.2",
            {"moved_cc": 2_001, "limit_cc": 2_000},
        ),
        (
            lambda: abnormal_market.check([told(0), told(500, shown_ch=999)], 1_000, LIMITS),
            "size collapsed from 100.00 to 9.99 contracts within 2000 ms, limit 90 %",
            {"most_ch": 10_000, "now_ch": 999, "limit_millionths": 900_000},
        ),
        (
            lambda: abnormal_market.check([told(0, crossed=True)], 1_234, LIMITS),
            "book crossed for 1234 ms, limit 1000 ms",
            {"crossed_ms": 1_234, "limit_ms": 1_000},
        ),
    ],
)  # fmt: skip
def test_a_breaker(tripped, reason, numbers):
    assert tripped() == Trip(reason, tuple(numbers.items()))
    assert {type(figure) for _, figure in tripped().numbers} == {int}, "figures are whole"


def test_shares_are_told_to_the_hundredth_of_a_percent(floor):
    wide = {"quote__bids": ((100, 90_000),), "quote__asks": ((1_000, 90_000),), "intent__limit_cc": 1_000}
    verdict = floor.ask(**wide, limits__max_spread_and_fee_millionths=800_000)
    assert verdict.reason == "spread and fee 90.00 % of the price > max 80.00 %"
    near = {"quote__bids": ((5_400, 90_000),), "quote__asks": ((5_500, 90_000),), "intent__limit_cc": 5_500}
    verdict = floor.ask(**near, intent__probability=0.99, limits__min_edge_millionths=900_000)
    assert verdict.reason == "edge after fees 80.00 % of the price < min 90.00 %"


def at_times(floor, changes):
    """The changes with times counted from now, and a fee by its name."""
    moved = {
        name: floor.now_ms + value if name.endswith("_at_ms") and value is not None else value
        for name, value in changes.items()
    }
    return moved | {"fee": getattr(floor, changes["fee"])} if "fee" in changes else moved
