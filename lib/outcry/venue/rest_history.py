"""The archive: what is too old for the live calls, and searches that look in both.

Settled markets, prints and fills leave the live calls after about three months, finished orders after about two weeks.
Resting orders and unsettled positions never do.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from outcry.domain.fill import Fill
from outcry.domain.market import Market
from outcry.venue import wire
from outcry.venue.paging import every, given
from outcry.venue.rest_account import AccountCalls, FillPage, PositionPage
from outcry.venue.rest_market import MarketCalls, MarketPage, OneMarket, TradePage
from outcry.venue.rest_orders import OrderCalls, OrderPage
from outcry.venue.wire import OrderReport, PositionReport, PublicTrade


class CutoffRow(Struct, frozen=True):
    market_settled_ts: str
    trades_created_ts: str
    orders_updated_ts: str
    market_positions_last_updated_ts: str | None = None


class Cutoff(NamedTuple):
    """What happened before these times, in Unix ms, is in the archive and no longer in the live calls.

    markets_ms    settlement of a market          orders_ms     the end of an order
    trades_ms     a print, or a fill of ours      positions_ms  last change of a settled position; None where unsaid
    """

    markets_ms: int
    trades_ms: int
    orders_ms: int
    positions_ms: int | None


class HistoryCalls(MarketCalls, OrderCalls, AccountCalls):
    """Markets and prints work without a key; orders, fills and positions need one."""

    def cutoff(self) -> Cutoff:
        """Where the archive ends now. It moves: read the live calls first, then this, then the archive."""
        row = wire.decode(CutoffRow, self._http.get("/historical/cutoff").body, "cutoff")
        return Cutoff(
            wire.time_ms(row.market_settled_ts),
            wire.time_ms(row.trades_created_ts),
            wire.time_ms(row.orders_updated_ts),
            wire.optional_time_ms(row.market_positions_last_updated_ts),
        )

    def archived_markets(
        self, *, series_ticker: str | None = None, event_ticker: str | None = None, tickers: Sequence[str] = ()
    ) -> list[Market]:
        """Archived markets by one of series, event or tickers, whole; of the kinds that `markets` returns."""
        parameters = given(
            series_ticker=series_ticker,
            event_ticker=event_ticker,
            tickers=",".join(tickers) or None,
            mve_filter="exclude",
        )
        rows = every(self._http, "/historical/markets", MarketPage, lambda page: page.markets, parameters)
        return [seen.market for seen in self._ordinary(rows)]

    def archived_market(self, ticker: str) -> Market:
        """One archived market, of whatever kind."""
        return self._one(
            wire.decode(OneMarket, self._http.get("/historical/markets/{ticker}", ticker=ticker).body, ticker)
        )

    def archived_trades(self, ticker: str, min_ts: int | None = None, max_ts: int | None = None) -> list[PublicTrade]:
        """Archived prints of one market, whole, block trades included and marked."""
        parameters = given(ticker=ticker, min_ts=min_ts, max_ts=max_ts)
        rows = every(self._http, "/historical/trades", TradePage, lambda page: page.trades, parameters)
        return [wire.trade(row) for row in rows]

    def archived_fills(
        self, ticker: str | None = None, min_ts: int | None = None, max_ts: int | None = None
    ) -> list[Fill]:
        """Archived fills of the account, whole."""
        parameters = given(ticker=ticker, min_ts=min_ts, max_ts=max_ts)
        rows = every(self._http, "/historical/fills", FillPage, lambda page: page.fills, parameters)
        return [wire.fill(row) for row in rows]

    def archived_orders(
        self, ticker: str | None = None, min_ts: int | None = None, max_ts: int | None = None
    ) -> list[OrderReport]:
        """Archived orders of the account, whole: canceled and executed ones."""
        parameters = given(ticker=ticker, min_ts=min_ts, max_ts=max_ts)
        rows = every(self._http, "/historical/orders", OrderPage, lambda page: page.orders, parameters)
        return [wire.order(row) for row in rows]

    def archived_positions(self, ticker: str | None = None, event_ticker: str | None = None) -> list[PositionReport]:
        """Archived settled positions of the account, whole. They move here by whole events."""
        parameters = given(ticker=ticker, event_ticker=event_ticker)
        rows = every(self._http, "/historical/positions", PositionPage, lambda page: page.market_positions, parameters)
        return [wire.position(row) for row in rows]

    def search_orders(
        self,
        ticker: str | None = None,
        min_ts: int | None = None,
        max_ts: int | None = None,
        exchange_index: int | None = None,
    ) -> list[OrderReport]:
        """Orders of the account wherever they are now, each once: the live ones, and as far as needed the archive.

        What moves between the two reads is in both; nothing is in neither, because the cutoff is read in between.
        """
        live = self.orders(ticker, None, min_ts, max_ts, exchange_index)
        if not _reaches_back(min_ts, self.cutoff().orders_ms):
            return live
        seen = {order.order_id for order in live}
        return live + [
            order
            for order in self.archived_orders(ticker, min_ts, max_ts)
            if order.order_id not in seen and exchange_index in (None, order.exchange_index)
        ]

    def search_fills(
        self, ticker: str | None = None, min_ts: int | None = None, max_ts: int | None = None
    ) -> list[Fill]:
        """Fills of the account wherever they are now, each once, as `search_orders`."""
        live = self.fills(min_ts, ticker, None, max_ts)
        if not _reaches_back(min_ts, self.cutoff().trades_ms):
            return live
        seen = {(fill.trade_id, fill.order_id) for fill in live}
        archived = self.archived_fills(ticker, min_ts, max_ts)
        return live + [fill for fill in archived if (fill.trade_id, fill.order_id) not in seen]


def _reaches_back(min_ts: int | None, cutoff_ms: int) -> bool:
    return min_ts is None or min_ts * 1000 < cutoff_ms
