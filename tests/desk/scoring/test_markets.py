"""Markets scored from the floor's own database; the last one is what discovery ranks by."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from outcry.desk.scoring import markets as scoring
from outcry.domain.fill import Fill, Settlement
from outcry.domain.limits import Limits
from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.order import Side, State
from outcry.domain.view import Bar, Quote
from outcry.ops.settings import Settings
from outcry.store import bars, database, fills, market_scores, markets, orders, quotes, settlements
from outcry.store.market_scores import Sighting
from placing_floor import furnish, plan, request

HOME = Path(__file__).resolve().parents[3]
NOW = 1_000_000
HOUR = 3_600_000


def market(ticker, **more):
    plain = Market(
        ticker, "E", "KXBTC15M", 2, Status.ACTIVE, NOW - 60_000, NOW + 900_000, (PriceRange(0, 10_000, 100),)
    )
    return replace(plain, **more)


def quote(ticker, bid_cc, ask_cc, trusted=True, size_ch=5_000):
    return Quote(ticker, 1, NOW, ((bid_cc, size_ch),), ((ask_cc, size_ch),), trusted=trusted, volume_ch=100_000)


def publish(db, *rows):
    quotes.publish(db, quotes.last(db).number + 1, NOW, [quotes.row(one) for one in rows])


def build(db):
    return scoring.build(db, Limits(), NOW)


def test_a_followed_market_is_scored_by_its_book_its_prints_and_its_maker(db):
    markets.save(db, [market("NARROW"), market("WIDE"), market("OVER", close_at_ms=NOW)], NOW)
    publish(db, quote("NARROW", 4_900, 5_000), quote("WIDE", 4_000, 4_900))
    with database.write(db):
        bars.write(
            db,
            1,
            [
                Bar("NARROW", NOW - 5_000, 1, 1, 1, 1, 100, 100, 0, 7),
                Bar("NARROW", NOW - HOUR - 1, 1, 1, 1, 1, 9, 9, 0, 9),
            ],
        )
    market_scores.see(db, [Sighting("NARROW", "Crypto", 1, 2, 800_000)], NOW)
    best, other = build(db)
    assert (best.ticker, other.ticker) == ("NARROW", "WIDE"), "what is over is not scored"
    assert best.figures == best.figures | {
        "spread_cc": 100,
        "near_ch": 5_000,
        "prints": 7,
        "maker": 0.8,
        "tick_cc": 100,
    }
    assert best.parts["spread"] > other.parts["spread"] and (best.category, other.category) == ("Crypto", "")


def test_a_market_that_is_not_followed_is_scored_by_what_lists_show(db):
    markets.save(db, [market("FAR", volume_ch=300)], NOW)
    market_scores.see(db, [Sighting("FAR", "Economics", 3_000, 3_400)], NOW)
    (scored,) = build(db)
    assert (scored.figures["spread_cc"], scored.figures["maker"], scored.figures["near_ch"]) == (400, None, 0)


def test_a_book_nobody_trusts_is_no_book(db):
    markets.save(db, [market("M")], NOW)
    publish(db, quote("M", 4_900, 5_000, trusted=False))
    (scored,) = build(db)
    assert scored.parts["spread"] == 0 and scored.figures["near_ch"] == 0


def test_the_market_before_it_says_how_much_a_series_trades(db):
    before = market(
        "BEFORE", close_at_ms=NOW - 60_000, open_at_ms=NOW - 900_000, volume_ch=900_000, status=Status.FINALIZED
    )
    markets.save(db, [before, market("NEXT")], NOW)
    (scored,) = build(db)
    assert scored.figures["volume_ch"] == 900_000


def test_what_we_won_in_a_series_counts(db):
    furnish(db)
    markets.save(db, [market("A", status=Status.DETERMINED, close_at_ms=NOW - 1), market("B")], NOW)
    order = orders.mark_sent(db, plan(db, request(ticker="A"), 1_000).client_order_id, 5)
    fill = Fill("t1", "x1", "A", 2, Side.BID, 4_200, 1_000, 20_000, True, 6, order.client_order_id)
    orders.update(db, order.client_order_id, State.EXECUTED, source="answer", now_ms=6, filled_ch=1_000, order_id="x1")
    fills.book(db, fill, "stream", 6)
    settlements.record(db, Settlement("A", 2, "yes", 10_000, 7), "rest", 7)
    (scored,) = [one for one in build(db) if one.ticker == "B"]
    assert (scored.figures["past_micros"], scored.figures["past_trades"]) == (5_800_000 - 20_000, 1)
    assert scored.parts["past"] > 500_000


def test_scores_are_replaced_whole(db):
    parts = dict.fromkeys(scoring.WEIGHTS, 5)
    market_scores.keep(db, [("A", "S", "", 10, parts, {}), ("B", "S", "", 20, parts, {})], 1)
    market_scores.keep(db, [("B", "S", "", 30, parts, {})], 2)
    assert market_scores.scores(db) == {"B": 30}


def test_sightings_of_yesterday_are_forgotten_and_an_empty_category_forgets_none(db):
    market_scores.see(db, [Sighting("OLD"), Sighting("M", "Crypto", 1, 2, 700_000)], NOW)
    market_scores.see(db, [Sighting("M", "", 3, 4)], NOW + 86_400_001)
    assert market_scores.sightings(db) == {"M": Sighting("M", "Crypto", 3, 4, 700_000)}


def run_score(state, *arguments):
    return subprocess.run(
        [sys.executable, HOME / "bin" / "score", *arguments, "--state", str(state)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def state(tmp_path):
    folder = tmp_path / Settings().environment
    folder.mkdir()
    db = database.connect(folder / "kalshi.db")
    database.migrate(db)
    furnish(db)
    at_ms = 4_000_000_000_000  # closes in a far future: the program reads the clock
    markets.save(db, [market("M", close_at_ms=at_ms)], NOW)
    publish(db, quote("M", 4_900, 5_000))
    db.close()
    return tmp_path


def test_the_program_prints_and_keeps_the_scores(state):
    done = run_score(state, "--markets")
    assert done.returncode == 0, done.stderr
    assert "M " in done.stdout and "liquidity" in done.stdout and "average" in done.stdout
    said = json.loads(run_score(state, "--markets", "--json").stdout)
    db = database.read_only(state / "embedded" / "kalshi.db")
    assert [(one["ticker"], round(one["score"] * 1_000_000)) for one in said] == list(market_scores.scores(db).items())
    db.close()


def test_without_a_subject_it_scores_the_agents(state):
    done = run_score(state)
    assert done.returncode == 0 and "bull" in done.stdout and "settled" in done.stdout
