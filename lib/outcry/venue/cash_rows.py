"""Cash that came from or went to a bank, and cash that resting orders hold."""

from typing import NamedTuple

from msgspec import Struct

from outcry.domain.errors import SchemaDrift
from outcry.venue import fields
from outcry.venue.account_rows import ShardBalanceRow
from outcry.venue.fields import Whole

STATUSES = ("pending", "applied", "failed", "returned")


class BankRow(Struct, frozen=True):
    """A deposit or a withdrawal: they look alike."""

    id: str
    status: str
    type: str
    amount_cents: Whole
    fee_cents: Whole
    created_ts: Whole
    finalized_ts: Whole | None = None


class RestingValueRow(Struct, frozen=True):
    total_resting_order_value: Whole
    resting_order_value_breakdown: list[ShardBalanceRow]


class BankMove(NamedTuple):
    """One deposit or withdrawal, in micro-dollars. Only `applied` ones are in the balance.

    status           pending, applied, failed or returned
    way              ach, wire, crypto, debit, apm, or a word we do not know
    finalized_at_ms  None while pending
    """

    move_id: str
    status: str
    way: str
    amount_micros: int
    fee_micros: int
    created_at_ms: int
    finalized_at_ms: int | None


class RestingValue(NamedTuple):
    """What resting orders are worth, in all (whole cents) and by shard. Micro-dollars."""

    total_micros: int
    by_shard_micros: dict[int, int]


def bank_move(row: BankRow) -> BankMove:
    """One deposit or withdrawal. Raises SchemaDrift when a field cannot be read or its status is of an unknown kind."""
    if row.status not in STATUSES:
        raise SchemaDrift(f"{row.id} is {row.status!r}")
    return BankMove(
        row.id,
        row.status,
        row.type,
        fields.cents_micros(row.amount_cents),
        fields.cents_micros(row.fee_cents),
        fields.seconds_ms(row.created_ts),
        None if row.finalized_ts is None else fields.seconds_ms(row.finalized_ts),
    )


def resting_value(row: RestingValueRow) -> RestingValue:
    """What resting orders are worth. Raises SchemaDrift when a field cannot be read."""
    return RestingValue(
        fields.cents_micros(row.total_resting_order_value),
        {shard.exchange_index: fields.dollars_micros(shard.balance) for shard in row.resting_order_value_breakdown},
    )
