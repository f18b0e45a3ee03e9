"""Mirrored markets on a real engine: listed, traded on, stale, halted, closed, decided and paid as upstream says."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_kit import SHARD, TICKER, check, counter, market
from outcry.domain.book import Book
from outcry.domain.market import FeeTerms, PriceRange, Status
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.engine import Engine
from outcry.paper.engine.records import NewOrderRequest, OrderStatus, Reason, Reject
from outcry.paper.events import BookChange, BookSet, Determined, IndexTick, Lifecycle, Listed, Print, Settled, Stats
from outcry.paper.mirror.reflection import Reflection
from outcry.paper.mirror.seen import (
    BooksSeen,
    ChangeSeen,
    HeardSeen,
    LostSeen,
    NumbersSeen,
    PastSeen,
    PausedSeen,
    PrintSeen,
    RowsSeen,
)
from outcry.venue.wire import PublicTrade

STALE_MS, GAP_MS = 10_000, 2_000
ROW = market(status=Status.ACTIVE, underlying="BTC-USD", strike_type="greater_or_equal", strike_micros=97_000_000_000)
BIDS, ASKS = {4_000: 50_000, 3_900: 10_000}, {4_200: 30_000, 4_300: 80_000}


class Paper:
    """A reflection, and the engine it talks to, with one account."""

    def __init__(self, *, polled: bool = True, known=(), engine: Engine | None = None) -> None:
        self.engine = engine or Engine(counter())
        self.engine.add_account("ann", {SHARD: 1_000_000_000})
        self.reflection = Reflection(polled=polled, stale_ms=STALE_MS, gap_ms=GAP_MS, known=known)
        self.now = 2_000
        self.told: list = []
        self.came: list = []

    def see(self, seen) -> list:
        """Let the reflection see something now; returns what it tells."""
        return self._feed(self.reflection.see(seen, self.now))

    def wait(self, ms: int) -> list:
        """Let time pass, in the exchange's small steps; returns what is told."""
        told = []
        for _ in range(0, ms, 50):
            self.now += 50
            told += self._feed(self.reflection.step(self.now))
        return told

    def _feed(self, events) -> list:
        for event in events:
            self.came += self.engine.feed(event)
            check(self.engine)
        self.told += events
        return events

    def rows(self, *rows):
        return self.see(RowsSeen(rows or (ROW,), self.now))

    def books(self, bids=None, asks=None, at_ms=None):
        whole = (dict(BIDS) if bids is None else bids), (dict(ASKS) if asks is None else asks)
        return self.see(BooksSeen({TICKER: whole}, self.now if at_ms is None else at_ms))

    def printed(self, price_cc, count_ch, side=Side.ASK, at_ms=None, *, block=False, known=True, name=""):
        at_ms = self.now if at_ms is None else at_ms
        one = PublicTrade(name or f"u{at_ms}-{price_cc}", TICKER, price_cc, count_ch, side, at_ms, block)
        return self.see(PrintSeen(one, known, self.now))

    def order(self, side, price_cc, count_ch, **more):
        wanted = {"time_in_force": TimeInForce.GTC, "ticker": TICKER} | more
        request = NewOrderRequest(side=side, price_cc=price_cc, count_ch=count_ch, **wanted)
        order, _ = self.engine.create("ann", request, self.now)
        return order

    @property
    def status(self) -> Status:
        self.came += self.engine.tick(self.now)
        return self.engine.market(TICKER).market.status

    def kinds(self) -> list[str]:
        return [event.kind for event in self.came if isinstance(event, Lifecycle)]


@pytest.fixture
def paper() -> Paper:
    """One market, polled and open."""
    one = Paper()
    one.rows()
    one.books()
    return one


def kinds(events) -> list[str]:
    return [type(event).__name__ for event in events]


# ---- listing and trading ---------------------------------------------------------------------------------------------


def test_an_open_market_is_listed_once_its_book_was_seen():
    paper = Paper()
    assert paper.rows() == []
    told = paper.books()
    assert kinds(told) == ["Listed", "Stats", "BookSet"]
    assert paper.engine.displayed(TICKER) == (BIDS, ASKS)
    assert paper.status is Status.ACTIVE


def test_a_coming_market_is_listed_at_once_and_opens_by_itself():
    paper = Paper()
    row = replace(ROW, status=Status.INITIALIZED, open_at_ms=5_000, strike_micros=None)
    assert paper.rows(row) == [Listed(row, 2_000), Stats(TICKER, None, 0, 0, 2_000)]
    assert paper.wait(3_500) == []
    assert paper.status is Status.ACTIVE
    assert kinds(paper.books()) == ["BookSet"]
    assert paper.kinds() == ["created"]


def test_a_market_that_opens_without_ever_a_book_is_deactivated():
    paper = Paper()
    paper.rows(replace(ROW, status=Status.INITIALIZED, open_at_ms=5_000))
    paper.wait(3_000 + STALE_MS + 100)
    assert paper.status is Status.INACTIVE


def test_grid_fees_and_strike_are_upstreams_and_follow_it(paper):
    row = replace(
        ROW, price_ranges=(PriceRange(0, 10_000, 10),), fee=FeeTerms("quadratic", 500_000), strike_micros=98_000_000_000
    )
    assert kinds(paper.rows(row)) == ["Listed"]
    assert paper.engine.market(TICKER).market == replace(row, status=Status.ACTIVE)
    assert paper.kinds() == ["created", "price_level_structure_updated", "metadata_updated"]
    assert paper.rows(row) == []
    order = paper.order(Side.BID, 4_210, 1_000, time_in_force=TimeInForce.IOC)
    assert (order.filled_ch, order.fees_micros) == (1_000, 85_300)  # half of 0.07 x 10 x 0.42 x 0.58, a 1e-4 up


def test_a_resting_order_fills_by_the_mirrored_prints_after_what_was_ahead_of_it(paper):
    order = paper.order(Side.BID, 4_000, 10_000)
    paper.wait(1_000)
    paper.printed(4_000, 45_000)
    assert order.filled_ch == 0
    paper.wait(100)
    paper.books({4_000: 5_000, 3_900: 10_000}, ASKS)
    assert order.filled_ch == 0
    paper.wait(1_000)
    paper.printed(4_000, 8_000)
    paper.books({3_900: 10_000}, ASKS)
    assert (order.filled_ch, order.fees_micros) == (3_000, 0)


def test_a_taker_takes_the_mirrored_size_once_however_often_it_is_seen(paper):
    first = paper.order(Side.BID, 4_200, 30_000, time_in_force=TimeInForce.IOC)
    assert first.filled_ch == 30_000
    for _ in range(3):
        paper.wait(1_000)
        assert paper.books() == []
    assert paper.order(Side.BID, 4_200, 30_000, time_in_force=TimeInForce.IOC).filled_ch == 0
    paper.wait(1_000)
    paper.books(BIDS, {4_200: 40_000, 4_300: 80_000})
    assert paper.order(Side.BID, 4_200, 30_000, time_in_force=TimeInForce.IOC).filled_ch == 10_000


def test_block_trades_and_prints_of_unknown_taker_count_but_fill_nobody(paper):
    order = paper.order(Side.BID, 4_100, 1_000)
    paper.wait(1_000)
    paper.printed(4_100, 5_000, block=True)
    paper.printed(4_100, 5_000, known=False, name="unknown")
    paper.books()
    assert order.filled_ch == 0
    assert [event.taker_side for event in paper.told if isinstance(event, Print)] == [None, None]


def test_public_numbers_are_upstreams_and_never_run_backwards(paper):
    paper.rows(replace(ROW, volume_ch=90_000, open_interest_ch=70_000))
    paper.see(NumbersSeen(TICKER, 4_100, 95_000, 71_000, paper.now))
    assert paper.rows(replace(ROW, volume_ch=94_000, open_interest_ch=70_500)) == []
    record = paper.engine.market(TICKER)
    assert (record.last_price_cc, record.volume_ch, record.open_interest_ch) == (4_100, 95_000, 71_000)


# ---- outages ---------------------------------------------------------------------------------------------------------


def test_a_stale_book_deactivates_the_market_and_fills_nothing(paper):
    order = paper.order(Side.BID, 4_100, 1_000)
    paper.wait(STALE_MS)
    assert paper.status is Status.ACTIVE
    assert kinds(paper.wait(100)) == ["Listed"]
    assert (paper.status, paper.kinds()[-1]) == (Status.INACTIVE, "deactivated")
    with pytest.raises(Reject):
        paper.order(Side.BID, 4_200, 1_000, time_in_force=TimeInForce.IOC)
    paper.printed(4_100, 50_000)
    assert (order.filled_ch, order.status) == (0, OrderStatus.RESTING)


def test_a_stale_market_still_takes_cancels(paper):
    order = paper.order(Side.BID, 4_100, 1_000)
    paper.wait(STALE_MS + 100)
    paper.engine.cancel("ann", order.order_id, TICKER, None, paper.now)
    assert order.status is OrderStatus.CANCELED


def test_on_recovery_the_book_is_whole_before_the_market_trades_and_nothing_resting_met_it(paper):
    order = paper.order(Side.BID, 4_100, 1_000)
    paper.wait(STALE_MS + 5_000)
    paper.printed(3_500, 70_000, at_ms=paper.now - 3_000, name="missed")
    told = paper.books({3_400: 100}, {3_600: 900})
    assert kinds(told) == ["BookSet", "Listed"]
    assert paper.status is Status.ACTIVE
    assert (order.filled_ch, order.status, order.reason) == (0, OrderStatus.CANCELED, Reason.HALT)
    assert paper.engine.displayed(TICKER) == ({3_400: 100}, {3_600: 900})
    assert paper.kinds() == ["created", "deactivated", "activated"]


def test_what_our_taker_took_is_remembered_through_an_outage(paper):
    paper.order(Side.BID, 4_200, 30_000, time_in_force=TimeInForce.IOC)
    paper.wait(STALE_MS + 1_000)
    paper.books()
    assert paper.engine.displayed(TICKER)[1] == {4_300: 80_000}


def test_a_short_gap_leaves_the_market_open_and_the_next_whole_book_mends_it():
    paper = Paper(polled=False)
    paper.rows()
    paper.books()
    paper.see(LostSeen(frozenset({TICKER}), paper.now))
    assert paper.see(ChangeSeen(TICKER, True, 4_000, -50_000, paper.now)) == []
    paper.wait(GAP_MS - 100)
    told = paper.books({4_000: 20_000}, ASKS)
    assert [(event.price_cc, event.change_ch) for event in told] == [(3_900, -10_000), (4_000, -30_000)]
    assert paper.kinds() == ["created"]


def test_a_long_gap_deactivates_the_market_until_its_book_is_whole_again():
    paper = Paper(polled=False)
    paper.rows()
    paper.books()
    paper.see(LostSeen(None, paper.now))
    for _ in range(GAP_MS // 500 + 1):
        paper.wait(500)
        paper.see(HeardSeen(paper.now))
    assert paper.status is Status.INACTIVE
    assert kinds(paper.books()) == ["BookSet", "Listed"]


def test_a_stream_that_only_pings_keeps_its_books_fresh_and_silence_does_not():
    paper = Paper(polled=False)
    paper.rows()
    paper.books()
    for _ in range(6):
        paper.wait(STALE_MS // 2)
        paper.see(HeardSeen(paper.now))
    assert paper.kinds() == ["created"]
    paper.wait(STALE_MS + 100)
    assert paper.status is Status.INACTIVE
    paper.see(HeardSeen(paper.now))
    paper.wait(100)
    assert (paper.status, paper.engine.displayed(TICKER)) == (Status.ACTIVE, (BIDS, ASKS))


def test_a_change_that_makes_no_sense_asks_for_the_whole_book():
    paper = Paper(polled=False)
    paper.rows()
    paper.books()
    assert paper.see(ChangeSeen(TICKER, True, 4_000, -50_001, paper.now)) == []
    assert paper.reflection.broken == {TICKER}
    paper.wait(GAP_MS + 100)
    assert paper.status is Status.INACTIVE


def test_changes_reach_the_engine_with_decreases_held_for_their_prints():
    paper = Paper(polled=False)
    paper.rows()
    paper.books()
    order = paper.order(Side.BID, 4_000, 1_000)
    assert paper.see(ChangeSeen(TICKER, True, 4_000, -40_000, paper.now)) == []
    assert kinds(paper.printed(4_000, 40_000)) == ["Print", "BookChange"]
    assert paper.engine.state.markets[TICKER].book.ahead_ch(order.order_id) == 10_000
    paper.see(ChangeSeen(TICKER, True, 4_000, -10_000, paper.now))
    assert kinds(paper.wait(50)) == ["BookChange"]
    assert paper.engine.state.markets[TICKER].book.ahead_ch(order.order_id) == 0
    assert order.filled_ch == 0


def test_a_shard_on_which_upstream_does_not_trade_is_halted(paper):
    paper.see(PausedSeen(frozenset({SHARD}), paper.now))
    paper.wait(50)
    assert paper.status is Status.INACTIVE
    paper.books()
    assert paper.status is Status.INACTIVE
    paper.see(PausedSeen(frozenset({0}), paper.now))
    assert kinds(paper.wait(50)) == ["BookSet", "Listed"]
    assert paper.status is Status.ACTIVE


def test_a_market_listed_while_its_shard_is_halted_does_not_trade():
    paper = Paper()
    paper.see(PausedSeen(frozenset({SHARD}), paper.now))
    paper.rows()
    paper.books()
    assert TICKER not in paper.engine.state.markets or paper.status is Status.INACTIVE
    paper.see(PausedSeen(frozenset(), paper.now))
    paper.wait(50)
    assert (paper.status, paper.engine.displayed(TICKER)) == (Status.ACTIVE, (BIDS, ASKS))


def test_a_market_that_upstream_deactivates_and_activates_follows(paper):
    paper.rows(replace(ROW, status=Status.INACTIVE))
    assert paper.status is Status.INACTIVE
    assert kinds(paper.rows()) == ["BookSet", "Listed"]
    assert paper.status is Status.ACTIVE


# ---- the end ---------------------------------------------------------------------------------------------------------


def test_it_closes_is_decided_and_paid_as_upstream_says(paper):
    paper.order(Side.BID, 4_200, 1_000, time_in_force=TimeInForce.IOC)
    cash = paper.engine.balance("ann", SHARD).cash_micros
    paper.now = ROW.close_at_ms - 1_000
    paper.books()
    paper.wait(5_000)
    assert paper.status is Status.CLOSED
    assert paper.rows(replace(ROW, status=Status.CLOSED)) == []
    decided = replace(
        ROW, status=Status.DETERMINED, result="yes", settlement_value_cc=10_000, expiration_micros=97_123_450_000
    )
    assert paper.rows(decided) == [Determined(TICKER, "yes", 10_000, paper.now, 97_123_450_000)]
    assert paper.rows(decided) == []
    assert paper.rows(replace(decided, status=Status.FINALIZED)) == [Settled(TICKER, paper.now)]
    assert paper.engine.balance("ann", SHARD).cash_micros == cash + 10_000_000
    assert paper.rows(replace(decided, status=Status.FINALIZED)) == []


@pytest.mark.parametrize(
    ("result", "told", "paid_cc"), [("no", None, 0), ("yes", None, 10_000), ("scalar", 3_700, 3_700)]
)
def test_a_settlement_seen_late_and_at_once_is_decided_then_paid(paper, result, told, paid_cc):
    row = replace(ROW, status=Status.FINALIZED, result=result, settlement_value_cc=told)
    paper.now = ROW.close_at_ms + 3_600_000
    assert paper.rows(row)[-2:] == [Determined(TICKER, result, paid_cc, paper.now), Settled(TICKER, paper.now)]
    assert paper.status is Status.FINALIZED


def test_a_scalar_outcome_without_its_value_and_a_disputed_one_wait(paper):
    paper.now = ROW.close_at_ms + 1_000
    paper.wait(100)
    assert paper.rows(replace(ROW, status=Status.DETERMINED, result="scalar")) == []
    assert paper.rows(replace(ROW, status=Status.DISPUTED, result="yes")) == []


def test_an_amended_outcome_is_told_again_before_it_is_paid(paper):
    paper.now = ROW.close_at_ms + 1_000
    first = replace(ROW, status=Status.DETERMINED, result="yes", settlement_value_cc=10_000)
    paper.rows(first)
    assert paper.rows(replace(first, status=Status.DISPUTED)) == []
    amended = replace(first, status=Status.AMENDED, result="no", settlement_value_cc=0)
    assert paper.rows(amended) == [Determined(TICKER, "no", 0, paper.now)]
    assert paper.engine.market(TICKER).market.result == "no"


def test_an_early_close_cancels_what_rests(paper):
    order = paper.order(Side.BID, 4_000, 1_000)
    row = replace(ROW, status=Status.CLOSED, close_at_ms=paper.now)
    assert kinds(paper.rows(row)) == ["Listed"]
    assert (paper.status, order.status) == (Status.CLOSED, OrderStatus.CANCELED)


def test_a_close_moved_later_reopens_the_market_with_a_fresh_book(paper):
    paper.now = ROW.close_at_ms + 100
    paper.wait(100)
    assert paper.status is Status.CLOSED
    later = replace(ROW, close_at_ms=paper.now + 60_000)
    paper.rows(later)
    assert paper.status is Status.INACTIVE
    assert kinds(paper.books()) == ["BookSet", "Listed"]
    assert paper.status is Status.ACTIVE


def test_what_is_over_before_we_came_is_never_listed():
    paper = Paper()
    paper.now = ROW.close_at_ms + 10
    assert paper.rows(ROW, replace(ROW, status=Status.FINALIZED, result="yes")) == []


def test_a_market_of_an_earlier_life_is_deactivated_until_its_book_is_seen_and_paid_when_it_ended_meanwhile():
    first = Paper()
    first.rows()
    first.books()
    first.order(Side.BID, 4_200, 1_000, time_in_force=TimeInForce.IOC)
    second = Paper(known=[first.engine.market(TICKER).market], engine=first.engine)
    second.now = first.now + 1_000
    second.wait(50)
    assert second.status is Status.INACTIVE
    second.books()
    assert second.status is Status.ACTIVE
    third = Paper(known=[second.engine.market(TICKER).market], engine=first.engine)
    third.now = ROW.close_at_ms + 86_400_000
    third.wait(50)
    third.rows(replace(ROW, status=Status.FINALIZED, result="no", settlement_value_cc=0))
    assert third.status is Status.FINALIZED
    assert third.engine.position("ann", TICKER).settled


def test_a_market_that_was_decided_in_an_earlier_life_is_not_decided_again():
    paper = Paper()
    paper.rows()
    paper.books()
    paper.now = ROW.close_at_ms + 1_000
    decided = replace(ROW, status=Status.DETERMINED, result="yes", settlement_value_cc=10_000)
    paper.rows(decided)
    again = Paper(known=[paper.engine.market(TICKER).market], engine=paper.engine)
    again.now = paper.now + 1_000
    assert again.rows(replace(decided, status=Status.FINALIZED)) == [Settled(TICKER, again.now)]


# ---- the index -------------------------------------------------------------------------------------------------------


def test_where_books_are_polled_the_index_never_runs_ahead_of_them(paper):
    paper.wait(1_000)
    tick = IndexTick("BTC-USD", 97_123_000_000, paper.now)
    other = IndexTick("ETH-USD", 3_100_000_000, paper.now)
    assert paper.see(tick) == []
    assert paper.see(other) == [other], "no market of ours settles on it"
    assert paper.books(at_ms=paper.now - 1) == []
    paper.wait(300)
    assert paper.books(at_ms=tick.at_ms + 100) == [replace(tick, at_ms=tick.at_ms + 200)], "as late as the book"


def test_index_values_that_waited_for_a_dead_book_are_told_when_its_market_is_deactivated(paper):
    paper.wait(1_000)
    tick = IndexTick("BTC-USD", 97_123_000_000, paper.now)
    paper.see(tick)
    told = paper.wait(STALE_MS)
    assert [type(event) for event in told] == [Listed, IndexTick]


def test_where_books_are_streamed_the_index_is_told_at_once():
    paper = Paper(polled=False)
    paper.rows()
    paper.books()
    paper.wait(1_000)
    tick = IndexTick("BTC-USD", 97_123_000_000, paper.now)
    assert paper.see(tick) == [tick]


def test_history_is_what_was_preloaded_and_what_was_told(paper):
    old = tuple(IndexTick("BTC-USD", 97_000_000_000 + at, at) for at in (-120_000, -60_000, 1_500))
    assert paper.see(PastSeen(old, paper.now)) == []
    paper.wait(100)
    tick = IndexTick("BTC-USD", 97_123_000_000, paper.now)
    paper.see(tick)
    assert list(paper.reflection.past["BTC-USD"]) == list(old)
    paper.books()
    assert list(paper.reflection.past["BTC-USD"]) == [*old, tick]


def test_an_index_dated_in_the_past_never_runs_backwards(paper):
    for at_ms in (2_000, 1_900, 2_000):
        paper.see(IndexTick("ETH-USD", 3_100_000_000, at_ms))
    assert [tick.at_ms for tick in paper.reflection.past["ETH-USD"]] == [2_000, 2_000, 2_000]


def test_nothing_is_told_of_markets_nobody_listed():
    paper = Paper()
    assert paper.books() == []
    assert paper.printed(4_000, 1_000) == []
    assert paper.see(ChangeSeen(TICKER, True, 4_000, -1, paper.now)) == []
    assert paper.see(NumbersSeen(TICKER, 4_000, 1, 1, paper.now)) == []
    assert not any(isinstance(event, BookSet | BookChange) for event in paper.told)


# ---- whatever is seen ------------------------------------------------------------------------------------------------

levels = st.dictionaries(st.integers(20, 44).map(lambda cents: cents * 100), st.integers(1, 300), max_size=4)
asked = st.dictionaries(st.integers(45, 70).map(lambda cents: cents * 100), st.integers(1, 300), max_size=4)
steps = st.one_of(
    st.tuples(st.just("book"), levels, asked),
    st.tuples(st.just("change"), st.booleans(), st.integers(20, 70), st.integers(-300, 300)),
    st.tuples(st.just("print"), st.integers(20, 70), st.integers(1, 400), st.booleans()),
    st.tuples(st.just("order"), st.booleans(), st.integers(20, 70), st.integers(1, 300), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([50, 500, 2_500, STALE_MS + 100])),
    st.tuples(st.just("lost")),
    st.tuples(st.just("heard")),
    st.tuples(st.just("row"), st.sampled_from([Status.ACTIVE, Status.INACTIVE])),
)


@given(polled=st.booleans(), history=st.lists(steps, max_size=40))
@settings(deadline=None)
def test_whatever_is_seen_the_engine_takes_it_and_in_the_end_shows_the_book_less_what_was_taken(polled, history):
    paper = Paper(polled=polled)
    paper.rows(replace(ROW, close_at_ms=10**9))
    book = Book()
    for number, (what, *facts) in enumerate(history):
        if what == "book":
            book.replace(*(dict(side) for side in facts))
            paper.books(*(dict(side) for side in facts))
        elif what == "change" and not polled:
            is_bid, cents, wish = facts
            change = max(wish, -(book.bids if is_bid else book.asks).get(cents * 100, 0))
            book.apply(is_bid, cents * 100, change)
            paper.see(ChangeSeen(TICKER, is_bid, cents * 100, change, paper.now))
        elif what == "print":
            paper.printed(facts[0] * 100, facts[1], Side.BID if facts[2] else Side.ASK, name=f"n{number}")
        elif what == "order" and TICKER in paper.engine.state.markets and paper.status is Status.ACTIVE:
            side, ioc = Side.BID if facts[0] else Side.ASK, TimeInForce.IOC if facts[3] else TimeInForce.GTC
            paper.order(side, facts[1] * 100, facts[2], time_in_force=ioc)
            check(paper.engine)
        elif what == "wait":
            paper.wait(facts[0])
        elif what == "lost":
            paper.see(LostSeen(None, paper.now))
        elif what == "heard":
            paper.see(HeardSeen(paper.now))
        elif what == "row":
            paper.rows(replace(ROW, close_at_ms=10**9, status=facts[0]))
    paper.rows(replace(ROW, close_at_ms=10**9))
    paper.books(dict(book.bids), dict(book.asks))
    paper.wait(50)
    assert paper.status is Status.ACTIVE
    mirrored = paper.engine.state.markets[TICKER].book
    for is_bid, seen in ((True, book.bids), (False, book.asks)):
        for price in range(2_000, 7_001, 100):
            told, taken = mirrored.foreign_ch(is_bid, price)
            assert told == seen.get(price, 0) and 0 <= taken <= told
