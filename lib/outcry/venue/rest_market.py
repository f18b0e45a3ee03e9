"""Public calls: exchange status, series, events, markets, order books, trades."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from outcry.domain.book import Book
from outcry.domain.errors import SchemaDrift, Unavailable
from outcry.domain.market import Market
from outcry.venue import fees, wire
from outcry.venue.http import Http
from outcry.venue.paging import Page, every, given
from outcry.venue.wire import EventRow, MarketRow, SeriesRow, SideLevels, TradeRow

_AT_ONCE = 100  # tickers in one call
_EVENT_PAGE = 200
_KEPT_S = 600  # how long a series' or event's fee terms are believed


class OneSeries(Struct, frozen=True):
    series: SeriesRow


class SeriesList(Struct, frozen=True):
    series: list[SeriesRow]


class EventPage(Page, frozen=True):
    events: list[EventRow]


class MarketPage(Page, frozen=True):
    markets: list[MarketRow]


class OneMarket(Struct, frozen=True):
    market: MarketRow


class OneBook(Struct, frozen=True):
    orderbook_fp: SideLevels


class NamedBook(Struct, frozen=True):
    ticker: str
    orderbook_fp: SideLevels


class BookList(Struct, frozen=True):
    orderbooks: list[NamedBook]


class TradePage(Page, frozen=True):
    trades: list[TradeRow]


class MarketCalls:
    """A market's row names its event only; series and fees come from the event, which is asked once and remembered."""

    def __init__(self, http: Http, underlying: Mapping[str, str], monotonic: Callable[[], float]) -> None:
        self._http = http
        self._underlying = underlying
        self._monotonic = monotonic
        self._series: dict[str, tuple[float, SeriesRow]] = {}
        self._events: dict[str, tuple[float, EventRow]] = {}

    def exchange_status(self) -> wire.ExchangeStatus:
        """Whether the exchange is up and trading; it may say no with a 5xx and the same body."""
        answer = self._http.get("/exchange/status", accept=(200, 500, 503, 504))
        if answer.status == 200:
            return wire.decode(wire.ExchangeStatus, answer.body, "exchange status")
        try:
            return wire.decode(wire.ExchangeStatus, answer.body, "exchange status")
        except SchemaDrift as error:  # a 5xx of something before the exchange
            raise Unavailable(f"exchange status -> {answer.status}: {answer.body[:200]!r}") from error

    def series(self, ticker: str) -> SeriesRow:
        """One series, fresh."""
        body = self._http.get("/series/{series_ticker}", series_ticker=ticker).body
        row = wire.decode(OneSeries, body, f"series {ticker}").series
        self._series[ticker] = (self._monotonic(), row)
        return row

    def series_list(self, category: str | None = None) -> list[SeriesRow]:
        """All series, of one category if named. Not paged."""
        return wire.decode(SeriesList, self._http.get("/series", given(category=category)).body, "series").series

    def events(
        self, series_ticker: str | None = None, status: str | None = None, tickers: Sequence[str] = ()
    ) -> list[EventRow]:
        """Events of a series, or by ticker, fresh. Combinations are never among them."""
        parameters = given(series_ticker=series_ticker, status=status, tickers=",".join(tickers) or None)
        rows = every(self._http, "/events", EventPage, lambda page: page.events, parameters, limit=_EVENT_PAGE)
        at_s = self._monotonic()
        self._events.update({row.event_ticker: (at_s, row) for row in rows})
        return rows

    def markets(
        self,
        series_ticker: str | None = None,
        status: str | None = None,
        tickers: Sequence[str] = (),
        min_close_ts: int | None = None,
        max_close_ts: int | None = None,
    ) -> list[Market]:
        """Markets of the kind we trade: combinations, provisional ones, those with a settlement floor or a fee outside
        the formula are left out. Beware that `open` lags by up to 30 s around a boundary: look at the times.

        status  unopened, open, paused, closed or settled: the words of the filter, not those of a market
        """
        return [seen.market for seen in self.listings(series_ticker, status, tickers, min_close_ts, max_close_ts)]

    def event_size(self, event_ticker: str) -> int:
        """How many markets an event has, of whatever kind and state."""
        parameters = given(event_ticker=event_ticker)
        return len(every(self._http, "/markets", MarketPage, lambda page: page.markets, parameters))

    def listings(
        self,
        series_ticker: str | None = None,
        status: str | None = None,
        tickers: Sequence[str] = (),
        min_close_ts: int | None = None,
        max_close_ts: int | None = None,
    ) -> list[wire.Listing]:
        """As `markets`, with what else a list shows."""
        rows: list[MarketRow] = []
        for some in _chunks(tickers) if tickers else [()]:
            parameters = given(
                series_ticker=series_ticker,
                status=status,
                tickers=",".join(some) or None,
                min_close_ts=min_close_ts,
                max_close_ts=max_close_ts,
                mve_filter="exclude",
            )
            rows += every(self._http, "/markets", MarketPage, lambda page: page.markets, parameters)
        return self._ordinary(rows)

    def market(self, ticker: str) -> Market:
        """One market, of whatever kind. Just created, it may be refused with 404 for a moment."""
        return self._one(wire.decode(OneMarket, self._http.get("/markets/{ticker}", ticker=ticker).body, ticker))

    def orderbook(self, ticker: str) -> Book:
        """One whole book. It carries neither time nor sequence, and may lag."""
        body = self._http.get("/markets/{ticker}/orderbook", ticker=ticker).body
        return wire.book(wire.decode(OneBook, body, f"book of {ticker}").orderbook_fp)

    def orderbooks(self, tickers: Sequence[str]) -> dict[str, Book]:
        """Many whole books by ticker; a market that the exchange leaves out is left out."""
        books: dict[str, Book] = {}
        for some in _chunks(tickers):
            body = self._http.get("/markets/orderbooks", [("tickers", ticker) for ticker in some]).body
            for named in wire.decode(BookList, body, "books").orderbooks:
                books[named.ticker] = wire.book(named.orderbook_fp)
        return books

    def trades(
        self, ticker: str | None = None, min_ts: int | None = None, max_ts: int | None = None
    ) -> list[wire.PublicTrade]:
        """Public prints, newest first, block trades included and marked."""
        parameters = given(ticker=ticker, min_ts=min_ts, max_ts=max_ts)
        rows = every(self._http, "/markets/trades", TradePage, lambda page: page.trades, parameters)
        return [wire.trade(row) for row in rows]

    def _ordinary(self, rows: Iterable[MarketRow]) -> list[wire.Listing]:
        """Those of the kind we trade."""
        ordinary = [row for row in rows if row.ordinary]
        self._find_events({row.event_ticker for row in ordinary})
        seen = [wire.Listing(self._market(row), self._category(row), *wire.touch(row)) for row in ordinary]
        return [listing for listing in seen if fees.known(listing.market.fee)]

    def _category(self, row: MarketRow) -> str:
        return self._series[self._events[row.event_ticker][1].series_ticker][1].category

    def _one(self, answer: OneMarket) -> Market:
        self._find_events({answer.market.event_ticker})
        return self._market(answer.market)

    def _market(self, row: MarketRow) -> Market:
        event = self._events[row.event_ticker][1]
        known = self._series.get(event.series_ticker)
        series = known[1] if known and self._believed(known[0]) else self.series(event.series_ticker)
        return wire.market(row, series, event, self._underlying.get(series.ticker, ""))

    def _find_events(self, tickers: Iterable[str]) -> None:
        """Have the events of these tickers at hand, asking for those that are unknown or too long known."""
        wanted = [ticker for ticker in sorted(tickers) if not self._has_event(ticker)]
        for some in _chunks(wanted):
            self.events(tickers=some)
        if unknown := [ticker for ticker in wanted if not self._has_event(ticker)]:
            raise Unavailable(f"markets are listed whose events are not yet: {', '.join(unknown)}")

    def _has_event(self, ticker: str) -> bool:
        return ticker in self._events and self._believed(self._events[ticker][0])

    def _believed(self, read_at_s: float) -> bool:
        return self._monotonic() - read_at_s < _KEPT_S


def _chunks(tickers: Sequence[str]) -> list[Sequence[str]]:
    return [tickers[start : start + _AT_ONCE] for start in range(0, len(tickers), _AT_ONCE)]
