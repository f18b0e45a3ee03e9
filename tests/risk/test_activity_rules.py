"""Bets that go together, how often an agent acts in a day, how small it begins again: each at its limit, and beside.

33 contracts at $0.60 cost $19.80.
"""

import pytest

from outcry.domain.view import Answer
from outcry.risk import group, losing_streak

COST, ONE = 19_800_000, 600_000
WHOLE = ("allowed", "", 3_300)


def outcome(verdict):
    return (str(verdict.answer), verdict.rule, verdict.count_ch)


@pytest.mark.parametrize(
    ("used_micros", "expected"),
    [
        (100_000_000 - COST - 1, WHOLE),
        (100_000_000 - COST, WHOLE),
        (100_000_000 - COST + 1, ("reduced", "group", 3_200)),
        (100_000_000 - ONE, ("reduced", "group", 100)),
        (100_000_000 - ONE + 1, ("refused", "group", 0)),
        (110_000_000, ("refused", "group", 0)),
    ],
)
def test_a_group_holds_its_share_of_capital(floor, used_micros, expected):
    verdict = floor.ask(exposure__group_micros=used_micros)
    assert outcome(verdict) == expected
    if verdict.answer is not Answer.ALLOWED:
        numbers = dict(verdict.numbers)
        assert (numbers["used_micros"], numbers["limit_micros"]) == (used_micros, 100_000_000)


@pytest.mark.parametrize(
    ("held", "rho_millionths", "expected"),
    [
        (0, 500_000, WHOLE),
        (1, 0, WHOLE),
        (1, 500_000, ("reduced", "group", 2_200)),  # 33 / 1.5
        (2, 500_000, ("reduced", "group", 1_600)),  # 33 / 2
        (32, 1_000_000, ("reduced", "group", 100)),  # 33 / 33
        (33, 1_000_000, ("refused", "group", 0)),  # 33 / 34
    ],
)
def test_a_size_shrinks_with_what_is_held_in_its_group(floor, held, rho_millionths, expected):
    verdict = floor.ask(exposure__group_held=held, limits__group_correlation_millionths=rho_millionths)
    assert outcome(verdict) == expected
    if expected != WHOLE:
        numbers = dict(verdict.numbers)
        assert (numbers["held"], numbers["correlation_millionths"], numbers["asked_ch"]) == (
            held,
            rho_millionths,
            3_300,
        )


def test_of_shrinking_and_the_groups_money_the_tighter_holds(floor):
    change = {"exposure__group_held": 1}
    assert floor.ask(**change, exposure__group_micros=100_000_000 - 10 * ONE).count_ch == 1_000
    assert floor.ask(**change, exposure__group_micros=100_000_000 - 30 * ONE).count_ch == 2_200


def test_together_correlated_bets_of_one_size_never_exceed_the_size_of_a_perfectly_correlated_one():
    """1 + 1/2 + 1/3 + ... grows, but each next bet adds less than the one before."""
    sizes = [group.shrunk_ch(100_000, held, 1_000_000) for held in range(20)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[9] == 10_000


@pytest.mark.parametrize(("what", "limit"), [("orders", 200), ("trades", 50)])
@pytest.mark.parametrize(("beside", "passes"), [(-1, True), (0, False), (1, False)])
def test_orders_and_trades_in_a_day(floor, what, limit, beside, passes):
    """The one that would reach the limit passes; the next does not."""
    verdict = floor.ask(**{f"exposure__{what}_today": limit + beside})
    assert (verdict.answer is Answer.ALLOWED) == passes
    if not passes:
        assert (verdict.rule, verdict.reason) == ("per_day", f"{limit + beside} {what} today, limit {limit}")
        numbers = dict(verdict.numbers)
        assert (numbers["what"], numbers["count"], numbers["limit"]) == (what, limit + beside, limit)


@pytest.mark.parametrize(
    ("pauses", "trades", "expected"),
    [
        (0, 0, WHOLE),
        (1, 0, ("reduced", "losing_streak", 100)),
        (1, 9, ("reduced", "losing_streak", 100)),
        (1, 10, WHOLE),
        (3, 11, WHOLE),
    ],
)
def test_after_a_losing_streak_the_smallest_size_for_ten_trades(floor, pauses, trades, expected):
    verdict = floor.ask(exposure__streak_pauses=pauses, exposure__trades_since_streak=trades)
    assert outcome(verdict) == expected


def test_what_is_the_smallest_already_is_not_cut_again(floor):
    case = floor.make(exposure__streak_pauses=1)
    assert losing_streak.check(case, 100) is None
    assert losing_streak.check(case, 200).count_ch == 100
    verdict = floor.ask(exposure__streak_pauses=1, exposure__allocation_micros=ONE)
    assert outcome(verdict) == ("reduced", "per_trade", 100)
