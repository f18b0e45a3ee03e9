"""Private reads of the account: balance, positions, fills, settlements, and what came from or went to a bank."""

from outcry.domain.fill import Fill
from outcry.venue import wire
from outcry.venue.cash_rows import BankMove, BankRow, RestingValue, RestingValueRow, bank_move, resting_value
from outcry.venue.http import Http
from outcry.venue.paging import Page, every, given
from outcry.venue.wire import FillRow, PositionReport, PositionRow, SettlementReport, SettlementRow

_BANK_PAGE = 500


class PositionPage(Page, frozen=True):
    market_positions: list[PositionRow]


class FillPage(Page, frozen=True):
    fills: list[FillRow]


class SettlementPage(Page, frozen=True):
    settlements: list[SettlementRow]


class DepositPage(Page, frozen=True):
    deposits: list[BankRow]


class WithdrawalPage(Page, frozen=True):
    withdrawals: list[BankRow]


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

    def deposits(self) -> list[BankMove]:
        """Deposits of the account, whole, of every status."""
        rows = every(self._http, "/portfolio/deposits", DepositPage, lambda page: page.deposits, limit=_BANK_PAGE)
        return [bank_move(row) for row in rows]

    def withdrawals(self) -> list[BankMove]:
        """Withdrawals of the account, whole, of every status."""
        rows = every(
            self._http, "/portfolio/withdrawals", WithdrawalPage, lambda page: page.withdrawals, limit=_BANK_PAGE
        )
        return [bank_move(row) for row in rows]

    def resting_order_value(self) -> RestingValue:
        """What the account's resting orders are worth. Meant for clearing members: others may be refused."""
        body = self._http.get("/portfolio/summary/total_resting_order_value").body
        return resting_value(wire.decode(RestingValueRow, body, "resting order value"))
