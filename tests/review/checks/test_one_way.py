"""Who enters also exits."""

import pytest

from outcry.review.checks.one_way import IN_A_ROW, Ended, OneWay

LOST = Ended("bull", "T", 10_000_000, 0, 200_000, False)


def feed(*positions):
    seen = OneWay()
    return [found.subject for position in positions for found in seen.ended(position)]


def lost(count, **facts):
    return [LOST._replace(ticker=f"T{number}", **facts) for number in range(count)]


@pytest.mark.parametrize(("count", "found"), [(IN_A_ROW - 1, []), (IN_A_ROW, ["bull T0"]), (IN_A_ROW + 1, ["bull T0"])])
def test_so_many_in_a_row_beyond_their_stop(count, found):
    assert feed(*lost(count)) == found
    assert feed(*lost(2 * IN_A_ROW)) == ["bull T0", f"bull T{IN_A_ROW}"]


@pytest.mark.parametrize(("paid_micros", "counts"), [(8_000_000, False), (7_999_999, True)])
def test_only_what_lost_more_than_its_stop_allows_counts(paid_micros, counts):
    assert bool(feed(*lost(IN_A_ROW, paid_micros=paid_micros))) is counts


def test_what_won_changes_nothing_and_an_exit_begins_anew():
    half, won = lost(IN_A_ROW - 1), LOST._replace(ticker="W", paid_micros=25_000_000)
    assert feed(*half, won, *lost(1)) == ["bull T0"]
    assert feed(*half, LOST._replace(left=True), *lost(1)) == []
    seen = OneWay()
    assert not [found for position in half for found in seen.ended(position)]
    seen.exited("bull")
    assert not list(seen.ended(LOST))


def test_agents_are_counted_apart():
    assert feed(*lost(IN_A_ROW - 1), *lost(1, agent="bear")) == []


def test_who_may_lose_it_all_is_not_blamed_for_it():
    assert feed(*lost(IN_A_ROW, stop_millionths=1_000_000)) == []
