"""Cash among the shards of one account: each spends only its own, so money has to be moved before it can trade."""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from outcry.domain.errors import SchemaDrift
from outcry.venue import fields, wire
from outcry.venue.fields import Amount
from outcry.venue.http import Http
from outcry.venue.paging import Page, every
from outcry.venue.written import DONE, told

_MOVE = "/portfolio/intra_exchange_instance_transfer"
_MOVED = "/portfolio/intra_exchange_instance_transfers"
_TARGET = "/portfolio/target_balance_allocation"
_PAGE = 500
_EVENTS = "event_contract"


class TransferStatus(StrEnum):
    PENDING = "pending"
    COMPLETE = "complete"


class Reservation(StrEnum):
    """How the exchange counts the margin of resting orders when it balances the shards."""

    NONE = "none"
    MAX = "max"
    SUM = "sum"


class TransferBody(Struct):
    source: str
    destination: str
    amount: int  # centicents
    source_exchange_shard: int
    destination_exchange_shard: int


class CreatedTransfer(Struct, frozen=True):
    transfer_id: str


class TransferRow(Struct, frozen=True):
    transfer_id: str
    source_exchange_shard: int
    destination_exchange_shard: int
    amount: Amount
    status: TransferStatus
    created_ts: int


class TransferPage(Page, frozen=True):
    transfers: list[TransferRow]


class OneTransfer(Struct, frozen=True):
    transfer: TransferRow


class ShareRow(Struct, frozen=True):
    exchange_index: int
    percent: int


class TargetRow(Struct, frozen=True):
    allocations: list[ShareRow]
    resting_margin_reservation: Reservation


class TargetBody(Struct):
    allocations: list[ShareRow]
    resting_margin_reservation: Reservation


class ShardTransfer(NamedTuple):
    """Cash on its way from one shard to another, or there. In micro-dollars."""

    transfer_id: str
    source_shard: int
    destination_shard: int
    amount_micros: int
    status: TransferStatus
    created_at_ms: int


class TargetAllocation(NamedTuple):
    """The share of the cash that the exchange itself keeps on each shard, in percent; empty when it leaves it alone."""

    percents: dict[int, int]
    reservation: Reservation


class ShardCalls:
    """Needs a key with the right to transfer."""

    _http: Http

    def move_between_shards(self, amount_cc: int, source_shard: int, destination_shard: int) -> str:
        """Send cash of the primary account to another shard; it arrives later.

        amount_cc  centicents of a dollar, which is the finest the exchange moves
        returns    the transfer's id
        raises     as every write. It has no key of ours: after Unavailable look at `shard_transfers`, never send again
        """
        body = TransferBody(_EVENTS, _EVENTS, amount_cc, source_shard, destination_shard)
        answer = self._http.write("POST", _MOVE, body, accept=(200, 201))
        return told(answer, CreatedTransfer, "transfer", _named)

    def shard_transfer(self, transfer_id: str) -> ShardTransfer:
        """One transfer."""
        body = self._http.get(_MOVED + "/{transfer_id}", transfer_id=transfer_id).body
        return _transfer(wire.decode(OneTransfer, body, f"transfer {transfer_id}").transfer)

    def shard_transfers(self) -> list[ShardTransfer]:
        """All transfers of the account, whole."""
        rows = every(self._http, _MOVED, TransferPage, lambda page: page.transfers, limit=_PAGE)
        return [_transfer(row) for row in rows]

    def target_allocation(self) -> TargetAllocation:
        """How the exchange is told to balance the shards, which it does every ten seconds or so."""
        row = wire.decode(TargetRow, self._http.get(_TARGET).body, "target allocation")
        return TargetAllocation(
            {share.exchange_index: share.percent for share in row.allocations}, row.resting_margin_reservation
        )

    def set_target_allocation(self, target: TargetAllocation) -> None:
        """Tell it anew. Percentages make 100; none at all ends the balancing."""
        shares = [ShareRow(shard, percent) for shard, percent in sorted(target.percents.items())]
        self._http.write("POST", _TARGET, TargetBody(shares, target.reservation), accept=(*DONE, 201))


def _named(row: CreatedTransfer) -> str:
    if not row.transfer_id:
        raise SchemaDrift("the answer names no transfer")
    return row.transfer_id


def _transfer(row: TransferRow) -> ShardTransfer:
    return ShardTransfer(
        row.transfer_id,
        row.source_exchange_shard,
        row.destination_exchange_shard,
        fields.dollars_micros(row.amount),
        row.status,
        fields.seconds_ms(row.created_ts),
    )
