"""REST endpoints that read an account: orders, queues, fills, positions, settlements, balance, limits, keys."""

from outcry.paper import account_shapes, limits, text
from outcry.paper.calls import Call, Route, bad_parameter, page
from outcry.paper.events import AccountFill, AccountSettled
from outcry.paper.records import OrderRecord, OrderStatus, PositionRecord, Reject
from outcry.paper.shapes import Json

# ---- orders ---------------------------------------------------------------------------------------------------------


def orders(call: Call) -> Json:
    call.subaccount()
    status = call.choice("status", tuple(OrderStatus))
    found = call.exchange.books.orders(
        call.account,
        tickers=_one(call.text("ticker")),
        event_tickers=call.listed("event_ticker", 10),
        status=OrderStatus(status) if status else None,
        min_ms=call.seconds_ms("min_ts"),
        max_ms=call.seconds_ms("max_ts", whole_second=True),
        exchange_index=call.number("exchange_index", 0),
    )
    given, cursor = page(call, found, lambda order: (order.created_at_ms, order.order_id))
    return {"orders": [account_shapes.order(order) for order in given], "cursor": cursor}


def one_order(call: Call) -> Json:
    return {"order": account_shapes.order(call.exchange.books.order(call.account, call.path["order_id"]))}


def queue_positions(call: Call) -> Json:
    tickers, event_tickers = call.listed("market_tickers"), _one(call.text("event_ticker"))
    if not tickers and not event_tickers:
        raise bad_parameter("market_tickers or event_ticker is required")
    call.subaccount()
    engine = call.exchange.engine
    resting = engine.orders(call.account, tickers=tickers, event_tickers=event_tickers, status=OrderStatus.RESTING)
    return {
        "queue_positions": [
            {"order_id": order.order_id, "market_ticker": order.ticker, "queue_position_fp": _ahead(call, order)}
            for order in resting
        ]
    }


def queue_position(call: Call) -> Json:
    order = call.exchange.engine.order(call.account, call.path["order_id"])
    if order.status is not OrderStatus.RESTING:
        raise Reject(404, "not_found", "order is not resting")
    return {"queue_position_fp": _ahead(call, order)}


def _ahead(call: Call, order: OrderRecord) -> str:
    """Contracts that stand before an order at its price."""
    return text.count(call.exchange.engine.market(order.ticker).book.ahead_ch(order.order_id))


def resting_value(call: Call) -> Json:
    """What resting orders tie up, in cents and per shard in dollars."""
    engine = call.exchange.engine
    shards = {shard: engine.balance(call.account, shard).reserved_micros for shard in engine.shards(call.account)}
    return {
        "total_resting_order_value": sum(shards.values()) // 10_000,
        "resting_order_value_breakdown": [
            {"exchange_index": shard, "balance": text.money(micros)} for shard, micros in shards.items()
        ],
    }


# ---- what was traded and what is held -------------------------------------------------------------------------------


def fills(call: Call) -> Json:
    call.subaccount()
    found = call.exchange.books.fills(
        call.account,
        tickers=call.listed("ticker", 100),
        order_id=call.text("order_id") or None,
        min_ms=call.seconds_ms("min_ts"),
        max_ms=call.seconds_ms("max_ts", whole_second=True),
        exchange_index=call.number("exchange_index", 0),
    )
    given, cursor = page(call, found, _fill_key)
    return {"fills": [account_shapes.fill(made) for made in given], "cursor": cursor}


def _fill_key(made: AccountFill) -> tuple[int, str]:
    return made.at_ms, f"{made.trade_id}/{made.order_id}"


def settlements(call: Call) -> Json:
    call.subaccount()
    found = call.exchange.books.settlements(
        call.account,
        tickers=_one(call.text("ticker")),
        event_tickers=call.listed("event_ticker", 10),
        min_ms=call.seconds_ms("min_ts"),
        max_ms=call.seconds_ms("max_ts", whole_second=True),
    )
    given, cursor = page(call, found, _settlement_key)
    return {"settlements": [account_shapes.settlement(paid) for paid in given], "cursor": cursor}


def _settlement_key(paid: AccountSettled) -> tuple[int, str]:
    return paid.at_ms, paid.ticker


def positions(call: Call) -> Json:
    """Positions by market, and added up by event. `count_filter` keeps those where one of the fields is not zero."""
    call.subaccount()
    which = call.choice("settlement_status", ("unsettled", "settled", "all")) or "unsettled"
    nonzero = set(call.listed("count_filter"))
    if nonzero - {"position", "total_traded"}:
        raise bad_parameter("count_filter takes position and total_traded")
    ticker, event_ticker = call.text("ticker"), call.text("event_ticker")
    index = call.number("exchange_index", 0)

    def wanted(record: PositionRecord) -> bool:
        counts = {"position": record.position_ch, "total_traded": record.volume_ch}
        return (
            (not ticker or record.ticker == ticker)
            and (not event_ticker or _event_of(call, record) == event_ticker)
            and (index is None or record.exchange_index == index)
            and (not nonzero or any(counts[name] for name in nonzero))
        )

    settled = {"unsettled": False, "settled": True, "all": None}[which]
    found = [record for record in call.exchange.books.positions(call.account, settled=settled) if wanted(record)]
    found.sort(key=lambda record: record.ticker)
    found.sort(key=lambda record: record.updated_at_ms, reverse=True)
    given, cursor = page(call, found, lambda record: (record.updated_at_ms, record.ticker))
    by_event: dict[str, list[PositionRecord]] = {}
    for record in given:
        by_event.setdefault(_event_of(call, record), []).append(record)
    return {
        "market_positions": [account_shapes.position(record) for record in given],
        "event_positions": [account_shapes.event_position(event, records) for event, records in by_event.items()],
        "cursor": cursor,
    }


def _event_of(call: Call, record: PositionRecord) -> str:
    return call.exchange.engine.market(record.ticker).market.event_ticker


def balance(call: Call) -> Json:
    """One shard where it is named, else the sum of all: which is not what one shard can spend."""
    call.subaccount()
    index, books = call.number("exchange_index", 0), call.exchange.books
    shards = {shard: books.balance(call.account, shard) for shard in books.shards(call.account)}
    if index is not None:
        shards = {index: books.balance(call.account, index)}
    excludes = call.exchange.terms.balance_excludes_resting
    return account_shapes.balance(books.balance(call.account, index), shards, call.now_ms, excludes_resting=excludes)


# ---- the account itself ---------------------------------------------------------------------------------------------


def account_limits(call: Call) -> Json:
    meter = call.exchange.meter(call.account, call.now_ms)
    write = meter.writes[0]
    return {
        "usage_tier": meter.tier,
        "read": {"refill_rate": meter.read.rate, "bucket_capacity": meter.read.capacity},
        "write": {"refill_rate": write.rate, "bucket_capacity": write.capacity},
        "grants": [],
    }


def endpoint_costs(_call: Call) -> Json:
    costs = [{"method": method, "path": path, "cost": cost} for (method, path), cost in limits.COSTS.items()]
    return {"default_cost": limits.DEFAULT_COST, "endpoint_costs": costs}


def api_keys(call: Call) -> Json:
    keys = call.exchange.keys.of(call.account)
    rows = [{"api_key_id": key.key_id, "name": key.account, "scopes": ["read", "write"]} for key in keys]
    return {"api_keys": rows, "api_key_region_expiration_ts": None}


def _one(value: str) -> list[str]:
    return [value] if value else []


ROUTES = [
    Route("GET", "/portfolio/orders", orders),
    Route("GET", "/portfolio/orders/queue_positions", queue_positions),
    Route("GET", "/portfolio/orders/{order_id}", one_order),
    Route("GET", "/portfolio/orders/{order_id}/queue_position", queue_position),
    Route("GET", "/portfolio/summary/total_resting_order_value", resting_value),
    Route("GET", "/portfolio/fills", fills),
    Route("GET", "/portfolio/settlements", settlements),
    Route("GET", "/portfolio/positions", positions),
    Route("GET", "/portfolio/balance", balance),
    Route("GET", "/portfolio/deposits", lambda _call: {"deposits": [], "cursor": ""}),
    Route("GET", "/portfolio/withdrawals", lambda _call: {"withdrawals": [], "cursor": ""}),
    Route("GET", "/account/limits", account_limits),
    Route("GET", "/account/endpoint_costs", endpoint_costs, private=False),
    Route("GET", "/api_keys", api_keys),
]
