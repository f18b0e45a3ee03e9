"""Public bodies of the REST interface: series, events, markets, books, trades, as the JSON objects it answers with.

Field names are the exchange's own. Strings carry exact decimals: prices and counts as `text` writes them, money with
six places. Words from before the order vocabulary of 2026 (`side`, `action`, `taker_side`) are still sent.
"""

from outcry.domain.market import FeeTerms, Market, PriceRange, Status
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.engine.records import MarketRecord
from outcry.paper.events import SeriesInfo, Traded
from outcry.paper.rest import text

Json = dict[str, object]

EXPIRATION_AFTER_CLOSE_MS = 300_000
LATEST_EXPIRATION_MS = 7 * 86_400_000
STRUCTURES: dict[tuple[tuple[int, int, int], ...], str] = {
    ((0, 10_000, 100),): "linear_cent",
    ((0, 10_000, 10),): "deci_cent",
    ((0, 1_000, 10), (1_000, 9_000, 100), (9_000, 10_000, 10)): "tapered_deci_cent",
}
LIST_FILTERS = {
    "unopened": {Status.INITIALIZED},
    "open": {Status.ACTIVE},
    "paused": {Status.INACTIVE},
    "closed": {Status.CLOSED, Status.DETERMINED, Status.DISPUTED, Status.AMENDED},
    "settled": {Status.FINALIZED},
}


def outcome(side: Side) -> str:
    """The outcome a direction is for: buying YES is for yes; selling YES, which is buying NO, is for no."""
    return "yes" if side is Side.BID else "no"


def direction(side: Side) -> Json:
    """Both vocabularies of a direction."""
    action = "buy" if side is Side.BID else "sell"
    return {"side": outcome(side), "action": action, "outcome_side": outcome(side), "book_side": side.value}


def series(info: SeriesInfo, at_ms: int) -> Json:
    return {
        "ticker": info.ticker,
        "frequency": info.frequency,
        "title": info.title,
        "category": info.category,
        "categories": [info.category],
        "tags": [info.underlying.partition("-")[0]] if info.underlying else [],
        "settlement_sources": sources(info),
        "contract_url": "",
        "contract_terms_url": "",
        "product_metadata": None,
        "fee_type": info.fee.fee_type,
        "fee_multiplier": text.number(info.fee.multiplier_millionths),
        "additional_prohibitions": [],
        "exchange_index": info.exchange_index,
        "last_updated_ts": text.iso(at_ms),
    }


def sources(info: SeriesInfo | None) -> list[Json]:
    return [{"name": f"{info.underlying} index", "url": ""}] if info is not None and info.underlying else []


def event(record: MarketRecord, info: SeriesInfo | None, markets: list[Json] | None = None) -> Json:
    """The event that a market belongs to; in these series an event has one market."""
    market = record.market
    terms = info.fee if info is not None else FeeTerms()
    overridden = market.fee != terms
    body: Json = {
        "event_ticker": market.event_ticker,
        "series_ticker": market.series_ticker,
        "title": market.title,
        "sub_title": text.iso(market.close_at_ms),
        "collateral_return_type": "MECNET" if market.exclusive else "",
        "mutually_exclusive": market.exclusive,
        "category": info.category if info is not None else "",
        "strike_date": text.iso(market.close_at_ms),
        "product_metadata": {"cadence": info.frequency} if info is not None else None,
        "settlement_sources": sources(info),
        "fee_type_override": market.fee.fee_type if overridden else None,
        "fee_multiplier_override": text.number(market.fee.multiplier_millionths) if overridden else None,
        "exchange_index": market.exchange_index,
        "last_updated_ts": text.iso(record.updated_at_ms),
    }
    return body if markets is None else body | {"markets": markets}


def series_fee(info: SeriesInfo, at_ms: int) -> Json:
    """A change of a series' fee terms."""
    return {
        "id": text.uuid_of("series fee", info.ticker),
        "series_ticker": info.ticker,
        "fee_type": info.fee.fee_type,
        "fee_multiplier": text.number(info.fee.multiplier_millionths),
        "scheduled_ts": text.iso(at_ms),
    }


def event_fee(record: MarketRecord) -> Json:
    """Fee terms that an event has instead of its series'."""
    facts = record.market
    return {
        "id": text.uuid_of("event fee", facts.event_ticker),
        "event_ticker": facts.event_ticker,
        "series_ticker": facts.series_ticker,
        "fee_type_override": facts.fee.fee_type,
        "fee_multiplier_override": text.number(facts.fee.multiplier_millionths),
        "scheduled_ts": text.iso(record.created_at_ms),
    }


def market(record: MarketRecord) -> Json:
    facts = record.market
    bid_cc, bid_ch, ask_cc, ask_ch = touch(record)
    expires = text.iso(facts.close_at_ms + LATEST_EXPIRATION_MS)
    body: Json = {
        "ticker": facts.ticker,
        "event_ticker": facts.event_ticker,
        "exchange_index": facts.exchange_index,
        "market_type": "binary",
        "status": facts.status.value,
        "title": facts.title,
        "subtitle": "",
        "yes_sub_title": sub_title(facts),
        "no_sub_title": sub_title(facts),
        "created_time": text.iso(record.created_at_ms),
        "updated_time": text.iso(record.updated_at_ms),
        "open_time": text.iso(facts.open_at_ms),
        "close_time": text.iso(facts.close_at_ms),
        "expected_expiration_time": text.iso(facts.close_at_ms + EXPIRATION_AFTER_CLOSE_MS),
        "expiration_time": expires,
        "latest_expiration_time": expires,
        "settlement_timer_seconds": 1,
        "can_close_early": True,
        "early_close_condition": "",
        "yes_bid_dollars": text.price(bid_cc),
        "yes_bid_size_fp": text.count(bid_ch),
        "yes_ask_dollars": text.price(ask_cc),
        "yes_ask_size_fp": text.count(ask_ch),
        "no_bid_dollars": text.no_price(ask_cc),
        "no_ask_dollars": text.no_price(bid_cc),
        "last_price_dollars": text.price(record.last_price_cc or 0),
        **dict.fromkeys(("previous_yes_bid_dollars", "previous_yes_ask_dollars", "previous_price_dollars"), "0.0000"),
        "volume_fp": text.count(record.volume_ch),
        "volume_24h_fp": text.count(record.volume_ch),
        "open_interest_fp": text.count(record.open_interest_ch),
        "notional_value_dollars": "1.0000",
        "price_level_structure": structure(facts.price_ranges),
        "price_ranges": price_ranges(facts.price_ranges),
        "result": facts.result,
        "expiration_value": "",
        "rules_primary": rules(facts),
        "rules_secondary": "",
        "settlement_bounds_type": "default",
    }
    return body | strike(facts) | _end(record)


def touch(record: MarketRecord) -> tuple[int, int, int, int]:
    """Best bid and its size, best ask and its size; an empty side shows $0 or $1 with nothing."""
    shown = record.book.shown
    bid_cc = 0 if shown.bid_cc is None else shown.bid_cc
    ask_cc = ONE_DOLLAR_CC if shown.ask_cc is None else shown.ask_cc
    return bid_cc, shown.bids.get(bid_cc, 0), ask_cc, shown.asks.get(ask_cc, 0)


def _end(record: MarketRecord) -> Json:
    """What a market says once its outcome is known."""
    body: Json = {}
    if record.market.settlement_value_cc is not None:
        body["settlement_value_dollars"] = text.price(record.market.settlement_value_cc)
    if record.expiration_value_micros is not None:
        body["expiration_value"] = text.decimal(record.expiration_value_micros)
    if record.settled_at_ms is not None:
        body["settlement_ts"] = text.iso(record.settled_at_ms)
    return body


def strike(facts: Market) -> Json:
    """The strike, once it is known: until then the fields are absent."""
    body: Json = {"strike_type": facts.strike_type} if facts.strike_type else {}
    if facts.strike_micros is not None:
        body["cap_strike" if facts.strike_type.startswith("less") else "floor_strike"] = text.number(
            facts.strike_micros
        )
    return body


def sub_title(facts: Market) -> str:
    """The line that says what YES needs."""
    if facts.strike_micros is None:
        return "Price to beat: TBD" if facts.strike_type else facts.title
    words = {"greater": "above", "greater_or_equal": "or above", "less": "below", "less_or_equal": "or below"}
    return f"${text.decimal(facts.strike_micros)} {words.get(facts.strike_type, '')}".rstrip()


def rules(facts: Market) -> str:
    if not facts.underlying:
        return facts.title
    level = "the price to beat" if facts.strike_micros is None else f"${text.decimal(facts.strike_micros)}"
    close = text.iso(facts.close_at_ms)
    return f"If the mean of the {facts.underlying} index before {close} is at least {level}, this resolves to Yes."


def structure(bands: tuple[PriceRange, ...]) -> str:
    """The label of a price grid; "" when it has no name."""
    return STRUCTURES.get(tuple((band.start_cc, band.end_cc, band.step_cc) for band in bands), "")


def price_ranges(bands: tuple[PriceRange, ...]) -> list[Json]:
    return [
        {"start": text.price(band.start_cc), "end": text.price(band.end_cc), "step": text.price(band.step_cc)}
        for band in bands
    ]


def levels(sizes: dict[int, int], *, as_no: bool = False) -> list[tuple[str, str]]:
    """One side of a book, ascending by the price shown, best bid last."""
    shown = text.no_price if as_no else text.price
    return [(shown(price_cc), text.count(sizes[price_cc])) for price_cc in sorted(sizes, reverse=as_no)]


def book(bids: dict[int, int], asks: dict[int, int], *, best_first: bool = False) -> Json:
    """Bids only, on two scales: a YES ask is a NO bid at $1 less its price."""
    turn = -1 if best_first else 1
    return {"yes_dollars": levels(bids)[::turn], "no_dollars": levels(asks, as_no=True)[::turn]}


def trade(print_: Traded, taker: Side) -> Json:
    body: Json = {
        "trade_id": print_.trade_id,
        "ticker": print_.ticker,
        "count_fp": text.count(print_.count_ch),
        "yes_price_dollars": text.price(print_.price_cc),
        "no_price_dollars": text.no_price(print_.price_cc),
        "taker_side": outcome(taker),
        "taker_outcome_side": outcome(taker),
        "taker_book_side": taker.value,
        "created_time": text.iso(print_.at_ms),
        "is_block_trade": False,
    }
    return body | {"inferred": True} if print_.inferred or print_.taker_side is None else body
