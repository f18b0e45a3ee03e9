"""The engine's part that moves money without a trade: deposits, shards, subaccounts, target shares."""

from dataclasses import dataclass

from outcry.paper.engine import treasury
from outcry.paper.engine.money_records import CashMove, MoveKind, Reservation, SubaccountTransfer, Target, Transfer
from outcry.paper.engine.purse import Purse
from outcry.paper.engine.records import Reject
from outcry.paper.engine.steps import Steps
from outcry.paper.events import EngineEvent

MOST_SUBACCOUNTS = 63
LOWEST_TIER = "basic"  # whose accounts may not have subaccounts
HIGHEST_SHARD = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where money lies: a shard, and a subaccount of the account."""

    exchange_index: int
    subaccount: int = 0


class MoneyRequests(Steps):
    """Amounts in micro-dollars. What is not free (held back for resting orders) does not move: Reject 400
    available_balance_too_low."""

    # ---- in and out -------------------------------------------------------------------------------------------------

    def deposit(
        self, account: str, exchange_index: int, amount_micros: int, now_ms: int
    ) -> tuple[CashMove, list[EngineEvent]]:
        """Money from outside, into the primary purse, at once."""
        self._begin(now_ms)
        _check_amount(amount_micros)
        _check_shard(exchange_index)
        return treasury.put_in(self.state, account, exchange_index, amount_micros), self._finish()

    def withdraw(
        self, account: str, exchange_index: int, amount_micros: int, now_ms: int
    ) -> tuple[CashMove, list[EngineEvent]]:
        """Money to outside, from the primary purse, at once."""
        self._begin(now_ms)
        return treasury.take_out(self.state, account, exchange_index, amount_micros), self._finish()

    def moves(self, account: str, kind: MoveKind) -> list[CashMove]:
        """An account's deposits, or its withdrawals, newest first."""
        self.state.account(account)
        return [move for move in reversed(self.state.moves) if move.account == account and move.kind is kind]

    # ---- between shards ---------------------------------------------------------------------------------------------

    def transfer(
        self, account: str, source: Place, destination: Place, amount_micros: int, now_ms: int
    ) -> tuple[Transfer, list[EngineEvent]]:
        """Send money to another shard (and subaccount): it leaves at once and arrives a little later.

        raises  Reject 400 invalid_parameters (nothing to move, nowhere to go) · 404 unknown subaccount
        """
        self._begin(now_ms)
        _check_shard(destination.exchange_index)
        if source == destination:
            raise Reject(400, "invalid_parameters", "source and destination are the same")
        self.state.purse(account, destination.subaccount)
        at_ms = self.state.outbox.at_ms
        transfer = Transfer(
            self.state.new_id(),
            account,
            source.exchange_index,
            destination.exchange_index,
            source.subaccount,
            destination.subaccount,
            amount_micros,
            at_ms,
            at_ms + self.state.manners.transfer_ms,
        )
        return treasury.send(self.state, transfer), self._finish()

    def transfers(self, account: str) -> list[Transfer]:
        """An account's transfers between shards, newest first, those of the exchange itself among them."""
        self.state.account(account)
        return [moved for moved in reversed(self.state.transfers.values()) if moved.account == account]

    def one_transfer(self, account: str, transfer_id: str) -> Transfer:
        """raises  Reject 404"""
        found = self.state.transfers.get(transfer_id)
        if found is None or found.account != account:
            raise Reject(404, "not_found", "transfer not found")
        return found

    def set_target(
        self, account: str, percents: dict[int, int], now_ms: int, reservation: Reservation = Reservation.SUM
    ) -> list[EngineEvent]:
        """Keep the primary purse's idle cash in these shares by shard, from now on; no shares end that.

        raises  Reject 400 invalid_parameters unless the percents are 0 to 100 and 100 together
        """
        self._begin(now_ms)
        owner = self.state.account(account)
        for shard in percents:
            _check_shard(shard)
        if percents and (sum(percents.values()) != 100 or min(percents.values()) < 0):
            raise Reject(400, "invalid_parameters", "percentages must total 100")
        owner.target = None
        if percents:
            owner.target = Target(
                dict(percents), reservation, self.state.outbox.at_ms + self.state.manners.rebalance_ms
            )
            treasury.set_rebalance(self.state, account, owner.target)
        self.state.unsaved.accounts.add(account)
        return self._finish()

    def target(self, account: str) -> Target | None:
        """The target shares, None without any."""
        return self.state.account(account).target

    # ---- subaccounts ------------------------------------------------------------------------------------------------

    def create_subaccount(self, account: str, now_ms: int, exchange_index: int = 0) -> tuple[int, list[EngineEvent]]:
        """Open the next numbered subaccount, empty; returns its number.

        raises  Reject 403 below the advanced tier · 400 invalid_parameters beyond 63
        """
        self._begin(now_ms)
        _check_shard(exchange_index)
        owner = self.state.account(account)
        if owner.tier == LOWEST_TIER:
            raise Reject(403, "forbidden", "subaccounts need the advanced tier or above")
        number = len(owner.purses)
        if number > MOST_SUBACCOUNTS:
            raise Reject(400, "invalid_parameters", "no more subaccounts")
        owner.purses[number] = Purse(account, number, exchange_index)
        owner.purses[number].move(exchange_index, 0)
        self.state.unsaved.accounts.add(account)
        return number, self._finish()

    def transfer_subaccount(
        self,
        account: str,
        client_transfer_id: str,
        from_subaccount: int,
        to_subaccount: int,
        amount_micros: int,
        now_ms: int,
        *,
        exchange_index: int = 0,
    ) -> tuple[SubaccountTransfer, list[EngineEvent]]:
        """Move money between two purses on one shard, at once.

        raises  Reject 404 unknown subaccount · 409 transfer_already_exists · 400 invalid_parameters
        """
        self._begin(now_ms)
        key = (account, client_transfer_id)
        source, destination = self.state.purse(account, from_subaccount), self.state.purse(account, to_subaccount)
        if key in self.state.subaccount_transfers:
            raise Reject(409, "transfer_already_exists", "client_transfer_id was used before")
        if source is destination:
            raise Reject(400, "invalid_parameters", "source and destination are the same")
        treasury.spend(self.state, source, exchange_index, amount_micros)
        destination.move(exchange_index, amount_micros)
        moved = SubaccountTransfer(
            self.state.new_id(),
            account,
            client_transfer_id,
            from_subaccount,
            to_subaccount,
            exchange_index,
            amount_micros,
            self.state.outbox.at_ms,
        )
        self.state.subaccount_transfers[key] = moved
        self.state.unsaved.subaccount_transfers.append(moved)
        return moved, self._finish()

    def subaccount_transfers(self, account: str) -> list[SubaccountTransfer]:
        """An account's transfers between its subaccounts, newest first."""
        self.state.account(account)
        return [moved for moved in reversed(self.state.subaccount_transfers.values()) if moved.account == account]

    def set_netting(self, account: str, subaccount: int, enabled: bool) -> None:
        """Whether collateral across the markets of an event is to come back: remembered, never acted on."""
        self.state.purse(account, subaccount).netting = enabled
        self.state.unsaved.accounts.add(account)

    def purses(self, account: str) -> list[Purse]:
        """An account's purses, the primary one first."""
        return list(self.state.account(account).purses.values())


def _check_amount(amount_micros: int) -> None:
    if amount_micros <= 0:
        raise Reject(400, "invalid_parameters", "amount must be above zero")


def _check_shard(exchange_index: int) -> None:
    if not 0 <= exchange_index <= HIGHEST_SHARD:
        raise Reject(400, "invalid_parameters", "no such exchange shard")
