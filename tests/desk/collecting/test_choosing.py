"""Which markets are followed: what the settings admit, what is ours, what scores best."""

from dataclasses import replace

import pytest

from outcry.desk.collecting.choosing import KEEP_EVERY_MS, WATCH_MS, Choosing
from outcry.desk.collecting.followed import FollowedBook
from outcry.domain.market import Market, PriceRange, Status
from outcry.ops.settings import Discovery
from outcry.store import market_scores, orders
from outcry.venue.wire import Listing
from placing_floor import furnish, plan, request

NOW = 1_000_000


def market(ticker, **more):
    plain = Market(
        ticker,
        f"E-{ticker}",
        f"S-{ticker}",
        2,
        Status.ACTIVE,
        NOW - 60_000,
        NOW + 900_000,
        (PriceRange(0, 10_000, 100),),
    )
    return replace(plain, **more)


def seen(one, bid_cc=4_000, ask_cc=4_200):
    return Listing(one, "Crypto", bid_cc, ask_cc)


def choose(db, *markets, now_ms=NOW, **settings):
    choosing = Choosing(db, Discovery(**settings))
    choosing.listed([seen(one) for one in markets])
    return choosing, choosing.choose(list(markets), now_ms)


def keep_scores(db, **scores):
    parts = dict.fromkeys(("liquidity", "spread", "activity", "time", "maker", "tick", "past"), 0)
    market_scores.keep(db, [(ticker, "S", "", score, parts, {}) for ticker, score in scores.items()], 5)


def test_all_are_followed_while_there_is_room(db):
    assert choose(db, market("A"), market("B"))[1] == ["A", "B"]


def test_the_best_scored_are_followed_when_there_is_not_the_next_to_close_first(db):
    keep_scores(db, A=100, B=300, C=200)
    assert choose(db, market("A"), market("B"), market("C"), max_markets=2)[1] == ["B", "C"]


def test_what_is_ours_is_never_dropped(db):
    furnish(db)
    keep_scores(db, A=100, B=300, C=200)
    ours = plan(db, request(ticker="A"))
    assert choose(db, market("A"), market("B"), market("C"), max_markets=1)[1] == ["A"]
    orders.abandon_planned(db, ours.agent, 9_999)
    assert choose(db, market("A"), market("B"), market("C"), max_markets=1)[1] == ["B"]


def test_a_wide_or_untraded_market_is_not_begun_with(db):
    traded, idle = market("A", volume_ch=500), market("B")
    assert choose(db, traded, idle, min_liquidity_ch=500)[1] == ["A"]
    choosing = Choosing(db, Discovery(max_spread_cc=300))
    choosing.listed([seen(market("A")), seen(market("B"), ask_cc=4_301), seen(market("C"), ask_cc=None)])
    assert choosing.choose([market("A"), market("B"), market("C")], NOW) == ["A", "C"]


def test_what_its_series_traded_counts_for_a_market_that_has_just_opened(db):
    before = market("A", series_ticker="S", volume_ch=500, close_at_ms=NOW)
    assert choose(db, before, market("B", series_ticker="S"), min_liquidity_ch=500)[1] == ["A", "B"]


def test_a_market_that_is_not_open_yet_is_not_judged(db):
    soon = market("A", open_at_ms=NOW + 1)
    assert choose(db, soon, min_liquidity_ch=500, max_spread_cc=1)[1] == ["A"]


def test_a_followed_book_is_not_dropped_for_growing_wide(db):
    choosing, _ = choose(db, market("A"), max_spread_cc=300)
    choosing.listed([seen(market("A"), bid_cc=100)])
    assert choosing.choose([market("A")], NOW) == ["A"]


def test_what_was_seen_is_kept_each_minute_with_who_makes_the_market(db):
    choosing, _ = choose(db, market("A"), market("B"), max_markets=1)
    book = FollowedBook(market("A"))
    book.missing = ""
    book.book.replace({4_000: 300}, {4_200: 300})
    for at_ms in range(NOW, NOW + WATCH_MS + 2_000, 1_000):
        choosing.watch([book], at_ms)
    kept = market_scores.sightings(db)
    assert (kept["A"].category, kept["A"].bid_cc, kept["A"].ask_cc) == ("Crypto", 4_000, 4_200)
    assert kept["A"].maker_millionths == 500_000, "steady and even, and never hit"
    assert (kept["B"].bid_cc, kept["B"].maker_millionths) == (4_000, None)
    seen_at = db.execute("SELECT min(seen_at_ms), max(seen_at_ms) FROM market_sightings").fetchone()
    assert tuple(seen_at) == (NOW + WATCH_MS, NOW + WATCH_MS) and WATCH_MS % KEEP_EVERY_MS == 0


@pytest.mark.parametrize("missing", ["no snapshot yet", ""])
def test_a_book_that_is_not_whole_says_nothing_of_makers(db, missing):
    choosing, _ = choose(db, market("A"))
    book = FollowedBook(market("A"))
    book.missing = missing
    book.book.replace({4_000: 300} if missing else {4_300: 300}, {4_200: 300})
    for at_ms in range(NOW, NOW + WATCH_MS + 61_000, 1_000):
        choosing.watch([book], at_ms)
    assert market_scores.sightings(db)["A"].maker_millionths is None
