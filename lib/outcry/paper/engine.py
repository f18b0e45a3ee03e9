"""The exchange itself, without I/O: events of a market source and requests of accounts in, events for subscribers out.

Pure: the time is an argument, ids come from a function handed in, nothing is read or sent. Whoever runs it writes its
books down with `paper.keeping` before a request is answered, so that what was acknowledged survives a kill.
Every call that can change something first runs the timers due by its time (opening, expiry, close) and returns all
events in order: book levels and public trades, fills, order changes, then the rest and the tickers. Take snapshots of a
`BookReset` before the next call. A Reject leaves the events of its timers for the next call: whoever serves requests
calls `tick` first. The exchange's clock never runs backwards: an earlier time counts as the latest one seen.
A market that closed while the exchange was down, and that its source speaks of no more, is paid at its last price.
"""

import heapq
from collections.abc import Callable

from outcry.domain.market import Status
from outcry.paper import clearing, listing, placing
from outcry.paper.accounts import Account
from outcry.paper.events import (
    BookChange,
    BookSet,
    Closed,
    Determined,
    EngineEvent,
    IndexTick,
    Listed,
    Opened,
    Print,
    Settled,
    SourceEvent,
    Stats,
)
from outcry.paper.reads import Reads
from outcry.paper.records import AmendRequest, MarketRecord, NewOrderRequest, OrderRecord, OrderStatus, Reason, Reject
from outcry.paper.state import ANY_SHARD, State
from outcry.venue import fees

DEFAULT_SHARD = 0


class Engine(Reads):
    """One exchange with any number of accounts. Not thread-safe: one thread, or one lock, at a time.

    new_id              makes order and trade ids (a server hands in UUIDs, a test a counter)
    precision_micros    step of the fee rounding (fees.DIRECT_MICROS or fees.NON_DIRECT_MICROS)
    cancel_share_millionths  share of unexplained foreign cancels taken to stand ahead of our orders:
                        0 pessimistic (none), 1_000_000 in proportion to what stands ahead
    close_cancel_ms     how long after the close resting orders are swept (CloseCancel)
    """

    def __init__(
        self,
        new_id: Callable[[], str],
        *,
        precision_micros: int = fees.DIRECT_MICROS,
        cancel_share_millionths: int = 0,
        close_cancel_ms: int = 500,
    ) -> None:
        self.state = State(
            new_id,
            precision_micros=precision_micros,
            cancel_share_millionths=cancel_share_millionths,
            close_cancel_ms=close_cancel_ms,
        )

    # ---- accounts ---------------------------------------------------------------------------------------------------

    def add_account(self, account: str, cash_by_shard: dict[int, int], tier: str = "basic") -> bool:
        """Open an account with deposits in micro-dollars per shard; False, and nothing done, when it already exists."""
        if account in self.state.accounts:
            return False
        opened = self.state.accounts[account] = Account(account, tier)
        for shard, micros in cash_by_shard.items():
            opened.deposit(shard, micros)
        self.state.unsaved.accounts.add(account)
        return True

    # ---- the world --------------------------------------------------------------------------------------------------

    def feed(self, event: SourceEvent) -> list[EngineEvent]:
        """Take one event of the market source.

        raises  InvariantBroken when a book level would fall below zero, or a market was not listed first: the source is
                wrong, or something was missed
        """
        self._begin(event.at_ms)
        match event:
            case BookChange():
                record = self.state.listed(event.ticker)
                matches = record.book.change(event.side.sign > 0, event.price_cc, event.change_ch)
                record.own_volume_ch += clearing.fill_resting(self.state, record, matches)
            case Print():
                self._print(event)
            case Stats():
                self._stats(event)
            case BookSet():
                record = self.state.listed(event.ticker)
                matches = record.book.replace(event.bids, event.asks)
                record.own_volume_ch += clearing.fill_resting(self.state, record, matches)
                self.state.outbox.reset(event.ticker)
            case IndexTick():
                self.state.outbox.say(event)
            case Listed():
                listing.listed(self.state, event)
            case Opened():
                listing.open_(self.state, self.state.listed(event.ticker))
            case Closed():
                listing.close(self.state, self.state.listed(event.ticker))
            case Determined():
                listing.determined(self.state, event)
            case Settled():
                listing.settled(self.state, self.state.listed(event.ticker))
        return self._finish()

    def tick(self, now_ms: int) -> list[EngineEvent]:
        """Run the timers due by now: silent opening and closing, expiries, the sweep after a close."""
        self._begin(now_ms)
        return self._finish()

    def next_at_ms(self) -> int | None:
        """When the next timer is due; None when none is set."""
        return self.state.timers[0][0] if self.state.timers else None

    def pause(self, exchange_index: int, now_ms: int, *, whole_exchange: bool = False) -> list[EngineEvent]:
        """Stop trading on a shard: no placing, no amending, no matching. With `whole_exchange`, no cancelling either.

        Orders with `cancel_on_pause` go (HaltCancel); the others stay.
        """
        self._begin(now_ms)
        self.state.pauses[exchange_index] = whole_exchange
        affected = self._on_shard(exchange_index)
        for record in affected:
            self.state.match_while_trading(record)
        listing.halt(self.state, [record.market.ticker for record in affected])
        return self._finish()

    def resume(self, exchange_index: int, now_ms: int) -> list[EngineEvent]:
        """Trade again on a shard. Foreign size that crossed resting orders meanwhile meets them now."""
        self._begin(now_ms)
        self.state.pauses.pop(exchange_index, None)
        for record in self._on_shard(exchange_index):
            self.state.match_while_trading(record)
            record.own_volume_ch += clearing.fill_resting(self.state, record, record.book.uncross())
        return self._finish()

    def paused(self, exchange_index: int) -> tuple[bool, bool]:
        """(trading paused, whole exchange paused) of a shard."""
        return exchange_index in self.state.pauses, self.state.pauses.get(exchange_index, False)

    # ---- requests ---------------------------------------------------------------------------------------------------

    def create(self, account: str, request: NewOrderRequest, now_ms: int) -> tuple[OrderRecord, list[EngineEvent]]:
        """Place an order: match what it can, rest or cancel what is left by its time in force.

        A fill-or-kill that cannot fill is a Reject; an IOC without a fill is an order, canceled with nothing filled.
        raises  Reject, checked in this order: 404 not_found (unknown market, wrong shard) · 400 exchange_paused,
                trading_paused, market_inactive · invalid_price · invalid_order_size · invalid_order (expiry, reduce
                only) · 409 order_already_exists · 400 invalid_order "post only cross" · fok_insufficient_volume ·
                available_balance_too_low
        """
        self._begin(now_ms)
        order = placing.create(self.state, account, request)
        return order, self._finish()

    def cancel(
        self, account: str, order_id: str, ticker: str | None, exchange_index: int | None, now_ms: int
    ) -> tuple[OrderRecord, int, list[EngineEvent]]:
        """Take an order from the book; returns it, and how many hundredths were taken.

        Without ticker and index (or with -1 and no ticker) only shard 0 is searched, as on the real exchange.
        raises  Reject 404 not_found (unknown, terminal, wrong shard) · 400 market_inactive after the close ·
                400 exchange_paused
        """
        self._begin(now_ms)
        order = self.state.order(account, order_id)
        named = exchange_index not in (None, ANY_SHARD)
        shard = exchange_index if named else order.exchange_index if ticker else DEFAULT_SHARD
        if (ticker or order.ticker) != order.ticker or shard != order.exchange_index:
            raise Reject(404, "not_found", "order not found")
        if order.status is not OrderStatus.RESTING:
            raise Reject(404, "not_found", "order not found", f"status {order.status}")
        if self.state.pauses.get(order.exchange_index):
            raise Reject(400, "exchange_paused")
        if not self._cancellable(order):
            raise Reject(400, "market_inactive", "market is closed")
        left_ch = clearing.cancel(self.state, order)
        return order, left_ch, self._finish()

    def cancel_all(self, account: str, now_ms: int) -> tuple[list[OrderRecord], list[EngineEvent]]:
        """Take all of an account's resting orders, on all shards, from markets that are not closed or paused whole."""
        self._begin(now_ms)
        self.state.account(account)
        taken = [order for order in self.state.resting_of(account) if self._cancellable(order)]
        for order in taken:
            clearing.cancel(self.state, order)
        return taken, self._finish()

    def amend(
        self, account: str, order_id: str, request: AmendRequest, now_ms: int
    ) -> tuple[OrderRecord, list[EngineEvent]]:
        """Change a resting order in place (same order id). Expiry-only changes and decreases keep the priority; a new
        price or a larger size loses it, and may take liquidity. AccountFill events tell what it filled.

        raises  Reject 404 not_found · 400 order_ticker_mismatch, order_side_mismatch,
                order_id_and_client_order_id_mismatch, cannot_update_filled_order, invalid_amend_qty_for_order, and
                those of `create`
        """
        self._begin(now_ms)
        order = placing.amend(self.state, account, order_id, request)
        return order, self._finish()

    # ---- within -----------------------------------------------------------------------------------------------------

    def _begin(self, now_ms: int) -> None:
        """Let the time be now, and let everything happen that was due before."""
        outbox, timers = self.state.outbox, self.state.timers
        outbox.cause = ("", "")
        while timers and timers[0][0] <= now_ms:
            at_ms, kind, key = heapq.heappop(timers)
            outbox.at_ms = max(outbox.at_ms, at_ms)
            self._due(kind, key)
        outbox.at_ms = max(outbox.at_ms, now_ms)

    def _due(self, kind: str, key: str) -> None:
        now_ms = self.state.outbox.at_ms
        if kind == "expire":
            order = self.state.orders[key]
            if order.status is OrderStatus.RESTING and order.expires_at_ms and order.expires_at_ms <= now_ms:
                clearing.cancel(self.state, order, Reason.EXPIRY)
            return
        record = self.state.markets[key]
        if kind == "open" and record.market.open_at_ms <= now_ms < record.market.close_at_ms:
            listing.open_(self.state, record)
        elif kind == "close" and record.market.close_at_ms <= now_ms:
            listing.close(self.state, record)
        elif kind == "sweep" and record.market.status is Status.CLOSED:
            listing.sweep(self.state, record, Reason.CLOSE)
        elif kind == "void" and record.restored and record.market.status is not Status.FINALIZED:
            listing.void(self.state, record)

    def _finish(self) -> list[EngineEvent]:
        """Tell the touches that moved, and hand out everything that is to be told."""
        outbox = self.state.outbox
        for ticker in outbox.moved:
            record = self.state.markets[ticker]
            book = record.book.shown
            bid_cc, ask_cc = book.bid_cc, book.ask_cc
            touch = (
                bid_cc,
                0 if bid_cc is None else book.bids[bid_cc],
                ask_cc,
                0 if ask_cc is None else book.asks[ask_cc],
            )
            if touch != record.touch:
                record.touch = touch
                outbox.ticker(ticker)
        return outbox.drain()

    def _print(self, event: Print) -> None:
        """A public trade among others. What accounts' orders got of it is theirs; the rest goes on the public tape."""
        record = self.state.listed(event.ticker)
        taker_is_bid = None if event.taker_side is None else event.taker_side.sign > 0
        matches = record.book.printed(event.price_cc, event.count_ch, taker_is_bid)
        filled_ch = clearing.fill_resting(self.state, record, matches, inferred=event.inferred)
        left_ch = event.count_ch - filled_ch
        record.own_volume_ch += max(0, -left_ch)
        if not record.source_counts:
            record.foreign_volume_ch += event.count_ch
        if left_ch > 0:
            clearing.publish(self.state, record, event.price_cc, left_ch, event.taker_side, inferred=event.inferred)

    def _stats(self, event: Stats) -> None:
        record = self.state.listed(event.ticker)
        record.source_counts = True
        told = record.last_price_cc, record.foreign_volume_ch, record.foreign_interest_ch
        last_cc = record.last_price_cc if event.last_price_cc is None else event.last_price_cc
        now = last_cc, event.volume_ch, event.open_interest_ch
        if told != now:
            record.last_price_cc, record.foreign_volume_ch, record.foreign_interest_ch = now
            self.state.outbox.ticker(event.ticker)

    def _on_shard(self, exchange_index: int) -> list[MarketRecord]:
        return [record for record in self.state.markets.values() if record.market.exchange_index == exchange_index]

    def _cancellable(self, order: OrderRecord) -> bool:
        """Whether its market still takes cancels: not after the close, not while the whole exchange is paused."""
        status = self.state.markets[order.ticker].market.status
        return status in (Status.ACTIVE, Status.INACTIVE) and not self.state.pauses.get(order.exchange_index)
