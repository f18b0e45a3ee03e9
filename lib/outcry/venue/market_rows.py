"""Public bodies of the REST interface and what they mean here: series, events, markets, books, trades, status."""

from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from msgspec import Struct

from outcry.domain.book import Book
from outcry.domain.errors import SchemaDrift
from outcry.domain.market import FeeTerms, Market, PriceRange, Status
from outcry.domain.order import Side
from outcry.domain.units import ONE_DOLLAR_CC
from outcry.venue import fields
from outcry.venue.fields import Amount, Whole

_CAP_STRIKES = ("less", "less_or_equal")
_FLOOR_STRIKES = ("greater", "greater_or_equal", "between")


class ShardStatus(Struct, frozen=True):
    exchange_index: Whole
    exchange_active: bool
    trading_active: bool


class ExchangeStatus(Struct, frozen=True):
    """The top-level flags describe shard 0; ask `trading(exchange_index)` for another."""

    exchange_active: bool
    trading_active: bool
    exchange_index_statuses: list[ShardStatus] = []
    exchange_estimated_resume_time: str | None = None

    def trading(self, exchange_index: int) -> bool:
        """Whether orders can be placed on this shard now."""
        for shard in self.exchange_index_statuses:
            if shard.exchange_index == exchange_index:
                return shard.exchange_active and shard.trading_active
        return self.exchange_active and self.trading_active


class SeriesRow(Struct, frozen=True):
    """A recurring question, with the fees its events inherit."""

    ticker: str
    title: str
    category: str
    frequency: str
    fee_type: str
    fee_multiplier: Decimal
    exchange_index: Whole | None = None


class EventRow(Struct, frozen=True):
    """One asking of a series; it may override the series' fees. It is what ties a market to its series."""

    event_ticker: str
    series_ticker: str
    title: str = ""
    mutually_exclusive: bool = False
    fee_type_override: str | None = None
    fee_multiplier_override: Decimal | None = None


class RangeRow(Struct, frozen=True):
    start: Amount
    end: Amount
    step: Amount


class MarketRow(Struct, frozen=True):
    """The fields of a market that we use."""

    ticker: str
    event_ticker: str
    status: Status
    exchange_index: Whole
    open_time: str
    close_time: str
    price_ranges: list[RangeRow]
    result: str
    volume_fp: Amount
    open_interest_fp: Amount
    yes_bid_dollars: Amount | None = None
    yes_ask_dollars: Amount | None = None
    yes_sub_title: str = ""
    title: str = ""
    strike_type: str = ""
    floor_strike: Decimal | None = None
    cap_strike: Decimal | None = None
    settlement_value_dollars: Amount | None = None
    expiration_value: str = ""
    fee_waiver_expiration_time: str | None = None
    is_provisional: bool = False
    mve_collection_ticker: str = ""
    settlement_bounds_type: str = "default"

    @property
    def ordinary(self) -> bool:
        """Whether it is of the kind we trade: no combination, not provisional, paying anything from $0 to $1."""
        return not self.is_provisional and not self.mve_collection_ticker and self.settlement_bounds_type == "default"


class SideLevels(Struct, frozen=True):
    """Bids of both kinds; an empty side may be an empty list or null, but its key is there."""

    yes_dollars: list[tuple[Amount, Amount]] | None
    no_dollars: list[tuple[Amount, Amount]] | None


class TradeRow(Struct, frozen=True):
    trade_id: str
    ticker: str
    count_fp: Amount
    yes_price_dollars: Amount
    taker_book_side: Side
    created_time: str
    is_block_trade: bool = False


class Listing(NamedTuple):
    """A market as a list shows it, with its category and the touch it had then; None for an empty side."""

    market: Market
    category: str
    bid_cc: int | None
    ask_cc: int | None


class PublicTrade(NamedTuple):
    """A public print: who took (`taker_side` BID: the taker bought YES), at what YES price, how much."""

    trade_id: str
    ticker: str
    price_cc: int
    count_ch: int
    taker_side: Side
    at_ms: int
    is_block: bool


def price_ranges(rows: list[RangeRow]) -> tuple[PriceRange, ...]:
    """The tick bands, the only truth about the grid. Raises SchemaDrift when there is none, or a senseless one."""
    bands = tuple(
        PriceRange(fields.price_cc(row.start), fields.price_cc(row.end), fields.price_cc(row.step)) for row in rows
    )
    if not bands or any(band.step_cc <= 0 or band.start_cc >= band.end_cc for band in bands):
        raise SchemaDrift(f"price ranges make no grid: {bands}")
    return bands


def fee_terms(series: SeriesRow, event: EventRow | None = None) -> FeeTerms:
    """What a market of this event charges: the event's override where it has one, else the series' terms."""
    fee_type = event.fee_type_override if event else None
    multiplier = event.fee_multiplier_override if event else None
    multiplier = series.fee_multiplier if multiplier is None else multiplier
    return FeeTerms(fee_type or series.fee_type, fields.scaled(multiplier, 6))


def market(row: MarketRow, series: SeriesRow, event: EventRow | None = None, underlying: str = "") -> Market:
    """A market's row, with the series (and event) it inherits from, as the floor knows it.

    A fee waiver counts only when it outlasts the market's close: one that ends sooner would leave estimates too low.

    underlying  the index symbol it settles on; the wire does not name it
    raises      SchemaDrift when a field that we use cannot be read
    """
    close_at_ms = fields.time_ms(row.close_time)
    terms = fee_terms(series, event)
    waived_until_ms = fields.optional_time_ms(row.fee_waiver_expiration_time)
    if waived_until_ms is not None and waived_until_ms > close_at_ms:
        terms = FeeTerms(terms.fee_type, 0)
    value = row.settlement_value_dollars
    return Market(
        ticker=row.ticker,
        event_ticker=row.event_ticker,
        series_ticker=series.ticker,
        exchange_index=row.exchange_index,
        status=row.status,
        open_at_ms=fields.time_ms(row.open_time),
        close_at_ms=close_at_ms,
        price_ranges=price_ranges(row.price_ranges),
        fee=terms,
        title=row.title or row.yes_sub_title,
        underlying=underlying,
        strike_type=row.strike_type,
        strike_micros=_strike_micros(row),
        result=row.result,
        settlement_value_cc=None if value is None or value == "" else fields.price_cc(value),
        volume_ch=fields.count_ch(row.volume_fp),
        open_interest_ch=fields.count_ch(row.open_interest_fp),
        expiration_micros=_expiration_micros(row.expiration_value),
        exclusive=event.mutually_exclusive if event else False,
    )


def touch(row: MarketRow) -> tuple[int | None, int | None]:
    """Best bid and ask of a row; an empty side, shown as $0 or $1, is None."""
    sides = (row.yes_bid_dollars, row.yes_ask_dollars)
    prices = [None if side is None or side == "" else fields.price_cc(side) for side in sides]
    bid_cc, ask_cc = (price if price is not None and 0 < price < ONE_DOLLAR_CC else None for price in prices)
    return bid_cc, ask_cc


def book(levels: SideLevels) -> Book:
    """A book on the YES scale from bids of both kinds: the YES ask is $1 less a NO bid. Whatever the order of levels.

    raises  SchemaDrift for a level outside $0 to $1, without size, or named twice
    """
    whole = Book()
    bids, no_bids = _levels(levels.yes_dollars), _levels(levels.no_dollars)
    whole.replace(bids, {ONE_DOLLAR_CC - price: count for price, count in no_bids.items()})
    return whole


def trade(row: TradeRow) -> PublicTrade:
    """One public print. Raises SchemaDrift when a field cannot be read."""
    return PublicTrade(
        row.trade_id,
        row.ticker,
        fields.price_cc(row.yes_price_dollars),
        fields.count_ch(row.count_fp),
        row.taker_book_side,
        fields.time_ms(row.created_time),
        row.is_block_trade,
    )


def _expiration_micros(text: str) -> int | None:
    """The exchange writes whatever decided a market here: a number, a word, or nothing.

    >>> _expiration_micros("97123.45"), _expiration_micros("Yes"), _expiration_micros("")
    (97123450000, None, None)
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return fields.scaled(number, 6) if number.is_finite() else None


def _strike_micros(row: MarketRow) -> int | None:
    strike = None
    if row.strike_type in _FLOOR_STRIKES:
        strike = row.floor_strike
    elif row.strike_type in _CAP_STRIKES:
        strike = row.cap_strike
    return None if strike is None else fields.scaled(strike, 6)


def _levels(rows: list[tuple[Amount, Amount]] | None) -> dict[int, int]:
    levels: dict[int, int] = {}
    for price_text, count_text in rows or ():
        price, count = fields.price_cc(price_text), fields.count_ch(count_text)
        if not 0 < price < ONE_DOLLAR_CC or count <= 0 or price in levels:
            raise SchemaDrift(f"book level {price_text!r} x {count_text!r}")
        levels[price] = count
    return levels
