"""Where live data end and historical data begin: each kind of record leaves the live endpoints at its own age."""

from dataclasses import dataclass

from outcry.paper.engine.manners import Manners
from outcry.paper.engine.records import MarketRecord, OrderRecord, OrderStatus, PositionRecord
from outcry.paper.events import AccountFill, Traded


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What is older than these times (Unix ms UTC) is historical.

    Resting orders, markets not yet paid and positions not yet settled always stay live.
    """

    market_settled_ms: int
    trades_created_ms: int
    orders_updated_ms: int
    positions_updated_ms: int

    def market(self, record: MarketRecord) -> bool:
        """Whether a market is historical."""
        return record.settled_at_ms is not None and record.settled_at_ms < self.market_settled_ms

    def trade(self, made: AccountFill | Traded) -> bool:
        """Whether a fill or a public trade is."""
        return made.at_ms < self.trades_created_ms

    def order(self, record: OrderRecord) -> bool:
        """Whether an order is."""
        return record.status is not OrderStatus.RESTING and record.updated_at_ms < self.orders_updated_ms

    def position(self, held: PositionRecord) -> bool:
        """Whether a position is, as far as it alone decides: those of one event move together."""
        return held.settled and held.updated_at_ms < self.positions_updated_ms


def cutoffs(manners: Manners, now_ms: int) -> Cutoffs:
    """The cutoffs at a time."""
    markets_ms, orders_ms = now_ms - manners.market_history_ms, now_ms - manners.order_history_ms
    return Cutoffs(max(0, markets_ms), max(0, markets_ms), max(0, orders_ms), max(0, markets_ms))
