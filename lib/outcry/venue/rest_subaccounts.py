"""Subaccounts: up to 63 purses beside the primary account (number 0), each with cash of its own on every shard."""

from typing import NamedTuple

from msgspec import Struct

from outcry.domain.errors import Refused, SchemaDrift
from outcry.venue import fields, wire
from outcry.venue.fields import Amount
from outcry.venue.http import Http
from outcry.venue.paging import Page, every
from outcry.venue.written import DONE, told

_SUBACCOUNTS = "/portfolio/subaccounts"
_HIGHEST = 63


class CreateSubaccountBody(Struct):
    exchange_index: int


class CreatedSubaccount(Struct, frozen=True):
    subaccount_number: int


class MoveBody(Struct):
    client_transfer_id: str
    from_subaccount: int
    to_subaccount: int
    amount_cents: int
    exchange_index: int


class PurseRow(Struct, frozen=True):
    subaccount_number: int
    exchange_index: int
    balance: Amount
    updated_ts: int


class PurseList(Struct, frozen=True):
    subaccount_balances: list[PurseRow]


class MoveRow(Struct, frozen=True):
    transfer_id: str
    from_subaccount: int
    to_subaccount: int
    amount_cents: int
    created_ts: int
    exchange_index: int


class MovePage(Page, frozen=True):
    transfers: list[MoveRow]


class NettingRow(Struct, frozen=True):
    subaccount_number: int
    exchange_index: int
    enabled: bool


class NettingList(Struct, frozen=True):
    netting_configs: list[NettingRow]


class NettingBody(Struct):
    subaccount_number: int
    enabled: bool


class SubaccountBalance(NamedTuple):
    """Cash of one subaccount on one shard, in micro-dollars."""

    subaccount: int
    exchange_index: int
    cash_micros: int
    updated_at_ms: int


class SubaccountTransfer(NamedTuple):
    """Cash that moved between two subaccounts on one shard, in micro-dollars."""

    transfer_id: str
    source: int
    destination: int
    exchange_index: int
    amount_micros: int
    created_at_ms: int


class SubaccountCalls:
    """Needs a key that is not locked to one subaccount; creating one needs the Advanced tier."""

    _http: Http

    def create_subaccount(self, exchange_index: int) -> int:
        """Make the next subaccount on a shard and return its number. After Unavailable read the balances."""
        answer = self._http.write(
            "POST",
            _SUBACCOUNTS,
            CreateSubaccountBody(exchange_index),
            accept=(200, 201),
            exchange_index=exchange_index,
        )
        return told(answer, CreatedSubaccount, "new subaccount", _number)

    def move_between_subaccounts(
        self, client_transfer_id: str, source: int, destination: int, amount_cents: int, exchange_index: int
    ) -> bool:
        """Move cash on one shard from one subaccount to another, once whatever happens.

        client_transfer_id  a UUID, made and kept by the caller before the call: after Unavailable the same call may be
                            made again with it, and moves nothing twice
        returns             True when this call moved it, False when an earlier one had
        """
        body = MoveBody(client_transfer_id, source, destination, amount_cents, exchange_index)
        try:
            self._http.write(
                "POST", _SUBACCOUNTS + "/transfer", body, accept=(*DONE, 201), exchange_index=exchange_index
            )
        except Refused as error:
            if error.status == 409:
                return False
            raise
        return True

    def subaccount_balances(self) -> list[SubaccountBalance]:
        """Cash of every subaccount, the primary account among them, on every shard."""
        body = self._http.get(_SUBACCOUNTS + "/balances").body
        return [
            SubaccountBalance(
                row.subaccount_number,
                row.exchange_index,
                fields.dollars_micros(row.balance),
                fields.seconds_ms(row.updated_ts),
            )
            for row in wire.decode(PurseList, body, "subaccount balances").subaccount_balances
        ]

    def subaccount_transfers(self) -> list[SubaccountTransfer]:
        """All transfers between subaccounts, whole."""
        rows = every(self._http, _SUBACCOUNTS + "/transfers", MovePage, lambda page: page.transfers)
        return [
            SubaccountTransfer(
                row.transfer_id,
                row.from_subaccount,
                row.to_subaccount,
                row.exchange_index,
                fields.cents_micros(row.amount_cents),
                fields.seconds_ms(row.created_ts),
            )
            for row in rows
        ]

    def netting(self) -> dict[tuple[int, int], bool]:
        """Whether collateral is returned across an event's markets, by (subaccount, shard)."""
        rows = wire.decode(NettingList, self._http.get(_SUBACCOUNTS + "/netting").body, "netting").netting_configs
        return {(row.subaccount_number, row.exchange_index): row.enabled for row in rows}

    def set_netting(self, subaccount: int, enabled: bool) -> None:
        """Switch that on or off for one subaccount."""
        self._http.write("PUT", _SUBACCOUNTS + "/netting", NettingBody(subaccount, enabled), accept=DONE)


def _number(row: CreatedSubaccount) -> int:
    if not 1 <= row.subaccount_number <= _HIGHEST:
        raise SchemaDrift(f"{row.subaccount_number} is no number of a subaccount")
    return row.subaccount_number
