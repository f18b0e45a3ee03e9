"""An account at an exchange that a test holds in its hand, and a floor's database with agents in it."""

import itertools
import sqlite3
from collections import defaultdict
from dataclasses import replace

from outcry.domain.errors import Refused, Unavailable
from outcry.domain.fill import Fill
from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.order import Order, Purpose, Side, State, TimeInForce
from outcry.store import agents, markets, orders
from outcry.venue.wire import Balance, OrderReport, PositionReport, SettlementReport

FLOOR_ID = "abcdef"
TICKER, OTHER = "KXBTC15M-26NOV201215-15", "KXETH15M-26NOV201215-15"
SHARD = 2
T0 = 1_795_000_000_000
DOLLAR_CC = 10_000


def furnish(db: sqlite3.Connection, *names: str) -> None:
    """The floor's row and some agents."""
    agents.open_floor(db, FLOOR_ID, "embedded", T0)
    sha256 = agents.keep_version(db, "momentum", "source", T0)
    for name in names:
        agents.add(db, agents.Agent(name, "momentum", {}, "birth", 10_000_000, sha256, T0))


def our_id(agent: str, number: int = 0) -> str:
    return f"oc-{FLOOR_ID}-{agent}-01JD{number:022d}"


def market(ticker: str = TICKER, close_at_ms: int = T0 + 900_000, **facts: object) -> Market:
    base = Market(
        ticker, ticker.rpartition("-")[0], ticker.partition("-")[0], SHARD, Status.ACTIVE, T0, close_at_ms,
        (PriceRange(0, DOLLAR_CC, 100),),
    )  # fmt: skip
    return replace(base, **facts)


def plan(db: sqlite3.Connection, client_order_id: str, agent: str, state: State, **facts: object) -> Order:
    """An order of ours as its trader left it."""
    decision = f"d-{client_order_id}"
    db.execute(
        "INSERT INTO decisions VALUES (?, ?, ?, 'entry', 1, 'bid', 4300, NULL, '', 'allowed', '', '', 1000, '{}', '{}',"
        " '{}', '{}', '', 1)",
        (decision, agent, facts.get("ticker", TICKER)),
    )
    base = Order(
        client_order_id, agent, TICKER, SHARD, Side.BID, 4_000, 1_000, TimeInForce.GTC, Purpose.ENTRY, state, decision,
        T0, reserved_micros=4_000_000, signed_at_ms=T0, updated_at_ms=T0,
    )  # fmt: skip
    order = replace(base, **facts)
    orders.insert(db, order, "embedded")
    return order


class HeldExchange:
    """Answers like the exchange would; `down` and `late` make it misbehave.

    late  trade ids and order ids that its reads do not show yet
    """

    def __init__(self, cash_micros: int = 1_000_000_000, *, excludes_resting: bool = True) -> None:
        self.cash = {SHARD: cash_micros}
        self.excludes_resting = excludes_resting
        self.held: dict[str, int] = defaultdict(int)
        self.filled: list[Fill] = []
        self.book: dict[str, OrderReport] = {}
        self.paid: list[SettlementReport] = []
        self.described: dict[str, Market] = {TICKER: market(), OTHER: market(OTHER)}
        self.down = False
        self.late: set[str] = set()
        self.archived: set[str] = set()  # orders that the live listings no longer know
        self.canceled: list[str] = []
        self.asked: list[str] = []
        self._ids = itertools.count(1)

    # ---- what happens there ---------------------------------------------------------------------------------------

    def place(self, client_order_id: str, side: Side = Side.BID, price_cc: int = 4_000, count_ch: int = 1_000,
              at_ms: int = T0, ticker: str = TICKER) -> str:  # fmt: skip
        """An order arrives and rests; its id."""
        order_id = f"x{next(self._ids)}"
        self.book[order_id] = OrderReport(
            order_id,
            client_order_id,
            ticker,
            SHARD,
            side,
            price_cc,
            State.RESTING,
            count_ch,
            0,
            count_ch,
            0,
            at_ms,
            None,
        )
        return order_id

    def match(self, order_id: str, count_ch: int, fee_micros: int = 100, at_ms: int = T0 + 1_000) -> Fill:
        """Part of a resting order trades."""
        old = self.book[order_id]
        fill = Fill(f"t{next(self._ids)}", order_id, old.ticker, SHARD, old.side, old.price_cc, count_ch, fee_micros,
                    True, at_ms)  # fmt: skip
        left = old.remaining_ch - count_ch
        self.book[order_id] = old._replace(
            status=State.RESTING if left else State.EXECUTED,
            filled_ch=old.filled_ch + count_ch,
            remaining_ch=left,
            fees_micros=old.fees_micros + fee_micros,
        )
        self.cash[SHARD] += fill.cash_change_micros - fee_micros
        self.held[old.ticker] += fill.position_change_ch
        self.filled.append(fill)
        return fill

    def settle(self, ticker: str, value_cc: int, at_ms: int, result: str = "") -> None:
        """Pay a market, with the account's record of it."""
        position = self.held.pop(ticker, 0)
        self.cash[SHARD] += position * value_cc
        bought = sum(fill.count_ch for fill in self.filled if fill.ticker == ticker and fill.side is Side.BID)
        sold = sum(fill.count_ch for fill in self.filled if fill.ticker == ticker and fill.side is Side.ASK)
        result = result or {0: "no", DOLLAR_CC: "yes"}.get(value_cc, "scalar")
        self.paid.append(
            SettlementReport(ticker, "", SHARD, result, value_cc // 100 * 100, bought, 0, sold, 0, 0, 0, at_ms)
        )
        self.described[ticker] = replace(
            self.described[ticker], status=Status.FINALIZED, result=result, settlement_value_cc=value_cc
        )

    # ---- what it answers ------------------------------------------------------------------------------------------

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.down:
            raise Unavailable("the exchange does not answer")

    def balance(self, exchange_index: int | None = None) -> Balance:
        self._ask("balance")
        reserved = sum(self._reserved(ticker) for ticker in self.described)
        shown = {
            shard: cash
            - sum(DOLLAR_CC * -held for held in self.held.values() if held < 0)
            - (reserved if self.excludes_resting else 0)
            for shard, cash in self.cash.items()
        }
        total = sum(shown.values()) if exchange_index is None else shown.get(exchange_index, 0)
        return Balance(total, 0, T0, shown if exchange_index is None else {})

    def _reserved(self, ticker: str) -> int:
        """What resting orders hold back: bids their price, asks $1 less it, each less what the position covers."""
        held = self.held.get(ticker, 0)
        mine = [order for order in self.book.values() if order.ticker == ticker and order.status is State.RESTING]
        bids = sum(order.price_cc * order.remaining_ch for order in mine if order.side is Side.BID)
        asks = sum((DOLLAR_CC - order.price_cc) * order.remaining_ch for order in mine if order.side is Side.ASK)
        return max(0, bids - max(0, -held) * DOLLAR_CC) + max(0, asks - max(0, held) * DOLLAR_CC)

    def positions(self, exchange_index=None, settlement_status=None) -> list[PositionReport]:
        self._ask("positions")
        return [PositionReport(ticker, SHARD, held, 0, 0, 0, 0, T0) for ticker, held in self.held.items()]

    def fills(self, min_ts=None, ticker=None, order_id=None, max_ts=None) -> list[Fill]:
        self._ask("fills")
        return [
            fill
            for fill in self.filled
            if fill.trade_id not in self.late
            and (min_ts is None or fill.filled_at_ms >= min_ts * 1000)
            and ticker in (None, fill.ticker)
            and order_id in (None, fill.order_id)
        ]

    def settlements(self, min_ts=None, ticker=None) -> list[SettlementReport]:
        self._ask("settlements")
        return [
            paid
            for paid in self.paid
            if ticker in (None, paid.ticker) and (min_ts is None or paid.settled_at_ms >= min_ts * 1000)
        ]

    def market(self, ticker: str) -> Market:
        self._ask("market")
        return self.described[ticker]

    def archived_market(self, ticker: str) -> Market:
        raise Refused("market not found", status=404, code="not_found")

    def order(self, order_id: str, *, urgent: bool = False) -> OrderReport:
        self._ask("order")
        if order_id not in self.book or order_id in self.late:
            raise Refused("no such order", status=404, code="not_found")
        return self.book[order_id]

    def orders(self, ticker=None, status=None, min_ts=None, max_ts=None, exchange_index=None, *, urgent=False):
        self._ask("orders")
        return [
            order
            for order in self.book.values()
            if order.order_id not in self.late | self.archived
            and ticker in (None, order.ticker)
            and status in (None, order.status)
            and (min_ts is None or order.status is State.RESTING or (order.created_at_ms or 0) >= min_ts * 1000)
        ]

    def search_orders(self, ticker=None, min_ts=None, max_ts=None, exchange_index=None):
        live = self.orders(ticker, None, min_ts, max_ts, exchange_index)
        return live + [self.book[order_id] for order_id in sorted(self.archived)]

    def cancel_order(self, order_id: str, ticker: str, exchange_index: int) -> int:
        self._ask("cancel")
        order = self.book.get(order_id)
        if order is None or order.status is not State.RESTING:
            raise Refused("no such order", status=404, code="not_found")
        self.book[order_id] = order._replace(status=State.CANCELED, remaining_ch=0)
        self.canceled.append(order_id)
        return order.remaining_ch

    def cancel_orders(self, cancels) -> list[int | Refused]:
        self._ask("cancel_orders")
        return [self._outcome(cancel) for cancel in cancels]

    def _outcome(self, cancel) -> int | Refused:
        try:
            return self.cancel_order(*cancel)
        except Refused as error:
            return error

    def cancel_all(self) -> None:
        self._ask("cancel_all")
        for order in list(self.book.values()):
            if order.status is State.RESTING:
                self.cancel_order(order.order_id, order.ticker, order.exchange_index)


def describe(db: sqlite3.Connection, *known: Market) -> None:
    """What the collector would have written of some markets."""
    markets.save(db, known, T0)
