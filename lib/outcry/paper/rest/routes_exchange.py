"""REST endpoints about the exchange itself: its state, its hours, changes of fees, incentives. None needs a key."""

from outcry.paper.engine.records import MarketRecord
from outcry.paper.rest import hours, shapes, text
from outcry.paper.rest.calls import Call, Route, page
from outcry.paper.rest.shapes import Json

SHARDS = {0: "default", 1: "combos", 2: "crypto and commodities", 3: "tennis, baseball and basketball"}


def status(call: Call) -> Json:
    """By shard; the flags at the top are those of shard 0."""
    shards = []
    for shard, words in SHARDS.items():
        trading_paused, all_paused = call.exchange.engine.paused(shard)
        flags = {"exchange_active": not all_paused, "trading_active": not (trading_paused or all_paused)}
        more = {"exchange_index": shard, "description": words, "intra_exchange_transfers_active": not all_paused}
        shards.append(more | flags)
    top = {name: shards[0][name] for name in ("exchange_active", "trading_active", "intra_exchange_transfers_active")}
    return top | {"exchange_index_statuses": shards}


def schedule(_call: Call) -> Json:
    return {"schedule": {"standard_hours": [hours.WEEK], "maintenance_windows": []}}


def user_data_timestamp(call: Call) -> Json:
    return {"as_of_time": text.iso(call.now_ms - call.exchange.read_lag_ms)}


def series_fee_changes(call: Call) -> Json:
    """None is ever to come; the past ones are the terms that each series began with here."""
    wanted = call.text("series_ticker")
    past = call.exchange.series.values() if call.flag("show_historical") else ()
    rows = [shapes.series_fee(info, call.exchange.started_at_ms) for info in past if wanted in ("", info.ticker)]
    return {"series_fee_change_arr": rows}


def event_fee_changes(call: Call) -> Json:
    """Events whose fees differ from those of their series, since they are listed."""
    wanted, series = call.text("event_ticker"), call.exchange.series

    def overridden(record: MarketRecord) -> bool:
        info = series.get(record.market.series_ticker)
        return info is not None and record.market.fee != info.fee and wanted in ("", record.market.event_ticker)

    by_event = {record.market.event_ticker: record for record in call.exchange.engine.markets() if overridden(record)}
    found = sorted(by_event.values(), key=lambda record: (record.created_at_ms, record.market.ticker), reverse=True)
    given, cursor = page(call, found, lambda record: (record.created_at_ms, record.market.ticker))
    return {"event_fee_changes": [shapes.event_fee(record) for record in given], "cursor": cursor}


def incentives(call: Call) -> Json:
    """There are none."""
    call.choice("status", ("all", "active", "upcoming", "closed", "paid_out"))
    call.choice("type", ("all", "liquidity", "volume", "margin_maker_volume", "margin_taker_volume"))
    page(call, [], lambda _row: (0, ""), most=10_000)
    return {"incentive_programs": [], "next_cursor": ""}


ROUTES = [
    Route("GET", "/exchange/status", status, private=False),
    Route("GET", "/exchange/schedule", schedule, private=False),
    Route("GET", "/exchange/user_data_timestamp", user_data_timestamp, private=False),
    Route("GET", "/series/fee_changes", series_fee_changes, private=False),
    Route("GET", "/events/fee_changes", event_fee_changes, private=False),
    Route("GET", "/incentive_programs", incentives, private=False),
]
