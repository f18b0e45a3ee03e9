"""The money and positions of one subaccount (an account's primary one is number 0). Pure integers.

A purse has cash per shard. Buying pays price times count; the exchange nets YES against NO at once, so a net short
position keeps $1 a contract locked, and closing it frees that. Resting orders reserve, in each market,

    max(0, sum of price x count over bids - $1 x contracts short)
  + max(0, sum of ($1 - price) x count over asks - $1 x contracts long)

which covers whatever subset of them fills, in whatever order. A small buffer per order, not part of the published
reservation, covers the fees its next fills may be charged. Free cash is never negative.
"""

from dataclasses import dataclass

from outcry.domain.errors import InvariantBroken
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.engine.records import OrderRecord, PositionRecord


@dataclass(slots=True)
class Open:
    """What an account's resting orders in one market could cost, by side, and their fee buffers. Micro-dollars."""

    bids_micros: int = 0
    asks_micros: int = 0
    buffer_micros: int = 0

    def collateral_micros(self, position_ch: int) -> int:
        bids = self.bids_micros - ONE_DOLLAR_CC * max(0, -position_ch)
        asks = self.asks_micros - ONE_DOLLAR_CC * max(0, position_ch)
        return max(0, bids) + max(0, asks)

    def plus(self, side: Side, risk_micros: int, buffer_micros: int) -> "Open":
        is_bid = side is Side.BID
        return Open(
            self.bids_micros + risk_micros * is_bid,
            self.asks_micros + risk_micros * (not is_bid),
            self.buffer_micros + buffer_micros,
        )

    def needed_micros(self, position_ch: int) -> int:
        """Collateral and fee buffers together."""
        return self.collateral_micros(position_ch) + self.buffer_micros

    @property
    def empty(self) -> bool:
        return not (self.bids_micros or self.asks_micros or self.buffer_micros)


class Purse:
    """One subaccount: cash per shard, one position per market, and what its resting orders hold back.

    moved_in        money that came in from outside or from other shards and purses, less what went there
    swept_until_ms  until when whatever newly rests is canceled, after a cancel-all
    netting         whether collateral across the markets of an event is to be returned: told back, never acted on
    """

    def __init__(self, account: str, number: int, exchange_index: int = 0) -> None:
        self.account, self.number, self.exchange_index = account, number, exchange_index
        self.netting, self.swept_until_ms = True, 0
        self.cash: dict[int, int] = {}
        self.moved_in: dict[int, int] = {}
        self.positions: dict[str, PositionRecord] = {}
        self._open: dict[str, Open] = {}
        self._holds: dict[str, tuple[int, int]] = {}  # order_id: (risk, buffer)
        self._held: dict[int, tuple[int, int]] = {}  # shard: (collateral, buffers)

    def move(self, exchange_index: int, micros: int) -> None:
        """Money comes in from somewhere else; a negative amount goes there."""
        self.cash[exchange_index] = self.cash.get(exchange_index, 0) + micros
        self.moved_in[exchange_index] = self.moved_in.get(exchange_index, 0) + micros

    def position(self, ticker: str, exchange_index: int) -> PositionRecord:
        """Its position in a market, made when it has none yet."""
        if ticker not in self.positions:
            self.positions[ticker] = PositionRecord(self.account, ticker, exchange_index, self.number)
        return self.positions[ticker]

    def position_ch(self, ticker: str) -> int:
        held = self.positions.get(ticker)
        return held.position_ch if held else 0

    def open_in(self, ticker: str) -> Open:
        return self._open.get(ticker, Open())

    def hold(self, order: OrderRecord, buffer_micros: int) -> None:
        """Reserve for what is left of an order, in place of what was reserved before; nothing left, nothing held."""
        old_risk, old_buffer = self._holds.pop(order.order_id, (0, 0))
        risk, buffer = order.risk_cc * order.remaining_ch, buffer_micros if order.remaining_ch else 0
        if order.remaining_ch:
            self._holds[order.order_id] = risk, buffer
        was = self.open_in(order.ticker)
        now = was.plus(order.side, risk - old_risk, buffer - old_buffer)
        position_ch = self.position_ch(order.ticker)
        self._open[order.ticker] = now
        if now.empty:
            del self._open[order.ticker]
        change = now.collateral_micros(position_ch) - was.collateral_micros(position_ch)
        self._shift(order.exchange_index, change, buffer - old_buffer)

    def held(self, order_id: str) -> tuple[int, int]:
        """(risk, fee buffer) reserved for an order, in micro-dollars."""
        return self._holds.get(order_id, (0, 0))

    def _shift(self, exchange_index: int, collateral_micros: int, buffer_micros: int) -> None:
        collateral, buffers = self._held.get(exchange_index, (0, 0))
        self._held[exchange_index] = collateral + collateral_micros, buffers + buffer_micros

    def reserved_micros(self, exchange_index: int) -> int:
        """Collateral of resting orders on a shard, as published."""
        return self._held.get(exchange_index, (0, 0))[0]

    def buffers_micros(self, exchange_index: int) -> int:
        """Fee buffers of resting orders on a shard."""
        return self._held.get(exchange_index, (0, 0))[1]

    def collaterals(self) -> dict[str, int]:
        """Collateral of resting orders by market."""
        return {ticker: opened.collateral_micros(self.position_ch(ticker)) for ticker, opened in self._open.items()}

    def free_micros(self, exchange_index: int) -> int:
        """What a new order may use: cash less collateral less fee buffers."""
        return self.cash.get(exchange_index, 0) - sum(self._held.get(exchange_index, (0, 0)))

    def book(self, held: PositionRecord, side: Side, price_cc: int, count_ch: int, fee_micros: int) -> None:
        """One fill: cash, netting, position, cost. The order's own reservation is settled by `hold` afterwards."""
        before_ch, change_ch = held.position_ch, side.sign * count_ch
        after_ch = before_ch + change_ch
        locked = ONE_DOLLAR_CC * (max(0, -after_ch) - max(0, -before_ch))
        shard = held.exchange_index
        self.cash[shard] = self.cash.get(shard, 0) - change_ch * price_cc - locked - fee_micros
        opened = self.open_in(held.ticker)
        self._shift(shard, opened.collateral_micros(after_ch) - opened.collateral_micros(before_ch), 0)
        _move(held, change_ch, price_cc)
        held.traded_micros += price_cc * count_ch
        held.fees_micros += fee_micros
        if side is Side.BID:
            held.yes_count_ch += count_ch
            held.yes_cost_micros += price_cc * count_ch
        else:
            held.no_count_ch += count_ch
            held.no_cost_micros += (ONE_DOLLAR_CC - price_cc) * count_ch

    def settle(self, held: PositionRecord, value_cc: int, precision_micros: int) -> tuple[int, int]:
        """Pay a position, rounded down to the member's precision.

        returns  (revenue_micros credited, remainder_micros kept by the exchange; 0 for plain yes and no)
        raises   InvariantBroken when orders still rest in the market
        """
        if held.ticker in self._open:
            raise InvariantBroken(f"{self.account} has resting orders in {held.ticker}, which settles")
        per_contract_cc = value_cc if held.position_ch >= 0 else ONE_DOLLAR_CC - value_cc
        exact = abs(held.position_ch) * per_contract_cc
        revenue = exact // precision_micros * precision_micros
        shard = held.exchange_index
        self.cash[shard] = self.cash.get(shard, 0) + revenue
        held.realized_micros += held.position_ch * value_cc - held.basis_micros
        held.position_ch = held.basis_micros = 0
        held.settled = True
        return revenue, exact - revenue


def _move(held: PositionRecord, change_ch: int, price_cc: int) -> None:
    """Average cost: what closes realises its share of the basis (toward zero to a micro-dollar), what opens adds."""
    position = held.position_ch
    if position * change_ch < 0:
        closed = min(abs(change_ch), abs(position)) * (1 if position > 0 else -1)
        share = held.basis_micros if closed == position else _toward_zero(held.basis_micros * closed, position)
        held.realized_micros += closed * price_cc - share
        held.position_ch, held.basis_micros = position - closed, held.basis_micros - share
        change_ch += closed
    held.position_ch += change_ch
    held.basis_micros += change_ch * price_cc


def _toward_zero(numerator: int, denominator: int) -> int:
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient
