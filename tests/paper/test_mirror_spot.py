"""The spot venue as an index: one value a second while its feed lives, not too many, none while a better one speaks."""

import pytest

from outcry.domain.errors import SchemaDrift, Unavailable
from outcry.domain.view import Bar
from outcry.paper.events import IndexTick
from outcry.paper.mirror.seen import PastSeen
from outcry.paper.mirror.spot import PAST_RETRY_S, SpotIndex
from outcry.venue.spot.coinbase import Tick

NOW_MS = 1_795_194_000_000


class Venue:
    """A stand-in for Coinbase and its feed."""

    def __init__(self):
        self.why_not, self.coming, self.bars, self.asked = "", [], {}, []

    def stream(self, _symbols):
        return self

    def ticks(self, _timeout_s):
        ticks, self.coming = self.coming, []
        if ticks and isinstance(ticks[0], Exception):
            raise ticks[0]
        return ticks

    def history(self, symbol, from_ms, to_ms, step_s):
        self.asked.append((symbol, to_ms - from_ms, step_s))
        found = self.bars[symbol]
        if isinstance(found, Exception):
            raise found
        return found


class Spot:
    def __init__(self, *symbols):
        self.venue, self.told, self.better, self.s = Venue(), [], {}, 100.0
        self.index = SpotIndex(
            self.venue, symbols or ("BTC-USD",), self.told.append, better=self.better,
            now_ms=lambda: NOW_MS + round(self.s * 1000), monotonic=lambda: self.s,
        )  # fmt: skip

    def step(self, *ticks, after_s=0.0):
        """Let time pass and these matches come; returns what is told."""
        self.s += after_s
        self.told.clear()
        self.venue.coming = list(ticks)
        self.index.step(0.0)
        return [(tick.symbol, tick.value_micros, tick.at_ms - NOW_MS) for tick in self.told]


def match(price, symbol="BTC-USD"):
    return Tick(symbol, price, 0)


def test_a_match_is_told_at_once_dated_now():
    assert Spot().step(match(97_000)) == [("BTC-USD", 97_000, 100_000)]


def test_the_last_match_stands_for_each_second_in_which_the_feed_lives():
    spot = Spot("BTC-USD", "ETH-USD")
    spot.step(match(97_000), match(3_100, "ETH-USD"))
    assert spot.step(after_s=0.9) == []
    assert spot.step(after_s=0.1) == [("BTC-USD", 97_000, 101_000), ("ETH-USD", 3_100, 101_000)]
    assert spot.step(match(97_500), after_s=0.9) == [("BTC-USD", 97_500, 101_900)]
    assert spot.step(after_s=0.2) == [("ETH-USD", 3_100, 102_100)]


def test_a_feed_that_fell_silent_or_broke_says_nothing():
    spot = Spot()
    spot.step(match(97_000))
    assert spot.step(after_s=3.0) == []
    spot.step(match(97_000), after_s=1.0)
    spot.venue.why_not = "nothing heard for 26 s"
    assert spot.step(after_s=1.0) == []
    assert spot.index.trouble == "nothing heard for 26 s"


def test_of_many_matches_a_few_a_second_are_told_and_the_last_one_is_never_lost():
    spot = Spot()
    told = [row for number in range(100) for row in spot.step(match(number + 1), after_s=0.01)]
    assert len(told) == 5
    assert spot.step(after_s=1.0)[0][1] == 100


def test_the_exchanges_own_index_is_told_instead_while_it_speaks():
    spot = Spot()
    spot.better["BTC-USD"] = spot.s
    assert spot.step(match(97_000), after_s=2.9) == []
    assert spot.step(match(97_001), after_s=0.2) == [("BTC-USD", 97_001, 103_100)]


def test_a_message_that_cannot_be_read_is_survived():
    spot = Spot()
    assert spot.step(SchemaDrift("spot feed: no price")) == []
    assert spot.step(match(97_000)) != []


def test_the_past_is_read_once_for_each_symbol_and_again_where_that_failed():
    spot = Spot("BTC-USD", "ETH-USD")
    spot.venue.bars = {
        "BTC-USD": [Bar("BTC-USD", NOW_MS, 1, 4, 1, 3), Bar("BTC-USD", NOW_MS + 900_000, 3, 3, 3, 3)],
        "ETH-USD": Unavailable("down"),
    }
    for _ in range(4):
        spot.index.preload()
    assert spot.told == [PastSeen((IndexTick("BTC-USD", 3, NOW_MS),), NOW_MS + 100_000)], "the future is not the past"
    assert [symbol for symbol, *_ in spot.venue.asked] == ["BTC-USD", "ETH-USD"]
    spot.venue.bars["ETH-USD"] = []
    spot.s += PAST_RETRY_S
    spot.index.preload()
    spot.index.preload()
    assert len(spot.venue.asked) == 3


def test_it_is_no_trouble_not_to_have_tried_yet():
    spot = Spot()
    spot.venue.why_not = "not connected yet"
    assert spot.index.trouble == ""
    spot.step()
    assert spot.index.trouble == "not connected yet"


@pytest.mark.parametrize("seconds", [1, 2])
def test_nothing_is_told_before_the_first_match(seconds):
    assert Spot().step(after_s=seconds) == []
