"""A rule that has nothing to object says nothing, at its limit too: the gate names rules by what they say."""

import pytest

from outcry.domain.view import Answer
from outcry.risk import group, per_agent, per_market
from outcry.risk.case import cut

WHOLE = 3_300


@pytest.mark.parametrize(
    ("rule", "at_the_limit"),
    [
        (per_agent, {"exposure__agent_notional_today_micros": 5_000_000_000 - WHOLE * 10_000}),
        (per_agent, {"exposure__agent_micros": 100_000_000 - 19_800_000}),
        (per_market, {"exposure__market_count_ch": 10_000 - WHOLE}),
        (per_market, {"exposure__agent_market_count_ch": 5_000 - WHOLE}),
        (group, {"exposure__group_held": 0}),
    ],
)
def test_at_its_limit_a_rule_is_silent_and_one_unit_beyond_it_speaks(floor, rule, at_the_limit):
    assert rule.check(floor.make(**at_the_limit), WHOLE) is None
    ((name, used),) = at_the_limit.items()
    beyond = rule.check(floor.make(**{name: used + 1}), WHOLE)
    assert (beyond.answer, beyond.count_ch < WHOLE) == (Answer.REDUCED, True)


def test_an_agent_that_lost_all_of_its_allocation_has_nothing_to_stake(floor):
    verdict = floor.ask(exposure__allocation_micros=5_000_000, exposure__agent_lost_micros=9_000_000)
    assert (verdict.rule, dict(verdict.numbers)["limit_micros"]) == ("per_agent", 0)


@pytest.mark.parametrize(("held", "rho_millionths"), [(0, 500_000), (7, 0), (0, 0)])
def test_nothing_shrinks_alone_or_without_correlation(held, rho_millionths):
    assert group.shrunk_ch(150, held, rho_millionths) == 150


@pytest.mark.parametrize(("count_ch", "answer"), [(1, Answer.REDUCED), (0, Answer.REFUSED), (-1, Answer.REFUSED)])
def test_what_is_left_is_a_cut_and_nothing_left_a_refusal(count_ch, answer):
    verdict = cut("rule", count_ch, "why", limit_ch=5)
    assert (verdict.answer, verdict.count_ch, verdict.rule, verdict.reason) == (answer, max(0, count_ch), "rule", "why")
    assert verdict.numbers == (("limit_ch", 5),)


@pytest.mark.parametrize(
    ("market_ch", "floor_ch", "named"),
    [
        (2_000, 1_900, "per_market"),  # 33 to 20, then 20 to 19
        (2_300, 1_300, "per_market"),  # 10 less each: the first
        (2_400, 1_300, "floor"),  # 9 less, then 11
    ],
)
def test_of_several_that_cut_the_one_that_cut_most_is_named(floor, market_ch, floor_ch, named):
    verdict = floor.ask(
        exposure__market_micros=50_000_000 - 6_000 * market_ch, exposure__floor_micros=300_000_000 - 6_000 * floor_ch
    )
    assert (verdict.rule, verdict.count_ch) == (named, floor_ch)
