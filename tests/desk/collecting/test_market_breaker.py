"""A market stopped before its abnormal book is published, and let go on five minutes after it was last abnormal."""

import pytest

from outcry.desk.collecting.market_breaker import MarketBreaker
from outcry.domain.errors import Unavailable
from outcry.domain.limits import Limits
from outcry.domain.view import Quote
from outcry.store import system

NOW = 1_795_000_000_000
M, N = "KXBTC15M-26NOV201215-15", "KXETH15M-26NOV201215-15"
STOP = 300_000


def quote(bid_cc=5_000, ticker=M, size_ch=10_000, distrust=""):
    bids, asks = ((bid_cc, size_ch),), ((bid_cc + 100, size_ch),)
    return Quote(ticker, 1, NOW, bids, asks, trusted=not distrust, distrust=distrust)


class Scene:
    def __init__(self, db):
        self.db = db
        self.restart()

    def restart(self, time_factor=1.0):
        self.breaker = MarketBreaker(self.db, Limits(), time_factor)

    def see(self, after_ms, *quotes):
        self.breaker.see(quotes, NOW + after_ms)

    def settle(self, after_ms):
        self.breaker.settle(NOW + after_ms)

    def stopped(self):
        assert all(
            (row.scope, row.kind, row.cause) == ("market", "stop_entries", "abnormal_market")
            for row in system.controls_now(self.db)
        )
        return [row.name for row in system.controls_now(self.db)]


@pytest.fixture
def scene(db):
    return Scene(db)


def test_one_that_jumps_is_stopped_alone_and_for_five_minutes(scene):
    scene.see(0, quote(), quote(ticker=N))
    scene.see(500, quote(7_000), quote(5_100, ticker=N))
    assert scene.stopped() == []
    scene.see(600, quote(7_001), quote(5_200, ticker=N))
    assert scene.stopped() == [M]
    (control,) = system.controls_now(scene.db)
    assert control.reason == "price jumped 0.2001 within 2000 ms, limit 0.2"
    scene.settle(600 + STOP - 1)
    assert scene.stopped() == [M]
    scene.settle(600 + STOP)
    assert scene.stopped() == []
    told = [(row["level"], row["event"]) for row in system.recent_events(scene.db)]
    assert told == [("info", "allowed_entries"), ("warning", "stopped_entries")]


def test_it_lasts_from_when_it_was_last_abnormal(scene):
    scene.see(0, quote())
    scene.see(100, quote(8_000))
    scene.see(60_000, quote(8_000))
    scene.see(60_200, quote(5_000))
    scene.settle(100 + STOP)
    assert scene.stopped() == [M]
    scene.settle(60_200 + STOP)
    assert scene.stopped() == []


def test_it_ends_over_a_restart_too(scene):
    scene.see(0, quote())
    scene.see(100, quote(8_000))
    scene.restart()
    scene.settle(100 + STOP - 1)
    assert scene.stopped() == [M]
    scene.settle(100 + STOP)
    assert scene.stopped() == []


def test_a_book_that_was_not_whole_begins_anew(scene):
    scene.see(0, quote())
    scene.see(100, quote(distrust="no snapshot yet"))
    scene.see(200, quote(8_000))
    assert scene.stopped() == []


def test_a_book_crossed_for_longer_than_a_second(scene):
    scene.see(0, quote())
    for after_ms in (1_000, 2_000):
        scene.see(after_ms, quote(distrust="crossed"))
        assert scene.stopped() == []
    scene.see(2_001, quote(distrust="crossed"))
    assert scene.stopped() == [], "looked at a moment ago"
    scene.see(2_101, quote(distrust="crossed"))
    assert scene.stopped() == [M]


def test_size_that_is_gone(scene):
    scene.see(0, quote())
    scene.see(1_000, quote(size_ch=999))
    assert scene.stopped() == [M]


def test_both_times_are_shortened_with_the_windows(scene):
    scene.restart(time_factor=10.0)
    scene.see(0, quote(), quote(ticker=N))
    scene.see(100, quote(6_500), quote(7_100, ticker=N))
    scene.see(310, quote(8_000), quote(7_100, ticker=N))
    assert scene.stopped() == [N]
    scene.settle(100 + STOP // 10)
    assert scene.stopped() == []


def test_what_the_database_refused_is_told_the_next_time(scene, monkeypatch):
    def fails(*arguments, **more):
        raise Unavailable("locked")

    scene.see(0, quote())
    with monkeypatch.context() as broken:
        broken.setattr(system, "set_control", fails)
        with pytest.raises(Unavailable):
            scene.see(100, quote(8_000))
    assert scene.stopped() == []
    scene.see(10_000)
    assert scene.stopped() == [M]
