"""The exchange itself, without I/O: events of a market source and requests of accounts in, events for subscribers out.

Pure: the time is an argument, ids come from a function handed in, nothing is read or sent. Whoever runs it keeps its
books with `paper.keeping` before a request is answered, so that what was acknowledged survives a kill.
Every call that can change something first runs the timers due by its time (opening, expiry, close) and returns all
events in order: book levels and public trades, fills, order changes, then the ticker.
"""

from collections.abc import Callable, Iterable

from outcry.paper.events import AccountFill, AccountSettled, EngineEvent, SourceEvent, Traded
from outcry.paper.records import (
    AmendRequest,
    Balance,
    MarketRecord,
    NewOrderRequest,
    OrderRecord,
    OrderStatus,
    PositionRecord,
)

Levels = dict[int, int]  # price_cc: count_ch


class Engine:
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
        precision_micros: int = 100,
        cancel_share_millionths: int = 0,
        close_cancel_ms: int = 500,
    ) -> None:
        raise NotImplementedError

    # ---- accounts ---------------------------------------------------------------------------------------------------

    def add_account(self, account: str, cash_by_shard: dict[int, int], tier: str = "basic") -> bool:
        """Open an account with deposits in micro-dollars per shard; False, and nothing done, when it already exists."""
        raise NotImplementedError

    def tier(self, account: str) -> str:
        """The account's usage tier (for token buckets). Raises Reject(404) for an unknown account."""
        raise NotImplementedError

    # ---- the world --------------------------------------------------------------------------------------------------

    def feed(self, event: SourceEvent) -> list[EngineEvent]:
        """Take one event of the market source.

        raises  InvariantBroken when a book level would fall below zero: the source is wrong, or something was missed
        """
        raise NotImplementedError

    def tick(self, now_ms: int) -> list[EngineEvent]:
        """Run the timers due by now: silent opening and closing, expiries, the sweep after a close."""
        raise NotImplementedError

    def next_at_ms(self) -> int | None:
        """When the next timer is due; None when none is set."""
        raise NotImplementedError

    def pause(self, exchange_index: int, now_ms: int, *, whole_exchange: bool = False) -> list[EngineEvent]:
        """Stop trading on a shard: no placing, no amending, no matching. With `whole_exchange`, no cancelling either.

        Orders with `cancel_on_pause` go (HaltCancel); the others stay.
        """
        raise NotImplementedError

    def resume(self, exchange_index: int) -> None:
        """Trade again on a shard."""
        raise NotImplementedError

    def paused(self, exchange_index: int) -> tuple[bool, bool]:
        """(trading paused, whole exchange paused) of a shard."""
        raise NotImplementedError

    # ---- requests ---------------------------------------------------------------------------------------------------

    def create(self, account: str, request: NewOrderRequest, now_ms: int) -> tuple[OrderRecord, list[EngineEvent]]:
        """Place an order: match what it can, rest or cancel what is left by its time in force.

        A fill-or-kill that cannot fill is a Reject; an IOC without a fill is an order, canceled with nothing filled.
        raises  Reject, checked in this order: 404 not_found (unknown market, wrong shard) · 400 exchange_paused,
                trading_paused, market_inactive · invalid_price · invalid_order_size · invalid_order (expiry, reduce
                only) · 409 order_already_exists · 400 invalid_order "post only cross" · fok_insufficient_volume ·
                available_balance_too_low
        """
        raise NotImplementedError

    def cancel(
        self, account: str, order_id: str, ticker: str | None, exchange_index: int | None, now_ms: int
    ) -> tuple[OrderRecord, int, list[EngineEvent]]:
        """Take an order from the book; returns it, and how many hundredths were taken.

        Without ticker and index (or with -1 and no ticker) only shard 0 is searched, as on the real exchange.
        raises  Reject 404 not_found (unknown, terminal, wrong shard) · 400 market_inactive after the close ·
                400 exchange_paused
        """
        raise NotImplementedError

    def cancel_all(self, account: str, now_ms: int) -> tuple[list[OrderRecord], list[EngineEvent]]:
        """Take all of an account's resting orders, on all shards, from markets that are not closed or paused whole."""
        raise NotImplementedError

    def amend(
        self, account: str, order_id: str, request: AmendRequest, now_ms: int
    ) -> tuple[OrderRecord, list[EngineEvent]]:
        """Change a resting order in place (same order id). Expiry-only changes and decreases keep the priority; a new
        price or a larger size loses it, and may take liquidity. AccountFill events tell what it filled.

        raises  Reject 404 not_found · 400 order_ticker_mismatch, order_side_mismatch,
                order_id_and_client_order_id_mismatch, cannot_update_filled_order, invalid_amend_qty_for_order, and
                those of `create`
        """
        raise NotImplementedError

    # ---- reads ------------------------------------------------------------------------------------------------------

    def order(self, account: str, order_id: str) -> OrderRecord:
        """One order of an account. Raises Reject(404)."""
        raise NotImplementedError

    def orders(
        self,
        account: str,
        *,
        tickers: Iterable[str] = (),
        event_tickers: Iterable[str] = (),
        status: OrderStatus | None = None,
        min_ms: int | None = None,
        max_ms: int | None = None,
        exchange_index: int | None = None,
    ) -> list[OrderRecord]:
        """An account's orders, newest first, by creation time (both bounds included)."""
        raise NotImplementedError

    def fills(
        self,
        account: str,
        *,
        tickers: Iterable[str] = (),
        order_id: str | None = None,
        min_ms: int | None = None,
        max_ms: int | None = None,
        exchange_index: int | None = None,
    ) -> list[AccountFill]:
        """An account's fills, newest first."""
        raise NotImplementedError

    def settlements(
        self,
        account: str,
        *,
        tickers: Iterable[str] = (),
        event_tickers: Iterable[str] = (),
        min_ms: int | None = None,
        max_ms: int | None = None,
    ) -> list[AccountSettled]:
        """What an account was paid, newest first."""
        raise NotImplementedError

    def positions(self, account: str, *, settled: bool | None = False) -> list[PositionRecord]:
        """An account's market positions: unsettled ones, settled ones, or (None) all. Flat ones that traded included."""
        raise NotImplementedError

    def position(self, account: str, ticker: str) -> PositionRecord:
        """An account's position in one market; an empty record when it never traded there."""
        raise NotImplementedError

    def balance(self, account: str, exchange_index: int | None = None) -> Balance:
        """An account on one shard, or (None) summed over all of its shards."""
        raise NotImplementedError

    def shards(self, account: str) -> list[int]:
        """The shards on which an account has (or had) cash, ascending."""
        raise NotImplementedError

    def market(self, ticker: str) -> MarketRecord:
        """One market. Raises Reject(404)."""
        raise NotImplementedError

    def markets(self) -> list[MarketRecord]:
        """All markets, newest close first."""
        raise NotImplementedError

    def displayed(self, ticker: str) -> tuple[Levels, Levels]:
        """Bids and asks as shown: foreign size still there plus the accounts' orders. Raises Reject(404)."""
        raise NotImplementedError

    def trades(self, ticker: str | None = None) -> list[Traded]:
        """Recent public trades, newest first, of one market or of all."""
        raise NotImplementedError
