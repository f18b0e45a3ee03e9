"""The calls to the exchange that keeping the account needs: `venue.rest.Rest` has them all."""

from typing import Protocol

from outcry.domain.fill import Fill
from outcry.domain.market import Market
from outcry.venue.wire import Balance, OrderReport, PositionReport, SettlementReport


class Exchange(Protocol):
    """Lists come whole or raise; times are Unix seconds."""

    def balance(self, exchange_index: int | None = None) -> Balance: ...

    def positions(
        self, exchange_index: int | None = None, settlement_status: str | None = None
    ) -> list[PositionReport]: ...

    def fills(
        self,
        min_ts: int | None = None,
        ticker: str | None = None,
        order_id: str | None = None,
        max_ts: int | None = None,
    ) -> list[Fill]: ...

    def settlements(self, min_ts: int | None = None, ticker: str | None = None) -> list[SettlementReport]: ...

    def market(self, ticker: str) -> Market: ...

    def archived_market(self, ticker: str) -> Market: ...

    def order(self, order_id: str, *, urgent: bool = False) -> OrderReport: ...

    def orders(
        self,
        ticker: str | None = None,
        status: str | None = None,
        min_ts: int | None = None,
        max_ts: int | None = None,
        exchange_index: int | None = None,
        *,
        urgent: bool = False,
    ) -> list[OrderReport]: ...

    def search_orders(
        self,
        ticker: str | None = None,
        min_ts: int | None = None,
        max_ts: int | None = None,
        exchange_index: int | None = None,
    ) -> list[OrderReport]: ...

    def cancel_order(self, order_id: str, ticker: str, exchange_index: int) -> int: ...
