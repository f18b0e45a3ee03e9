"""Markets through their lives: by timers, by messages, by lists that lag behind both."""

from dataclasses import replace

import pytest

from outcry.desk.collecting.market_watch import FOLLOW_AFTER_CLOSE_MS, FORGET_AFTER_MS, MarketWatch
from outcry.domain.market import Market, PriceRange, Status
from outcry.venue.messages import EventFee, Lifecycle

OPEN, CLOSE = 1_000_000, 1_900_000
M = Market(
    "M", "E", "S", 2, Status.INITIALIZED, OPEN, CLOSE, (PriceRange(0, 10_000, 100),), strike_type="greater_or_equal"
)


def said(kind: str, ticker: str = "M", **facts: object) -> Lifecycle:
    return Lifecycle(8, 1, kind, ticker, **facts)


def watch(*markets: Market, now_ms: int = OPEN - 1, ahead_ms: int = 60_000) -> MarketWatch:
    made = MarketWatch(ahead_ms)
    made.listed(markets or [M], now_ms)
    made.take_changed()
    return made


def near(made: MarketWatch, now_ms: int) -> list[str]:
    return [market.ticker for market in made.near(now_ms)]


def test_timers_open_and_close_without_a_message():
    made = watch()
    made.tick(OPEN - 1)
    assert made.take_changed() == []
    made.tick(OPEN)
    assert [market.status for market in made.take_changed()] == [Status.ACTIVE]
    made.tick(CLOSE)
    assert [market.status for market in made.take_changed()] == [Status.CLOSED]


def test_a_list_that_lags_moves_nothing_backwards():
    made = watch(now_ms=OPEN)
    made.tick(CLOSE)
    made.told(said("metadata_updated", strike_micros=5), CLOSE)
    made.told(said("determined", result="yes", value_cc=10_000), CLOSE + 1)
    made.listed([replace(M, status=Status.ACTIVE, volume_ch=77)], CLOSE + 2)
    market = made.markets["M"]
    assert (market.status, market.result, market.settlement_value_cc) == (Status.DETERMINED, "yes", 10_000)
    assert (market.strike_micros, market.volume_ch) == (5, 77)
    made.listed([replace(M, status=Status.FINALIZED, result="yes", settlement_value_cc=10_000)], CLOSE + 3)
    assert made.markets["M"].status is Status.FINALIZED


def test_what_the_lifecycle_channel_says():
    made = watch(now_ms=OPEN)
    steps = [
        (said("deactivated"), Status.INACTIVE),
        (said("activated"), Status.ACTIVE),
        (said("determined", result="no", value_cc=0), Status.DETERMINED),
        (said("determined", result="scalar", value_cc=5_000), Status.DETERMINED),
        (said("settled"), Status.FINALIZED),
    ]
    for message, status in steps:
        assert made.told(message, OPEN + 5)
        assert made.markets["M"].status is status
    assert (made.markets["M"].result, made.markets["M"].settlement_value_cc) == ("scalar", 5_000)
    assert not made.told(said("created", "elsewhere"), OPEN)


def test_a_new_grid_and_a_new_closing_time():
    made = watch(now_ms=OPEN)
    finer = (PriceRange(0, 10_000, 10),)
    made.told(said("price_level_structure_updated", price_ranges=finer), OPEN)
    made.tick(CLOSE)
    made.told(said("close_date_updated", close_at_ms=CLOSE + 60_000), CLOSE + 1)
    market = made.markets["M"]
    assert (market.price_ranges, market.close_at_ms, market.status) == (finer, CLOSE + 60_000, Status.ACTIVE)
    made.tick(CLOSE + 60_000)
    assert made.markets["M"].status is Status.CLOSED


def test_a_market_is_followed_from_before_it_opens_until_its_book_is_empty():
    made = watch()
    assert near(made, OPEN - 60_001) == []
    assert near(made, OPEN - 60_000) == ["M"]
    made.tick(CLOSE)
    assert near(made, CLOSE + FOLLOW_AFTER_CLOSE_MS - 1) == ["M"]
    assert near(made, CLOSE + FOLLOW_AFTER_CLOSE_MS) == []


def test_the_next_to_close_come_first():
    later = replace(M, ticker="L", close_at_ms=CLOSE + 1)
    other = replace(M, ticker="A")
    assert near(watch(later, M, other), OPEN) == ["A", "M", "L"]


def test_what_discovery_counted_of_an_event_is_kept_when_others_tell_of_the_market():
    made = watch(replace(M, exhaustive_of=3))
    made.listed([replace(M, volume_ch=9)], OPEN)
    assert (made.markets["M"].exhaustive_of, made.markets["M"].volume_ch) == (3, 9)
    made.listed([replace(M, exhaustive_of=4)], OPEN)
    assert made.markets["M"].exhaustive_of == 4


def test_what_should_have_moved_on_is_asked_for_by_name():
    made = watch(replace(M, strike_micros=None), replace(M, ticker="K", strike_micros=7))
    assert made.overdue(OPEN) == []
    assert made.overdue(OPEN + 2_000) == ["M"]
    made.told(said("metadata_updated", strike_micros=9), OPEN + 2_000)
    assert made.overdue(OPEN + 2_000) == []
    made.tick(CLOSE)
    assert made.overdue(CLOSE + 2_000) == ["K", "M"]
    made.told(said("settled"), CLOSE + 2_500)
    assert made.overdue(CLOSE + 9_000) == ["K"]


def test_what_was_paid_out_long_ago_is_forgotten():
    made = watch(now_ms=CLOSE)
    made.told(said("settled"), CLOSE)
    made.take_changed()
    made.tick(CLOSE + FORGET_AFTER_MS + 1)
    assert made.markets == {}
    assert made.take_changed() == []


def test_changes_that_could_not_be_written_are_given_again():
    made = watch(now_ms=OPEN)
    made.tick(CLOSE)
    changed = made.take_changed()
    made.changed_again(changed)
    assert made.take_changed() == changed


@pytest.mark.parametrize(("event", "ours"), [("E", True), ("F", False)])
def test_a_fee_that_changes_for_an_event_of_ours(event: str, ours: bool):
    assert watch().fee_changed(EventFee(8, 1, event, "quadratic", 500_000)) is ours
