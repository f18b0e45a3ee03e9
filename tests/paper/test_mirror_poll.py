"""What a mirror asks, in which order and how often; and what it does when it gets no answers."""

from dataclasses import replace

import pytest
import responses

from engine_kit import market
from outcry.domain.book import Book
from outcry.domain.errors import RateLimited, Unavailable
from outcry.domain.market import Status
from outcry.domain.order import Side
from outcry.paper.mirror.pace import SLOWEST_PER_S, Pacer
from outcry.paper.mirror.poll import BOOKS_AT_ONCE, Poller
from outcry.paper.mirror.seen import BooksSeen, PausedSeen, PrintSeen, RowsSeen
from outcry.paper.mirror.watch import Watch
from outcry.venue.market_rows import ExchangeStatus, ShardStatus
from outcry.venue.rest import Rest
from outcry.venue.wire import PublicTrade

NOW_MS = 1_795_194_000_000


class Clock:
    """Both clocks; only waiting moves them."""

    def __init__(self):
        self.s = 0.0

    def now_ms(self):
        return NOW_MS + round(self.s * 1000)

    def monotonic(self):
        return self.s

    def wait(self, seconds):
        self.s += seconds


class Exchange:
    """A stand-in for `Rest` with markets of its own; every question takes half a second and is written down."""

    def __init__(self, clock, count=1):
        self.clock, self.asked, self.down = clock, [], None
        self.rows = {row.ticker: row for row in (self.market(number) for number in range(count))}
        self.bids = {ticker: {4_000: 100} for ticker in self.rows}
        self.prints = {ticker: [] for ticker in self.rows}
        self.status = ExchangeStatus(True, True, [ShardStatus(2, True, True)])

    @staticmethod
    def market(number, **changes):
        spans = {"open_at_ms": NOW_MS - 60_000, "close_at_ms": NOW_MS + 3_600_000, "strike_micros": 1}
        facts = {"status": Status.ACTIVE, "strike_type": "greater"} | spans | changes
        return market(f"KXBTC15M-{number:03d}", **facts)

    def _ask(self, *what):
        self.asked.append(what)
        self.clock.wait(0.5)
        if self.down is not None:
            raise self.down

    def markets(self, series_ticker=None, status=None, tickers=()):
        self._ask("markets", series_ticker, status) if not tickers else self._ask("rows", *tickers)
        wanted = {"open": Status.ACTIVE, "unopened": Status.INITIALIZED}.get(status)
        named = (self.rows[ticker] for ticker in tickers if ticker in self.rows)
        return list(named) if tickers else [row for row in self.rows.values() if row.status is wanted]

    def orderbooks(self, tickers):
        self._ask("books", *tickers)
        books = {}
        for ticker in tickers:
            books[ticker] = Book()
            books[ticker].replace(dict(self.bids[ticker]), {})
        return books

    def trades(self, ticker, min_ts=None):
        self._ask("trades", ticker)
        return [one for one in reversed(self.prints[ticker]) if one.at_ms >= min_ts * 1000]

    def exchange_status(self):
        self._ask("status")
        return self.status

    def trade(self, ticker, count_ch=100):
        """Somebody trades now."""
        number = len(self.prints[ticker])
        one = PublicTrade(f"{ticker}/{number}", ticker, 4_000, count_ch, Side.ASK, self.clock.now_ms(), False)
        self.prints[ticker].append(one)
        self.rows[ticker] = replace(self.rows[ticker], volume_ch=self.rows[ticker].volume_ch + count_ch)


class Asking:
    """A poller over such an exchange."""

    def __init__(self, count=1, *, books=True, known=(), max_markets=1_000):
        self.clock, self.seen, self.followed = Clock(), [], []
        self.exchange = Exchange(self.clock, count)
        watch = Watch(max_markets, 1_800_000, known)
        self.poller = Poller(
            self.exchange, ["KXBTC15M"], watch, self.seen.append, follow=self.followed.append, books=books,
            now_ms=self.clock.now_ms, monotonic=self.clock.monotonic,
        )  # fmt: skip

    def run(self, seconds):
        """Ask for a while; returns what was seen and asked meanwhile."""
        self.seen.clear()
        self.exchange.asked.clear()
        until = self.clock.s + seconds
        while self.clock.s < until:
            self.clock.wait(self.poller.step())
        return list(self.seen)

    def asked(self, kind):
        return [what for what in self.exchange.asked if what[0] == kind]


def test_markets_are_found_described_and_followed():
    asking = Asking(2)
    (ticker, other) = asking.exchange.rows
    asking.exchange.rows[other] = asking.exchange.market(
        1, status=Status.INITIALIZED, open_at_ms=NOW_MS + 900_000, close_at_ms=NOW_MS + 1_800_000
    )
    seen = asking.run(4)
    rows = [row.ticker for one in seen if isinstance(one, RowsSeen) for row in one.markets]
    assert {ticker, other} <= set(rows)
    assert asking.followed[-1] == {ticker, other}
    assert {what[1] for what in asking.asked("books")} == {ticker}, "a market that is not open has no book to read"
    far = asking.exchange.market(7, status=Status.INITIALIZED, open_at_ms=NOW_MS + 7_200_000)
    asking.exchange.rows[far.ticker] = far
    asking.run(60)
    assert far.ticker not in asking.followed[-1]


def test_a_round_tells_the_prints_before_the_book_read_before_them():
    asking = Asking(1)
    asking.run(4)
    (ticker,) = asking.exchange.rows
    asking.exchange.trade(ticker, 70)
    asking.exchange.bids[ticker] = {4_000: 30}
    seen = asking.run(4)
    first_print = next(number for number, one in enumerate(seen) if isinstance(one, PrintSeen))
    book = next(one for one in seen[first_print:] if isinstance(one, BooksSeen))
    assert seen[first_print].trade.count_ch == 70
    assert (book.books[ticker], book.at_ms < seen[first_print].at_ms) == (({4_000: 30}, {}), True)


def test_prints_from_before_we_came_are_not_told_and_later_ones_once_each_wanted_again_for_a_while():
    asking = Asking(1)
    (ticker,) = asking.exchange.rows
    asking.exchange.trade(ticker)
    asking.clock.wait(5)
    assert not [one for one in asking.run(5) if isinstance(one, PrintSeen)]
    asking.exchange.trade(ticker)
    assert {one.trade.trade_id for one in asking.run(5) if isinstance(one, PrintSeen)} == {f"{ticker}/1"}


def test_with_many_markets_only_those_that_traded_are_asked_for_prints_the_most_owed_first():
    asking = Asking(20)
    asking.run(8)
    tickers = list(asking.exchange.rows)
    for number, ticker in enumerate(tickers[:7]):
        asking.exchange.trade(ticker, 100 * (number + 1))
    asking.run(12)
    asked = [what[1] for what in asking.asked("trades")]
    assert asked[:4] == [tickers[number] for number in (6, 5, 4, 3)]
    assert set(asked) == set(tickers[:7])
    assert len(asked) == 7, "nobody is asked twice for the same volume"


def test_a_book_waits_for_its_prints_but_not_for_ever():
    asking = Asking(20)
    asking.run(8)
    tickers = list(asking.exchange.rows)
    for number in range(60):
        for ticker in tickers:
            asking.exchange.trade(ticker, 100)
        seen = asking.run(1)
        if number < 10:
            continue
        told = {ticker for one in seen if isinstance(one, BooksSeen) for ticker in one.books}
    assert told
    last: dict[str, float] = {}
    for _ in range(20):
        for ticker in tickers:
            asking.exchange.trade(ticker, 100)
        for one in asking.run(1):
            if isinstance(one, BooksSeen):
                last |= dict.fromkeys(one.books, asking.clock.s)
    assert set(last) == set(tickers)
    assert asking.clock.s - min(last.values()) < 10, "all books are told again before they are stale"


def test_more_books_than_one_request_holds_are_read_in_turn_the_most_active_more_often():
    asking = Asking(250)
    tickers = list(asking.exchange.rows)
    asking.run(10)
    for _ in range(12):
        for ticker in tickers[150:]:
            asking.exchange.trade(ticker, 1_000)
        asking.run(3)
    reads: dict[str, int] = dict.fromkeys(tickers, 0)
    asking.run(60)
    for what in asking.asked("books"):
        assert len(what) - 1 <= BOOKS_AT_ONCE
        for ticker in what[1:]:
            reads[ticker] += 1
    assert min(reads.values()) >= 2
    assert min(reads[ticker] for ticker in tickers[150:]) > max(reads[ticker] for ticker in tickers[:150])


def test_no_more_markets_than_allowed_are_watched_the_most_traded_first():
    asking = Asking(5, max_markets=2)
    tickers = list(asking.exchange.rows)
    for ticker in tickers[3:]:
        asking.exchange.trade(ticker)
    asking.run(4)
    assert asking.followed[-1] == set(tickers[3:])


def test_outcomes_are_asked_for_quickly_at_first_then_ever_more_seldom_until_paid():
    asking = Asking(1, books=False)
    asking.run(4)
    (ticker,) = asking.exchange.rows
    row = replace(asking.exchange.rows[ticker], close_at_ms=asking.clock.now_ms(), status=Status.CLOSED)
    asking.exchange.rows[ticker] = row
    asking.run(6)
    counts = []
    for span_s, gap_s in ((20, 0), (60, 0), (600, 700), (3_600, 7_200)):
        asking.clock.wait(gap_s)
        asking.run(span_s)
        counts.append(len(asking.asked("rows")) / span_s)
    assert counts[0] > 0.4 and counts == sorted(counts, reverse=True) and 1 / 400 < counts[-1] < 1 / 250
    asking.exchange.rows[ticker] = replace(row, status=Status.FINALIZED, result="yes")
    seen = asking.run(400)
    assert [row.result for one in seen if isinstance(one, RowsSeen) for row in one.markets] == ["yes"]
    asking.run(2_000)
    assert not asking.asked("rows")


def test_a_market_of_an_earlier_life_is_asked_for_though_no_listing_has_it():
    row = Exchange.market(77, close_at_ms=NOW_MS - 3_600_000)
    asking = Asking(0, known=[row])
    asking.exchange.rows[row.ticker] = replace(row, status=Status.FINALIZED, result="no")
    seen = asking.run(3)
    assert [one.markets[0].result for one in seen if isinstance(one, RowsSeen)] == ["no"]


def test_a_market_that_vanished_is_missed_once_and_asked_for_again():
    asking = Asking(1)
    asking.run(4)
    asking.exchange.rows.clear()
    seen = asking.run(30)
    assert len(asking.asked("rows")) > 2
    assert not [row for one in seen if isinstance(one, RowsSeen) for row in one.markets]


def test_shards_that_do_not_trade_are_told():
    asking = Asking(1)
    asking.exchange.status = ExchangeStatus(True, True, [ShardStatus(0, True, True), ShardStatus(2, True, False)])
    told = [one.shards for one in asking.run(20) if isinstance(one, PausedSeen)]
    assert told and set(told) == {frozenset({2})}


@pytest.mark.parametrize("error", [Unavailable("down"), RateLimited("too many")])
def test_without_answers_it_asks_again_more_slowly_and_says_what_it_misses(error):
    asking = Asking(1)
    asking.run(4)
    asking.exchange.down = error
    asking.run(60)
    assert "books" in asking.poller.trouble
    assert len(asking.asked("books")) < 20
    asking.exchange.down = None
    asking.run(30)
    assert asking.poller.trouble == ""
    assert len(asking.asked("books")) > 8


def test_a_refresh_reads_the_row_at_once_and_an_unknown_ticker_the_listings():
    asking = Asking(1, books=False)
    asking.run(6)
    (ticker,) = asking.exchange.rows
    asking.poller.refresh(ticker)
    asking.run(0.4)
    assert asking.exchange.asked == [("rows", ticker)]
    asking.poller.refresh("KXBTC15M-999")
    asking.run(0.9)
    assert {what[:2] for what in asking.exchange.asked} == {("markets", "KXBTC15M")}


# ---- the pace --------------------------------------------------------------------------------------------------------


def test_requests_are_spaced_evenly():
    clock = Clock()
    pacer = Pacer(2.0, monotonic=clock.monotonic, idle=clock.wait)
    at = []
    for _ in range(5):
        pacer.take("read", 10, wait_s=5)
        at.append(clock.s)
    assert at == [0.0, 0.5, 1.0, 1.5, 2.0]


def test_a_429_halves_the_pace_and_answers_bring_it_back():
    clock = Clock()
    pacer = Pacer(2.0, monotonic=clock.monotonic, idle=clock.wait)
    pacer.emptied("read")
    assert (pacer.per_s, pacer.wait_s) == (1.0, 1.0)
    for _ in range(10):
        pacer.emptied("read")
    assert pacer.per_s == SLOWEST_PER_S
    for _ in range(100):
        pacer.take("read", 10, wait_s=5)
    assert pacer.per_s == 2.0


def test_who_cannot_wait_is_told_so():
    clock = Clock()
    pacer = Pacer(2.0, monotonic=clock.monotonic, idle=clock.wait)
    pacer.take("read", 10)
    with pytest.raises(RateLimited):
        pacer.take("read", 10, wait_s=0.1)


def test_the_client_gives_way_when_it_is_told_to():
    clock = Clock()
    pacer = Pacer(2.0, monotonic=clock.monotonic, idle=clock.wait)
    with responses.RequestsMock() as http:
        url = "https://exchange.test/trade-api/v2/exchange/status"
        http.get(url, status=429, body='{"error":"too many requests"}')
        http.get(url, body='{"exchange_active":true,"trading_active":true}')
        rest = Rest("https://exchange.test/trade-api/v2", None, pacer, sleep=clock.wait, now_ms=clock.now_ms)
        assert rest.exchange_status().trading(0)
    assert pacer.per_s < 1.1


def test_waits_may_be_used_for_something_else():
    clock, used = Clock(), []

    def idle(seconds):
        used.append(seconds)
        clock.wait(min(seconds, 0.2))

    pacer = Pacer(1.0, monotonic=clock.monotonic, idle=idle)
    pacer.take("read", 10, wait_s=5)
    pacer.take("read", 10, wait_s=5)
    assert len(used) == 5 and clock.s == pytest.approx(1.0)
