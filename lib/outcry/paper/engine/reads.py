"""What an account may ask of the exchange about itself. Lists come newest first.

`subaccount` None means all of them. `historical` leaves out what a Cutoffs calls live (True) or historical (False).
"""

from collections.abc import Iterable, Iterator

from outcry.domain.ledger import liquidation_micros
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.engine.history import Cutoffs, cutoffs
from outcry.paper.engine.purse import Purse
from outcry.paper.engine.records import Balance, OrderRecord, OrderStatus, PositionRecord, Reject
from outcry.paper.engine.state import State
from outcry.paper.events import AccountFill, AccountSettled


class Reads:
    """The private reading half of the engine. Everything raises Reject(404) for an unknown account, subaccount, order
    or market."""

    state: State

    def tier(self, account: str) -> str:
        """The account's usage tier (for token buckets)."""
        return self.state.account(account).tier

    def order(self, account: str, order_id: str) -> OrderRecord:
        """One order of an account."""
        return self.state.order(account, order_id)

    def queue_position(self, account: str, order_id: str) -> int:
        """Hundredths of a contract that stand before a resting order at its price."""
        order = self.state.order(account, order_id)
        if order.status is not OrderStatus.RESTING:
            raise Reject(404, "not_found", "order is not resting")
        return self.state.markets[order.ticker].book.ahead_ch(order_id)

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
        order_group_id: str | None = None,
        historical: bool | None = None,
    ) -> list[OrderRecord]:
        """An account's orders, by creation time (both bounds included)."""
        self._purses(account, subaccount)
        wanted, events, limits = set(tickers), set(event_tickers), self._cutoffs()
        return [
            order
            for order in reversed(self.state.orders_of.get(account, []))
            if (not wanted or order.ticker in wanted)
            and (not events or self.state.markets[order.ticker].market.event_ticker in events)
            and (status is None or order.status is status)
            and _within(order.created_at_ms, min_ms, max_ms)
            and exchange_index in (None, order.exchange_index)
            and subaccount in (None, order.subaccount)
            and order_group_id in (None, order.order_group_id)
            and (historical is None or limits.order(order) is historical)
        ]

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
        """An account's fills."""
        self._purses(account, subaccount)
        wanted, limits = set(tickers), self._cutoffs()
        return [
            fill
            for fill in reversed(self.state.fills_of.get(account, []))
            if (not wanted or fill.ticker in wanted)
            and order_id in (None, fill.order_id)
            and _within(fill.at_ms, min_ms, max_ms)
            and exchange_index in (None, fill.exchange_index)
            and subaccount in (None, fill.subaccount)
            and (historical is None or limits.trade(fill) is historical)
        ]

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
        """What an account was paid."""
        self._purses(account, subaccount)
        wanted, events = set(tickers), set(event_tickers)
        return [
            paid
            for paid in reversed(self.state.settlements_of.get(account, []))
            if (not wanted or paid.ticker in wanted)
            and (not events or paid.event_ticker in events)
            and _within(paid.at_ms, min_ms, max_ms)
            and subaccount in (None, paid.subaccount)
        ]

    def positions(
        self,
        account: str,
        *,
        settled: bool | None = False,
        subaccount: int | None = 0,
        historical: bool | None = None,
    ) -> list[PositionRecord]:
        """Unsettled positions, settled ones, or (None) all; flat ones that traded are among them.

        Positions become historical by whole events: when all that a purse held in the event are old enough.
        """
        found = []
        for purse in self._purses(account, subaccount):
            live = self._live_events(purse)
            found += [
                held
                for held in purse.positions.values()
                if settled in (None, held.settled)
                and (historical is None or historical is not (self._event_of(held.ticker) in live))
            ]
        return found

    def position(self, account: str, ticker: str, subaccount: int = 0) -> PositionRecord:
        """A subaccount's position in one market; an empty record when it never traded there."""
        shard = self.state.market(ticker).market.exchange_index
        held = self.state.purse(account, subaccount).positions.get(ticker)
        return held or PositionRecord(account, ticker, shard, subaccount)

    def balance(self, account: str, exchange_index: int | None = None, subaccount: int | None = 0) -> Balance:
        """A subaccount on one shard, or (None) summed over all of its shards: which is not what one can spend."""
        purses = self._purses(account, subaccount)
        shards = self.shards(account, subaccount) if exchange_index is None else [exchange_index]
        held = [purse.reserved_micros(shard) for purse in purses for shard in shards]
        if self.state.manners.fee_reserved:
            held += [purse.buffers_micros(shard) for purse in purses for shard in shards]
        return Balance(
            sum(purse.cash.get(shard, 0) for purse in purses for shard in shards),
            sum(held),
            sum(value for purse in purses for value in self._values(purse, set(shards))),
        )

    def shards(self, account: str, subaccount: int | None = 0) -> list[int]:
        """The shards on which a subaccount has (or had) cash, ascending."""
        return sorted({shard for purse in self._purses(account, subaccount) for shard in purse.cash})

    # ---- within -----------------------------------------------------------------------------------------------------

    def _purses(self, account: str, subaccount: int | None) -> list[Purse]:
        if subaccount is None:
            return list(self.state.account(account).purses.values())
        return [self.state.purse(account, subaccount)]

    def _cutoffs(self) -> Cutoffs:
        return cutoffs(self.state.manners, self.state.outbox.at_ms)

    def _event_of(self, ticker: str) -> str:
        return self.state.markets[ticker].market.event_ticker

    def _live_events(self, purse: Purse) -> set[str]:
        """Events in which a purse has a position that is not old enough to be historical."""
        limits = self._cutoffs()
        return {self._event_of(ticker) for ticker, held in purse.positions.items() if not limits.position(held)}

    def _values(self, purse: Purse, shards: set[int]) -> Iterator[int]:
        """What closing each position now would add to cash: a short's locked dollars come back."""
        for held in purse.positions.values():
            if held.exchange_index in shards and held.position_ch:
                book = self.state.markets[held.ticker].book.shown
                value = self.state.markets[held.ticker].market.settlement_value_cc
                bid_cc, ask_cc = (book.bid_cc, book.ask_cc) if value is None else (value, value)
                locked = ONE_DOLLAR_CC * max(0, -held.position_ch)
                yield locked + liquidation_micros(held.position_ch, bid_cc, ask_cc)


def _within(at_ms: int, min_ms: int | None, max_ms: int | None) -> bool:
    return (min_ms is None or at_ms >= min_ms) and (max_ms is None or at_ms <= max_ms)
