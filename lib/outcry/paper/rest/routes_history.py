"""REST endpoints of the historical tier: what grew too old for the live ones."""

from outcry.paper.engine.records import Reject
from outcry.paper.rest import account_shapes, shapes, text
from outcry.paper.rest.calls import Call, Route, page
from outcry.paper.rest.routes_market import market_page, trade_page
from outcry.paper.rest.routes_portfolio import fill_key, position_page
from outcry.paper.rest.shapes import Json


def cutoff(call: Call) -> Json:
    """The youngest that is historical, of each kind of record."""
    limits = call.exchange.engine.cutoffs(call.now_ms)
    return {
        "market_settled_ts": text.iso(limits.market_settled_ms),
        "trades_created_ts": text.iso(limits.trades_created_ms),
        "orders_updated_ts": text.iso(limits.orders_updated_ms),
        "market_positions_last_updated_ts": text.iso(limits.positions_updated_ms),
    }


def markets(call: Call) -> Json:
    call.choice("mve_filter", ("exclude",))
    return market_page(call, historical=True)


def one_market(call: Call) -> Json:
    record = call.exchange.engine.market(call.path["ticker"])
    if not call.exchange.engine.cutoffs(call.now_ms).market(record):
        raise Reject(404, "not_found", "market not found", "it is live")
    return {"market": shapes.market(record)}


def trades(call: Call) -> Json:
    return trade_page(call, historical=True)


def fills(call: Call) -> Json:
    found = call.exchange.engine.fills(
        call.account,
        tickers=call.listed("ticker", 1),
        min_ms=call.seconds_ms("min_ts"),
        max_ms=call.seconds_ms("max_ts", whole_second=True),
        subaccount=call.subaccount(),
        historical=True,
    )
    given, cursor = page(call, found, fill_key)
    return {"fills": [account_shapes.fill(made) for made in given], "cursor": cursor}


def orders(call: Call) -> Json:
    found = call.exchange.engine.orders(
        call.account,
        tickers=call.listed("ticker", 1),
        min_ms=call.seconds_ms("min_ts"),
        max_ms=call.seconds_ms("max_ts", whole_second=True),
        subaccount=call.subaccount(),
        historical=True,
    )
    given, cursor = page(call, found, lambda order: (order.created_at_ms, order.order_id))
    return {"orders": [account_shapes.order(order) for order in given], "cursor": cursor}


def positions(call: Call) -> Json:
    engine, subaccount = call.exchange.engine, call.subaccount() or 0
    return position_page(call, engine.positions(call.account, settled=None, subaccount=subaccount, historical=True))


ROUTES = [
    Route("GET", "/historical/cutoff", cutoff, private=False),
    Route("GET", "/historical/markets", markets, private=False),
    Route("GET", "/historical/markets/{ticker}", one_market, private=False),
    Route("GET", "/historical/trades", trades, private=False),
    Route("GET", "/historical/fills", fills),
    Route("GET", "/historical/orders", orders),
    Route("GET", "/historical/positions", positions),
]
