"""The spot feed against the local exchange's own spot venue: prices come, one absent product spoils no other."""

import time

import pytest

from local_exchange import LocalExchange, now_ms
from outcry.desk.collecting.spot_feed import SpotFeed
from outcry.domain.errors import Unavailable
from outcry.paper.events import IndexTick


@pytest.fixture
def exchange():
    running = LocalExchange("floor")
    yield running
    running.stop()


def prices(feed: SpotFeed, exchange: LocalExchange, count: int) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    end = time.monotonic() + 8
    while len(found) < count:
        assert time.monotonic() < end, feed.why_not
        exchange.feed(IndexTick("BTC-USD", 97_000_000_000, now_ms()))
        time.sleep(0.02)
        found += [(tick.symbol, tick.price_micros) for tick in feed.taken()]
    return found


def test_prices_come_though_one_product_is_not_there(exchange: LocalExchange):
    feed = SpotFeed(lambda: f"http://{exchange.host}:{exchange.port}/spot", ["BTC-USD", "X-USD"])
    assert set(prices(feed, exchange, 5)) == {("BTC-USD", 97_000_000_000)}
    assert feed.why_not == ""
    assert "X-USD" in feed.refused
    feed.close()


def test_an_address_that_is_not_known_yet_is_asked_for_again(exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("outcry.desk.collecting.spot_feed.POLL_S", 0.05)
    asked: list[int] = []

    def where() -> str:
        asked.append(1)
        if len(asked) < 3:
            raise Unavailable("the local exchange is not running")
        return f"http://{exchange.host}:{exchange.port}/spot"

    feed = SpotFeed(where, ["BTC-USD"])
    prices(feed, exchange, 1)
    assert len(asked) >= 3
    feed.close()
