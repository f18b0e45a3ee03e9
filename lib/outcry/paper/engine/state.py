"""Everything the exchange knows, in memory, and which of it has not been written down yet."""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from outcry.domain.errors import InvariantBroken
from outcry.domain.market import Market, Status
from outcry.paper.engine.accounts import Account, House
from outcry.paper.engine.groups import OrderGroup
from outcry.paper.engine.manners import Manners
from outcry.paper.engine.matching import MarketBook
from outcry.paper.engine.money_records import CashMove, SubaccountTransfer, Transfer
from outcry.paper.engine.outbox import Outbox
from outcry.paper.engine.purse import Purse
from outcry.paper.engine.records import MarketRecord, OrderRecord, OrderStatus, PositionRecord, Reject
from outcry.paper.events import AccountFill, AccountSettled

PAID_WITH_TRADES = 8  # so many paid markets keep their public trades: there are new ones every few minutes
ANY_SHARD = -1  # the wire's word for "route it by the ticker"


@dataclass(slots=True)
class Unsaved:
    """What changed since it was last written down. Sets, so that a thing changed twice is written once."""

    accounts: set[str] = field(default_factory=set)
    markets: set[str] = field(default_factory=set)
    orders: dict[str, OrderRecord] = field(default_factory=dict)
    positions: dict[tuple[str, int, str], PositionRecord] = field(default_factory=dict)
    fills: list[AccountFill] = field(default_factory=list)
    settlements: list[AccountSettled] = field(default_factory=list)
    groups: dict[str, OrderGroup] = field(default_factory=dict)
    transfers: dict[str, Transfer] = field(default_factory=dict)
    subaccount_transfers: list[SubaccountTransfer] = field(default_factory=list)
    moves: list[CashMove] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.accounts or self.markets or self.orders or self.groups or self.transfers)


KEYS = {"accounts": 1, "purses": 2, "cash": 3, "house": 1}  # how many columns name a row


class Written:
    """Rows as they were last written: most steps change few of those that they might."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[object, ...], tuple[object, ...]]] = {table: {} for table in KEYS}

    def same(self, table: str, row: tuple[object, ...]) -> bool:
        return self._rows[table].get(row[: KEYS[table]]) == row

    def note(self, table: str, rows: list[tuple[object, ...]]) -> None:
        self._rows[table].update((row[: KEYS[table]], row) for row in rows)


class State:
    """The exchange's books: accounts, markets, orders, fills, settlements, groups, transfers, timers.

    client_ids  the order that last used each (account, client_order_id)
    resting     order ids per market, in order of arrival
    under_way   the transfers that have not arrived
    newly_paid  markets that were paid last, and still have their public trades
    timers      heap of (at_ms, kind, what it is about); a timer that no longer applies does nothing
    """

    def __init__(
        self,
        new_id: Callable[[], str],
        manners: Manners,
        *,
        precision_micros: int,
        cancel_share_millionths: int,
        close_cancel_ms: int,
    ) -> None:
        self.new_id, self.manners = new_id, manners
        self.precision_micros = precision_micros
        self.cancel_share_millionths = cancel_share_millionths
        self.close_cancel_ms = close_cancel_ms
        self.outbox = Outbox()
        self.unsaved, self.written = Unsaved(), Written()
        self.house = House()
        self.accounts: dict[str, Account] = {}
        self.markets: dict[str, MarketRecord] = {}
        self.orders: dict[str, OrderRecord] = {}
        self.orders_of: dict[str, list[OrderRecord]] = {}
        self.client_ids: dict[tuple[str, str], OrderRecord] = {}
        self.resting: dict[str, dict[str, OrderRecord]] = {}
        self.fills_of: dict[str, list[AccountFill]] = {}
        self.settlements_of: dict[str, list[AccountSettled]] = {}
        self.groups: dict[str, OrderGroup] = {}
        self.transfers: dict[str, Transfer] = {}
        self.under_way: dict[str, Transfer] = {}
        self.subaccount_transfers: dict[tuple[str, str], SubaccountTransfer] = {}
        self.moves: list[CashMove] = []
        self.timers: list[tuple[int, str, str]] = []
        self.newly_paid: deque[str] = deque()
        self.pauses: dict[int, bool] = {}  # shard: whether the whole exchange is paused, not only trading
        self.next_number = 1

    def account(self, name: str) -> Account:
        if name not in self.accounts:
            raise Reject(404, "not_found", "account not found")
        return self.accounts[name]

    def purse(self, account: str, subaccount: int) -> Purse:
        purses = self.account(account).purses
        if subaccount not in purses:
            raise Reject(404, "not_found", "subaccount not found")
        return purses[subaccount]

    def market(self, ticker: str) -> MarketRecord:
        if ticker not in self.markets:
            raise Reject(404, "not_found", "market not found")
        return self.markets[ticker]

    def listed(self, ticker: str) -> MarketRecord:
        """A market the source speaks of; it has to list one before anything else."""
        if ticker not in self.markets:
            raise InvariantBroken(f"the source spoke of {ticker} before listing it")
        return self.markets[ticker]

    def order(self, account: str, order_id: str, subaccount: int | None = None) -> OrderRecord:
        """An order of an account; of one of its subaccounts, where that is named."""
        order = self.orders.get(order_id)
        if order is None or order.account != account or subaccount not in (None, order.subaccount):
            raise Reject(404, "not_found", "order not found")
        return order

    def group(self, account: str, group_id: str, subaccount: int, exchange_index: int) -> OrderGroup:
        """A group of a subaccount, on the shard that is named."""
        found = self.groups.get(group_id)
        if found is None or found.deleted:
            raise Reject(404, "order_group_not_found")
        if (found.account, found.subaccount, found.exchange_index) != (account, subaccount, exchange_index):
            raise Reject(404, "order_group_not_found")
        return found

    def add_market(self, market: Market, at_ms: int) -> MarketRecord:
        book = MarketBook(
            partial(self.outbox.level, market.ticker), cancel_share_millionths=self.cancel_share_millionths
        )
        record = MarketRecord(market, at_ms, at_ms, book)
        self.markets[market.ticker] = record
        self.unsaved.markets.add(market.ticker)
        self.set_timers(record)
        self.match_while_trading(record)
        return record

    def set_timers(self, record: MarketRecord) -> None:
        market = record.market
        heapq.heappush(self.timers, (market.open_at_ms, "open", market.ticker))
        heapq.heappush(self.timers, (market.close_at_ms, "close", market.ticker))
        heapq.heappush(self.timers, (market.close_at_ms + self.close_cancel_ms, "sweep", market.ticker))

    def match_while_trading(self, record: MarketRecord) -> None:
        """Let the market's book fill resting orders only while the market trades."""
        record.book.trading = record.trading and record.market.exchange_index not in self.pauses

    def add_order(self, order: OrderRecord) -> None:
        """Enter a new order into the books (not into the market's queue)."""
        self.orders[order.order_id] = order
        self.orders_of.setdefault(order.account, []).append(order)
        self.claim(order)
        self.next_number = max(self.next_number, order.number + 1)

    def claim(self, order: OrderRecord) -> None:
        """Note that an order uses its client_order_id."""
        if order.client_order_id:
            self.client_ids[order.account, order.client_order_id] = order

    def claimed(self, account: str, client_order_id: str) -> bool:
        """Whether an account may not use a client_order_id (again)."""
        order, kept_ms = self.client_ids.get((account, client_order_id)), self.manners.client_id_kept_ms
        if order is None:
            return False
        ended = order.status is not OrderStatus.RESTING
        return not (ended and kept_ms is not None and self.outbox.at_ms - order.updated_at_ms >= kept_ms)

    def rest(self, order: OrderRecord) -> None:
        """Put what is left of an order into the queue of its price."""
        self.resting.setdefault(order.ticker, {})[order.order_id] = order
        if order.order_group_id:
            self.groups[order.order_group_id].resting[order.order_id] = order
        book = self.markets[order.ticker].book
        book.rest(order.order_id, order.account, order.is_bid, order.price_cc, order.remaining_ch)
        self.set_expiry(order)

    def set_expiry(self, order: OrderRecord) -> None:
        if order.expires_at_ms is not None:
            heapq.heappush(self.timers, (order.expires_at_ms, "expire", order.order_id))

    def unrest(self, order: OrderRecord) -> None:
        """Forget that an order rests (it was filled, or withdrawn from the queue)."""
        self.resting.get(order.ticker, {}).pop(order.order_id, None)
        if order.order_group_id:
            self.groups[order.order_group_id].resting.pop(order.order_id, None)

    def changed(self, order: OrderRecord, reason: str) -> None:
        """Note that an order changed now: to be told, and to be written down."""
        order.updated_at_ms = self.outbox.at_ms
        self.outbox.order(order.account, order.order_id, reason)
        self.unsaved.orders[order.order_id] = order
        self.unsaved.accounts.add(order.account)

    def resting_of(self, account: str, subaccount: int | None = None) -> list[OrderRecord]:
        """Resting orders of an account, or of one of its subaccounts, oldest priority first."""
        mine = [
            order
            for orders in self.resting.values()
            for order in orders.values()
            if order.account == account and subaccount in (None, order.subaccount)
        ]
        return sorted(mine, key=lambda order: order.number)

    def paid(self, ticker: str) -> None:
        """A market is over; the public trades of one that was over long ago go, or memory would grow with every one."""
        self.newly_paid.append(ticker)
        if len(self.newly_paid) > PAID_WITH_TRADES:
            self.markets[self.newly_paid.popleft()].trades.clear()

    def set_status(self, record: MarketRecord, status: Status) -> None:
        record.market = replace(record.market, status=status)
        record.updated_at_ms = self.outbox.at_ms
        self.unsaved.markets.add(record.market.ticker)
        self.match_while_trading(record)
