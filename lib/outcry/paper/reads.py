"""What an account, or anybody, may ask of the exchange. Lists come newest first."""

from collections.abc import Iterable, Iterator

from outcry.domain.ledger import liquidation_micros
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.accounts import Account
from outcry.paper.events import AccountFill, AccountSettled, Traded
from outcry.paper.records import Balance, MarketRecord, OrderRecord, OrderStatus, PositionRecord
from outcry.paper.state import State

Levels = dict[int, int]  # price_cc: count_ch


class Reads:
    """The reading half of the engine. Everything raises Reject(404) for an unknown account, order or market."""

    state: State

    def tier(self, account: str) -> str:
        """The account's usage tier (for token buckets)."""
        return self.state.account(account).tier

    def order(self, account: str, order_id: str) -> OrderRecord:
        """One order of an account."""
        return self.state.order(account, order_id)

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
        """An account's orders, by creation time (both bounds included)."""
        self.state.account(account)
        wanted, events = set(tickers), set(event_tickers)
        return [
            order
            for order in reversed(self.state.orders_of.get(account, []))
            if (not wanted or order.ticker in wanted)
            and (not events or self.state.markets[order.ticker].market.event_ticker in events)
            and (status is None or order.status is status)
            and _within(order.created_at_ms, min_ms, max_ms)
            and exchange_index in (None, order.exchange_index)
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
    ) -> list[AccountFill]:
        """An account's fills."""
        self.state.account(account)
        wanted = set(tickers)
        return [
            fill
            for fill in reversed(self.state.fills_of.get(account, []))
            if (not wanted or fill.ticker in wanted)
            and order_id in (None, fill.order_id)
            and _within(fill.at_ms, min_ms, max_ms)
            and exchange_index in (None, fill.exchange_index)
        ]

    def settlements(
        self,
        account: str,
        *,
        tickers: Iterable[str] = (),
        event_tickers: Iterable[str] = (),
        min_ms: int | None = None,
        max_ms: int | None = None,
    ) -> list[AccountSettled]:
        """What an account was paid."""
        self.state.account(account)
        wanted, events = set(tickers), set(event_tickers)
        return [
            paid
            for paid in reversed(self.state.settlements_of.get(account, []))
            if (not wanted or paid.ticker in wanted)
            and (not events or paid.event_ticker in events)
            and _within(paid.at_ms, min_ms, max_ms)
        ]

    def positions(self, account: str, *, settled: bool | None = False) -> list[PositionRecord]:
        """Unsettled positions, settled ones, or (None) all; flat ones that traded are among them."""
        held = self.state.account(account).positions.values()
        return [position for position in held if settled in (None, position.settled)]

    def position(self, account: str, ticker: str) -> PositionRecord:
        """An account's position in one market; an empty record when it never traded there."""
        shard = self.state.market(ticker).market.exchange_index
        held = self.state.account(account).positions.get(ticker)
        return held or PositionRecord(account, ticker, shard)

    def balance(self, account: str, exchange_index: int | None = None) -> Balance:
        """An account on one shard, or (None) summed over all of its shards."""
        owner = self.state.account(account)
        shards = self.shards(account) if exchange_index is None else [exchange_index]
        return Balance(
            sum(owner.cash.get(shard, 0) for shard in shards),
            sum(owner.reserved_micros(shard) for shard in shards),
            sum(self._values(owner, set(shards))),
        )

    def _values(self, owner: Account, shards: set[int]) -> Iterator[int]:
        """What closing each position now would add to cash: a short's locked dollars come back."""
        for held in owner.positions.values():
            if held.exchange_index in shards and held.position_ch:
                book = self.state.markets[held.ticker].book.shown
                value = self.state.markets[held.ticker].market.settlement_value_cc
                bid_cc, ask_cc = (book.bid_cc, book.ask_cc) if value is None else (value, value)
                locked = ONE_DOLLAR_CC * max(0, -held.position_ch)
                yield locked + liquidation_micros(held.position_ch, bid_cc, ask_cc)

    def shards(self, account: str) -> list[int]:
        """The shards on which an account has (or had) cash, ascending."""
        return sorted(self.state.account(account).cash)

    def market(self, ticker: str) -> MarketRecord:
        """One market."""
        return self.state.market(ticker)

    def markets(self) -> list[MarketRecord]:
        """All markets, newest close first."""
        return sorted(
            self.state.markets.values(),
            key=lambda record: (record.market.close_at_ms, record.market.ticker),
            reverse=True,
        )

    def displayed(self, ticker: str) -> tuple[Levels, Levels]:
        """Bids and asks as shown: foreign size still there plus the accounts' orders. Not a copy."""
        shown = self.state.market(ticker).book.shown
        return shown.bids, shown.asks

    def trades(self, ticker: str | None = None) -> list[Traded]:
        """Recent public trades of one market, or of all."""
        if ticker is not None:
            return list(reversed(self.state.market(ticker).trades))
        every = [trade for record in self.state.markets.values() for trade in reversed(record.trades)]
        return sorted(every, key=lambda trade: trade.at_ms, reverse=True)


def _within(at_ms: int, min_ms: int | None, max_ms: int | None) -> bool:
    return (min_ms is None or at_ms >= min_ms) and (max_ms is None or at_ms <= max_ms)
