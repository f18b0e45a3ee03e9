"""The rules that cut: each at its limit, one unit inside it, one unit beyond. 33 contracts at $0.60 cost $19.80."""

import pytest

from outcry.domain.order import Side, TimeInForce
from outcry.domain.view import Answer
from outcry.risk import daily_loss
from outcry.risk.rules import gate

COST = 19_800_000
ONE = 600_000


def outcome(verdict):
    return (str(verdict.answer), verdict.rule, verdict.count_ch)


WHOLE = ("allowed", "", 3_300)


@pytest.mark.parametrize(
    ("capital_micros", "expected"),
    [
        (990_000_050, ("reduced", "per_trade", 3_300)),  # 2 % is $19.800001
        (990_000_000, ("reduced", "per_trade", 3_300)),  # exactly the cost
        (989_999_999, ("reduced", "per_trade", 3_200)),  # a micro-dollar short
        (30_000_000, ("reduced", "per_trade", 100)),
        (29_999_999, ("refused", "per_trade", 0)),  # not even one contract
    ],
)
def test_per_trade(floor, capital_micros, expected):
    """Asked for 10 % of capital, far above the rule, so that the rule decides."""
    change = {"exposure__capital_micros": capital_micros, "limits__per_market_millionths": 250_000}
    assert outcome(floor.ask(intent__stake_millionths=100_000, **change)) == expected


@pytest.mark.parametrize(
    ("allocation_micros", "expected"),
    [
        (4 * COST, WHOLE),  # a quarter of it is exactly the cost
        (4 * COST - 1, ("reduced", "per_trade", 3_200)),
        (10_000_000, ("reduced", "per_trade", 400)),  # a birth allocation of 1 %: four contracts are $2.40 of $2.50
        (4 * ONE - 1, ("reduced", "per_trade", 100)),  # one contract is the least there is
        (ONE, ("reduced", "per_trade", 100)),
        (ONE - 1, ("refused", "per_agent", 0)),
    ],
)
def test_per_trade_of_the_agents_own(floor, allocation_micros, expected):
    assert outcome(floor.ask(exposure__allocation_micros=allocation_micros)) == expected


def test_a_fixed_stake_at_its_limit_passes_whole(floor):
    assert outcome(floor.ask(intent__stake_millionths=20_000)) == WHOLE
    assert outcome(floor.ask(intent__stake_millionths=30_000)) == ("reduced", "per_trade", 3_300)


@pytest.mark.parametrize(
    ("used_micros", "expected"),
    [
        (50_000_000 - COST - 1, WHOLE),
        (50_000_000 - COST, WHOLE),
        (50_000_000 - COST + 1, ("reduced", "per_market", 3_200)),
        (50_000_000 - ONE, ("reduced", "per_market", 100)),
        (50_000_000 - ONE + 1, ("refused", "per_market", 0)),
        (60_000_000, ("refused", "per_market", 0)),
    ],
)
def test_per_market_money(floor, used_micros, expected):
    assert outcome(floor.ask(exposure__market_micros=used_micros)) == expected


@pytest.mark.parametrize(
    ("field", "limit_ch"), [("market_count_ch", 10_000), ("agent_market_count_ch", 5_000)], ids=["everybody", "agent"]
)
@pytest.mark.parametrize(
    ("room_ch", "expected"),
    [
        (3_301, WHOLE),
        (3_300, WHOLE),
        (3_299, ("reduced", "per_market", 3_200)),
        (100, ("reduced", "per_market", 100)),
        (99, ("refused", "per_market", 0)),
        (-1, ("refused", "per_market", 0)),
    ],
)
def test_per_market_contracts(floor, field, limit_ch, room_ch, expected):
    assert outcome(floor.ask(**{f"exposure__{field}": limit_ch - room_ch})) == expected


@pytest.mark.parametrize(
    ("used_micros", "expected"),
    [
        (100_000_000 - COST - 1, WHOLE),
        (100_000_000 - COST, WHOLE),
        (100_000_000 - COST + 1, ("reduced", "per_agent", 3_200)),
        (100_000_000 - ONE + 1, ("refused", "per_agent", 0)),
    ],
)
@pytest.mark.parametrize("allocation_micros", [100_000_000, 300_000_000])
def test_per_agent_share_of_capital(floor, allocation_micros, used_micros, expected):
    change = {"exposure__allocation_micros": allocation_micros, "exposure__agent_micros": used_micros}
    assert outcome(floor.ask(**change)) == expected


@pytest.mark.parametrize(
    ("left_micros", "expected"),
    [
        (COST + 1, WHOLE),
        (COST, WHOLE),
        (COST - 1, ("reduced", "per_agent", 3_200)),
        (10_000_000, ("reduced", "per_agent", 1_600)),
        (ONE - 1, ("refused", "per_agent", 0)),
        (0, ("refused", "per_agent", 0)),
    ],
)
def test_what_is_left_of_an_agents_allocation(floor, left_micros, expected):
    change = {"exposure__allocation_micros": 100_000_000, "exposure__agent_lost_micros": 100_000_000 - left_micros}
    assert outcome(floor.ask(**change)) == expected


@pytest.mark.parametrize(
    ("lost_micros", "expected"),
    [
        (-1, WHOLE),
        (0, WHOLE),
        (1, ("reduced", "per_agent", 3_200)),
        (COST - ONE, ("reduced", "per_agent", 100)),
        (COST - ONE + 1, ("refused", "per_agent", 0)),
        (2 * COST, ("refused", "per_agent", 0)),
    ],
)
def test_what_an_agent_lost_it_does_not_stake_again(floor, lost_micros, expected):
    change = {
        "exposure__allocation_micros": COST,
        "exposure__agent_lost_micros": max(0, lost_micros),
        "limits__per_trade_own_millionths": 1_000_000,
    }
    assert outcome(floor.ask(**change)) == expected


@pytest.mark.parametrize(
    ("markets", "here", "passes"),
    [(2, {}, True), (3, {}, False), (4, {}, False)]
    + [(3, {field: -100}, True) for field in ("position_ch", "open_order_ch", "exits_in_flight_ch")]
    + [(4, {"position_ch": 100}, False)],
)
def test_markets_at_once(floor, markets, here, passes):
    verdict = floor.ask(
        exposure__agent_markets=markets, **{f"exposure__{field}": value for field, value in here.items()}
    )
    assert outcome(verdict) == (WHOLE if passes else ("refused", "per_agent", 0))


@pytest.mark.parametrize(
    ("ordered_micros", "expected"),
    [
        (4_966_999_999, WHOLE),
        (4_967_000_000, WHOLE),
        (4_967_000_001, ("reduced", "per_agent", 3_200)),
        (4_999_000_001, ("refused", "per_agent", 0)),
    ],
)
def test_notional_per_day(floor, ordered_micros, expected):
    assert outcome(floor.ask(exposure__agent_notional_today_micros=ordered_micros)) == expected


@pytest.mark.parametrize(
    ("used_micros", "expected"),
    [
        (300_000_000 - COST - 1, WHOLE),
        (300_000_000 - COST, WHOLE),
        (300_000_000 - COST + 1, ("reduced", "floor", 3_200)),
        (300_000_000 - ONE + 1, ("refused", "floor", 0)),
    ],
)
def test_floor_exposure(floor, used_micros, expected):
    assert outcome(floor.ask(exposure__floor_micros=used_micros)) == expected


@pytest.mark.parametrize(
    ("cash_micros", "expected"),
    [
        (COST + 1, WHOLE),
        (COST, WHOLE),
        (COST - 1, ("reduced", "floor", 3_200)),
        (ONE - 1, ("refused", "floor", 0)),
        (0, ("refused", "floor", 0)),
        (-1, ("refused", "floor", 0)),
    ],
)
def test_nothing_is_bought_without_cash(floor, cash_micros, expected):
    assert outcome(floor.ask(exposure__available_cash_micros=cash_micros)) == expected


@pytest.mark.parametrize(
    ("field", "limit_micros"), [("agent_day_pnl_micros", 50_000_000), ("floor_day_pnl_micros", 100_000_000)]
)
@pytest.mark.parametrize(("beyond", "passes"), [(-1, True), (0, False), (1, False)])
def test_daily_loss(floor, field, limit_micros, beyond, passes):
    verdict = floor.ask(**{f"exposure__{field}": -(limit_micros + beyond)})
    assert outcome(verdict) == (WHOLE if passes else ("refused", "daily_loss", 0))


@pytest.mark.parametrize(("pnl_micros", "passes"), [(-24_999_999, True), (-25_000_000, False), (-25_000_001, False)])
def test_an_agent_that_lost_its_whole_allocation_is_done(floor, pnl_micros, passes):
    change = {
        "exposure__allocation_micros": 25_000_000,
        "exposure__agent_day_pnl_micros": pnl_micros,
        "limits__per_trade_own_millionths": 1_000_000,
    }
    assert (outcome(floor.ask(**change)) == WHOLE) is passes


@pytest.mark.parametrize(
    ("scope", "lost_micros", "doubt_micros", "latch"),
    [
        ("agent", 50_000_000, 0, "agent"),
        ("floor", 100_000_000, 0, "floor"),
        ("floor", 120_000_000, 20_000_000, "floor"),
        ("floor", 120_000_000, 20_000_001, ""),
        ("agent", 60_000_000, 60_000_000, ""),
    ],
)
def test_a_daily_loss_latches_as_far_as_it_is_certain(floor, scope, lost_micros, doubt_micros, latch):
    change = {f"exposure__{scope}_day_pnl_micros": -lost_micros, f"exposure__{scope}_day_doubt_micros": doubt_micros}
    verdict = floor.ask(**change)
    assert (outcome(verdict), verdict.latch) == (("refused", "daily_loss", 0), latch)


def test_an_agent_without_capital_lost_nothing_for_certain(floor):
    assert daily_loss.check(floor.make(exposure__allocation_micros=0), 100).latch == ""


def test_no_other_refusal_latches(floor):
    assert floor.ask(exposure__available_cash_micros=0).latch == ""
    assert floor.ask(exposure__allocation_micros=0).latch == "", "no capital is no loss"


def test_gains_and_no_trades_trip_nothing(floor):
    for pnl_micros in (0, 5_000_000_000):
        change = {"exposure__agent_day_pnl_micros": pnl_micros, "exposure__floor_day_pnl_micros": pnl_micros}
        assert outcome(floor.ask(**change)) == WHOLE


def test_without_capital_nothing_is_entered(floor):
    assert floor.ask(exposure__capital_micros=0).answer is Answer.REFUSED


def test_the_rule_that_cut_most_is_named_and_the_smallest_room_counts(floor):
    verdict = floor.ask(exposure__market_micros=50_000_000 - COST + 1, exposure__floor_micros=290_000_000)
    assert outcome(verdict) == ("reduced", "floor", 1_600)
    numbers = dict(verdict.numbers)
    assert (numbers["wanted_ch"], numbers["cost_micros"]) == (3_300, 9_600_000)


def test_the_rule_that_cut_most_is_named_even_if_a_later_one_cut_last(floor):
    verdict = floor.ask(exposure__market_micros=50_000_000 - 6_000_000, exposure__floor_micros=300_000_000 - 5_400_000)
    assert outcome(verdict) == ("reduced", "per_market", 900)  # 33 to 10, then 10 to 9


@pytest.mark.parametrize(("money_ch", "count_ch"), [(1_000, 2_000), (2_000, 1_000)])
@pytest.mark.parametrize(
    ("money", "count"),
    [
        ({"market_micros": 50_000_000}, {"market_count_ch": 10_000}),
        ({"market_micros": 50_000_000}, {"agent_market_count_ch": 5_000}),
        ({"agent_micros": 100_000_000}, {"agent_notional_today_micros": 5_000_000_000}),
        ({"floor_micros": 300_000_000}, {"available_cash_micros": 0}),
    ],
    ids=["market", "agent in market", "notional", "cash"],
)
def test_of_two_limits_of_one_rule_the_tighter_holds(floor, money, count, money_ch, count_ch):
    """Each leaves room for 10 or 20 contracts."""
    (used, limit_micros), (counted, limit) = *money.items(), *count.items()
    room = {"available_cash_micros": -60 * count_ch * 100, "agent_notional_today_micros": count_ch * 10_000}
    change = {
        f"exposure__{used}": limit_micros - 6_000 * money_ch,
        f"exposure__{counted}": limit - room.get(counted, count_ch),
    }
    assert floor.ask(**change).count_ch == 1_000


@pytest.mark.parametrize(
    ("side", "limit_cc", "expected_ch"),
    [(Side.BID, 6_000, 3_300), (Side.ASK, 5_900, 4_800)],  # $20 at $0.60, and at $0.41 for NO
)
def test_an_ask_risks_a_dollar_less_its_price(floor, side, limit_cc, expected_ch):
    assert floor.ask(intent__side=side, intent__limit_cc=limit_cc).count_ch == expected_ch


def test_the_fee_belongs_to_the_cost(floor):
    maker = {"intent__limit_cc": 5_900, "intent__post_only": True, "intent__time_in_force": TimeInForce.GTC}
    assert floor.ask(fee=floor.quadratic).count_ch == 3_200  # 32 x $0.60 + $0.5376; a 33rd would cost $20.3544
    assert floor.ask(fee=floor.quadratic, **maker).count_ch == 3_300  # a maker pays none: 33 x $0.59


# ---- no more than was asked for -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most_ch", "count_ch"), [(None, 3_300), (3_300, 3_300), (1_000_000, 3_300), (250, 200), (100, 100)]
)
def test_no_more_than_was_asked_for(floor, most_ch, count_ch):
    case = floor.make()
    verdict = gate(case.intent, case.facts, case.exposure, case.limits, case.now_ms, case.fee, most_ch)
    assert (verdict.count_ch, verdict.rule) == (count_ch, "asked" if count_ch < 3_300 else "")


def test_less_than_a_contract_is_refused(floor):
    case = floor.make()
    verdict = gate(case.intent, case.facts, case.exposure, case.limits, case.now_ms, case.fee, 99)
    assert (verdict.answer, verdict.rule) == (Answer.REFUSED, "asked")
