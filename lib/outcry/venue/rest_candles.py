"""Candlesticks: of one market, of many at once, of an event's markets, and of archived markets.

Times in parameters are Unix seconds; a candlestick is asked for by the end of its period, both ends included.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from outcry.domain.errors import SchemaDrift, Unavailable
from outcry.venue import wire
from outcry.venue.candle_rows import ArchivedCandleRow, Candle, CandleRow, candle
from outcry.venue.http import Http, Parameters
from outcry.venue.paging import given

Minutes = Literal[1, 60, 1440]

_TICKERS_AT_ONCE = 100
_CANDLES_AT_ONCE = 10_000  # over all markets of one call


class MarketCandles(Struct, frozen=True):
    candlesticks: list[CandleRow]


class ArchivedCandles(Struct, frozen=True):
    candlesticks: list[ArchivedCandleRow]


class NamedCandles(Struct, frozen=True):
    market_ticker: str
    candlesticks: list[CandleRow]


class CandleLists(Struct, frozen=True):
    markets: list[NamedCandles]


class EventCandles(Struct, frozen=True):
    market_tickers: list[str]
    market_candlesticks: list[list[CandleRow]]
    adjusted_end_ts: int


class CandleCalls:
    """Work without a key."""

    _http: Http

    def candles(self, series_ticker: str, ticker: str, start_ts: int, end_ts: int, minutes: Minutes) -> list[Candle]:
        """Candlesticks of one live market."""
        body = self._http.get(
            "/series/{series_ticker}/markets/{ticker}/candlesticks",
            _range(start_ts, end_ts, minutes),
            series_ticker=series_ticker,
            ticker=ticker,
        ).body
        return [candle(row) for row in wire.decode(MarketCandles, body, f"candles of {ticker}").candlesticks]

    def many_candles(
        self, tickers: Sequence[str], start_ts: int, end_ts: int, minutes: Minutes
    ) -> dict[str, list[Candle]]:
        """Candlesticks of many live markets by ticker, asked for in as many calls as the exchange's limits need.

        A market of which the exchange knows nothing in that time has an empty list.
        """
        found: dict[str, list[Candle]] = {ticker: [] for ticker in tickers}
        for some, first_ts, last_ts in _portions(tickers, start_ts, end_ts, minutes):
            parameters = [("market_tickers", ",".join(some)), *_range(first_ts, last_ts, minutes)]
            body = self._http.get("/markets/candlesticks", parameters).body
            for named in wire.decode(CandleLists, body, "candles").markets:
                if named.market_ticker not in some:
                    raise SchemaDrift(f"candles of {named.market_ticker}, which was not asked for", body)
                found[named.market_ticker] += map(candle, named.candlesticks)
        return found

    def event_candles(
        self, series_ticker: str, event_ticker: str, start_ts: int, end_ts: int, minutes: Minutes
    ) -> dict[str, list[Candle]]:
        """Candlesticks of all markets of an event by ticker, whole: what one answer leaves out is asked for again.

        raises  Unavailable when the exchange does not get on
        """
        found: dict[str, list[Candle]] = {}
        while True:
            body = self._http.get(
                "/series/{series_ticker}/events/{ticker}/candlesticks",
                _range(start_ts, end_ts, minutes),
                series_ticker=series_ticker,
                ticker=event_ticker,
            ).body
            answer = wire.decode(EventCandles, body, f"candles of {event_ticker}")
            if len(answer.market_tickers) != len(answer.market_candlesticks):
                raise SchemaDrift(f"candles of {event_ticker}: as many lists as markets are wanted", body)
            for ticker, rows in zip(answer.market_tickers, answer.market_candlesticks, strict=True):
                found.setdefault(ticker, []).extend(map(candle, rows))
            reached_ts = answer.adjusted_end_ts
            if reached_ts == 0 or reached_ts > end_ts - minutes * 60:  # no whole period is missing
                return found
            if reached_ts < start_ts:
                raise Unavailable(f"candles of {event_ticker} end at {reached_ts}, before {start_ts}")
            start_ts = reached_ts + 1

    def archived_candles(self, ticker: str, start_ts: int, end_ts: int, minutes: Minutes) -> list[Candle]:
        """Candlesticks of one market that settled before the archive's cutoff."""
        body = self._http.get(
            "/historical/markets/{ticker}/candlesticks", _range(start_ts, end_ts, minutes), ticker=ticker
        ).body
        return [candle(row) for row in wire.decode(ArchivedCandles, body, f"candles of {ticker}").candlesticks]


def _range(start_ts: int, end_ts: int, minutes: Minutes) -> Parameters:
    return given(start_ts=start_ts, end_ts=end_ts, period_interval=minutes)


def _portions(
    tickers: Sequence[str], start_ts: int, end_ts: int, minutes: Minutes
) -> Iterator[tuple[Sequence[str], int, int]]:
    """(tickers, first second, last second) of calls that stay within a hundred markets and 10 000 candlesticks."""
    period_s = minutes * 60
    periods = max(1, (end_ts - start_ts) // period_s + 1)  # ends of a period from start to end, both included
    at_once = max(1, min(_TICKERS_AT_ONCE, _CANDLES_AT_ONCE // periods))
    for place in range(0, len(tickers), at_once):
        some = tickers[place : place + at_once]
        span_s = _CANDLES_AT_ONCE // len(some) * period_s
        for first_ts in range(start_ts, end_ts + 1, span_s):
            yield some, first_ts, min(end_ts, first_ts + span_s - 1)
