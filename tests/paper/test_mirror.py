"""One local exchange mirrors another over loopback, by REST and by stream: books, prints, fills, life, index."""

import math
import time
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization

from local_exchange import OTHER, TICKER, LocalExchange, market, now_ms
from mirroring import PaperExchange, upstream
from outcry.domain.errors import Misconfigured
from outcry.domain.market import FeeTerms, PriceRange, Status
from outcry.domain.order import Side
from outcry.paper.engine.records import OrderStatus
from outcry.paper.events import BookChange, BookSet, Determined, IndexTick, Listed, Print, Settled
from outcry.paper.mirror import poll as mirror_poll
from outcry.paper.mirror import watch as mirror_watch
from outcry.paper.mirror.source import Scope, read_series
from outcry.venue import sign

BIDS, ASKS = {4_000: 50_000, 3_900: 10_000}, {4_200: 30_000, 4_300: 80_000}


@pytest.fixture
def source():
    """The exchange that is mirrored: one open market with a book, and the index at $97 000."""
    exchange = LocalExchange("reader")
    exchange.list(market())
    exchange.feed(BookSet(TICKER, dict(BIDS), dict(ASKS), now_ms()), IndexTick("BTC-USD", 97_000_000_000, now_ms()))
    yield exchange
    exchange.stop()


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    """Loopback has no limits to keep: look often."""
    for name, every_s in (("OPEN_EVERY_S", 0.2), ("STRIKE_EVERY_S", 0.2), ("AHEAD_EVERY_S", 0.5)):
        monkeypatch.setattr(mirror_watch, name, every_s)
    monkeypatch.setattr(mirror_watch, "OUTCOME_EVERY_S", ((math.inf, 0.2),))
    for name in ("LISTING_EVERY_S", "EMPTY_LISTING_EVERY_S", "BOOKS_EVERY_S"):
        monkeypatch.setattr(mirror_poll, name, 0.2)


@pytest.fixture(params=["polled", "streamed"])
def paper(request, source):
    """The mirror, without and with a key."""
    signer = source.signers["reader"] if request.param == "streamed" else None
    exchange = PaperExchange(upstream(source.host, source.port, signer))
    exchange.until(lambda: TICKER in exchange.engine.state.markets)
    exchange.until(lambda: status(exchange) is Status.ACTIVE)
    yield exchange
    exchange.stop()


def status(paper, ticker=TICKER):
    return paper.engine.market(ticker).market.status


def shown(paper, ticker=TICKER):
    return paper.engine.displayed(ticker)


def test_the_market_and_its_book_are_upstreams(paper, source):
    paper.until(lambda: shown(paper) == (BIDS, ASKS))
    theirs, ours = source.engine.market(TICKER).market, paper.engine.market(TICKER).market
    exact = ("price_ranges", "fee", "strike_type", "strike_micros", "exchange_index", "underlying", "event_ticker")
    assert all(getattr(ours, name) == getattr(theirs, name) for name in exact)
    assert (ours.open_at_ms, ours.close_at_ms) == (theirs.open_at_ms, theirs.close_at_ms)
    assert [info.ticker for info in paper.mirror.series()] == ["KXBTC15M", "KXETH15M"]
    assert paper.mirror.series()[0].exchange_index == 2


def test_a_resting_order_is_filled_by_the_mirrored_prints_behind_what_was_ahead(paper, source):
    order = paper.order(TICKER, Side.BID, 4_000, 2_000)
    assert order.status is OrderStatus.RESTING
    source.feed(
        Print(TICKER, 4_000, 45_000, Side.ASK, now_ms()), BookChange(TICKER, Side.BID, 4_000, -45_000, now_ms())
    )
    paper.until(lambda: shown(paper)[0].get(4_000) == 5_000 + 2_000)
    assert order.filled_ch == 0
    source.feed(
        Print(TICKER, 4_000, 5_000, Side.ASK, now_ms()),
        BookChange(TICKER, Side.BID, 4_000, -5_000, now_ms()),
    )
    paper.until(lambda: shown(paper)[0].get(4_000) == 2_000)
    assert order.filled_ch == 0
    source.feed(
        BookChange(TICKER, Side.BID, 4_000, 9_000, now_ms()),
        Print(TICKER, 4_000, 1_500, Side.ASK, now_ms()),
        BookChange(TICKER, Side.BID, 4_000, -1_500, now_ms()),
    )
    paper.until(lambda: order.filled_ch == 1_500)
    paper.until(lambda: shown(paper)[0].get(4_000) == 7_500 + 500)


def test_a_taker_walks_the_mirrored_book_and_what_it_took_stays_taken(paper, source):
    order = paper.order(TICKER, Side.BID, 4_300, 40_000, ioc=True)
    assert (order.filled_ch, order.taker_value_micros) == (40_000, 4_200 * 30_000 + 4_300 * 10_000)
    source.feed(BookChange(TICKER, Side.ASK, 4_400, 100, now_ms()))
    paper.until(lambda: shown(paper)[1] == {4_300: 70_000, 4_400: 100})


def test_the_public_numbers_and_the_prints_are_upstreams(paper, source):
    source.feed(Print(TICKER, 4_200, 700, Side.BID, now_ms()), BookChange(TICKER, Side.ASK, 4_200, -700, now_ms()))
    paper.until(lambda: len(paper.engine.market(TICKER).trades) == 1)
    trade = paper.engine.market(TICKER).trades[0]
    assert (trade.price_cc, trade.count_ch, trade.taker_side) == (4_200, 700, Side.BID)
    paper.until(lambda: paper.engine.market(TICKER).volume_ch == 700)
    assert paper.engine.market(TICKER).last_price_cc == 4_200


def test_the_index_comes_through_with_its_history(paper, source):
    source.feed(IndexTick("BTC-USD", 97_500_000_000, now_ms() + 1))
    paper.until(lambda: paper.mirror.history("BTC-USD", 0, 1 << 60)[-1:] != [])
    paper.until(lambda: paper.mirror.history("BTC-USD", 0, 1 << 60)[-1].value_micros == 97_500_000_000)


def test_a_new_description_a_pause_and_the_next_market_follow(paper, source):
    finer = replace(
        source.engine.market(TICKER).market,
        price_ranges=(PriceRange(0, 10_000, 10),),
        strike_micros=97_777_000_000,
        fee=FeeTerms("quadratic", 500_000),
    )
    source.feed(Listed(finer, now_ms()))
    paper.until(lambda: paper.engine.market(TICKER).market.price_ranges == finer.price_ranges, 12)
    assert paper.engine.market(TICKER).market.strike_micros == 97_777_000_000
    source.feed(Listed(replace(finer, status=Status.INACTIVE), now_ms()))
    paper.until(lambda: status(paper) is Status.INACTIVE, 12)
    source.feed(Listed(finer, now_ms()))
    paper.until(lambda: status(paper) is Status.ACTIVE, 12)


def test_it_settles_as_upstream_did(paper, source):
    order = paper.order(TICKER, Side.BID, 4_200, 1_000, ioc=True)
    assert order.filled_ch == 1_000
    cash = paper.engine.balance("ann", 2).cash_micros
    closing = replace(source.engine.market(TICKER).market, close_at_ms=now_ms() // 1000 * 1000 + 1_000)
    source.feed(Listed(closing, now_ms()))
    time.sleep(max(0, closing.close_at_ms - now_ms()) / 1000 + 0.05)
    source.feed(Determined(TICKER, "scalar", 3_700, now_ms(), 97_123_450_000))
    paper.until(lambda: status(paper) is Status.DETERMINED, 12)
    source.feed(Settled(TICKER, now_ms()))
    paper.until(lambda: status(paper) is Status.FINALIZED, 12)
    assert paper.engine.balance("ann", 2).cash_micros == cash + 3_700 * 1_000
    assert paper.engine.market(TICKER).market.result == "scalar"
    assert paper.engine.market(TICKER).expiration_value_micros == 97_123_450_000


def test_a_coming_market_is_there_before_it_opens_and_its_strike_follows(paper, source):
    coming = market(OTHER, opens_in_ms=1_500, strike_micros=None)
    source.list(coming)
    paper.until(lambda: OTHER in paper.engine.state.markets, 12)
    paper.until(lambda: status(paper, OTHER) is Status.ACTIVE, 12)
    source.feed(
        Listed(replace(coming, strike_micros=3_100_000_000), now_ms()),
        BookSet(OTHER, {5_000: 100}, {5_100: 100}, now_ms()),
    )
    paper.until(lambda: shown(paper, OTHER) == ({5_000: 100}, {5_100: 100}), 12)
    paper.until(lambda: paper.engine.market(OTHER).market.strike_micros == 3_100_000_000, 12)


def test_a_key_that_upstream_does_not_know_is_a_persons_to_mend(source):
    private, _public = sign.generate()
    stranger = sign.Signer(serialization.load_pem_private_key(private, None), "00000000-0000-0000-0000-000000000000")
    where = upstream(source.host, source.port, stranger)
    with pytest.raises(Misconfigured, match="check the key"):
        read_series(where, Scope({"KXBTC15M": "BTC-USD"}, per_s=50.0))


def test_what_follows_a_failure_to_keep_is_not_lost(source):
    source.engine.state.unsaved.markets.add(TICKER)
    source.books.refusing = True
    source.feed(*(BookChange(TICKER, Side.BID, 3_800, 100, now_ms()) for _ in range(5)))
    source.books.refusing = False
    deadline = time.monotonic() + 5
    while source.engine.displayed(TICKER)[0].get(3_800) != 500:
        assert time.monotonic() < deadline
        source.feed(IndexTick("BTC-USD", 97_000_000_000, now_ms()))
