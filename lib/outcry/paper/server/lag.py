"""What an account reads when reads lie behind: everything as it was some time ago.

On the real exchange account reads trail the matching by up to about a second, while answers to writes and the private
channels are fresh. The engine's records are live, so each step leaves copies of what it changed, with their time; a
read takes the newest copy that is old enough.
"""

import copy
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from outcry.paper.engine.engine import Engine
from outcry.paper.engine.records import Balance, OrderRecord, OrderStatus, PositionRecord, Reject
from outcry.paper.events import AccountFill, AccountSettled, EngineEvent, OrderChanged

Copy = TypeVar("Copy")
LONGEST_MS = 60_000


class _Past(Generic[Copy]):
    """Copies of one thing, oldest first; only as far back as anybody may still read."""

    def __init__(self) -> None:
        self._copies: deque[tuple[int, Copy]] = deque()

    def add(self, at_ms: int, state: Copy, horizon_ms: int) -> None:
        self._copies.append((at_ms, state))
        while len(self._copies) > 1 and self._copies[1][0] <= horizon_ms:
            self._copies.popleft()

    def at(self, cutoff_ms: int) -> Copy | None:
        """The state at a time; None when there was none yet."""
        return next((state for at_ms, state in reversed(self._copies) if at_ms <= cutoff_ms), None)


class LaggedBooks:
    """The account reads of the engine, `lag_ms` behind. Make it before the first step; tell it of every step.

    lag_ms  may be changed at any time, to at most LONGEST_MS
    """

    def __init__(self, engine: Engine, accounts: Iterable[str], lag_ms: int, now_ms: Callable[[], int]) -> None:
        self._engine, self.lag_ms, self._now_ms = engine, lag_ms, now_ms
        self._orders: dict[str, _Past[OrderRecord]] = {}
        self._positions: dict[tuple[str, int, str], _Past[PositionRecord]] = {}
        self._balances: dict[tuple[str, int, int], _Past[Balance]] = {}
        for account in accounts:
            for order in engine.orders(account):
                self._note_order(order, 0)
            for held in engine.positions(account, settled=None, subaccount=None):
                self._note_position(held, 0)
            self._note_balances(account, 0)

    def note(self, events: list[EngineEvent], accounts: Iterable[str] = ()) -> None:
        """Copy what a step changed; `accounts` are those whose money it moved."""
        now_ms = self._now_ms()
        for event in events:
            if isinstance(event, OrderChanged):
                self._note_order(self._engine.order(event.account, event.order_id), now_ms)
            elif isinstance(event, AccountFill | AccountSettled):
                held = self._engine.position(event.account, event.ticker, event.subaccount)
                self._note_position(held, now_ms)
        for account in accounts:
            self._note_balances(account, now_ms)

    # ---- reads ------------------------------------------------------------------------------------------------------

    def order(self, account: str, order_id: str) -> OrderRecord:
        self._engine.order(account, order_id)
        seen = self._orders[order_id].at(self._cutoff_ms())
        if seen is None:
            raise Reject(404, "not_found", "order not found")
        return seen

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
        subaccount: int | None = None,
        historical: bool | None = None,
    ) -> list[OrderRecord]:
        live = self._engine.orders(
            account,
            tickers=tickers,
            event_tickers=event_tickers,
            min_ms=min_ms,
            max_ms=max_ms,
            exchange_index=exchange_index,
            subaccount=subaccount,
            historical=historical,
        )
        cutoff_ms = self._cutoff_ms()
        seen = [self._orders[order.order_id].at(cutoff_ms) for order in live]
        return [order for order in seen if order is not None and status in (None, order.status)]

    def fills(
        self,
        account: str,
        *,
        tickers: Iterable[str] = (),
        order_id: str | None = None,
        min_ms: int | None = None,
        max_ms: int | None = None,
        exchange_index: int | None = None,
        subaccount: int | None = None,
        historical: bool | None = None,
    ) -> list[AccountFill]:
        live = self._engine.fills(
            account,
            tickers=tickers,
            order_id=order_id,
            min_ms=min_ms,
            max_ms=max_ms,
            exchange_index=exchange_index,
            subaccount=subaccount,
            historical=historical,
        )
        return [fill for fill in live if fill.at_ms <= self._cutoff_ms()]

    def settlements(
        self,
        account: str,
        *,
        tickers: Iterable[str] = (),
        event_tickers: Iterable[str] = (),
        min_ms: int | None = None,
        max_ms: int | None = None,
        subaccount: int | None = None,
    ) -> list[AccountSettled]:
        live = self._engine.settlements(
            account,
            tickers=tickers,
            event_tickers=event_tickers,
            min_ms=min_ms,
            max_ms=max_ms,
            subaccount=subaccount,
        )
        return [paid for paid in live if paid.at_ms <= self._cutoff_ms()]

    def positions(
        self,
        account: str,
        *,
        settled: bool | None = False,
        subaccount: int | None = 0,
        historical: bool | None = None,
    ) -> list[PositionRecord]:
        live = self._engine.positions(account, settled=None, subaccount=subaccount, historical=historical)
        cutoff_ms = self._cutoff_ms()
        seen = [self._positions[account, held.subaccount, held.ticker].at(cutoff_ms) for held in live]
        return [held for held in seen if held is not None and settled in (None, held.settled)]

    def balance(self, account: str, exchange_index: int | None = None, subaccount: int = 0) -> Balance:
        shards = self.shards(account, subaccount) if exchange_index is None else [exchange_index]
        pasts = [self._balances.get((account, subaccount, shard)) for shard in shards]
        seen = [balance for past in pasts if past is not None and (balance := past.at(self._cutoff_ms())) is not None]
        return Balance(
            sum(balance.cash_micros for balance in seen),
            sum(balance.reserved_micros for balance in seen),
            sum(balance.value_micros for balance in seen),
        )

    def shards(self, account: str, subaccount: int | None = 0) -> list[int]:
        return self._engine.shards(account, subaccount)

    # ---- within -----------------------------------------------------------------------------------------------------

    def _cutoff_ms(self) -> int:
        return self._now_ms() - self.lag_ms

    def _note_order(self, order: OrderRecord, at_ms: int) -> None:
        self._orders.setdefault(order.order_id, _Past()).add(at_ms, copy.copy(order), at_ms - LONGEST_MS)

    def _note_position(self, held: PositionRecord, at_ms: int) -> None:
        key = held.account, held.subaccount, held.ticker
        self._positions.setdefault(key, _Past()).add(at_ms, copy.copy(held), at_ms - LONGEST_MS)

    def _note_balances(self, account: str, at_ms: int) -> None:
        for purse in self._engine.purses(account):
            for shard in self._engine.shards(account, purse.number):
                now = self._engine.balance(account, shard, purse.number)
                key = account, purse.number, shard
                self._balances.setdefault(key, _Past()).add(at_ms, now, at_ms - LONGEST_MS)
