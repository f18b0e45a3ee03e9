"""Bodies about money that moves without a trade: transfers, target shares, subaccounts, bank moves."""

from outcry.paper.engine.money_records import CashMove, Reservation, SubaccountTransfer, Target, Transfer
from outcry.paper.engine.purse import Purse
from outcry.paper.rest import text
from outcry.paper.rest.shapes import Json

CENT_MICROS = 10_000


def transfer(made: Transfer) -> Json:
    """Asked for in centicents, told in dollars."""
    return {
        "transfer_id": made.transfer_id,
        "source": "event_contract",
        "destination": "event_contract",
        "source_exchange_shard": made.source_index,
        "destination_exchange_shard": made.destination_index,
        "amount": text.money(made.amount_micros),
        "status": made.status.value,
        "created_ts": made.created_at_ms // 1000,
    }


def target(held: Target | None) -> Json:
    """The target shares; none where nothing is to be balanced."""
    percents = {} if held is None else held.percents
    return {
        "allocations": [{"exchange_index": shard, "percent": percent} for shard, percent in sorted(percents.items())],
        "resting_margin_reservation": (Reservation.SUM if held is None else held.reservation).value,
    }


def subaccount_transfer(made: SubaccountTransfer) -> Json:
    return {
        "transfer_id": made.transfer_id,
        "from_subaccount": made.from_subaccount,
        "to_subaccount": made.to_subaccount,
        "amount_cents": made.amount_micros // CENT_MICROS,
        "created_ts": made.at_ms // 1000,
        "exchange_index": made.exchange_index,
    }


def netting(purse: Purse) -> Json:
    return {
        "subaccount_number": purse.number,
        "enabled": purse.netting,
        "exchange_index": purse.exchange_index,
    }


def cash_move(made: CashMove) -> Json:
    """In whole cents, without a fee, and done at once."""
    return {
        "id": made.move_id,
        "status": "applied",
        "type": "ach",
        "amount_cents": made.amount_micros // CENT_MICROS,
        "fee_cents": 0,
        "created_ts": made.at_ms // 1000,
        "finalized_ts": made.at_ms // 1000,
    }
