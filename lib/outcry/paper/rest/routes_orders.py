"""REST endpoints that change orders: create, amend, decrease, cancel, batches, cancel-all. All on the YES scale."""

from outcry.paper.engine.records import OrderRecord, Reject
from outcry.paper.events import AccountFill, EngineEvent
from outcry.paper.rest import text
from outcry.paper.rest.calls import Call, Route, answer, bad_parameter, batch_cost, shaped
from outcry.paper.rest.order_bodies import (
    AUTO_ROUTE,
    Amendment,
    Cancellation,
    Decrease,
    NewOrder,
    explicit,
    read_count_ch,
)
from outcry.paper.rest.shapes import Json
from outcry.paper.server import refusals
from outcry.paper.server.http import Answer
from outcry.paper.server.limits import CANCEL_COST, DEFAULT_COST

ORDERS = "/portfolio/events/orders"


# ---- one order ------------------------------------------------------------------------------------------------------


def create(call: Call) -> Answer:
    return answer(201, _create(call, call.body(NewOrder)))


def _create(call: Call, wanted: NewOrder) -> Json:
    order, events = call.exchange.engine.create(call.account, wanted.request(), call.now_ms)
    call.exchange.step(events)
    counts = {"fill_count": text.count(order.filled_ch), "remaining_count": text.count(order.remaining_ch)}
    return _named(order) | counts | _averages(order.order_id, events) | {"ts_ms": order.created_at_ms}


def cancel(call: Call) -> Json:
    ticker, index = call.text("market_ticker") or None, explicit(call.number("exchange_index", AUTO_ROUTE))
    return _cancel(call, call.path["order_id"], ticker, index, call.subaccount() or 0)


def _cancel(call: Call, order_id: str, ticker: str | None, index: int | None, subaccount: int) -> Json:
    order, taken_ch, events = call.exchange.engine.cancel(
        call.account, order_id, ticker, index, call.now_ms, subaccount=subaccount
    )
    call.exchange.step(events)
    return _named(order) | {"reduced_by": text.count(taken_ch), "ts_ms": call.now_ms}


def amend(call: Call) -> Json:
    request = call.body(Amendment).request(call.subaccount() or 0)
    before_ch = _total_ch(call, call.path["order_id"])
    order, events = call.exchange.engine.amend(call.account, call.path["order_id"], request, call.now_ms)
    call.exchange.step(events)
    body, averages = _named(order), _averages(order.order_id, events)
    if averages or order.initial_ch != before_ch:  # the counts are told only where something about them changed
        body |= {"remaining_count": text.count(order.remaining_ch), "fill_count": text.count(order.filled_ch)}
    return body | averages | {"ts_ms": call.now_ms}


def decrease(call: Call) -> Json:
    wanted = call.body(Decrease)
    order, events = call.exchange.engine.decrease(
        call.account,
        call.path["order_id"],
        call.now_ms,
        reduce_by_ch=None if wanted.reduce_by is None else read_count_ch(wanted.reduce_by),
        reduce_to_ch=None if wanted.reduce_to is None else read_count_ch(wanted.reduce_to),
        ticker=wanted.market_ticker,
        exchange_index=explicit(wanted.exchange_index),
        subaccount=call.subaccount() or 0,
    )
    call.exchange.step(events)
    return _named(order) | {"remaining_count": text.count(order.remaining_ch), "ts_ms": call.now_ms}


def _named(order: OrderRecord) -> Json:
    """What every answer about an order begins with."""
    body: Json = {"order_id": order.order_id}
    return body | {"client_order_id": order.client_order_id} if order.client_order_id else body


# ---- many orders ----------------------------------------------------------------------------------------------------


def cancel_all(call: Call) -> Answer:
    _, events = call.exchange.engine.cancel_all(call.account, call.now_ms, subaccount=call.subaccount())
    call.exchange.step(events)
    return Answer(204)


def create_batch(call: Call) -> Answer:
    """Each item on its own: some may be placed and others refused."""
    results: list[Json] = []
    for item in _items(call):
        try:
            results.append(_create(call, shaped(item, NewOrder)))
        except Reject as refusal:
            given = item.get("client_order_id") if isinstance(item, dict) else None
            echo: Json = {"client_order_id": given} if isinstance(given, str) and given else {}
            results.append(echo | {"error": refusals.error(refusal)})
    return answer(201, {"orders": results})


def cancel_batch(call: Call) -> Json:
    results: list[Json] = []
    for item in _items(call):
        wanted = shaped(item, Cancellation)
        try:
            index = explicit(wanted.exchange_index)
            results.append(_cancel(call, wanted.order_id, wanted.market_ticker, index, wanted.subaccount or 0))
        except Reject as refusal:
            error = refusals.error(refusal)
            results.append({"order_id": wanted.order_id, "reduced_by": "0.00", "error": error})
    return {"orders": results}


def _items(call: Call) -> list[object]:
    items = call.json().get("orders")
    if not isinstance(items, list) or not items:
        raise bad_parameter("orders must be a list with at least one item")
    return items


def gone(_call: Call) -> Answer:
    """Order writes of the first version are switched off for good."""
    raise Reject(410, "deprecated_v1_order_endpoint", "use /portfolio/events/orders")


# ---- small things ---------------------------------------------------------------------------------------------------


def _averages(order_id: str, events: list[EngineEvent]) -> Json:
    """Price and fee per contract over what this request filled."""
    fills = [event for event in events if isinstance(event, AccountFill) and event.order_id == order_id]
    count_ch = sum(fill.count_ch for fill in fills)
    if not count_ch:
        return {}
    value_micros = sum(fill.price_cc * fill.count_ch for fill in fills)
    fee_micros = sum(fill.fee_micros for fill in fills)
    return {
        "average_fill_price": text.decimal(_per_contract(value_micros, count_ch), 4),
        "average_fee_paid": text.decimal(_per_contract(fee_micros, count_ch), 4),
    }


def _per_contract(micros: int, count_ch: int) -> int:
    """To the nearest micro-dollar."""
    return (micros * 200 + count_ch) // (2 * count_ch)


def _total_ch(call: Call, order_id: str) -> int:
    return call.exchange.engine.order(call.account, order_id).initial_ch


def _shard_in_body(call: Call) -> int | None:
    """The shard that a body names; every shard's bucket pays where it leaves that to the exchange."""
    index = call.json().get("exchange_index")
    return index if isinstance(index, int) and index >= 0 else None


def _shard_in_query(call: Call) -> int | None:
    """The same for a query; an order named by its id alone is looked for on shard 0."""
    index = call.number("exchange_index", AUTO_ROUTE)
    if index is None and not call.text("market_ticker"):
        return 0
    return None if index is None or index < 0 else index


ROUTES = [
    Route("POST", ORDERS, create, shard=_shard_in_body),
    Route("DELETE", ORDERS, cancel_all, shard=lambda _call: None),
    Route("POST", f"{ORDERS}/batched", create_batch, tokens=batch_cost(DEFAULT_COST)),
    Route("DELETE", f"{ORDERS}/batched", cancel_batch, tokens=batch_cost(CANCEL_COST)),
    Route("DELETE", ORDERS + "/{order_id}", cancel, shard=_shard_in_query),
    Route("POST", ORDERS + "/{order_id}/amend", amend, shard=_shard_in_body),
    Route("POST", ORDERS + "/{order_id}/decrease", decrease, shard=_shard_in_body),
    Route("POST", "/portfolio/orders", gone),
    Route("POST", "/portfolio/orders/batched", gone),
    Route("DELETE", "/portfolio/orders/batched", gone),
    Route("DELETE", "/portfolio/orders/{order_id}", gone),
    Route("POST", "/portfolio/orders/{order_id}/amend", gone),
    Route("POST", "/portfolio/orders/{order_id}/decrease", gone),
]
