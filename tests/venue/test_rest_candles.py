"""Candlesticks: exact numbers, prices that may be absent, and no more in one call than the exchange gives."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.errors import SchemaDrift, Unavailable
from outcry.venue.candle_rows import Candle, Ohlc
from outcry.venue.rest_candles import _portions

BASE = "https://exchange.test/trade-api/v2"
TICKER = "KXBTC15M-26NOV201215-15"
OTHER = "KXETH15M-26NOV201215-15"
ONE = f"{BASE}/series/KXBTC15M/markets/{TICKER}/candlesticks"
EVENT = f"{BASE}/series/KXBTC15M/events/E/candlesticks"
START, END = 1_795_194_060, 1_795_194_180
TRADED = Candle(
    START * 1000,
    Ohlc(4200, 4500, 4100, 4400),
    Ohlc(4400, 4700, 4300, 4600),
    Ohlc(4300, 4600, 4200, 4500),
    438_725,
    4100,
    131_025,
    912_010,
)


def questions(exchange):
    return [parse_qs(urlsplit(call.request.url).query) for call in exchange.calls]


def test_periods_with_trades_without_and_without_a_book(rest, exchange, payload):
    exchange.get(ONE, body=payload("candles"))
    traded, quiet, empty = rest.candles("KXBTC15M", TICKER, START, END, 1)
    assert traded == TRADED
    assert (quiet.price, quiet.mean_micros, quiet.previous_cc) == (None, None, 4500)
    assert (empty.bid, empty.ask, empty.previous_cc) == (Ohlc(0, 0, 0, 0), Ohlc(*[10_000] * 4), None)
    assert questions(exchange) == [
        {"start_ts": [str(START)], "end_ts": [str(END)], "period_interval": ["1"]},
    ]


def test_archived_ones_say_the_same_in_other_words(rest, exchange, payload):
    exchange.get(ONE, body=payload("candles"))
    exchange.get(f"{BASE}/historical/markets/{TICKER}/candlesticks", body=payload("candles_archived"))
    live = rest.candles("KXBTC15M", TICKER, START, END, 1)
    assert rest.archived_candles(TICKER, START, END, 1) == live[:2]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: row.pop("yes_bid"),
        lambda row: row["yes_ask"].pop("low_dollars"),
        lambda row: row["yes_bid"].update(open_dollars="1.01"),
        lambda row: row["yes_bid"].update(open_dollars=None),
        lambda row: row["price"].pop("close_dollars"),
        lambda row: row["price"].update(high_dollars=None),
        lambda row: row["price"].update(mean_dollars="x"),
        lambda row: row.update(volume_fp="1.001"),
        lambda row: row.update(end_period_ts=START * 1000),
    ],
)
def test_a_candlestick_that_cannot_be_read_is_drift(rest, exchange, change, spoil):
    tree = change("candles")
    spoil(tree["candlesticks"][0])
    exchange.get(ONE, json=tree)
    with pytest.raises(SchemaDrift):
        rest.candles("KXBTC15M", TICKER, START, END, 1)


def test_many_markets_in_one_call_and_one_nobody_knows_is_empty(rest, exchange, payload):
    exchange.get(f"{BASE}/markets/candlesticks", body=payload("candles_many"))
    found = rest.many_candles([TICKER, OTHER, "NEW"], START, END, 1)
    assert {ticker: len(candles) for ticker, candles in found.items()} == {TICKER: 2, OTHER: 0, "NEW": 0}
    assert found[TICKER][0] == TRADED
    assert questions(exchange)[0]["market_tickers"] == [f"{TICKER},{OTHER},NEW"]


def test_a_time_that_ends_before_it_begins_asks_nobody(rest, exchange):
    assert rest.many_candles([TICKER], END, START, 1) == {TICKER: []}
    assert len(exchange.calls) == 0


def test_candles_that_were_not_asked_for_are_drift(rest, exchange, payload):
    exchange.get(f"{BASE}/markets/candlesticks", body=payload("candles_many"))
    with pytest.raises(SchemaDrift, match="KXETH15M"):
        rest.many_candles([TICKER], START, END, 1)


@given(
    markets=st.integers(1, 250),
    start=st.integers(0, 10_000),
    span=st.integers(0, 5_000_000),
    minutes=st.sampled_from([1, 60, 1440]),
)
def test_calls_for_many_stay_within_the_limits_and_leave_nothing_out(markets, start, span, minutes):
    tickers = [str(number) for number in range(markets)]
    period_s, asked = minutes * 60, dict.fromkeys(tickers, 0)
    for some, first, last in _portions(tickers, start, start + span, minutes):
        ends = last // period_s - (first - 1) // period_s
        assert 1 <= len(some) <= 100
        assert len(some) * ends <= 10_000
        for ticker in some:
            asked[ticker] += ends
    wanted = (start + span) // period_s - (start - 1) // period_s
    assert set(asked.values()) == {wanted}


def test_an_event_that_does_not_fit_one_answer_is_asked_for_on(rest, exchange, change):
    tree = change("candles_event")
    (rows,) = tree["market_candlesticks"]
    exchange.get(EVENT, json={**tree, "market_candlesticks": [rows[:2]], "adjusted_end_ts": END - 60})
    exchange.get(EVENT, json={**tree, "market_candlesticks": [rows[2:]], "adjusted_end_ts": END})
    found = rest.event_candles("KXBTC15M", "E", START, END, 1)
    assert [candle.end_at_ms for candle in found[TICKER]] == [START * 1000, (START + 60) * 1000, END * 1000]
    assert [asked["start_ts"] for asked in questions(exchange)] == [[str(START)], [str(END - 59)]]


@pytest.mark.parametrize("reached", [END, END + 30, END - 59, 0])
def test_an_event_that_fits_is_asked_for_once(rest, exchange, change, reached):
    exchange.get(EVENT, json=change("candles_event") | {"adjusted_end_ts": reached})
    assert len(rest.event_candles("KXBTC15M", "E", START, END, 1)[TICKER]) == 3
    assert len(exchange.calls) == 1


def test_an_event_that_gets_no_further_raises_rather_than_be_partial(rest, exchange, change):
    tree = change("candles_event")
    exchange.get(EVENT, json=tree | {"adjusted_end_ts": START})
    with pytest.raises(Unavailable, match="before"):
        rest.event_candles("KXBTC15M", "E", START, END, 1)
    assert len(exchange.calls) == 2
    exchange.replace("GET", EVENT, json=tree | {"market_tickers": []})
    with pytest.raises(SchemaDrift):
        rest.event_candles("KXBTC15M", "E", START, END, 1)
