"""REST endpoints of live markets, for which no key is needed: series, events, markets, books, trades."""

from collections.abc import Callable

from outcry.paper.engine.records import MarketRecord, Reject
from outcry.paper.events import SeriesInfo
from outcry.paper.rest import shapes, text
from outcry.paper.rest.calls import Call, Route, bad_parameter, page
from outcry.paper.rest.shapes import Json
from outcry.paper.server.stream_shapes import likely_taker

MAX_BOOKS = 100
# Which timestamp filters go with which status filters; the families exclude each other.
FAMILIES = {
    "created": ("unopened", "open", ""),
    "close": ("closed", ""),
    "settled": ("settled", ""),
    "updated": ("",),
}


# ---- series and events ----------------------------------------------------------------------------------------------


def series_list(call: Call) -> Json:
    category, tags = call.text("category"), set(call.listed("tags"))
    found = []
    for info in call.exchange.series.values():
        body = _series(call, info)
        if (not category or info.category == category) and (not tags or tags & set(body["tags"])):  # type: ignore[call-overload]
            found.append(body)
    return {"series": found}


def one_series(call: Call) -> Json:
    info = call.exchange.series.get(call.path["series_ticker"])
    if info is None:
        raise Reject(404, "not_found", "series not found")
    return {"series": _series(call, info)}


def _series(call: Call, info: SeriesInfo) -> Json:
    body = shapes.series(info, call.exchange.started_at_ms)
    if call.flag("include_volume"):
        records = call.exchange.engine.markets()
        volume = sum(record.volume_ch for record in records if record.market.series_ticker == info.ticker)
        body["volume_fp"] = text.count(volume)
    return body


def events(call: Call) -> Json:
    """Each market of these series is an event of its own, so a filter on events is a filter on their markets."""
    wanted, series_ticker = set(call.listed("tickers")), call.text("series_ticker")
    statuses, min_close_ms = _statuses(call), call.seconds_ms("min_close_ts")
    min_updated_ms, nested = call.seconds_ms("min_updated_ts"), call.flag("with_nested_markets")
    records = [
        record
        for record in call.exchange.engine.markets()
        if (not wanted or record.market.event_ticker in wanted)
        and (not series_ticker or record.market.series_ticker == series_ticker)
        and (statuses is None or record.market.status in statuses)
        and (min_close_ms is None or record.market.close_at_ms >= min_close_ms)
        and (min_updated_ms is None or record.updated_at_ms >= min_updated_ms)
    ]
    grouped = list(_by_event(records).values())
    given, cursor = page(call, grouped, lambda group: _market_key(group[0]), default=200, most=200)
    return {"events": [_event(call, group, nested) for group in given], "cursor": cursor}


def one_event(call: Call) -> Json:
    group = _by_event(call.exchange.engine.markets()).get(call.path["event_ticker"])
    if group is None:
        raise Reject(404, "not_found", "event not found")
    markets = [shapes.market(record) for record in group]
    return {"event": _event(call, group, call.flag("with_nested_markets")), "markets": markets}


def _by_event(records: list[MarketRecord]) -> dict[str, list[MarketRecord]]:
    groups: dict[str, list[MarketRecord]] = {}
    for record in records:
        groups.setdefault(record.market.event_ticker, []).append(record)
    return groups


def _event(call: Call, group: list[MarketRecord], nested: bool) -> Json:
    info = call.exchange.series.get(group[0].market.series_ticker)
    return shapes.event(group[0], info, [shapes.market(record) for record in group] if nested else None)


# ---- markets --------------------------------------------------------------------------------------------------------


def markets(call: Call) -> Json:
    if call.choice("mve_filter", ("only", "exclude")) == "only":
        return {"markets": [], "cursor": ""}
    return market_page(call, historical=False)


def market_page(call: Call, *, historical: bool) -> Json:
    """A page of markets, live or historical, as the query filters them."""
    tickers, series_ticker = set(call.listed("tickers")), call.text("series_ticker")
    event_ticker, statuses = call.text("event_ticker"), _statuses(call)
    in_time, limits = _time_filter(call), call.exchange.engine.cutoffs(call.now_ms)
    records = [
        record
        for record in call.exchange.engine.markets()
        if (not tickers or record.market.ticker in tickers)
        and (not series_ticker or record.market.series_ticker == series_ticker)
        and (not event_ticker or record.market.event_ticker == event_ticker)
        and (statuses is None or record.market.status in statuses)
        and limits.market(record) is historical
        and in_time(record)
    ]
    given, cursor = page(call, records, _market_key)
    return {"markets": [shapes.market(record) for record in given], "cursor": cursor}


def one_market(call: Call) -> Json:
    record = call.exchange.engine.market(call.path["ticker"])
    if call.exchange.engine.cutoffs(call.now_ms).market(record):
        raise Reject(404, "not_found", "market not found", "it is historical")
    return {"market": shapes.market(record)}


def orderbook(call: Call) -> Json:
    bids, asks = call.exchange.engine.displayed(call.path["ticker"])
    depth = call.number("depth", 0, 100)
    if depth:
        bids = {price_cc: bids[price_cc] for price_cc in sorted(bids, reverse=True)[:depth]}
        asks = {price_cc: asks[price_cc] for price_cc in sorted(asks)[:depth]}
    return {"orderbook_fp": shapes.book(bids, asks, best_first=call.exchange.engine.state.manners.book_best_first)}


def orderbooks(call: Call) -> Json:
    tickers = call.request.query.get("tickers", [])
    if not tickers:
        raise bad_parameter("tickers is required")
    if len(tickers) > MAX_BOOKS:
        raise bad_parameter(f"tickers takes at most {MAX_BOOKS} values")
    engine = call.exchange.engine
    known, best_first = {record.market.ticker for record in engine.markets()}, engine.state.manners.book_best_first
    return {
        "orderbooks": [
            {"ticker": ticker, "orderbook_fp": shapes.book(*engine.displayed(ticker), best_first=best_first)}
            for ticker in dict.fromkeys(tickers)
            if ticker in known
        ]
    }


def trades(call: Call) -> Json:
    return trade_page(call, historical=False)


def trade_page(call: Call, *, historical: bool) -> Json:
    """A page of public prints, live or historical."""
    engine, ticker = call.exchange.engine, call.text("ticker") or None
    min_ms, max_ms = call.seconds_ms("min_ts"), call.seconds_ms("max_ts", whole_second=True)
    limits = engine.cutoffs(call.now_ms)
    if call.choice("is_block_trade", ("true", "false")) == "true":
        return {"trades": [], "cursor": ""}
    found = [
        made
        for made in engine.trades(ticker)
        if (min_ms is None or made.at_ms >= min_ms)
        and (max_ms is None or made.at_ms <= max_ms)
        and limits.trade(made) is historical
    ]
    given, cursor = page(call, found, lambda made: (made.at_ms, made.trade_id))
    bodies = [shapes.trade(made, likely_taker(made, engine.market(made.ticker))) for made in given]
    return {"trades": bodies, "cursor": cursor}


def combinations(call: Call) -> Json:
    """Events of several outcomes at once: there are none."""
    page(call, [], lambda _row: (0, ""), default=100, most=200)
    return {"events": [], "cursor": ""}


def _market_key(record: MarketRecord) -> tuple[int, str]:
    return record.market.close_at_ms, record.market.ticker


def _statuses(call: Call) -> set[object] | None:
    given = call.choice("status", tuple(shapes.LIST_FILTERS))
    return set(shapes.LIST_FILTERS[given]) if given else None


def _time_filter(call: Call) -> Callable[[MarketRecord], bool]:
    """The one family of timestamp bounds that was given, checked against the status filter.

    raises  Reject 400 when two families are given, or one that the status does not go with
    """
    given = [name for name in FAMILIES if call.text(f"min_{name}_ts") or call.text(f"max_{name}_ts")]
    if not given:
        return lambda _record: True
    if len(given) > 1:
        raise bad_parameter(f"{given[0]} and {given[1]} timestamp filters exclude each other")
    name = given[0]
    if call.text("status") not in FAMILIES[name]:
        raise bad_parameter(f"{name} timestamp filters do not go with status {call.text('status')}")
    low = call.seconds_ms(f"min_{name}_ts")
    high = call.seconds_ms(f"max_{name}_ts", whole_second=True)

    def inside(record: MarketRecord) -> bool:
        at_ms = {
            "created": record.created_at_ms,
            "close": record.market.close_at_ms,
            "settled": record.settled_at_ms,
            "updated": record.updated_at_ms,
        }[name]
        return at_ms is not None and (low is None or at_ms >= low) and (high is None or at_ms <= high)

    return inside


ROUTES = [
    Route("GET", "/series", series_list, private=False),
    Route("GET", "/series/{series_ticker}", one_series, private=False),
    Route("GET", "/events", events, private=False),
    Route("GET", "/events/multivariate", combinations, private=False),
    Route("GET", "/events/{event_ticker}", one_event, private=False),
    Route("GET", "/markets", markets, private=False),
    Route("GET", "/markets/trades", trades, private=False),
    Route("GET", "/markets/orderbooks", orderbooks, private=False),
    Route("GET", "/markets/{ticker}", one_market, private=False),
    Route("GET", "/markets/{ticker}/orderbook", orderbook, private=False),
]
