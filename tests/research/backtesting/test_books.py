"""The hot loop beside the exchange's own matching: event by event the same books, the same touches, the same fills."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.order import Order, Purpose, Side, State, TimeInForce
from outcry.paper.engine.engine import Engine
from outcry.paper.engine.matching import MarketBook
from outcry.paper.engine.records import NewOrderRequest, Reject
from outcry.paper.events import AccountFill, BookChange, BookSet, Listed, Print
from outcry.research.backtesting.books import NEVER, Book, play
from outcry.research.backtesting.venue import ACCOUNT, SHARDS, Venue
from outcry.store.tape_reader import Table

TICKER, CENT = "T-1", 100
MARKET = Market(TICKER, "T", "S", 0, Status.ACTIVE, 0, 10**9, (PriceRange(0, 10_000, CENT),))
CAPITAL = 10**12
prices = st.integers(46, 54)
sides = st.sampled_from([1, -1])
changes = st.tuples(st.just("change"), sides, prices, st.integers(-5, 9))
prints = st.tuples(st.just("print"), sides, prices, st.integers(1, 6))
orders = st.tuples(st.just("order"), sides, prices, st.integers(1, 8), st.booleans())
histories = st.lists(st.one_of(changes, changes, changes, prints, orders), max_size=80)


def sane(history):
    """A history that a stream could tell: no level below zero. A shrinking that is too large empties the level."""
    sizes: dict[tuple[int, int], int] = {}
    for what, sign, cents, count, *rest in history:
        price = cents * CENT
        if what == "change":
            size = max(0, sizes.get((sign, price), 0) + count * 100)
            change = size - sizes.get((sign, price), 0)
            sizes[sign, price] = size
            if change:
                yield what, sign, price, change
        else:
            yield what, sign, price, count * 100, *rest


class Stage:
    """Plays orders and prints between the changes, where the history has them."""

    def __init__(self, history) -> None:
        self.books = {1: Book(TICKER, CENT)}
        self.due_ms = NEVER
        self.fills, self.touches, self.moves = [], [], 0
        self.venue = Venue(CAPITAL, 0, self.hear)
        self.number = 0

    def hear(self, events) -> None:
        self.fills += filled(events)

    def wake(self, at_ms):
        raise AssertionError("nothing is due")

    def broken(self, symbol, book, at_ms):
        raise AssertionError("no level falls below zero")

    def moved(self, book, at_ms):
        self.moves += 1

    def changed(self, book, at_ms, price, change):
        self.venue.changed(book, at_ms, price, change)

    def passed(self, book, at_ms, moved):
        pass

    def do(self, at_ms, what, sign, price, count, rests=False):
        book = self.books[1]
        if what == "print" and book.engaged:
            self.venue.printed(book, price, count, sign, False, at_ms)
        elif what == "order":
            self.number += 1
            try:
                self.venue.create(order(self.number, sign, price, count, rests), MARKET, book, at_ms)
            except Reject as error:
                self.fills.append((f"o{self.number}", str(error)))


def order(number, sign, price, count, rests):
    return Order(
        f"o{number}", "a", TICKER, 0, Side.BID if sign > 0 else Side.ASK, price, count,
        TimeInForce.GTC if rests else TimeInForce.IOC, Purpose.ENTRY, State.SENT, "d", 0,
    )  # fmt: skip


def hot(history, rows_a_table=10**6):
    """The history through the loop of a backtest; `seen` is the book after each table of changes."""
    stage = Stage(history)
    rows, rare = [], []
    for place, (what, sign, price, count, *rest) in enumerate(history, 1):
        if what == "change":
            rows.append((place, place, -32_768, 1, 1, place, 1, sign * price, count))
        else:
            call = (place, what, sign, price, count, *rest)
            rare.append((place, 0, place, lambda call=call: stage.do(*call)))
    stage.seen = []

    def tables():
        for at in range(0, len(rows), rows_a_table):
            some = rows[at : at + rows_a_table]
            yield Table("delta", len(some), [list(column) for column in zip(*some, strict=True)])
            stage.seen.append(shown(stage))

    play(tables(), rare, stage)
    return stage


def shown(stage):
    book = stage.books[1]
    return stage.venue.shown(book, 99) if book.engaged else book.levels(99)


def reference(history):
    """The whole history through the local exchange's engine, as bin/exchange runs it; the book after each change."""
    fills, number, seen = [], 0, []
    numbers = iter(range(1, 10**6))
    engine = Engine(lambda: f"b{next(numbers):09}")
    engine.add_account(ACCOUNT, dict.fromkeys(range(SHARDS), CAPITAL))
    engine.feed(Listed(MARKET, 0))
    engine.feed(BookSet(TICKER, {}, {}, 0))
    book = engine.state.markets[TICKER].book
    for place, (what, sign, price, count, *rest) in enumerate(history, 1):
        side, events = Side.BID if sign > 0 else Side.ASK, []
        if what == "change":
            events = engine.feed(BookChange(TICKER, side, price, count, place))
            seen.append(book.shown.top(99))
        elif what == "print":
            events = engine.feed(Print(TICKER, price, count, side, place))
        else:
            number += 1
            tif = TimeInForce.GTC if rest[0] else TimeInForce.IOC
            try:
                request = NewOrderRequest(TICKER, side, price, count, tif, client_order_id=f"o{number}")
                _, events = engine.create(ACCOUNT, request, place)
            except Reject as error:
                fills.append((f"o{number}", str(error)))
        fills += filled(events)
    return book, fills, seen


def filled(events):
    """When it was filled is which event of the history filled it."""
    return [
        (it.client_order_id, it.price_cc, it.count_ch, it.fee_micros, it.is_taker, it.at_ms)
        for it in events
        if isinstance(it, AccountFill)
    ]


@given(histories)
def test_the_loop_fills_and_shows_what_the_exchange_would_after_every_event(raw):
    history = list(sane(raw))
    stage, (book, fills, seen) = hot(history, rows_a_table=1), reference(history)
    assert stage.fills == fills
    assert stage.seen == seen
    mine = stage.books[1]
    assert shown(stage) == book.shown.top(99)
    assert mine.engaged is not book.untouched
    unseen = hot(history)  # nobody looks at the book before the end
    assert unseen.fills == fills and shown(unseen) == book.shown.top(99)


@given(histories)
def test_after_every_change_the_touch_is_that_of_a_plain_book(raw):
    history = [one for one in sane(raw) if one[0] == "change"]
    plain = MarketBook()
    for upto, (_, sign, price, change) in enumerate(history, 1):
        plain.change(sign > 0, price, change)
        stage = hot(history[:upto]) if upto == len(history) or upto % 16 == 0 else None
        if stage is not None:
            book = stage.books[1]
            assert (book.bid_cc, book.ask_cc) == (plain.shown.bid_cc, plain.shown.ask_cc)
            assert book.levels(10) == plain.shown.top(10)
            assert book.crossed is plain.shown.crossed


def test_only_what_moves_the_touch_is_told():
    stage = hot([("change", 1, 5_000, 300), ("change", 1, 4_000, 300), ("change", 1, 4_000, -300)])
    assert stage.moves == 1
    stage = hot([("change", -1, 5_000, 300), ("change", -1, 5_000, -100), ("change", -1, 6_000, 50)])
    assert stage.moves == 2


def test_a_level_below_zero_ends_what_is_known_of_a_book():
    gone = deque()

    class Broken(Stage):
        def broken(self, symbol, book, at_ms):
            gone.append(at_ms)
            del self.books[symbol]

    stage = Broken([])
    rows = [(1, 11, 0, 1, 1, 1, 1, 5_000, 100), (2, 12, 0, 1, 1, 2, 1, 5_000, -200), (3, 13, 0, 1, 1, 3, 1, 5_000, 9)]
    play([Table("delta", 3, [list(column) for column in zip(*rows, strict=True)])], [], stage)
    assert list(gone) == [12] and not stage.books
