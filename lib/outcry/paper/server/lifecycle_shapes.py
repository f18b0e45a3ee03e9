"""Messages of the lifecycle channel: each kind carries the facts that it is about, and no others."""

from collections.abc import Callable

from outcry.domain.market import Market
from outcry.paper.engine.records import MarketRecord
from outcry.paper.events import Lifecycle
from outcry.paper.rest import shapes, text
from outcry.paper.rest.shapes import Json


def market(event: Lifecycle, record: MarketRecord) -> Json:
    """The message for what happened to a market. Times in Unix seconds, as this channel has them."""
    facts = _FACTS.get(event.kind, lambda _market, _at_s: {})(record.market, event.at_ms // 1000)
    return {"event_type": event.kind, "market_ticker": event.ticker, **facts}


def event(record: MarketRecord) -> Json:
    """The message for an event's first market."""
    facts = record.market
    return {
        "event_ticker": facts.event_ticker,
        "exchange_index": facts.exchange_index,
        "title": facts.title,
        "subtitle": text.iso(facts.close_at_ms),
        "collateral_return_type": "",
        "series_ticker": facts.series_ticker,
        "strike_date": facts.close_at_ms // 1000,
    }


def _created(facts: Market, _at_s: int) -> Json:
    about = {
        "name": facts.title,
        "title": facts.title,
        "yes_sub_title": shapes.sub_title(facts),
        "no_sub_title": shapes.sub_title(facts),
        "rules_primary": shapes.rules(facts),
        "rules_secondary": "",
        "can_close_early": True,
        "event_ticker": facts.event_ticker,
        "expected_expiration_ts": (facts.close_at_ms + shapes.EXPIRATION_AFTER_CLOSE_MS) // 1000,
        **shapes.strike(facts),
    }
    times = {"open_ts": facts.open_at_ms // 1000, "close_ts": facts.close_at_ms // 1000}
    return {"exchange_index": facts.exchange_index, **times, **_grid(facts, _at_s), "additional_metadata": about}


def _grid(facts: Market, _at_s: int) -> Json:
    ranges = shapes.price_ranges(facts.price_ranges)
    label = shapes.structure(facts.price_ranges)
    return {"price_ranges": ranges} | ({"price_level_structure": label} if label else {})


def _metadata(facts: Market, _at_s: int) -> Json:
    return {**shapes.strike(facts), "yes_sub_title": shapes.sub_title(facts)}


def _determined(facts: Market, at_s: int) -> Json:
    value_cc = facts.settlement_value_cc
    value = {} if value_cc is None else {"settlement_value": text.price(value_cc)}
    return {"determination_ts": at_s, "result": facts.result, **value}


_FACTS: dict[str, Callable[[Market, int], Json]] = {
    "created": _created,
    "metadata_updated": _metadata,
    "price_level_structure_updated": _grid,
    "close_date_updated": lambda facts, _at_s: {"close_ts": facts.close_at_ms // 1000},
    "activated": lambda _facts, _at_s: {"is_deactivated": False},
    "deactivated": lambda _facts, _at_s: {"is_deactivated": True},
    "determined": _determined,
    "settled": lambda _facts, at_s: {"settled_ts": at_s},
}
