"""Many orders placed or cancelled by one call. Nothing is atomic: every item has its own outcome.

A batch is billed for each item, from the account's common bucket whatever the shard, and all at once: one that does not
fit is refused whole, so ours are checked before they are sent. `largest_batch` says how many items may go together.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, NoReturn, TypeVar

from outcry.domain.errors import Refused, SchemaDrift, Unavailable
from outcry.venue import wire
from outcry.venue.batch_rows import (
    BatchCancelBody,
    BatchCanceledRow,
    BatchCreateBody,
    BatchCreatedRow,
    Cancel,
    CanceledItemRow,
    CancelItemBody,
    CreatedItemRow,
    ItemErrorRow,
)
from outcry.venue.http import Http
from outcry.venue.wire import NewOrder, Placed, PlacedRow
from outcry.venue.written import told

Row = TypeVar("Row")
Noun = TypeVar("Noun")

_BATCH = "/portfolio/events/orders/batched"
# An item that fails so may have been done all the same, or (the last) was done before.
_OPEN_QUESTIONS = frozenset(
    {
        "exchange_unavailable",
        "service_unavailable",
        "internal_error",
        "internal_server_error",
        "timeout",
        "gateway_timeout",
        "order_already_exists",
    }
)


class BatchSize(NamedTuple):
    """How many items a batch may have now."""

    creates: int
    cancels: int


class BatchCalls:
    """Needs a key."""

    _http: Http

    def largest_batch(self) -> BatchSize:
        """How many new orders, and how many cancels, one batch can hold within our share of the budget."""
        return BatchSize(self._http.most_items("POST", _BATCH), self._http.most_items("DELETE", _BATCH, urgent=True))

    def create_orders(self, orders: Sequence[NewOrder]) -> list[Placed | Refused | Unavailable]:
        """Place many orders.

        returns  for each order, in order, what `create_order` would have returned or raised
        raises   Refused, RateLimited, Misconfigured, InvariantBroken (more than `largest_batch`): none was placed
                 Unavailable: nobody knows of any; look every one up
        """
        if not orders:
            return []
        body = BatchCreateBody([wire.order_body(order) for order in orders])
        try:
            answer = self._http.write("POST", _BATCH, body, accept=(200, 201), items=len(orders))
        except Refused as error:
            if error.status == 409:
                raise Unavailable(f"an order of the batch is there already: {error}", "look all up") from error
            raise
        what = f"{len(orders)} new orders"
        rows = _as_many(told(answer, BatchCreatedRow, what, lambda row: row.orders), len(orders), what)
        return [
            _outcome(order.client_order_id, partial(_created, order, row))
            for order, row in zip(orders, rows, strict=True)
        ]

    def cancel_orders(self, cancels: Sequence[Cancel]) -> list[int | Refused | Unavailable]:
        """Cancel what rests of many orders; like one cancel it never waits behind entries.

        returns  for each, in order, what `cancel_order` would have returned or raised
        raises   as `create_orders`
        """
        if not cancels:
            return []
        body = BatchCancelBody([CancelItemBody(*cancel) for cancel in cancels])
        answer = self._http.write("DELETE", _BATCH, body, urgent=True, items=len(cancels))
        what = f"{len(cancels)} cancels"
        rows = _as_many(told(answer, BatchCanceledRow, what, lambda row: row.orders), len(cancels), what)
        return [
            _outcome(cancel.order_id, partial(_canceled, cancel, row))
            for cancel, row in zip(cancels, rows, strict=True)
        ]


def _as_many(rows: list[Row], wanted: int, what: str) -> list[Row]:
    if len(rows) != wanted:
        raise Unavailable(f"{what} were answered by {len(rows)} outcomes", "look all up")
    return rows


def _outcome(name: str, read: Callable[[], Noun]) -> Noun | Refused | Unavailable:
    """What `read` returns, or raises; an item that cannot be read leaves its outcome unknown, and only its own."""
    try:
        return read()
    except SchemaDrift as drift:
        return Unavailable(f"answer about {name} is unreadable: {drift}", "look it up")
    except (Refused, Unavailable) as outcome:
        return outcome


def _created(order: NewOrder, row: CreatedItemRow) -> Placed:
    name = order.client_order_id
    if row.client_order_id not in (None, "", name):
        raise Unavailable(f"answer to {name} is about {row.client_order_id}", "look it up")
    if row.error is not None:
        if row.fill_count is not None and wire.count_ch(row.fill_count):
            raise Unavailable(f"{name} failed and has fills: {row.error}", "look it up")
        _fail(name, row.error)
    if row.fill_count is None or row.remaining_count is None or row.ts_ms is None:
        raise SchemaDrift("neither an order nor an error")
    return wire.placed(
        PlacedRow(
            row.order_id,
            row.fill_count,
            row.remaining_count,
            row.ts_ms,
            row.client_order_id or "",
            row.average_fill_price,
            row.average_fee_paid,
        )
    )


def _canceled(cancel: Cancel, row: CanceledItemRow) -> int:
    if row.order_id != cancel.order_id:
        raise Unavailable(f"asked to cancel {cancel.order_id}, the answer is about {row.order_id}", "look both up")
    if row.error is not None:
        _fail(cancel.order_id, row.error)
    return wire.count_ch(row.reduced_by)


def _fail(name: str, error: ItemErrorRow) -> NoReturn:
    """Raise what an item's error means. Unknown, over or on another shard is 404, as when asked alone."""
    code = error.code or ""
    what = f"{name}: {' '.join(part for part in (code, error.message, error.details) if part)}"
    if not code or code in _OPEN_QUESTIONS:
        raise Unavailable(what, "look it up")
    raise Refused(what, status=404 if code == "not_found" else 400, code=code, details=error.details or "")
