"""Money that moves without a trade. It leaves at once and arrives later, or at once too; none is ever made or lost.

Only free cash moves: never what resting orders hold back. Amounts in micro-dollars.
"""

import heapq

from outcry.paper.engine.money_records import CashMove, MoveKind, Reservation, Target, Transfer, TransferStatus
from outcry.paper.engine.purse import Purse
from outcry.paper.engine.records import Reject
from outcry.paper.engine.state import State

CENT_MICROS = 10_000  # the exchange's own transfers are whole cents


def put_in(state: State, account: str, exchange_index: int, micros: int) -> CashMove:
    """Money enters the exchange."""
    state.account(account).primary.move(exchange_index, micros)
    return _note(state, account, MoveKind.DEPOSIT, exchange_index, micros)


def take_out(state: State, account: str, exchange_index: int, micros: int) -> CashMove:
    """Money leaves the exchange.

    raises  Reject when so much is not free
    """
    spend(state, state.account(account).primary, exchange_index, micros)
    return _note(state, account, MoveKind.WITHDRAWAL, exchange_index, micros)


def _note(state: State, account: str, kind: MoveKind, exchange_index: int, micros: int) -> CashMove:
    move = CashMove(state.new_id(), account, kind, exchange_index, micros, state.outbox.at_ms)
    state.moves.append(move)
    state.unsaved.moves.append(move)
    state.unsaved.accounts.add(account)
    return move


def spend(state: State, purse: Purse, exchange_index: int, micros: int) -> None:
    """Take free cash out of a purse, for elsewhere.

    raises  Reject when so much is not free
    """
    if micros <= 0:
        raise Reject(400, "invalid_parameters", "amount must be above zero")
    if purse.free_micros(exchange_index) < micros:
        raise Reject(400, state.manners.poor_code, "insufficient balance", f"exchange {exchange_index}")
    purse.move(exchange_index, -micros)
    state.unsaved.accounts.add(purse.account)


def send(state: State, transfer: Transfer) -> Transfer:
    """Begin a transfer between shards.

    raises  Reject when so much is not free
    """
    source = state.purse(transfer.account, transfer.source_subaccount)
    spend(state, source, transfer.source_index, transfer.amount_micros)
    state.unsaved.transfers[transfer.transfer_id] = transfer
    expect(state, transfer)
    return transfer


def expect(state: State, transfer: Transfer) -> None:
    """Know of a transfer, and let it arrive in its time."""
    state.transfers[transfer.transfer_id] = transfer
    if transfer.status is TransferStatus.PENDING:
        state.under_way[transfer.transfer_id] = transfer
    heapq.heappush(state.timers, (transfer.due_at_ms, "arrive", transfer.transfer_id))


def arrive(state: State, transfer: Transfer) -> None:
    """Complete a transfer, once."""
    if transfer.status is TransferStatus.COMPLETE:
        return
    transfer.status = TransferStatus.COMPLETE
    del state.under_way[transfer.transfer_id]
    purse = state.purse(transfer.account, transfer.destination_subaccount)
    purse.move(transfer.destination_index, transfer.amount_micros)
    state.unsaved.transfers[transfer.transfer_id] = transfer
    state.unsaved.accounts.add(transfer.account)


def missing_micros(state: State, account: str) -> int:
    """What an account put in and cannot be found: in none of its purses, and not under way. Always 0."""
    missing = sum(transfer.amount_micros for transfer in state.under_way.values() if transfer.account == account)
    missing += sum(sum(purse.moved_in.values()) for purse in state.accounts[account].purses.values())
    for move in state.moves:
        if move.account == account:
            missing -= move.amount_micros if move.kind is MoveKind.DEPOSIT else -move.amount_micros
    return -missing


def set_rebalance(state: State, account: str, target: Target) -> None:
    heapq.heappush(state.timers, (target.next_at_ms, "rebalance", account))


def rebalance(state: State, account: str, until_ms: int) -> None:
    """Send the primary purse's idle cash towards its target shares, and set the next time. After a pause of the clock
    only the last time counts. Nothing moves while something is still under way."""
    target, now_ms, every_ms = state.accounts[account].target, state.outbox.at_ms, state.manners.rebalance_ms
    if target is None or now_ms < target.next_at_ms:
        return
    target.next_at_ms = max(now_ms, until_ms - every_ms) + every_ms
    set_rebalance(state, account, target)
    if any(transfer.account == account for transfer in state.under_way.values()):
        return
    for source, destination, micros in sweeps(state, state.accounts[account].primary, target):
        due_ms = now_ms + state.manners.transfer_ms
        send(
            state,
            Transfer(state.new_id(), account, source, destination, 0, 0, micros, now_ms, due_ms, automatic=True),
        )


def sweeps(state: State, purse: Purse, target: Target) -> list[tuple[int, int, int]]:
    """(source shard, destination shard, micro-dollars) of what would bring a purse to its target shares, as far as
    free cash allows. Rounding leaves the rest on the last shard named."""
    shards = sorted({*purse.cash, *target.percents})
    idle = {shard: max(0, purse.cash.get(shard, 0) - _tied_up(state, purse, shard, target)) for shard in shards}
    total = sum(idle.values())
    wanted = {shard: total * percent // 100 for shard, percent in target.percents.items()}
    wanted[max(target.percents)] += total - sum(wanted.values())
    surplus = {
        shard: min(idle[shard] - wanted.get(shard, 0), purse.free_micros(shard))
        for shard in shards
        if idle[shard] > wanted.get(shard, 0)
    }
    moves = []
    for destination in shards:
        short = wanted.get(destination, 0) - idle[destination]
        for source, spare in surplus.items():
            micros = min(short, spare) // CENT_MICROS * CENT_MICROS
            if micros > 0:
                moves.append((source, destination, micros))
                surplus[source] -= micros
                short -= micros
    return moves


def _tied_up(state: State, purse: Purse, exchange_index: int, target: Target) -> int:
    if target.reservation is Reservation.NONE:
        return 0
    if target.reservation is Reservation.SUM:
        return purse.reserved_micros(exchange_index)
    there = (
        micros
        for ticker, micros in purse.collaterals().items()
        if state.markets[ticker].market.exchange_index == exchange_index
    )
    return max(there, default=0)
