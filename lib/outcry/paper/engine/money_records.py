"""Money that moves without a trade: deposits and withdrawals, between shards, between subaccounts; and target shares.

Amounts in micro-dollars, times in Unix ms UTC.
"""

from dataclasses import dataclass
from enum import StrEnum


class MoveKind(StrEnum):
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"


@dataclass(frozen=True, slots=True)
class CashMove:
    """Money that entered or left the exchange, applied at once to the primary purse of an account."""

    move_id: str
    account: str
    kind: MoveKind
    exchange_index: int
    amount_micros: int
    at_ms: int


class TransferStatus(StrEnum):
    PENDING = "pending"
    COMPLETE = "complete"


@dataclass(slots=True)
class Transfer:
    """Money on its way between shards of one account (and between its subaccounts, where they differ).

    It leaves its source at once and arrives at `due_at_ms`; until then it belongs to neither.
    automatic  whether the exchange sent it itself, to reach the target shares
    """

    transfer_id: str
    account: str
    source_index: int
    destination_index: int
    source_subaccount: int
    destination_subaccount: int
    amount_micros: int
    created_at_ms: int
    due_at_ms: int
    status: TransferStatus = TransferStatus.PENDING
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class SubaccountTransfer:
    """Money moved between two purses on one shard, at once. `client_transfer_id` is good for one transfer only."""

    transfer_id: str
    account: str
    client_transfer_id: str
    from_subaccount: int
    to_subaccount: int
    exchange_index: int
    amount_micros: int
    at_ms: int


class Reservation(StrEnum):
    """What counts as tied up by resting orders when the shards are balanced: nothing, the market that ties up most,
    or all of it. What is not free does not move, whatever counts."""

    NONE = "none"
    MAX = "max"
    SUM = "sum"


@dataclass(slots=True)
class Target:
    """Where an account's idle cash is to lie: whole percents by shard, 100 together."""

    percents: dict[int, int]
    reservation: Reservation
    next_at_ms: int
