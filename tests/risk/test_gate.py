"""Properties of the whole gate: whatever it lets through keeps every limit, and nonsense never passes."""

import math
from dataclasses import fields, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from outcry.domain.limits import RANGES
from outcry.domain.order import Side, TimeInForce
from outcry.domain.view import Answer, Exposure
from outcry.risk import rules

CENTS = st.integers(1, 99).map(lambda cents: cents * 100)
MONEY = st.integers(0, 2_000_000_000)
SIGNED = st.integers(-500_000_000, 500_000_000)
COUNT = st.integers(0, 12_000)
NONSENSE = st.sampled_from([math.nan, math.inf, -math.inf, 0.5, None, "1", True])


@st.composite
def changes(draw):
    """A case on a two-sided book, with exposure near the limits and limits all over their ranges."""
    bid_cc = draw(st.integers(1, 97)) * 100
    ask_cc = min(9_900, bid_cc + draw(st.integers(1, 12)) * 100)
    side = draw(st.sampled_from(Side))
    resting = draw(st.booleans())
    case = {
        "quote__bids": ((bid_cc, draw(COUNT) + 1),),
        "quote__asks": ((ask_cc, draw(COUNT) + 1),),
        "quote__source": draw(st.sampled_from(["stream", "rest"])),
        "intent__side": side,
        "intent__limit_cc": draw(CENTS | st.just(ask_cc if side is Side.BID else bid_cc)),
        "intent__probability": draw(st.none() | st.floats(0.01, 0.99)),
        "intent__stake_millionths": draw(st.integers(1, 100_000)),
        "intent__post_only": resting,
        "intent__time_in_force": TimeInForce.GTC if resting else TimeInForce.IOC,
    }
    for name in ("capital", "allocation", "available_cash", "floor", "agent", "market", "agent_notional_today"):
        case[f"exposure__{name}_micros"] = draw(
            MONEY if name in ("capital", "allocation", "available_cash") else MONEY.map(lambda money: money // 10)
        )
    for name in ("market_count_ch", "agent_market_count_ch", "position_ch"):
        case[f"exposure__{name}"] = draw(COUNT)
    case["exposure__group_micros"] = draw(MONEY) // 10
    for name, most in (("group_held", 3), ("orders_today", 210), ("trades_today", 55), ("streak_pauses", 1),
                       ("trades_since_streak", 12)):  # fmt: skip
        case[f"exposure__{name}"] = draw(st.just(0) | st.integers(0, most))
    case["exposure__agent_markets"] = draw(st.integers(0, 4))
    case["exposure__agent_day_pnl_micros"] = draw(SIGNED) // 20
    case["exposure__floor_day_pnl_micros"] = draw(SIGNED) // 20
    for name in draw(st.sets(st.sampled_from(sorted(RANGES)), max_size=6)):
        case[f"limits__{name}"] = draw(st.integers(*RANGES[name]))
    return case


def fee_of(rate, rounding):
    def fee(is_taker, price_cc, count_ch):
        exact = rate * count_ch * price_cc * (10_000 - price_cc) * is_taker
        return -(-exact // (1_000_000 * rounding)) * rounding

    return fee


FEES = st.builds(fee_of, st.sampled_from([0, 4, 7, 14]), st.sampled_from([1, 100, 10_000]))


@settings(max_examples=400, deadline=None)
@given(change=changes(), fee=FEES)
def test_what_passes_keeps_every_limit(floor, change, fee):
    case = floor.make(fee=fee, **change)
    verdict = floor.gate(case)
    if verdict.answer is Answer.REFUSED:
        assert verdict.count_ch == 0 and verdict.rule and verdict.reason
        return
    intent, at_risk, limits, count_ch = case.intent, case.exposure, case.limits, verdict.count_ch
    assert count_ch > 0 and count_ch % 100 == 0
    assert (verdict.answer is Answer.REDUCED) == bool(verdict.rule) == (count_ch < dict(verdict.numbers)["wanted_ch"])
    paid_cc = intent.limit_cc if intent.side is Side.BID else 10_000 - intent.limit_cc
    fee_micros = fee(not intent.post_only, intent.limit_cc, count_ch)
    cost_micros = paid_cc * count_ch + fee_micros
    capital = at_risk.capital_micros
    for used, share in (
        (0, limits.per_trade_millionths),
        (at_risk.market_micros, limits.per_market_millionths),
        (at_risk.agent_micros, limits.per_agent_millionths),
        (at_risk.group_micros, limits.per_group_millionths),
        (at_risk.floor_micros, limits.per_floor_millionths),
    ):
        assert (used + cost_micros) * 1_000_000 <= share * capital
    assert at_risk.agent_micros + cost_micros <= at_risk.allocation_micros
    assert count_ch == 100 or cost_micros * 1_000_000 <= limits.per_trade_own_millionths * at_risk.allocation_micros
    assert cost_micros <= at_risk.available_cash_micros
    assert at_risk.market_count_ch + count_ch <= limits.per_market_ch
    assert at_risk.agent_market_count_ch + count_ch <= limits.per_agent_market_ch
    notional_micros = at_risk.agent_notional_today_micros + count_ch * 10_000
    assert notional_micros * 1_000_000 <= limits.agent_notional_per_day_millionths * capital
    assert at_risk.agent_markets + (not at_risk.position_ch) <= limits.max_positions
    assert -at_risk.agent_day_pnl_micros * 1_000_000 < limits.agent_daily_loss_millionths * capital
    assert -at_risk.floor_day_pnl_micros * 1_000_000 < limits.floor_daily_loss_millionths * capital
    assert at_risk.orders_today < limits.orders_per_day and at_risk.trades_today < limits.trades_per_day
    if at_risk.streak_pauses and at_risk.trades_since_streak < limits.small_trades:
        assert count_ch == 100
    shrink = 1 + limits.group_correlation_millionths / 1e6 * at_risk.group_held
    assert count_ch * shrink <= dict(verdict.numbers)["wanted_ch"] + 1e-6
    spread_cc = case.facts.quote.asks[0][0] - case.facts.quote.bids[0][0]
    assert spread_cc <= limits.max_spread_cc
    halving = limits.rest_stake_millionths / 1_000_000 if case.facts.quote.source == "rest" else 1
    if intent.probability is None:
        assert cost_micros <= intent.stake_millionths * capital / 1_000_000 * halving + 1e-3
        assert (spread_cc * count_ch + fee_micros) * 1_000_000 <= (
            limits.max_spread_and_fee_millionths * paid_cc * count_ch
        )
    else:
        edge_micros = intent.probability * count_ch * 10_000 - cost_micros
        assert edge_micros >= limits.min_edge_millionths / 1_000_000 * paid_cc * count_ch - 1e-3
        # never more than Kelly at the price alone would stake, which is above Kelly at price and fee
        kelly = (intent.probability - paid_cc / 10_000) / (1 - paid_cc / 10_000)
        assert cost_micros <= limits.kelly_millionths / 1e6 * kelly * at_risk.allocation_micros * halving + 1e-3


@settings(max_examples=100, deadline=None)
@given(change=changes(), nonsense=NONSENSE, field=st.sampled_from([field.name for field in fields(Exposure)]))
def test_nonsense_in_the_exposure_never_passes(floor, change, nonsense, field):
    verdict = floor.ask(**{**change, f"exposure__{field}": nonsense})
    assert verdict.answer is Answer.REFUSED


@settings(max_examples=100, deadline=None)
@given(
    change=changes(), nonsense=NONSENSE, field=st.sampled_from(["limit_cc", "stake_millionths", "stop_loss_millionths"])
)
def test_nonsense_in_the_intent_never_passes(floor, change, nonsense, field):
    assert floor.ask(**{**change, f"intent__{field}": nonsense}).answer is Answer.REFUSED


@settings(max_examples=100, deadline=None)
@given(change=changes(), probability=st.one_of(st.just(math.nan), st.floats(max_value=0), st.floats(min_value=1)))
def test_a_probability_that_is_none_never_passes(floor, change, probability):
    assert floor.ask(**{**change, "intent__probability": probability}).answer is Answer.REFUSED


@settings(max_examples=100, deadline=None)
@given(change=changes(), fee=FEES, used=st.sampled_from(["floor", "agent", "market", "group"]))
def test_more_at_risk_never_allows_more(floor, change, fee, used):
    """Another order's reservation only ever takes room away."""
    case, used = floor.make(fee=fee, **change), f"{used}_micros"
    fuller = replace(case, exposure=replace(case.exposure, **{used: getattr(case.exposure, used) + 5_000_000}))
    assert floor.gate(fuller).count_ch <= floor.gate(case).count_ch


def test_the_rules_are_asked_in_the_order_of_the_page():
    asked = [rule.__module__.rpartition(".")[2] for rule in (*rules.ENTRY_RULES, *rules.WORTH_RULES, *rules.SIZE_RULES)]
    assert asked == [
        "controls", "sound", "stale", "close_time", "spread", "liquidity", "edge", "spread_and_fee",
        "per_trade", "per_market", "per_agent", "group", "floor", "per_day", "daily_loss", "losing_streak", "asked",
    ]  # fmt: skip
