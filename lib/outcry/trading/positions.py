"""PositionTracker: what this agent holds, from its own booked fills; position, cost, and since when.

A market's fills are kept until it settles and folded anew when one is added or taken back, so the cost basis is exact
whatever order they were booked in. Money in micro-dollars, counts in hundredths, signed where it is a position.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from outcry.domain.fill import Fill
from outcry.domain.ledger import Holding, apply_fill, realized_micros
from outcry.domain.order import Order, Side
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.domain.view import Intent


@dataclass(frozen=True, slots=True)
class Position:
    """One open position.

    cost_micros   what was paid, on average, for what is still held and can be lost; before fees
    opened_at_ms  the fill that took it away from flat
    reviewed_at_ms  when the strategy was last asked again about it
    plan          the intent it was entered on; None when the ledger does not know one
    """

    ticker: str
    position_ch: int
    cost_micros: int
    opened_at_ms: int
    reviewed_at_ms: int
    plan: Intent | None = None

    @property
    def side(self) -> Side:
        return Side.BID if self.position_ch > 0 else Side.ASK

    def value_micros(self, bid_cc: int | None, ask_cc: int | None) -> int | None:
        """What closing it now would bring, collateral of a short included; None while nobody would take it."""
        if self.position_ch > 0:
            return None if bid_cc is None else self.position_ch * bid_cc
        return None if ask_cc is None else -self.position_ch * (ONE_DOLLAR_CC - ask_cc)


class PositionTracker:
    """All of an agent's open positions."""

    def __init__(self) -> None:
        self._fills: dict[str, dict[tuple[str, str], Fill]] = {}
        self._plans: dict[str, Intent] = {}
        self._open: dict[str, Position] = {}
        self._paid: set[str] = set()

    def held(self) -> list[Position]:
        """Every position that is not flat, by ticker."""
        return [self._open[ticker] for ticker in sorted(self._open)]

    def get(self, ticker: str) -> Position | None:
        return self._open.get(ticker)

    def position_ch(self, ticker: str) -> int:
        position = self._open.get(ticker)
        return position.position_ch if position else 0

    def heard_ch(self, order: Order) -> int:
        """How much of an order is in the fills heard so far; all of it in a market that has paid."""
        if order.ticker in self._paid:
            return order.filled_ch
        fills = self._fills.get(order.ticker, {}).values()
        return sum(fill.count_ch for fill in fills if fill.order_id == order.order_id)

    def plan(self, ticker: str, intent: Intent) -> None:
        """Remember the intent of an entry, for the position it may open."""
        self._plans[ticker] = intent
        if ticker in self._open:
            self._open[ticker] = replace(self._open[ticker], plan=intent)

    def add(self, fill: Fill) -> None:
        """Take a booked fill; the same one twice is the same fill, and a market that has paid is over."""
        if fill.ticker in self._paid:
            return
        self._fills.setdefault(fill.ticker, {})[(fill.trade_id, fill.order_id)] = fill
        self._fold(fill.ticker)

    def take_back(self, fill: Fill) -> None:
        """A later attribution says that it was not ours."""
        if self._fills.get(fill.ticker, {}).pop((fill.trade_id, fill.order_id), None):
            self._fold(fill.ticker)

    def settled(self, ticker: str) -> None:
        """The market paid: nothing is held there any more."""
        self._paid.add(ticker)
        self._fills.pop(ticker, None)
        self._plans.pop(ticker, None)
        self._open.pop(ticker, None)

    def forget(self, ticker: str) -> None:
        """A market so long over that nobody speaks of it any more."""
        self._paid.discard(ticker)

    def reviewed(self, ticker: str, at_ms: int) -> None:
        if ticker in self._open:
            self._open[ticker] = replace(self._open[ticker], reviewed_at_ms=at_ms)

    def reviews(self) -> dict[str, int]:
        """When each position was last reviewed, for the checkpoint."""
        return {ticker: position.reviewed_at_ms for ticker, position in self._open.items()}

    def restore_reviews(self, reviews: Mapping[str, object], now_ms: int) -> None:
        """Take what `reviews` gave to a checkpoint; what cannot be of an open position is ignored."""
        for position in self.held():
            reviewed_at_ms = reviews.get(position.ticker)
            if isinstance(reviewed_at_ms, int) and position.opened_at_ms <= reviewed_at_ms <= now_ms:
                self.reviewed(position.ticker, reviewed_at_ms)

    def _fold(self, ticker: str) -> None:
        fills = sorted(self._fills[ticker].values(), key=lambda fill: fill.filled_at_ms)  # stable: then as booked
        holding, opened_at_ms = Holding(), 0
        for fill in fills:
            before = holding.position_ch
            holding = apply_fill(holding, fill)
            if before == 0 or before * holding.position_ch < 0:
                opened_at_ms = fill.filled_at_ms
        if holding.position_ch == 0:
            self._open.pop(ticker, None)
            return
        cost_micros = realized_micros(fills) - holding.cash_micros + max(0, -holding.position_ch) * ONE_DOLLAR_CC
        known = self._open.get(ticker)
        reviewed_at_ms = known.reviewed_at_ms if known and known.opened_at_ms == opened_at_ms else opened_at_ms
        plan = self._plans.get(ticker)
        self._open[ticker] = Position(ticker, holding.position_ch, cost_micros, opened_at_ms, reviewed_at_ms, plan)
