import itertools
from pathlib import Path

import pytest

from market_statistics import statistics
from outcry.domain.book import Book
from outcry.domain.errors import Misconfigured
from outcry.domain.market import Status
from outcry.domain.order import Side
from outcry.paper.engine.engine import Engine
from outcry.paper.events import (
    BookChange,
    BookSet,
    Closed,
    Determined,
    IndexTick,
    Listed,
    Opened,
    Print,
    Settled,
    Stats,
)
from outcry.paper.generate.source import Generator
from outcry.paper.replay.source import Replay

SERIES = ("KXBTC15M", "KXETH15M")
START = 1_795_194_300_000  # five minutes into a quarter of an hour
FILES = ("ws_KXBTC15M_20260513T133313Z.jsonl.gz", "ws_KXBTC15M_20260513T205119Z.jsonl.gz")

# How far a generated market may be from the recorded ones, as a factor either way.
FACTORS = {
    "spread_cc": 1.0,
    "touch_ch": 2.0,
    "depth_ch": 3.0,
    "levels": 1.6,
    "add_ch": 3.0,
    "print_ch": 2.0,
    "changes_per_s": 2.0,
    "prints_per_s": 3.0,
    "volume_ch_per_s": 4.0,
    "cancels_per_print": 2.5,
    "adds_per_cancel": 1.2,
}


def generated(seconds, *, seed=1, start=START, step_ms=100, **settings):
    source = Generator(seed, SERIES, start, **settings)
    return [event for now in range(start, start + seconds * 1_000 + 1, step_ms) for event in source.advance(now)]


@pytest.fixture(scope="module")
def half_an_hour():
    return generated(1_800)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def test_the_same_seed_gives_the_same_events_however_it_is_asked():
    often, rarely = generated(60), generated(60, step_ms=1_700)
    assert len(rarely) > 3_000
    assert often[: len(rarely)] == rarely
    assert often != generated(60, seed=2)


def test_events_come_in_time_order_and_never_early():
    source, last = Generator(1, SERIES, START), 0
    for now in range(START, START + 30_000, 37):
        for event in source.advance(now):
            assert last <= event.at_ms <= now
            last = event.at_ms
        assert source.next_at_ms() > now


def test_a_market_lives_from_listing_to_payment(half_an_hour):
    ticker = "KXBTC15M-26NOV201230-30"
    life = [
        (type(event).__name__, event.at_ms - START)
        for event in half_an_hour
        if isinstance(event, Listed | Opened | Closed | Determined | Settled)
        and (event.market.ticker if isinstance(event, Listed) else event.ticker) == ticker
    ]
    assert life[:-1] == [
        ("Listed", 0),
        ("Opened", 600_000),
        ("Listed", 600_500),
        ("Closed", 1_500_000),
        ("Determined", 1_501_000),
    ]
    assert life[-1][0] == "Settled"
    assert 1_502_000 <= life[-1][1] <= 1_506_000


def test_yes_pays_when_the_mean_before_the_close_reaches_the_mean_before_the_opening(half_an_hour):
    index = {(tick.symbol, tick.at_ms // 1_000): tick.value_micros for tick in of(IndexTick, half_an_hour)}
    markets = {event.market.ticker: event.market for event in of(Listed, half_an_hour)}

    def mean_micros(market, at_ms):
        values = [index[market.underlying, at_ms // 1_000 - n] for n in range(60)]
        return round(sum(values) / 60 / 10_000) * 10_000

    checked = 0
    for event in of(Determined, half_an_hour):
        market = markets[event.ticker]
        assert event.expiration_value_micros == mean_micros(market, market.close_at_ms)
        assert event.result == ("yes" if event.expiration_value_micros >= market.strike_micros else "no")
        assert event.value_cc == (10_000 if event.result == "yes" else 0)
        if market.open_at_ms > START:
            assert market.strike_micros == mean_micros(market, market.open_at_ms)
            checked += 1
    assert checked == 2


def test_a_strike_is_to_be_determined_until_its_window_has_begun(half_an_hour):
    for event in of(Listed, half_an_hour):
        if event.at_ms < event.market.open_at_ms + 500:
            assert (event.market.status, event.market.strike_micros) == (Status.INITIALIZED, None) or (
                event.at_ms == START and event.market.open_at_ms < START
            )
        else:
            assert event.market.strike_micros is not None


def test_a_closed_market_is_emptied_and_left_alone(half_an_hour):
    closed = {}
    for event in half_an_hour:
        if isinstance(event, Closed):
            closed[event.ticker] = event.at_ms
        elif isinstance(event, BookChange | Print):
            assert event.ticker not in closed
        elif isinstance(event, BookSet) and event.ticker in closed:
            assert (event.bids, event.asks) == ({}, {})
    assert len(closed) == 4


def test_told_volumes_are_those_of_the_prints(half_an_hour):
    printed: dict[str, int] = {}
    told = 0
    for event in half_an_hour:
        if isinstance(event, Print):
            printed[event.ticker] = printed.get(event.ticker, 0) + event.count_ch
        elif isinstance(event, Stats):
            assert event.volume_ch == printed[event.ticker]
            assert 0 <= event.open_interest_ch <= event.volume_ch
            told += 1
    assert told > 1_000


def test_history_is_what_was_told_and_what_came_before(half_an_hour):
    source = Generator(1, SERIES, START)
    now = START + 60_000
    source.advance(now)
    past = source.history("BTC-USD", START - 3_600_000, now + 5_000)
    assert [tick.at_ms for tick in past] == list(range(START - 3_600_000, now + 1, 1_000))
    told = [tick for tick in of(IndexTick, half_an_hour) if tick.symbol == "BTC-USD" and tick.at_ms <= now]
    assert past[3_600:] == told
    assert source.history("DOGE-USD", START, now) == []


def test_an_exchange_that_starts_again_finds_the_same_index_and_settles_what_it_owes(half_an_hour):
    markets = {event.market.ticker: event.market for event in of(Listed, half_an_hour)}
    outcomes = {event.ticker: event for event in of(Determined, half_an_hour)}
    later = START + 1_700_000
    source = Generator(1, SERIES, later, owed=[markets[ticker] for ticker in outcomes])
    again = source.advance(later)
    for ticker, outcome in outcomes.items():
        found = next(event for event in of(Determined, again) if event.ticker == ticker)
        assert (found.result, found.expiration_value_micros) == (outcome.result, outcome.expiration_value_micros)
        assert Settled(ticker, later) in again
    listed = {event.market.ticker: event.market for event in of(Listed, again)}
    assert listed["KXBTC15M-26NOV201245-45"] == markets["KXBTC15M-26NOV201245-45"]


def test_shortened_windows_follow_each_other_without_a_gap():
    events = generated(150, window_s=45, average_s=3)
    opened = [event for event in of(Opened, events) if event.ticker.startswith("KXBTC")]
    assert [event.at_ms % 45_000 for event in opened[1:]] == [0, 0, 0, 0]
    assert len({event.ticker for event in opened}) == 5


def middles(events):
    """The middle of the first market's book after each of its events: (when, centicents)."""
    book, ticker, seen = Book(), None, []
    for event in events:
        if isinstance(event, BookSet) and ticker in (None, event.ticker):
            ticker = event.ticker
            book.replace(dict(event.bids), dict(event.asks))
        elif isinstance(event, BookChange) and event.ticker == ticker:
            book.apply(event.side is Side.BID, event.price_cc, event.change_ch)
            seen.append((event.at_ms, ((book.bid_cc or 0) + (book.ask_cc or 10_000)) / 2))
    return seen


def test_a_crowd_that_is_late_quotes_the_past_and_what_pays_is_the_present():
    lag_ms, fresh = 20_000, {"start": START + 600_000}  # a quarter has just begun: its price is open
    now, late = (middles(generated(90, crowd_lag_ms=ms, **fresh)) for ms in (0, lag_ms))

    def apart_cc(by_ms):
        """How far the late book is from the prompt one so long before, on average over a minute."""
        prompt = {at_ms // 1_000: middle for at_ms, middle in now}
        pairs = [(middle, prompt[(at_ms - by_ms) // 1_000]) for at_ms, middle in late if at_ms >= START + 630_000]
        return sum(abs(one - other) for one, other in pairs) / len(pairs)

    assert apart_cc(lag_ms) < 200 < apart_cc(0) / 3
    short = {"window_s": 45, "average_s": 3}
    assert of(Determined, generated(150, **short)) == of(Determined, generated(150, crowd_lag_ms=lag_ms, **short))


def test_every_series_it_knows_has_an_index_and_markets():
    known = {"BTC": 97_000, "ETH": 3_300, "SOL": 165, "BNB": 900, "XRP": 2.2, "DOGE": 0.17}
    source = Generator(1, [f"KX{asset}15M" for asset in known], START)
    begun = source.advance(START)
    for symbol, dollars in ((f"{asset}-USD", dollars) for asset, dollars in known.items()):
        ticks = source.history(symbol, START - 60_000, START)
        assert 0.7 < ticks[-1].value_micros / 1_000_000 / dollars < 1.4
        assert len({tick.value_micros for tick in ticks}) > 10, "its tick is finer than what it moves in a second"
        assert [event.market.underlying for event in of(Listed, begun)].count(symbol) == 2, "this window, and the next"


def test_unknown_series_and_impossible_means_are_refused():
    with pytest.raises(Misconfigured, match="no generated index for series KXHIGHNY"):
        Generator(1, ["KXHIGHNY"], START)
    with pytest.raises(Misconfigured, match="mean over 60 s does not fit"):
        Generator(1, SERIES, START, window_s=45)


def test_the_exchange_takes_every_event_of_it(half_an_hour):
    ids = itertools.count()
    engine = Engine(lambda: str(next(ids)))
    for event in half_an_hour:
        engine.feed(event)
    statuses = {record.market.ticker: record.market.status for record in engine.markets()}
    assert sorted(statuses.values()).count(Status.FINALIZED) == 4
    book: dict[tuple[str, Side], dict[int, int]] = {}
    for event in half_an_hour:
        if isinstance(event, BookSet):
            book[event.ticker, Side.BID], book[event.ticker, Side.ASK] = dict(event.bids), dict(event.asks)
        elif isinstance(event, BookChange):
            level = book[event.ticker, event.side]
            level[event.price_cc] = level.get(event.price_cc, 0) + event.change_ch
    for ticker, status in statuses.items():
        if status is Status.ACTIVE:
            bids, asks = engine.displayed(ticker)
            assert bids == {price: size for price, size in book[ticker, Side.BID].items() if size}
            assert asks == {price: size for price, size in book[ticker, Side.ASK].items() if size}


@pytest.mark.recorded
def test_generated_markets_look_like_recorded_ones(recordings: Path, half_an_hour):
    source = Replay([recordings / "kalshi_btc15m_ws" / name for name in FILES], start_ms=START)
    recorded = []
    while (next_ms := source.next_at_ms()) is not None:
        recorded += source.advance(next_ms + 1_000)
    theirs, ours = statistics(recorded), statistics(half_an_hour)
    assert ours["crossed"] == 0
    apart = {
        name: (ours[name], theirs[name], factor)
        for name, factor in FACTORS.items()
        if not theirs[name] / factor <= ours[name] <= theirs[name] * factor
    }
    assert not apart
    assert 20 <= ours["changes_per_s"] <= 120
