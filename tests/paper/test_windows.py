from datetime import UTC, datetime

import pytest

from outcry.domain.errors import Misconfigured
from outcry.domain.market import Status
from outcry.paper.generate.tapered import ceil_cc, floor_cc, prices
from outcry.paper.generate.windows import close_of, names, series_info, window_at


def ms(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("close", "ticker"),
    [
        (ms(2026, 5, 13, 13, 45), "KXBTC15M-26MAY130945-45"),  # summer: four hours behind
        (ms(2026, 11, 20, 17, 15), "KXBTC15M-26NOV201215-15"),  # winter: five
        (ms(2026, 5, 12, 1, 15), "KXBTC15M-26MAY112115-15"),  # the day before, over there
        (ms(2026, 3, 8, 6, 45), "KXBTC15M-26MAR080145-45"),  # the last quarter of winter time
        (ms(2026, 3, 8, 7, 0), "KXBTC15M-26MAR080300-00"),  # clocks jump from 2:00 to 3:00
        (ms(2026, 11, 1, 5, 45), "KXBTC15M-26NOV010145-45"),
        (ms(2026, 11, 1, 7, 0), "KXBTC15M-26NOV010200-00"),
        (ms(2027, 1, 1, 4, 45), "KXBTC15M-26DEC312345-45"),
    ],
)
def test_tickers_name_the_close_in_new_york_and_can_be_read_back(close, ticker):
    assert names("KXBTC15M", close)[1] == ticker
    assert close_of(ticker) == close


def test_no_two_windows_of_the_repeated_autumn_hour_share_a_ticker():
    closes = range(ms(2026, 11, 1, 4), ms(2026, 11, 1, 9), 900_000)
    assert len({names("KXBTC15M", close)[1] for close in closes}) == len(closes)


def test_shortened_windows_carry_their_seconds():
    closes = range(ms(2026, 11, 20, 17), ms(2026, 11, 20, 18), 45_000)
    tickers = [names("KXETH15M", close, 45_000)[1] for close in closes]
    assert tickers[1] == "KXETH15M-26NOV20120045-0045"
    assert len(set(tickers)) == len(tickers)


def test_a_ticker_without_a_time_is_refused():
    with pytest.raises(Misconfigured, match="does not say when it closes"):
        close_of("KXHIGHNY")


def test_a_window_describes_its_market():
    window = window_at("KXBTC15M", ms(2026, 11, 20, 17, 3), 900_000)
    market = window.market(Status.INITIALIZED, None)
    assert (market.open_at_ms, market.close_at_ms) == (ms(2026, 11, 20, 17), ms(2026, 11, 20, 17, 15))
    assert (market.ticker, market.event_ticker) == ("KXBTC15M-26NOV201215-15", "KXBTC15M-26NOV201215")
    assert (market.strike_micros, market.strike_type, market.underlying) == (None, "greater_or_equal", "BTC-USD")
    assert "TBD" in market.title
    assert "$97,123.45" in window.market(Status.ACTIVE, 97_123_450_000).title
    assert market.exchange_index == series_info("KXBTC15M").exchange_index == 2


def test_snapping_agrees_with_the_markets_own_price_ranges():
    market = window_at("KXBTC15M", 0, 900_000).market(Status.ACTIVE, None)
    assert all(market.on_grid(price) for price in prices())
    assert len(prices()) == sum(market.on_grid(price) for price in range(10_001))
    for price in range(10, 9_991):
        assert floor_cc(price) == market.snap(price, down=True)
        assert ceil_cc(price) == market.snap(price, down=False)
