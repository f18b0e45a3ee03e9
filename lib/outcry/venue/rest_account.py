"""Private reads of the account: balance, positions, fills, settlements."""

from outcry.domain.fill import Fill
from outcry.venue import wire
from outcry.venue.http import Http
from outcry.venue.paging import Page, every, given
from outcry.venue.wire import FillRow, PositionReport, PositionRow, SettlementReport, SettlementRow


class PositionPage(Page, frozen=True):
    market_positions: list[PositionRow]


class FillPage(Page, frozen=True):
    fills: list[FillRow]


class SettlementPage(Page, frozen=True):
    settlements: list[SettlementRow]


class AccountCalls:
    """Needs a key. Reads may lag the matching engine by a second or so."""

    _http: Http

    def balance(self, exchange_index: int | None = None) -> wire.Balance:
        """Cash of one shard. Without a shard it is the sum of all, which no shard can spend."""
        body = self._http.get("/portfolio/balance", given(exchange_index=exchange_index)).body
        return wire.balance(wire.decode(wire.BalanceRow, body, "balance"))

    def positions(
        self, exchange_index: int | None = None, settlement_status: str | None = None
    ) -> list[PositionReport]:
        """Net positions of the account, whole; unsettled ones unless told otherwise (settled, all)."""
        parameters = given(exchange_index=exchange_index, settlement_status=settlement_status)
        rows = every(self._http, "/portfolio/positions", PositionPage, lambda page: page.market_positions, parameters)
        return [wire.position(row) for row in rows]

    def fills(
        self,
        min_ts: int | None = None,
        ticker: str | None = None,
        order_id: str | None = None,
        max_ts: int | None = None,
    ) -> list[Fill]:
        """Fills of the account, whole."""
        parameters = given(min_ts=min_ts, max_ts=max_ts, ticker=ticker, order_id=order_id)
        rows = every(self._http, "/portfolio/fills", FillPage, lambda page: page.fills, parameters)
        return [wire.fill(row) for row in rows]

    def settlements(self, min_ts: int | None = None, ticker: str | None = None) -> list[SettlementReport]:
        """Settlement records of the account, whole."""
        parameters = given(min_ts=min_ts, ticker=ticker)
        rows = every(self._http, "/portfolio/settlements", SettlementPage, lambda page: page.settlements, parameters)
        return [wire.settlement(row) for row in rows]
