"""Candlesticks of a market: quotes and trades of one minute, hour or day. Archived ones name their fields otherwise."""

from typing import NamedTuple

from msgspec import Struct

from outcry.domain.errors import SchemaDrift
from outcry.venue import fields
from outcry.venue.fields import Amount, Whole


def _archived(name: str) -> str:
    return name.removesuffix("_dollars").removesuffix("_fp")


class QuoteRow(Struct, frozen=True):
    open_dollars: Amount
    high_dollars: Amount
    low_dollars: Amount
    close_dollars: Amount


class TradedRow(Struct, frozen=True):
    """Without a trade in the period only `previous` may be there."""

    open_dollars: Amount | None = None
    high_dollars: Amount | None = None
    low_dollars: Amount | None = None
    close_dollars: Amount | None = None
    mean_dollars: Amount | None = None
    previous_dollars: Amount | None = None


class CandleRow(Struct, frozen=True):
    end_period_ts: Whole
    yes_bid: QuoteRow
    yes_ask: QuoteRow
    price: TradedRow
    volume_fp: Amount
    open_interest_fp: Amount


class ArchivedQuoteRow(Struct, frozen=True, rename=_archived):
    open_dollars: Amount
    high_dollars: Amount
    low_dollars: Amount
    close_dollars: Amount


class ArchivedTradedRow(Struct, frozen=True, rename=_archived):
    open_dollars: Amount | None = None
    high_dollars: Amount | None = None
    low_dollars: Amount | None = None
    close_dollars: Amount | None = None
    mean_dollars: Amount | None = None
    previous_dollars: Amount | None = None


class ArchivedCandleRow(Struct, frozen=True, rename=_archived):
    end_period_ts: Whole
    yes_bid: ArchivedQuoteRow
    yes_ask: ArchivedQuoteRow
    price: ArchivedTradedRow
    volume_fp: Amount
    open_interest_fp: Amount


class Ohlc(NamedTuple):
    """First, highest, lowest and last value of a period. Centicents on the YES scale."""

    open_cc: int
    high_cc: int
    low_cc: int
    close_cc: int


class Candle(NamedTuple):
    """One period of a market, `end_at_ms` included. An empty side of the book is quoted at 0 (bid) or 10 000 (ask).

    price        of its trades; None when there was none
    mean_micros  mean price of its trades, in micro-dollars a contract; None when there was none
    previous_cc  the last price before it; None when there was none
    """

    end_at_ms: int
    bid: Ohlc
    ask: Ohlc
    price: Ohlc | None
    mean_micros: int | None
    previous_cc: int | None
    volume_ch: int
    open_interest_ch: int


def candle(row: CandleRow | ArchivedCandleRow) -> Candle:
    """One candlestick. Raises SchemaDrift when a field cannot be read."""
    traded = row.price
    return Candle(
        fields.seconds_ms(row.end_period_ts),
        _ohlc(row.yes_bid),
        _ohlc(row.yes_ask),
        _prices(traded),
        None if traded.mean_dollars is None else fields.dollars_micros(traded.mean_dollars),
        None if traded.previous_dollars is None else fields.price_cc(traded.previous_dollars),
        fields.count_ch(row.volume_fp),
        fields.count_ch(row.open_interest_fp),
    )


def _ohlc(row: QuoteRow | ArchivedQuoteRow) -> Ohlc:
    return Ohlc(*map(fields.price_cc, (row.open_dollars, row.high_dollars, row.low_dollars, row.close_dollars)))


def _prices(row: TradedRow | ArchivedTradedRow) -> Ohlc | None:
    four = [
        value for value in (row.open_dollars, row.high_dollars, row.low_dollars, row.close_dollars) if value is not None
    ]
    if not four:
        return None
    if len(four) < 4:
        raise SchemaDrift(f"a candlestick with part of its prices: {row}")
    return Ohlc(*map(fields.price_cc, four))
