"""One agent's account in a backtest: what the risk gate reads of the ledger, kept in memory. Integers throughout.

The floor is this agent alone: what is at risk, lost and ordered today counts for it, for its markets and for the floor
alike. It is computed as the store does it: positions at average cost, orders at their reserved worst case until they
are over and all their fills are booked, marks at the price at which a position could be closed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from outcry.domain.fill import Fill, Settlement
from outcry.domain.groups import Bet, correlated
from outcry.domain.ledger import Holding, apply_fill, liquidation_micros, realized_micros, settle
from outcry.domain.market import Market
from outcry.domain.order import TERMINAL, Order, Purpose
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.domain.view import Exposure

Priced = Callable[[str], tuple[int | None, int | None, bool]]  # best bid, best ask, whether that can be trusted


@dataclass(slots=True)
class _Held:
    """One market: what was moved in it, and the fills that make its cost."""

    holding: Holding = field(default_factory=Holding)
    fills: list[Fill] = field(default_factory=list)
    settled: bool = False

    @property
    def cost_micros(self) -> int:
        """What was paid, on average, for what is still held and can be lost."""
        position_ch = self.holding.position_ch
        if not position_ch:
            return 0
        return realized_micros(self.fills) - self.holding.cash_micros + max(0, -position_ch) * ONE_DOLLAR_CC


@dataclass(slots=True)
class _Day:
    """What happened since the trading day rolled. `over_ch` of entries that are over, the others are in the orders."""

    equity_micros: int
    orders: int = 0
    trades: int = 0
    over_ch: int = 0


class Account:
    """
    capital_micros     the floor's, when it begins; fixed anew at each roll of the trading day
    allocation_micros  what of that the agent may risk
    priced             the books as they stand
    described          a market by its ticker
    """

    def __init__(
        self, capital_micros: int, allocation_micros: int, priced: Priced, described: Callable[[str], Market]
    ) -> None:
        self.began_micros = self.capital_micros = capital_micros
        self.allocation_micros = allocation_micros
        self._priced, self._described = priced, described
        self._held: dict[str, _Held] = {}
        self._open: set[str] = set()
        self._orders: dict[str, Order] = {}
        self._cash_micros = 0
        self._day = _Day(0)

    # ---- what happens -----------------------------------------------------------------------------------------------

    def roll(self) -> None:
        """A trading day begins: its capital is what there is now."""
        equity_micros = self.equity_micros()
        self.capital_micros = self.began_micros + equity_micros
        self._day = _Day(equity_micros)

    def planned(self, order: Order) -> None:
        """An order is reserved."""
        self._orders[order.client_order_id] = order
        self._day.orders += 1

    def unplanned(self, client_order_id: str) -> None:
        """It never was."""
        del self._orders[client_order_id]
        self._day.orders -= 1

    def ordered(self, order: Order) -> None:
        """An order as it is now; what was booked of it stays."""
        known = self._orders.get(order.client_order_id)
        if known is not None:
            self._keep(replace(order, booked_ch=known.booked_ch))

    def filled(self, fill: Fill) -> None:
        """A fill is booked."""
        held = self._held.setdefault(fill.ticker, _Held())
        before = held.holding.net_cash_micros
        held.holding = apply_fill(held.holding, fill)
        held.fills.append(fill)
        self._cash_micros += held.holding.net_cash_micros - before
        (self._open.add if held.holding.position_ch else self._open.discard)(fill.ticker)
        order = self._orders.get(fill.client_order_id)
        if order is not None:
            self._keep(replace(order, booked_ch=order.booked_ch + fill.count_ch))

    def settled(self, settlement: Settlement) -> None:
        """A market paid."""
        held = self._held.get(settlement.ticker)
        if held is not None and not held.settled:
            before = held.holding.net_cash_micros
            held.holding, held.settled = settle(held.holding, settlement), True
            self._cash_micros += held.holding.net_cash_micros - before
            self._open.discard(settlement.ticker)

    def _keep(self, order: Order) -> None:
        if order.counts:
            self._orders[order.client_order_id] = order
            return
        del self._orders[order.client_order_id]
        if order.purpose is Purpose.ENTRY and order.filled_ch:
            self._day.trades += 1
            self._day.over_ch += order.filled_ch

    # ---- what is asked ----------------------------------------------------------------------------------------------

    def position_ch(self, ticker: str) -> int:
        held = self._held.get(ticker)
        return held.holding.position_ch if held else 0

    def open_tickers(self) -> set[str]:
        """Markets in which something is held."""
        return self._open

    def fills(self, ticker: str) -> list[Fill]:
        return self._held[ticker].fills

    def traded(self) -> list[str]:
        """Every market with a fill, in the order of the first."""
        return list(self._held)

    def order(self, client_order_id: str) -> Order | None:
        """An order that still counts."""
        return self._orders.get(client_order_id)

    def equity_micros(self) -> int:
        """What was won or lost so far, positions at the price at which they could be closed now."""
        marks = 0
        for ticker in self._open:
            bid_cc, ask_cc, _ = self._priced(ticker)
            marks += liquidation_micros(self.position_ch(ticker), bid_cc, ask_cc)
        return self._cash_micros + marks

    def at_risk_micros(self) -> int:
        """Positions at cost and orders at their worst case."""
        costs = sum(self._held[ticker].cost_micros for ticker in self._open)
        return costs + sum(_reserved_micros(order) for order in self._orders.values())

    def exposure(self, ticker: str) -> Exposure:
        """Everything the limits need to know before an order in this market."""
        costs = {name: self._held[name].cost_micros for name in sorted(self._open)}
        sizes = {name: abs(self.position_ch(name)) for name in costs}
        at_risk, counts, bets = dict(costs), dict(sizes), set(costs)
        entries_ch = exits_ch = reserved_micros = 0
        for order in self._orders.values():
            micros, open_ch, entry = _reserved_micros(order), _open_ch(order), order.purpose is Purpose.ENTRY
            at_risk[order.ticker] = at_risk.get(order.ticker, 0) + micros
            counts[order.ticker] = counts.get(order.ticker, 0) + open_ch * entry
            reserved_micros += micros
            if entry:
                bets.add(order.ticker)
            if order.ticker == ticker:
                entries_ch, exits_ch = entries_ch + open_ch * entry, exits_ch + open_ch * (not entry)
        everything = sum(at_risk.values())
        signed = {name: cost - max(0, -self.position_ch(name)) * ONE_DOLLAR_CC for name, cost in costs.items()}
        day_micros, doubt_micros = self.equity_micros() - self._day.equity_micros, self._doubt_micros(signed)
        group = self._group(ticker, at_risk)
        return Exposure(
            capital_micros=self.capital_micros,
            allocation_micros=self.allocation_micros,
            floor_micros=everything,
            agent_micros=everything,
            market_micros=at_risk.get(ticker, 0),
            market_count_ch=counts.get(ticker, 0),
            agent_market_count_ch=counts.get(ticker, 0),
            position_ch=self.position_ch(ticker),
            account_position_ch=self.position_ch(ticker),
            open_order_ch=entries_ch,
            exits_in_flight_ch=exits_ch,
            agent_markets=len(at_risk),
            agent_lost_micros=max(0, -self._cash_micros - sum(signed.values())),
            agent_day_pnl_micros=day_micros,
            floor_day_pnl_micros=day_micros,
            agent_day_doubt_micros=doubt_micros,
            floor_day_doubt_micros=doubt_micros,
            available_cash_micros=self._available_micros(reserved_micros),
            group_micros=sum(at_risk[name] for name in group),
            group_held=sum(name in bets for name in group),
            **self._today(),
        )

    def _today(self) -> dict[str, int]:
        day, entries = self._day, [one for one in self._orders.values() if one.purpose is Purpose.ENTRY]
        trades = sum(bool(one.filled_ch) or one.state not in TERMINAL for one in entries)
        notional_ch = day.over_ch + sum(one.count_ch for one in entries)
        return {
            "orders_today": day.orders,
            "trades_today": day.trades + trades,
            "agent_notional_today_micros": notional_ch * ONE_DOLLAR_CC,
        }

    def _available_micros(self, reserved_micros: int) -> int:
        """Cash less the dollars that the exchange holds against short positions, less what is reserved."""
        short_ch = sum(max(0, -self.position_ch(ticker)) for ticker in self._open)
        return self.began_micros + self._cash_micros - short_ch * ONE_DOLLAR_CC - reserved_micros

    def _doubt_micros(self, signed: dict[str, int]) -> int:
        """How much of a loss is only the mark of positions that nobody prices just now."""
        doubt = 0
        for ticker, cost_micros in signed.items():
            position_ch = self.position_ch(ticker)
            bid_cc, ask_cc, trusted = self._priced(ticker)
            if not trusted or (bid_cc if position_ch > 0 else ask_cc) is None:
                doubt += max(0, cost_micros - liquidation_micros(position_ch, bid_cc, ask_cc))
        return doubt

    def _group(self, ticker: str, names: Iterable[str]) -> list[str]:
        here = self._bet(ticker)
        return [name for name in names if correlated(here, self._bet(name))]

    def _bet(self, ticker: str) -> Bet:
        market = self._described(ticker)
        return Bet(ticker, market.event_ticker, market.underlying, market.open_at_ms, market.close_at_ms)


def _open_ch(order: Order) -> int:
    return order.count_ch - order.booked_ch


def _reserved_micros(order: Order) -> int:
    """The share of the reservation that is not booked yet, rounded up."""
    return -(-order.reserved_micros * _open_ch(order) // order.count_ch)
