"""Markets in time order: nothing of one part is known in the next, and what belongs together stays together."""

import pytest

from outcry.domain.errors import Misconfigured
from outcry.domain.market import Market, PriceRange, Status
from outcry.research.tuning.split import split

WINDOW_MS = 900_000
BANDS = (PriceRange(0, 10_000, 100),)


def market(number, event="", opened_ms=None, coin="BTC"):
    event = event or f"{coin}-{number:03}"
    opened_ms = number * WINDOW_MS if opened_ms is None else opened_ms
    return Market(f"{event}-{coin}", event, coin, 0, Status.ACTIVE, opened_ms, (number + 1) * WINDOW_MS, BANDS)


def names(part):
    return sorted(part.tickers)


def test_half_a_quarter_and_a_quarter_with_one_market_left_out_between():
    found = split(reversed([market(number) for number in range(40)]))
    assert names(found.train) == [f"BTC-{number:03}-BTC" for number in range(20)]
    assert names(found.validation) == [f"BTC-{number:03}-BTC" for number in range(21, 30)]
    assert names(found.test) == [f"BTC-{number:03}-BTC" for number in range(31, 40)]
    assert [part.events for part in (found.train, found.validation, found.test)] == [20, 9, 9]
    assert found.left_out == 2 and found.searched == found.train.tickers | found.validation.tickers
    assert found.train.last_ms <= found.validation.first_ms - WINDOW_MS
    assert (found.test.first_ms, found.test.last_ms) == (31 * WINDOW_MS, 40 * WINDOW_MS)


def test_coins_of_one_window_are_one_market_to_the_embargo():
    coins = ("BTC", "ETH", "SOL")
    found = split([market(number, coin=coin) for number in range(20) for coin in coins])
    closes = [{int(ticker[4:7]) for ticker in part.tickers} for part in (found.train, found.validation, found.test)]
    assert closes == [set(range(10)), set(range(11, 15)), set(range(16, 20))]
    assert found.left_out == 2 * len(coins)


def test_markets_of_one_event_stay_together_however_they_end():
    pairs = [market(number, event=f"E{number - number % 2}", coin=f"T{number % 2}") for number in range(40)]
    found = split(pairs)
    parts = [{ticker.split("-")[0] for ticker in part.tickers} for part in (found.train, found.validation, found.test)]
    assert all(not one & other for one in parts for other in parts if one is not other)
    assert all(len(part.tickers) == 2 * part.events for part in (found.train, found.validation, found.test))


def test_what_opened_before_the_part_before_was_over_is_left_out():
    markets = [market(number) for number in range(40)]
    markets[25] = market(25, opened_ms=19 * WINDOW_MS)
    markets[35] = market(35, opened_ms=0)
    found = split(markets)
    assert "BTC-025-BTC" not in found.validation.tickers and "BTC-035-BTC" not in found.test.tickers
    assert (found.validation.events, found.test.events, found.left_out) == (8, 8, 4)


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_to_split_is_said_in_one_line(count):
    with pytest.raises(Misconfigured, match=f"{count} events that ended on this tape cannot be split"):
        split([market(number) for number in range(count)])


def test_a_tape_of_markets_that_all_reach_over_each_other_cannot_be_split():
    with pytest.raises(Misconfigured, match="bring more days"):
        split([market(number, opened_ms=0) for number in range(40)])
