"""Order groups: the exchange's own kill switch, which works when ours does not.

A group cancels all its orders, and refuses new ones until it is reset, once its contracts matched within any 15 seconds
reach its limit. It lives on one shard, which every call has to name: the exchange would take shard 0.
"""

from typing import NamedTuple

from msgspec import Struct

from outcry.domain.errors import SchemaDrift
from outcry.venue import wire
from outcry.venue.fields import Amount
from outcry.venue.http import Http
from outcry.venue.paging import given
from outcry.venue.written import DONE, told

_GROUPS = "/portfolio/order_groups"
_ONE = "/portfolio/order_groups/{order_group_id}"


class GroupRow(Struct, frozen=True):
    id: str
    is_auto_cancel_enabled: bool
    exchange_index: int
    contracts_limit_fp: Amount | None = None


class GroupList(Struct, frozen=True):
    order_groups: list[GroupRow] = []


class OneGroup(Struct, frozen=True):
    """A group asked for by its id: its orders besides, its id not."""

    is_auto_cancel_enabled: bool
    orders: list[str]
    exchange_index: int
    contracts_limit_fp: Amount | None = None


class CreateGroupBody(Struct):
    contracts_limit_fp: str
    exchange_index: int


class LimitBody(Struct):
    contracts_limit_fp: str


class CreatedGroup(Struct, frozen=True):
    order_group_id: str
    exchange_index: int | None = None


class OrderGroup(NamedTuple):
    """One group. `limit_ch`: hundredths of a contract within 15 seconds; None where the exchange does not say."""

    order_group_id: str
    exchange_index: int
    limit_ch: int | None
    auto_cancel: bool


class GroupCalls:
    """Needs a key. Writes are sent once; after `Unavailable` read the groups."""

    _http: Http

    def order_groups(self) -> list[OrderGroup]:
        """All groups of the account. Not paged."""
        rows = wire.decode(GroupList, self._http.get(_GROUPS).body, "order groups").order_groups
        return [_group(row.id, row) for row in rows]

    def order_group(self, order_group_id: str) -> tuple[OrderGroup, tuple[str, ...]]:
        """One group and the ids of its orders."""
        body = self._http.get(_ONE, order_group_id=order_group_id).body
        row = wire.decode(OneGroup, body, f"order group {order_group_id}")
        return _group(order_group_id, row), tuple(row.orders)

    def create_order_group(self, limit_ch: int, exchange_index: int) -> str:
        """Make a group and return its id; orders join it by naming it when they are placed."""
        body = CreateGroupBody(wire.count_text(limit_ch), exchange_index)
        answer = self._http.write("POST", _GROUPS + "/create", body, accept=(200, 201), exchange_index=exchange_index)
        return told(answer, CreatedGroup, "new order group", lambda row: _created(row, exchange_index))

    def limit_order_group(self, order_group_id: str, limit_ch: int, exchange_index: int) -> None:
        """Give a group another limit. One that is reached already triggers it at once."""
        self._change("PUT", "/limit", order_group_id, exchange_index, LimitBody(wire.count_text(limit_ch)))

    def reset_order_group(self, order_group_id: str, exchange_index: int) -> None:
        """Set the count of matched contracts to zero and take new orders again."""
        self._change("PUT", "/reset", order_group_id, exchange_index)

    def trigger_order_group(self, order_group_id: str, exchange_index: int) -> None:
        """Cancel all orders of a group now and take none until it is reset; may use the budget's reserved share."""
        self._change("PUT", "/trigger", order_group_id, exchange_index, urgent=True)

    def delete_order_group(self, order_group_id: str, exchange_index: int) -> None:
        """Remove a group for good and cancel its orders; may use the budget's reserved share."""
        self._change("DELETE", "", order_group_id, exchange_index, urgent=True)

    def _change(
        self,
        method: str,
        step: str,
        order_group_id: str,
        exchange_index: int,
        body: Struct | None = None,
        *,
        urgent: bool = False,
    ) -> None:
        self._http.write(
            method,
            _ONE + step,
            body,
            given(exchange_index=exchange_index),
            accept=DONE,
            urgent=urgent,
            exchange_index=exchange_index,
            order_group_id=order_group_id,
        )


def _created(row: CreatedGroup, exchange_index: int) -> str:
    if not row.order_group_id or row.exchange_index not in (None, exchange_index):
        raise SchemaDrift(f"group {row.order_group_id!r} on shard {row.exchange_index}, not {exchange_index}")
    return row.order_group_id


def _group(order_group_id: str, row: GroupRow | OneGroup) -> OrderGroup:
    limit = None if row.contracts_limit_fp is None else wire.count_ch(row.contracts_limit_fp)
    return OrderGroup(order_group_id, row.exchange_index, limit, row.is_auto_cancel_enabled)
