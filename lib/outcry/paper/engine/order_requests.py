"""The engine's part that takes orders: create, cancel, amend, decrease, cancel all."""

from outcry.domain.market import Status
from outcry.paper.engine import amending, clearing, placing
from outcry.paper.engine.records import AmendRequest, NewOrderRequest, OrderRecord, OrderStatus, Reject
from outcry.paper.engine.state import ANY_SHARD
from outcry.paper.engine.steps import Steps
from outcry.paper.events import EngineEvent

DEFAULT_SHARD = 0


class OrderRequests(Steps):
    """Everything raises Reject(404) for an account, subaccount or order that does not exist. A subaccount is 0 (the
    primary one) unless it is named."""

    def create(self, account: str, request: NewOrderRequest, now_ms: int) -> tuple[OrderRecord, list[EngineEvent]]:
        """Place an order: match what it can, rest or cancel what is left by its time in force.

        A fill-or-kill that cannot fill is a Reject (or, by the manners, an order canceled with nothing filled); an IOC
        without a fill is an order, canceled with nothing filled (or, by the manners, a Reject). What newly rests within
        a minute of a cancel-all is canceled.
        raises  Reject, checked in this order: 404 not_found (unknown market, wrong shard) · 400 exchange_paused,
                trading_paused, market_inactive · invalid_price · invalid_order_size · invalid_order (expiry, reduce
                only) · 409 order_already_exists · 404 order_group_not_found · 400 exceeded_order_group_risk_limit ·
                invalid_order "post only cross" · fok_insufficient_volume, ioc_insufficient_volume ·
                exceeded_per_market_risk_limit · available_balance_too_low
        """
        self._begin(now_ms)
        order = placing.create(self.state, account, request)
        return order, self._finish()

    def cancel(
        self,
        account: str,
        order_id: str,
        ticker: str | None,
        exchange_index: int | None,
        now_ms: int,
        *,
        subaccount: int = 0,
    ) -> tuple[OrderRecord, int, list[EngineEvent]]:
        """Take an order from the book; returns it, and how many hundredths were taken.

        Without ticker and index (or with -1 and no ticker) only shard 0 is searched, as on the real exchange.
        raises  Reject 404 not_found (unknown, wrong shard; ended, unless the manners take that for a success) ·
                400 market_inactive after the close · 400 exchange_paused
        """
        self._begin(now_ms)
        order = self._find(account, order_id, ticker, exchange_index, subaccount)
        if order.status is not OrderStatus.RESTING:
            if self.state.manners.ended_is_not_found:
                raise Reject(404, "not_found", "order not found", f"status {order.status}")
            return order, 0, self._finish()
        if self.state.pauses.get(order.exchange_index):
            raise Reject(400, "exchange_paused")
        if not self._cancellable(order):
            raise Reject(400, self.state.manners.closed_code, "market is closed")
        left_ch = clearing.cancel(self.state, order)
        return order, left_ch, self._finish()

    def cancel_all(
        self, account: str, now_ms: int, *, subaccount: int | None = None
    ) -> tuple[list[OrderRecord], list[EngineEvent]]:
        """Take all resting orders of an account, or of one subaccount, on all shards, from markets that are not closed
        or paused whole. For a minute after it whatever newly rests is canceled too (see the manners)."""
        self._begin(now_ms)
        purses = self.state.account(account).purses
        swept = purses.values() if subaccount is None else [self.state.purse(account, subaccount)]
        for purse in swept:
            purse.swept_until_ms = self.state.outbox.at_ms + self.state.manners.cancel_all_tail_ms
        self.state.unsaved.accounts.add(account)
        taken = [order for order in self.state.resting_of(account, subaccount) if self._cancellable(order)]
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
        order = amending.amend(self.state, account, order_id, request)
        return order, self._finish()

    def decrease(
        self,
        account: str,
        order_id: str,
        now_ms: int,
        *,
        reduce_by_ch: int | None = None,
        reduce_to_ch: int | None = None,
        ticker: str | None = None,
        exchange_index: int | None = None,
        subaccount: int = 0,
    ) -> tuple[OrderRecord, list[EngineEvent]]:
        """Make a resting order smaller in its place in the queue: by so much, or to so much of what still rests.

        Nothing left cancels it. Less than asked for may be left by fills in between: that is no error.
        raises  Reject 400 invalid_parameters (not exactly one of the two, or not above zero) · 404 not_found as for
                `cancel` · 400 cannot_update_filled_order, exchange_paused, trading_paused, market_inactive
        """
        self._begin(now_ms)
        if (reduce_by_ch is None) == (reduce_to_ch is None):
            raise Reject(400, "invalid_parameters", "exactly one of reduce_by and reduce_to is needed")
        if reduce_by_ch is not None and reduce_by_ch <= 0:
            raise Reject(400, "invalid_parameters", "reduce_by must be above zero")
        order = self._find(account, order_id, ticker, exchange_index, subaccount)
        if order.status is OrderStatus.EXECUTED:
            raise Reject(400, "cannot_update_filled_order")
        if order.status is not OrderStatus.RESTING:
            raise Reject(404, "not_found", "order not found", f"status {order.status}")
        left_ch = order.remaining_ch - reduce_by_ch if reduce_by_ch is not None else reduce_to_ch or 0
        amending.decrease(self.state, order, left_ch)
        return order, self._finish()

    def _find(
        self, account: str, order_id: str, ticker: str | None, exchange_index: int | None, subaccount: int
    ) -> OrderRecord:
        """An order, where the request looks for it."""
        order = self.state.order(account, order_id, subaccount)
        named = exchange_index not in (None, ANY_SHARD)
        shard = exchange_index if named else order.exchange_index if ticker else DEFAULT_SHARD
        if (ticker or order.ticker) != order.ticker or shard != order.exchange_index:
            raise Reject(404, "not_found", "order not found")
        return order

    def _cancellable(self, order: OrderRecord) -> bool:
        """Whether its market still takes cancels: not after the close, not while the whole exchange is paused."""
        status = self.state.markets[order.ticker].market.status
        return status in (Status.ACTIVE, Status.INACTIVE) and not self.state.pauses.get(order.exchange_index)
