"""REST endpoints that read an account's orders, queues, fills, positions, settlements and balance.

What became historical is not among them.
"""

from outcry.paper.engine.records import OrderStatus, PositionRecord, Reject
from outcry.paper.events import AccountFill, AccountSettled
from outcry.paper.rest import account_shapes, text
from outcry.paper.rest.calls import Call, Route, bad_parameter, page
from outcry.paper.rest.shapes import Json

# ---- orders ---------------------------------------------------------------------------------------------------------


def orders(call: Call) -> Json:
    status = call.choice("status", tuple(OrderStatus))
    found = call.exchange.books.orders(
        call.account,
        tickers=_one(call.text("ticker")),
        event_tickers=call.listed("event_ticker", 10),
        status=OrderStatus(status) if status else None,
        min_ms=call.seconds_ms("min_ts"),
        max_ms=call.seconds_ms("max_ts", whole_second=True),
        exchange_index=call.number("exchange_index", 0),
        subaccount=call.subaccount(),
        historical=False,
    )
    given, cursor = page(call, found, lambda order: (order.created_at_ms, order.order_id))
    return {"orders": [account_shapes.order(order) for order in given], "cursor": cursor}


def one_order(call: Call) -> Json:
    order = call.exchange.books.order(call.account, call.path["order_id"])
    if call.exchange.engine.cutoffs(call.now_ms).order(order):
        raise Reject(404, "not_found", "order not found", "it is historical")
    return {"order": account_shapes.order(order)}


def queue_positions(call: Call) -> Json:
    tickers, event_tickers = call.listed("market_tickers"), _one(call.text("event_ticker"))
    if not tickers and not event_tickers:
        raise bad_parameter("market_tickers or event_ticker is required")
    engine = call.exchange.engine
    resting = engine.orders(
        call.account,
        tickers=tickers,
        event_tickers=event_tickers,
        status=OrderStatus.RESTING,
        subaccount=call.subaccount(),
    )
    return {
        "queue_positions": [
            {
                "order_id": order.order_id,
                "market_ticker": order.ticker,
                "queue_position_fp": _ahead(call, order.order_id),
            }
            for order in resting
        ]
    }


def queue_position(call: Call) -> Json:
    return {"queue_position_fp": _ahead(call, call.path["order_id"])}


def _ahead(call: Call, order_id: str) -> str:
    """Contracts that stand before an order at its price."""
    return text.count(call.exchange.engine.queue_position(call.account, order_id))


def resting_value(call: Call) -> Json:
    """What resting orders tie up, in cents and per shard in dollars."""
    engine = call.exchange.engine
    indices = engine.shards(call.account, None)
    shards = {shard: engine.balance(call.account, shard, None).reserved_micros for shard in indices}
    return {
        "total_resting_order_value": sum(shards.values()) // 10_000,
        "resting_order_value_breakdown": [
            {"exchange_index": shard, "balance": text.money(micros)} for shard, micros in shards.items()
        ],
    }


# ---- what was traded and what is held -------------------------------------------------------------------------------


def fills(call: Call) -> Json:
    found = call.exchange.books.fills(
        call.account,
        tickers=call.listed("ticker", 100),
        order_id=call.text("order_id") or None,
        min_ms=call.seconds_ms("min_ts"),
        max_ms=call.seconds_ms("max_ts", whole_second=True),
        exchange_index=call.number("exchange_index", 0),
        subaccount=call.subaccount(),
        historical=False,
    )
    given, cursor = page(call, found, fill_key)
    return {"fills": [account_shapes.fill(made) for made in given], "cursor": cursor}


def fill_key(made: AccountFill) -> tuple[int, str]:
    return made.at_ms, f"{made.trade_id}/{made.order_id}"


def settlements(call: Call) -> Json:
    found = call.exchange.books.settlements(
        call.account,
        tickers=_one(call.text("ticker")),
        event_tickers=call.listed("event_ticker", 10),
        min_ms=call.seconds_ms("min_ts"),
        max_ms=call.seconds_ms("max_ts", whole_second=True),
        subaccount=call.subaccount(),
    )
    given, cursor = page(call, found, _settlement_key)
    return {"settlements": [account_shapes.settlement(paid) for paid in given], "cursor": cursor}


def _settlement_key(paid: AccountSettled) -> tuple[int, str]:
    return paid.at_ms, f"{paid.ticker}/{paid.subaccount}"


def positions(call: Call) -> Json:
    """Positions by market, and added up by event. `count_filter` keeps those where one of the fields is not zero."""
    which = call.choice("settlement_status", ("unsettled", "settled", "all")) or "unsettled"
    nonzero = set(call.listed("count_filter"))
    if nonzero - {"position", "total_traded"}:
        raise bad_parameter("count_filter takes position and total_traded")
    settled = {"unsettled": False, "settled": True, "all": None}[which]
    index = call.number("exchange_index", 0)
    found = [
        held
        for held in call.exchange.books.positions(
            call.account, settled=settled, subaccount=call.subaccount() or 0, historical=False
        )
        if index in (None, held.exchange_index) and (not nonzero or any(_counts(held)[name] for name in nonzero))
    ]
    return position_page(call, found)


def _counts(held: PositionRecord) -> dict[str, int]:
    return {"position": held.position_ch, "total_traded": held.volume_ch}


def position_page(call: Call, found: list[PositionRecord]) -> Json:
    """A page of positions, those of the market or event that the query names, latest change first."""
    ticker, event_ticker = call.text("ticker"), call.text("event_ticker")
    wanted = [
        held
        for held in found
        if ticker in ("", held.ticker) and (not event_ticker or _event_of(call, held) == event_ticker)
    ]
    wanted.sort(key=lambda held: held.ticker)
    wanted.sort(key=lambda held: held.updated_at_ms, reverse=True)
    given, cursor = page(call, wanted, lambda held: (held.updated_at_ms, held.ticker))
    by_event: dict[str, list[PositionRecord]] = {}
    for held in given:
        by_event.setdefault(_event_of(call, held), []).append(held)
    return {
        "market_positions": [account_shapes.position(held) for held in given],
        "event_positions": [account_shapes.event_position(event, all_held) for event, all_held in by_event.items()],
        "cursor": cursor,
    }


def _event_of(call: Call, held: PositionRecord) -> str:
    return call.exchange.engine.market(held.ticker).market.event_ticker


def balance(call: Call) -> Json:
    """One shard where it is named, else the sum of all: which is not what one shard can spend."""
    subaccount, index, books = call.subaccount() or 0, call.number("exchange_index", 0), call.exchange.books
    indices = books.shards(call.account, subaccount) if index is None else [index]
    shards = {shard: books.balance(call.account, shard, subaccount) for shard in indices}
    total = books.balance(call.account, index, subaccount)
    excludes = call.exchange.engine.state.manners.balance_excludes_resting
    return account_shapes.balance(total, shards, call.now_ms, excludes_resting=excludes)


# ---- small things ---------------------------------------------------------------------------------------------------


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
]
