"""Limits held at every instant: what was at risk is rebuilt from orders, their events and fills, commit by commit.

Nothing the trader or its gate wrote about exposure is read. Risk grows only when an entry is planned (a fill turns an
order's worst case into a cost that is no higher), so every limit is looked at in the instant of each entry, with that
entry in it. Where rounding could go either way the lower figure counts: what is found was a breach.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from outcry.review.checks.groups import together
from outcry.review.checks.records import ALL, CRITICAL, DOLLAR_CC, Fill, Finding, Order, OrderEvent

CHECK = "limits"
ONE_CONTRACT_CH = 100
OVER = frozenset({"abandoned", "executed", "canceled", "rejected", "absent"})
TAKER_MILLIONTHS = {"quadratic": 70_000, "quadratic_with_maker_fees": 70_000, "quadratic_with_combo_maker_fees": 70_000}
ONE_FEE = 10**16  # rate 1e-6 x multiplier 1e-6 x count 1e-2 x price 1e-4 x price 1e-4, in micro-dollars


class Bounds(NamedTuple):
    """The settings: shares of capital in millionths, counts in hundredths."""

    per_trade: int
    per_trade_own: int
    per_market: int
    per_market_ch: int
    per_agent_market_ch: int
    per_agent: int
    markets: int
    notional_per_day: int
    per_floor: int
    per_group: int
    orders_per_day: int
    trades_per_day: int


@dataclass(slots=True)
class _Live:
    """An order that counts. `seen_ch`: of its fills that we know the owner of."""

    order: Order
    state: str = "planned"
    filled_ch: int = 0
    seen_ch: int = 0

    @property
    def over(self) -> bool:
        return self.state in OVER and self.seen_ch >= self.filled_ch

    @property
    def open_ch(self) -> int:
        """What may still become a position: of an order that has ended, only fills that are not booked yet."""
        return (self.filled_ch if self.state in OVER else self.order.count_ch) - self.seen_ch

    @property
    def micros(self) -> int:
        """At worst case. An exit that the account covers can cost no more than its fee."""
        order, fee = self.order, _fee_micros(self.order, self.open_ch)
        return fee if order.purpose == "exit" and order.reduce_only else order.risk_cc * self.open_ch + fee


class _Risk(NamedTuple):
    """One agent in one market."""

    micros: int
    count_ch: int


class Timeline:
    """Fed with records in the order of their commits."""

    def __init__(self) -> None:
        self._orders: dict[str, _Live] = {}
        self._fills: dict[tuple[str, str], dict[int, Fill]] = {}
        self._owner: dict[int, tuple[str, str]] = {}
        self._counted: set[int] = set()  # fills that are counted to their order
        self._early: dict[str, dict[int, int]] = {}  # fills (and their counts) that were booked before their order
        self._paid: set[str] = set()
        self._today: list[_Live] = []
        self._rolled_at_ms = self._capital_micros = 0
        self._allocations: dict[str, int] = {}
        self._markets: dict[str, Order] = {}  # an order of each market, for what the market is

    # ---- what happens -----------------------------------------------------------------------------------------------

    def rolled(self, capital_micros: int, at_ms: int) -> None:
        self._capital_micros, self._rolled_at_ms = capital_micros, at_ms
        self._today = [live for live in self._today if live.order.created_at_ms >= at_ms]

    def allocated(self, agent: str, micros: int) -> None:
        self._allocations[agent] = micros

    def ordered(self, order: Order) -> None:
        early = self._early.pop(order.client_order_id, {})
        self._counted.update(early)
        live = self._orders[order.client_order_id] = _Live(order, filled_ch=sum(early.values()))
        live.seen_ch = live.filled_ch
        self._today.append(live)
        self._markets[order.ticker] = order

    def moved(self, event: OrderEvent) -> None:
        live = self._orders.get(event.client_order_id)
        if live is not None:
            live.state, live.filled_ch = event.state, max(live.filled_ch, event.filled_ch)
            self._let_go(live)

    def owned(self, fill: Fill) -> None:
        """A fill has an owner, perhaps another one than before, or its order is known only now."""
        before = self._owner.get(fill.fill_id)
        if before is not None:
            self._fills[before].pop(fill.fill_id, None)
        if fill.client_order_id and fill.fill_id not in self._counted:
            self._count(fill)
        if fill.ticker not in self._paid:
            key = self._owner[fill.fill_id] = (fill.agent, fill.ticker)
            self._fills.setdefault(key, {})[fill.fill_id] = fill

    def _count(self, fill: Fill) -> None:
        """Count a fill to its order, once; an exit that left while the database refused is written after its fills."""
        live = self._orders.get(fill.client_order_id)
        if live is None:
            self._early.setdefault(fill.client_order_id, {})[fill.fill_id] = fill.count_ch
            return
        self._counted.add(fill.fill_id)
        live.seen_ch += fill.count_ch
        live.filled_ch = max(live.filled_ch, live.seen_ch)
        self._let_go(live)

    def settled(self, ticker: str) -> None:
        self._paid.add(ticker)
        self._markets.pop(ticker, None)
        for key in [key for key in self._fills if key[1] == ticker]:
            for fill_id in self._fills.pop(key):
                del self._owner[fill_id]
                self._counted.discard(fill_id)

    # ---- what is at risk --------------------------------------------------------------------------------------------

    def check(self, order: Order, bounds: Bounds) -> Iterator[Finding]:
        """Every limit, with an order in it that was just planned."""
        if order.purpose != "entry":
            return
        agent, ticker = order.agent, order.ticker
        risks = self._risks()
        own = {market: risk for (name, market), risk in risks.items() if name == agent}
        here = [risk for (_, market), risk in risks.items() if market == ticker]
        group = [risk for (_, market), risk in risks.items() if self._with(order, market)]
        capital = self._capital_micros
        today, trades, notional_micros = self._today_of(agent)
        allocation_micros = self._allocations.get(agent, 0)
        own_bound = min(bounds.per_agent * capital // ALL, allocation_micros)
        least_micros = order.risk_cc * ONE_CONTRACT_CH + _fee_micros(order, ONE_CONTRACT_CH)
        own_micros = bounds.per_trade_own * allocation_micros // ALL
        trade_bound = min(bounds.per_trade * capital // ALL, max(own_micros, least_micros))
        for rule, risk, bound in (
            ("per_trade", self._orders[order.client_order_id].micros, trade_bound),
            ("per_market", sum(risk.micros for risk in here), bounds.per_market * capital // ALL),
            ("per_market_ch", sum(risk.count_ch for risk in here), bounds.per_market_ch),
            ("per_agent_market_ch", own[ticker].count_ch, bounds.per_agent_market_ch),
            ("per_agent", sum(risk.micros for risk in own.values()), own_bound),
            ("markets", len(own), bounds.markets),
            ("notional_per_day", notional_micros, bounds.notional_per_day * capital // ALL),
            ("orders_per_day", today, bounds.orders_per_day),
            ("trades_per_day", trades, bounds.trades_per_day),
            ("per_group", sum(risk.micros for risk in group), bounds.per_group * capital // ALL),
            ("per_floor", sum(risk.micros for risk in risks.values()), bounds.per_floor * capital // ALL),
        ):
            if risk > bound:
                yield _finding(order, rule, risk, bound)

    def held(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        """Open positions by agent and market: signed count, cost, and when the fill came that opened them."""
        found = {}
        for key, fills in self._fills.items():
            position_ch, micros = at_cost(fills.values())
            if position_ch:
                found[key] = (position_ch, micros, _opened_at_ms(fills.values()))
        return found

    def exiting(self, agent: str, ticker: str) -> bool:
        """Whether an exit is under way there."""
        return any(
            (live.order.agent, live.order.ticker, live.order.purpose) == (agent, ticker, "exit")
            for live in self._orders.values()
        )

    def _risks(self) -> dict[tuple[str, str], _Risk]:
        risks: dict[tuple[str, str], _Risk] = {}
        for key, fills in self._fills.items():
            position_ch, micros = at_cost(fills.values())
            if position_ch:
                risks[key] = _Risk(micros, abs(position_ch))
        for live in self._orders.values():
            key = (live.order.agent, live.order.ticker)
            old = risks.get(key, _Risk(0, 0))
            count_ch = live.open_ch if live.order.purpose == "entry" else 0
            risks[key] = _Risk(old.micros + live.micros, old.count_ch + count_ch)
        return risks

    def _with(self, order: Order, ticker: str) -> bool:
        other = order if ticker == order.ticker else self._markets.get(ticker)
        return other is not None and together(order, other)

    def _today_of(self, agent: str) -> tuple[int, int, int]:
        """One agent's orders since the roll; entries among them that traded or may; $1 for each of their contracts."""
        today = [
            live for live in self._today if live.order.agent == agent and live.order.created_at_ms >= self._rolled_at_ms
        ]
        entries = [live for live in today if live.order.purpose == "entry"]
        counts = [live.filled_ch if live.over else live.order.count_ch for live in entries]
        return len(today), sum(count > 0 for count in counts), sum(counts) * DOLLAR_CC

    def _let_go(self, live: _Live) -> None:
        if live.over:
            self._orders.pop(live.order.client_order_id, None)


def at_cost(fills: Iterable[Fill]) -> tuple[int, int]:
    """(signed position, what it cost on average and can be lost), the cost rounded down by up to one micro a close."""
    position_ch, cost, closes = 0, Fraction(0), 0
    for fill in sorted(fills, key=lambda fill: (fill.filled_at_ms, fill.fill_id)):
        change_ch = fill.signed_ch
        if position_ch * change_ch < 0:
            closed_ch = min(abs(position_ch), abs(change_ch))
            cost *= Fraction(abs(position_ch) - closed_ch, abs(position_ch))
            closes += 1
            step = closed_ch if change_ch > 0 else -closed_ch
            position_ch, change_ch = position_ch + step, change_ch - step
        if change_ch:
            cost += abs(change_ch) * (fill.price_cc if change_ch > 0 else DOLLAR_CC - fill.price_cc)
            position_ch += change_ch
    return position_ch, max(0, int(cost) - closes)


def _opened_at_ms(fills: Iterable[Fill]) -> int:
    position_ch = opened_at_ms = 0
    for fill in sorted(fills, key=lambda fill: (fill.filled_at_ms, fill.fill_id)):
        before_ch, position_ch = position_ch, position_ch + fill.signed_ch
        if before_ch == 0 or before_ch * position_ch < 0:
            opened_at_ms = fill.filled_at_ms
    return opened_at_ms


def _fee_micros(order: Order, count_ch: int) -> int:
    """The exchange's formula for the whole count at the limit price, rounded down; a post-only order pays as a maker,
    which is nothing under the usual terms."""
    rate = 0 if order.post_only else TAKER_MILLIONTHS.get(order.fee_type, 0)
    return rate * order.fee_millionths * count_ch * order.price_cc * (DOLLAR_CC - order.price_cc) // ONE_FEE


def _finding(order: Order, rule: str, risk: int, bound: int) -> Finding:
    unit = {"per_market_ch": " hundredths", "per_agent_market_ch": " hundredths", "markets": " markets"}
    unit |= {"orders_per_day": " orders", "trades_per_day": " trades"}
    amount = unit.get(rule, " micro-dollars")
    return Finding(
        CHECK,
        f"{rule} order {order.client_order_id}",
        CRITICAL,
        f"{order.agent} in {order.ticker}: {risk}{amount} with order {order.client_order_id}, limit {rule} is {bound}",
        "halt the floor: the gate let an order through that no limit allows",
        {"at_risk": risk, "limit": bound, "at_ms": order.created_at_ms},
    )
