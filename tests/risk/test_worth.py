"""Is it worth its cost: the edge, and spread and fee together; and the stake itself."""

import pytest

from outcry.domain.errors import InvariantBroken
from outcry.domain.order import Side, TimeInForce
from outcry.domain.view import Answer
from outcry.risk import edge, sizing, spread_and_fee
from outcry.risk.case import dollars

ANY_STAKE = {"limits__kelly_millionths": 500_000, "exposure__allocation_micros": 10_000_000_000}


@pytest.mark.parametrize(
    ("side", "limit_cc", "probability", "passes"),
    [
        (Side.BID, 6_000, 0.629999, False),  # 5 % of $0.60 is $0.03
        (Side.BID, 6_000, 0.63, True),
        (Side.BID, 6_000, 0.630001, True),
        (Side.ASK, 5_900, 0.430499, False),  # NO at $0.41: 5 % is $0.0205
        (Side.ASK, 5_900, 0.4305, True),
        (Side.ASK, 5_900, 0.430501, True),
        (Side.BID, 6_000, 0.59, False),
    ],
)
def test_minimum_edge(floor, side, limit_cc, probability, passes):
    change = {"intent__side": side, "intent__limit_cc": limit_cc, "intent__probability": probability}
    verdict = floor.ask(**change, **ANY_STAKE)
    assert (verdict.answer is not Answer.REFUSED) is passes
    if not passes:
        assert (verdict.rule, verdict.count_ch) == ("edge", 0)


def test_the_edge_is_what_remains_after_the_fee(floor):
    change = {"intent__probability": 0.6401, **ANY_STAKE}
    assert floor.ask(**change).answer is not Answer.REFUSED  # 6.7 % before fees
    verdict = floor.ask(fee=floor.quadratic, **change)  # 1.68 cents of fee leave 3.9 %
    assert (verdict.rule, verdict.count_ch) == ("edge", 0)
    assert dict(verdict.numbers)["edge_millionths"] < 40_000


def test_a_size_whose_fee_eats_the_edge_is_refused(floor):
    """Cent rounding: one contract at $0.60 pays 2 cents where 26 pay 1.7 each."""

    def cents(is_taker, price_cc, count_ch):
        return -(-7 * count_ch * price_cc * (10_000 - price_cc) // 10_000_000_000) * 10_000

    edge = {"intent__probability": 0.6185, "limits__min_edge_millionths": 0, **ANY_STAKE}
    assert floor.ask(fee=cents, **edge).count_ch > 100
    verdict = floor.ask(fee=cents, exposure__agent_market_count_ch=4_900, **edge)  # room for one contract only
    assert (verdict.answer, verdict.rule, verdict.count_ch) == (Answer.REFUSED, "edge", 0)
    assert dict(verdict.numbers)["wanted_ch"] > 100


@pytest.mark.parametrize(
    ("side", "limit_cc", "passes"),
    [
        (Side.BID, 5_900, True),  # joins the best bid, 10 cents below the ask
        (Side.BID, 6_100, True),  # two cents above it are 3.3 % of the price
        (Side.BID, 6_300, False),  # four are 6.3 %
        (Side.ASK, 6_900, True),
        (Side.ASK, 6_700, False),  # two cents below the best ask, of NO at 33
    ],
)
def test_what_may_only_rest_pays_no_spread(floor, side, limit_cc, passes):
    wide = {"quote__asks": ((6_900, 30_000),), "limits__max_spread_and_fee_millionths": 50_000}
    rests = {"intent__post_only": True, "intent__time_in_force": TimeInForce.GTC, "intent__side": side}
    verdict = floor.ask(intent__limit_cc=limit_cc, **rests, **wide)
    assert (verdict.rule != "spread_and_fee") is (verdict.answer is not Answer.REFUSED) is passes
    assert floor.ask(**wide).rule == "spread_and_fee", "who takes pays all of it"


@pytest.mark.parametrize(
    ("limit_millionths", "passes"),
    [(16_665, False), (16_666, False), (16_667, True)],  # one cent of 60 is 1.6666… %
)
def test_spread_and_fee(floor, limit_millionths, passes):
    verdict = floor.ask(limits__max_spread_and_fee_millionths=limit_millionths)
    assert (verdict.rule, verdict.answer) == (("", Answer.ALLOWED) if passes else ("spread_and_fee", Answer.REFUSED))


@pytest.mark.parametrize(("bid_cc", "passes"), [(3_899, False), (3_900, True), (3_901, True)])
def test_spread_and_fee_at_its_default(floor, bid_cc, passes):
    """2 cents of 40 are exactly 5 %."""
    change = {"quote__bids": ((bid_cc, 40_000),), "quote__asks": ((4_100, 40_000),), "intent__limit_cc": 4_000}
    assert (floor.ask(**change).answer is Answer.ALLOWED) is passes


def test_the_fee_joins_the_spread(floor):
    assert floor.ask(fee=floor.quadratic).answer is Answer.ALLOWED  # 1.67 % + 2.80 %
    cheap = {"quote__bids": ((4_900, 40_000),), "quote__asks": ((5_000, 40_000),), "intent__limit_cc": 5_000}
    verdict = floor.ask(fee=floor.quadratic, **cheap)  # 2.00 % + 3.50 %
    assert (verdict.rule, dict(verdict.numbers)["toll_millionths"]) == ("spread_and_fee", 55_000)


def test_a_limit_far_through_the_book_gives_away_more_than_the_spread(floor):
    assert floor.ask(intent__limit_cc=6_200).answer is Answer.ALLOWED  # 3 cents of 62: 4.8 %
    verdict = floor.ask(intent__limit_cc=6_300)  # 4 cents of 63: 6.3 %
    assert (verdict.rule, verdict.answer) == ("spread_and_fee", Answer.REFUSED)
    ask = {"intent__side": Side.ASK, "intent__limit_cc": 5_700}
    assert floor.ask(**ask).rule == "spread_and_fee"


def test_a_stated_probability_answers_to_the_edge_alone_and_none_to_the_spread_alone(floor):
    wide = {"quote__bids": ((5_100, 40_000),)}
    assert floor.ask(**wide).rule == "spread_and_fee"
    assert floor.ask(**wide, intent__probability=0.7).answer is Answer.ALLOWED


@pytest.mark.parametrize(
    ("probability", "cost_micros", "kelly_millionths", "stake_micros"),
    [
        (600_000, 500_000, 1_000_000, 20_000_000),  # a fifth
        (600_000, 500_000, 250_000, 5_000_000),
        (700_000, 600_000, 250_000, 6_250_000),
        (500_000, 500_000, 250_000, 0),
        (400_000, 500_000, 250_000, 0),
        (1_000_000, 999_999, 250_000, 25_000_000),
        (1_000_001, 500_000, 250_000, 0),
        (999_999, 1_000_000, 250_000, 0),
        (999_999, 1_200_000, 250_000, 0),
    ],
)
def test_kelly(probability, cost_micros, kelly_millionths, stake_micros):
    assert sizing.kelly_micros(probability, cost_micros, 100_000_000, kelly_millionths) == stake_micros


def test_a_quarter_of_kelly_of_the_agents_capital_in_whole_contracts(floor):
    free = sizing.size(floor.make(intent__probability=0.7))
    assert (free.count_ch, free.numbers["stake_micros"]) == (1_000, 6_250_000)  # $6.25 at $0.60
    paid = sizing.size(floor.make(fee=floor.quadratic, intent__probability=0.7))
    # c = 0.6168: (0.7 - 0.6168) / 0.3832 = 0.21712; a quarter of $100 is $5.428, and 8 contracts cost $4.9344
    assert (paid.count_ch, paid.numbers["stake_micros"]) == (800, 5_427_974)


def test_a_size_fits_the_stake_of_its_own_cost(floor):
    """Cent rounding: the fee per contract, and with it the stake, depends on the size."""

    def cents(is_taker, price_cc, count_ch):
        return -(-7 * count_ch * price_cc * (10_000 - price_cc) // 10_000_000_000) * 10_000

    case = floor.make(fee=cents, intent__probability=0.7, exposure__allocation_micros=1_000_000_000)
    sized = sizing.size(case)
    # 87 pay $1.47: c = 0.616897, a quarter of Kelly of $1 000 is $54.23; they cost $53.67 and 88 would cost $54.28
    assert (sized.count_ch, sized.numbers["stake_micros"]) == (8_700, 54_230_193)
    assert case.cost_micros(8_700) <= 54_230_193 < case.cost_micros(8_800)


@pytest.mark.parametrize(("source", "stake_micros"), [("stream", 20_000_000), ("rest", 10_000_000)])
def test_stakes_are_halved_on_fallback_quotes(floor, source, stake_micros):
    assert sizing.size(floor.make(quote__source=source)).numbers["stake_micros"] == stake_micros
    kelly = sizing.size(floor.make(quote__source=source, intent__probability=0.7)).numbers["stake_micros"]
    assert kelly == (6_250_000 if source == "stream" else 3_125_000)


def test_a_stake_below_one_contract_is_refused_with_the_figures(floor):
    verdict = floor.ask(intent__stake_millionths=500, exposure__capital_micros=1_000_000_000)
    assert (verdict.answer, verdict.rule) == (Answer.REFUSED, "size")
    assert dict(verdict.numbers)["contract_micros"] == 600_000


@pytest.mark.parametrize("fee", [float("nan"), -1, 1.0, None, True])
def test_a_fee_that_is_no_amount_stops_rather_than_passes(floor, fee):
    with pytest.raises(InvariantBroken):
        floor.ask(fee=lambda is_taker, price_cc, count_ch: fee)


def test_what_may_cross_is_charged_as_a_taker(floor):
    asked = []

    def remembering(is_taker, price_cc, count_ch):
        asked.append(is_taker)
        return 0

    floor.ask(fee=remembering, intent__time_in_force=TimeInForce.GTC)
    assert set(asked) == {True}
    asked.clear()
    floor.ask(fee=remembering, intent__time_in_force=TimeInForce.GTC, intent__post_only=True)
    assert set(asked) == {False}


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "$0.00"), (1, "$0.00"), (-1, "-$0.00"), (9_999, "$0.00"), (10_000, "$0.01"), (-1_230_000, "-$1.23")],
)
def test_dollars_for_people(micros, text):
    assert dollars(micros) == text


def test_who_has_nothing_stakes_nothing(floor):
    poor = sizing.size(floor.make(intent__probability=0.7, exposure__allocation_micros=1))
    assert (poor.count_ch, poor.numbers["stake_micros"]) == (0, 0)


def test_a_size_says_why_only_when_it_is_none(floor):
    assert sizing.size(floor.make()).reason == ""
    assert sizing.size(floor.make(intent__stake_millionths=1)).reason.startswith("a stake of $0.00 buys no contract")


@pytest.mark.parametrize(("capital_micros", "stake_micros"), [(-1, 0), (0, 0), (1, 0), (20, 1)])
def test_kelly_of_nothing_is_nothing(capital_micros, stake_micros):
    assert sizing.kelly_micros(600_000, 500_000, capital_micros, 250_000) == stake_micros


def test_an_edge_of_exactly_nothing_is_enough_where_none_is_asked_for(floor):
    even = floor.make(intent__probability=0.6, limits__min_edge_millionths=0)
    assert edge.check(even, 100) is None
    assert edge.check(floor.make(intent__probability=0.599999, limits__min_edge_millionths=0), 100) is not None


def test_who_may_only_rest_pays_no_spread(floor):
    resting = {"intent__limit_cc": 5_900, "intent__post_only": True, "intent__time_in_force": TimeInForce.GTC}
    wide = {"quote__asks": ((6_800, 40_000),), "limits__max_spread_and_fee_millionths": 1}
    assert spread_and_fee.check(floor.make(**resting, **wide), 100) is None
    assert spread_and_fee.check(floor.make(**wide, intent__limit_cc=5_900), 100) is not None


def test_nothing_staked_on_a_certainty_is_nothing():
    assert sizing.kelly_micros(1_000_000, 500_000, 0, 1_000_000) == 0
    assert sizing.kelly_micros(1_000_000, 500_000, 1, 1_000_000) == 1


def test_a_fee_that_is_no_amount_is_told_with_what_it_was_for(floor):
    with pytest.raises(InvariantBroken, match=r"^a fee estimate of -1 for 100 hundredths at 6000$"):
        floor.make(fee=lambda is_taker, price_cc, count_ch: -1).fee_micros(100)
