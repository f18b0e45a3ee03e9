"""What anybody may ask of the exchange: markets, their books and public trades. Lists come newest first."""

from outcry.paper.engine import history
from outcry.paper.engine.history import Cutoffs
from outcry.paper.engine.records import MarketRecord
from outcry.paper.engine.state import State
from outcry.paper.events import Traded

Levels = dict[int, int]  # price_cc: count_ch


class MarketReads:
    """The public reading half of the engine. Everything raises Reject(404) for an unknown market."""

    state: State

    def cutoffs(self, now_ms: int) -> Cutoffs:
        """Where live data end and historical data begin."""
        return history.cutoffs(self.state.manners, now_ms)

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
