"""A small exchange to test with: one engine, short calls, and everything that must always hold checked after each."""

from collections import Counter
from itertools import count

from outcry.domain.market import FeeTerms, Market, PriceRange, Status
from outcry.domain.order import Side, TimeInForce
from outcry.paper.engine.accounts import imbalance_micros, purses_of
from outcry.paper.engine.engine import Engine
from outcry.paper.engine.purse import Purse
from outcry.paper.engine.records import NewOrderRequest, OrderStatus
from outcry.paper.engine.treasury import missing_micros
from outcry.paper.events import BookReset, BookSet, LevelChanged, Listed

TAPERED = (PriceRange(0, 1000, 10), PriceRange(1000, 9000, 100), PriceRange(9000, 10_000, 10))
OPEN_MS, CLOSE_MS, SHARD = 1_000, 100_000, 2
TICKER = "KXBTC15M-26NOV201215-15"


def market(ticker: str = TICKER, **changes) -> Market:
    facts = {
        "ticker": ticker,
        "event_ticker": ticker.rpartition("-")[0],
        "series_ticker": "KXBTC15M",
        "exchange_index": SHARD,
        "status": Status.INITIALIZED,
        "open_at_ms": OPEN_MS,
        "close_at_ms": CLOSE_MS,
        "price_ranges": TAPERED,
        "fee": FeeTerms(),
    }
    return Market(**facts | changes)


def counter(prefix: str = "id"):
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers)}"


class Rig:
    """An engine with accounts `ann` and `bob` of $1 000 each on shard 2, one open market, and the clock at 2 000 ms."""

    def __init__(self, bids=None, asks=None, *, cash: int = 1_000_000_000, tier: str = "basic", **options) -> None:
        self.engine = Engine(counter(), **options)
        self.now = 2_000
        self.events: list = []
        self.copies: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
        for name in ("ann", "bob"):
            self.engine.add_account(name, {SHARD: cash}, tier)
        self.feed(Listed(market(), 0))
        self.feed(BookSet(TICKER, bids or {}, asks or {}, self.now))

    def feed(self, *events) -> list:
        """Hand in source events; returns what came of the last."""
        for event in events:
            self.told(self.engine.feed(event))
        return self.events

    def told(self, events: list) -> list:
        """Follow the events as a subscriber does, and check that everything that must hold does."""
        self.events = events
        for event in events:
            if isinstance(event, BookReset):
                bids, asks = self.engine.displayed(event.ticker)
                self.copies[event.ticker] = dict(bids), dict(asks)
            elif isinstance(event, LevelChanged):
                copy = self.copies.setdefault(event.ticker, ({}, {}))[event.side is Side.ASK]
                copy[event.price_cc] = copy.get(event.price_cc, 0) + event.change_ch
                if not copy[event.price_cc]:
                    del copy[event.price_cc]
        check(self.engine)
        for ticker, copy in self.copies.items():
            assert copy == self.engine.displayed(ticker), f"a subscriber of {ticker} sees another book"
        return events

    def tick(self, now_ms: int) -> list:
        self.now = now_ms
        return self.told(self.engine.tick(now_ms))

    def order(self, side: Side, price_cc: int, count_ch: int, account: str = "ann", **options):
        """Place an order (good till canceled unless told otherwise); returns its record."""
        wanted = {"time_in_force": TimeInForce.GTC, "ticker": TICKER} | options
        request = NewOrderRequest(side=side, price_cc=price_cc, count_ch=count_ch, **wanted)
        order, events = self.engine.create(account, request, self.now)
        self.told(events)
        return order

    def bid(self, price_cc: int, count_ch: int, account: str = "ann", **options):
        return self.order(Side.BID, price_cc, count_ch, account, **options)

    def ask(self, price_cc: int, count_ch: int, account: str = "ann", **options):
        return self.order(Side.ASK, price_cc, count_ch, account, **options)

    def does(self, answer):
        """Hear what a request's answer told; returns the rest of the answer."""
        *rest, events = answer if isinstance(answer, tuple) else (answer,)
        self.told(events)
        return rest[0] if len(rest) == 1 else tuple(rest)

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


def check(engine: Engine) -> None:
    """Money, positions, reservations, books and order counts: what must hold after every step."""
    state = engine.state
    purses = list(purses_of(state.accounts.values()))
    for shard in {shard for purse in purses for shard in purse.cash}:
        assert imbalance_micros(purses, state.house, shard) == 0
    for ticker, record in state.markets.items():
        held = sum(purse.position_ch(ticker) for purse in purses)
        assert held + state.house.positions.get(ticker, 0) == 0
        _check_book(engine, ticker, record.book)
    for name in state.accounts:
        assert missing_micros(state, name) == 0
        _check_orders(engine, name)
    for purse in purses:
        _check_purse(engine, purse)
    _check_groups(engine)


def _check_purse(engine: Engine, purse: Purse) -> None:
    reserved: Counter[int] = Counter()
    mine = engine.orders(purse.account, status=OrderStatus.RESTING, subaccount=purse.number)
    for ticker, record in engine.state.markets.items():
        resting = [order for order in mine if order.ticker == ticker]
        q = purse.position_ch(ticker)
        bids = sum(order.price_cc * order.remaining_ch for order in resting if order.is_bid)
        asks = sum((10_000 - order.price_cc) * order.remaining_ch for order in resting if not order.is_bid)
        needed = max(0, bids - 10_000 * max(0, -q)) + max(0, asks - 10_000 * max(0, q))
        reserved[record.market.exchange_index] += needed
    for shard in engine.shards(purse.account, purse.number):
        balance = engine.balance(purse.account, shard, purse.number)
        buffers = purse.buffers_micros(shard) if engine.state.manners.fee_reserved else 0
        assert balance.reserved_micros == reserved[shard] + buffers
        assert balance.cash_micros >= 0 and balance.free_micros >= purse.free_micros(shard) >= 0


def _check_groups(engine: Engine) -> None:
    """A group holds just its resting orders; a triggered or deleted one holds none."""
    for group in engine.state.groups.values():
        resting = engine.orders(group.account, status=OrderStatus.RESTING, order_group_id=group.group_id)
        assert {order.order_id for order in resting} == set(group.resting)
        assert not (resting and (group.triggered or group.deleted))
        assert {(order.subaccount, order.exchange_index) for order in resting} <= {
            (group.subaccount, group.exchange_index)
        }


def _check_orders(engine: Engine, name: str) -> None:
    for order in engine.orders(name):
        fills = engine.fills(name, order_id=order.order_id)
        assert sum(fill.count_ch for fill in fills) == order.filled_ch
        assert sum(fill.fee_micros for fill in fills) == order.fees_micros
        assert order.filled_ch + order.remaining_ch <= order.initial_ch
        assert (order.remaining_ch > 0) == (order.status is OrderStatus.RESTING)
        assert (order.filled_ch == order.initial_ch) == (order.status is OrderStatus.EXECUTED)


def _check_book(engine: Engine, ticker: str, book) -> None:
    orders = list(engine.state.resting.get(ticker, {}).values())
    for is_bid, shown in ((True, book.shown.bids), (False, book.shown.asks)):
        own: Counter[int] = Counter()
        for order in orders:
            if order.is_bid is is_bid:
                own[order.price_cc] += order.remaining_ch
        for price in {*shown, *own}:
            foreign, taken = book.foreign_ch(is_bid, price)
            assert 0 <= taken <= foreign
            assert shown.get(price, 0) == foreign - taken + own[price]
    assert book.shown.bid_cc == max(book.shown.bids, default=None)
    assert book.shown.ask_cc == min(book.shown.asks, default=None)
