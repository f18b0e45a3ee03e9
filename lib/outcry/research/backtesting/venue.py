"""The exchange of a backtest: the local exchange's own engine, given only the books in which we have something.

Its matching, queue, fees, order life and settlement are those of `paper`; there is no second model of any of them. A
market enters it with its book when the first order comes, and leaves it when nothing of ours is in that book any more.
"""

from collections.abc import Callable
from itertools import count

from outcry.domain.market import Market
from outcry.domain.order import Order, Side
from outcry.paper.engine.engine import Engine
from outcry.paper.engine.matching import MarketBook
from outcry.paper.engine.records import AmendRequest, NewOrderRequest, OrderRecord
from outcry.paper.events import (
    BookChange,
    BookSet,
    Determined,
    EngineEvent,
    Listed,
    Print,
    Settled,
)
from outcry.research.backtesting.books import Book
from outcry.venue import fees

ACCOUNT = "backtest"
SHARDS = 16
PROPORTIONAL = 1_000_000

Hear = Callable[[list[EngineEvent]], None]


class Venue:
    """
    capital_micros  lies on every shard: the risk gate counts the money, not the exchange
    cancel_share_millionths  see `paper.engine.matching`: 0 pessimistic, 1 000 000 proportional
    hear            told every event of ours, in order
    """

    def __init__(
        self, capital_micros: int, cancel_share_millionths: int, hear: Hear, precision_micros: int = fees.DIRECT_MICROS
    ) -> None:
        numbers = count(1)
        self._engine = Engine(
            lambda: f"b{next(numbers):09}",
            precision_micros=precision_micros,
            cancel_share_millionths=cancel_share_millionths,
        )
        self._engine.add_account(ACCOUNT, dict.fromkeys(range(SHARDS), capital_micros))
        self._hear = hear
        self._listed: dict[str, Market] = {}

    @property
    def due_ms(self) -> int | None:
        """When something happens by itself: an expiry, the close."""
        return self._engine.next_at_ms()

    def tick(self, now_ms: int) -> None:
        self._hear(self._engine.tick(now_ms))

    # ---- what others do ---------------------------------------------------------------------------------------------

    def describe(self, market: Market, now_ms: int) -> None:
        """A market is described anew."""
        if market.ticker in self._listed:
            self._list(market, now_ms)

    def changed(self, book: Book, at_ms: int, signed_price_cc: int, change_ch: int) -> None:
        """A change of an engaged book: of a level that may meet an order of ours, or from which we took something."""
        is_bid, price_cc = signed_price_cc > 0, abs(signed_price_cc)
        if book.waiting is None:
            side = Side.BID if is_bid else Side.ASK
            self._hear(self._engine.feed(BookChange(book.ticker, side, price_cc, change_ch, at_ms)))
            self.let_go(book)
            return
        market = self._books(book)
        market.follow(is_bid, price_cc, change_ch)
        if not market.holds(is_bid, price_cc):
            self.let_go(book)

    def replaced(self, book: Book, at_ms: int) -> None:
        """An engaged book is known whole (or not at all) from here."""
        book.waiting = None  # what waited is in it
        bids, asks = book.levels()
        self._hear(self._engine.feed(BookSet(book.ticker, dict(bids), dict(asks), at_ms)))
        self.let_go(book)

    def printed(self, book: Book, price_cc: int, count_ch: int, taker: int, inferred: bool, at_ms: int) -> None:
        side = {1: Side.BID, -1: Side.ASK}.get(taker)
        self._hear(self._engine.feed(Print(book.ticker, price_cc, count_ch, side, at_ms, inferred)))
        self.let_go(book)

    def settled(self, ticker: str, result: str, value_cc: int, expiration_micros: int | None, at_ms: int) -> None:
        """A market paid."""
        if ticker in self._listed:
            self._hear(self._engine.feed(Determined(ticker, result, value_cc, at_ms, expiration_micros)))
            self._hear(self._engine.feed(Settled(ticker, at_ms)))

    def let_go(self, book: Book) -> None:
        """How closely a book is followed: not at all where nothing of ours is left; every change while an order rests;
        where only something taken is left, those levels."""
        market = self._books(book)
        if market.rests:
            self._catch_up(book)
            book.waiting = None
        elif market.untouched:
            book.engaged, book.waiting = False, None
        else:
            book.taken = market.taken_at()
            if book.waiting is None:
                book.waiting = {}

    def _catch_up(self, book: Book) -> None:
        """What waited is told: the book is looked at, or an order comes."""
        if book.waiting:
            follow = self._books(book).follow
            for signed_price_cc, change_ch in book.waiting.items():
                follow(signed_price_cc > 0, abs(signed_price_cc), change_ch)
            book.waiting.clear()

    def _books(self, book: Book) -> MarketBook:
        return self._engine.state.markets[book.ticker].book

    # ---- what we do -------------------------------------------------------------------------------------------------

    def create(self, order: Order, market: Market, book: Book, now_ms: int) -> OrderRecord:
        """Place an order. Raises Reject as the exchange does."""
        if not book.engaged:
            self._list(market, now_ms)
            book.engaged = True
            self.replaced(book, now_ms)
            book.engaged = True
        self._catch_up(book)
        request = NewOrderRequest(
            order.ticker,
            order.side,
            order.price_cc,
            order.count_ch,
            order.time_in_force,
            client_order_id=order.client_order_id,
            expires_at_ms=order.expires_at_ms,
            post_only=order.post_only,
            reduce_only=order.reduce_only,
            exchange_index=order.exchange_index,
        )
        try:
            record, events = self._engine.create(ACCOUNT, request, now_ms)
        finally:
            self.let_go(book)
        self._hear(events)
        return record

    def cancel(self, order: Order, now_ms: int) -> OrderRecord:
        """Take an order back. Raises Reject as the exchange does."""
        record, _, events = self._engine.cancel(ACCOUNT, order.order_id, order.ticker, order.exchange_index, now_ms)
        self._hear(events)
        return record

    def renew(self, order: Order, expires_at_ms: int, now_ms: int) -> OrderRecord:
        """Move an order's expiry. Raises Reject as the exchange does."""
        record = self.order(order.order_id)
        request = AmendRequest(order.ticker, order.side, order.price_cc, record.initial_ch, expires_at_ms=expires_at_ms)
        record, events = self._engine.amend(ACCOUNT, order.order_id, request, now_ms)
        self._hear(events)
        return record

    def order(self, order_id: str) -> OrderRecord:
        return self._engine.order(ACCOUNT, order_id)

    def shown(self, book: Book, most: int) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
        """What everybody sees of an engaged book: ours in it, and what we took no longer."""
        self._catch_up(book)
        return self._books(book).shown.top(most)

    def touch(self, book: Book) -> tuple[int | None, int | None]:
        self._catch_up(book)
        shown = self._books(book).shown
        return shown.bid_cc, shown.ask_cc

    def _list(self, market: Market, now_ms: int) -> None:
        self._listed[market.ticker] = market
        self._hear(self._engine.feed(Listed(market, now_ms)))
