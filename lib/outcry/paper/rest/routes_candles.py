"""REST endpoints of candlesticks: of one market, of many, of an event's markets, and of a historical market."""

from outcry.paper.engine.records import Reject
from outcry.paper.rest import candle_shapes
from outcry.paper.rest.calls import Call, Route, bad_parameter
from outcry.paper.rest.candles import PERIODS, Candle
from outcry.paper.rest.shapes import Json

MOST_TICKERS = 100
MOST_TOGETHER = 10_000  # candlesticks over all markets of one call
MOST_OF_ONE = 5_000  # of one market, or of an event's markets together


def of_market(call: Call) -> Json:
    ticker = _live(call, call.path["ticker"])
    if call.exchange.engine.market(ticker).market.series_ticker != call.path["series_ticker"]:
        raise Reject(404, "not_found", "market not found in this series")
    start_s, end_s, minutes = _range(call)
    _check_many(start_s, end_s, minutes, 1, MOST_OF_ONE)
    return {"ticker": ticker, "candlesticks": _bodies(_read(call, ticker, start_s, end_s, minutes))}


def of_markets(call: Call) -> Json:
    """Many at once; a market that is not known is left out."""
    tickers = list(dict.fromkeys(call.listed("market_tickers", MOST_TICKERS)))
    if not tickers:
        raise bad_parameter("market_tickers is required")
    start_s, end_s, minutes = _range(call)
    _check_many(start_s, end_s, minutes, len(tickers), MOST_TOGETHER)
    known = {record.market.ticker for record in call.exchange.engine.markets()}
    found = [(ticker, _read(call, ticker, start_s, end_s, minutes)) for ticker in tickers if ticker in known]
    return {"markets": [{"market_ticker": ticker, "candlesticks": _bodies(candles)} for ticker, candles in found]}


def of_event(call: Call) -> Json:
    """All markets of an event; where they would be too many the end is moved forward, and told."""
    markets = [record.market for record in call.exchange.engine.markets()]
    tickers = [
        market.ticker
        for market in markets
        if market.event_ticker == call.path["ticker"] and market.series_ticker == call.path["series_ticker"]
    ]
    if not tickers:
        raise Reject(404, "not_found", "event not found")
    start_s, end_s, minutes = _range(call)
    adjusted_s = min(end_s, start_s + MOST_OF_ONE // len(tickers) * minutes * 60)
    return {
        "market_tickers": tickers,
        "market_candlesticks": [_bodies(_read(call, ticker, start_s, adjusted_s, minutes)) for ticker in tickers],
        "adjusted_end_ts": adjusted_s,
    }


def of_historical(call: Call) -> Json:
    ticker, engine = call.path["ticker"], call.exchange.engine
    if not engine.cutoffs(call.now_ms).market(engine.market(ticker)):
        raise Reject(404, "not_found", "market not found", "it is live")
    start_s, end_s, minutes = _range(call)
    _check_many(start_s, end_s, minutes, 1, MOST_OF_ONE)
    return {"ticker": ticker, "candlesticks": _bodies(_read(call, ticker, start_s, end_s, minutes), historical=True)}


def _live(call: Call, ticker: str) -> str:
    if call.exchange.engine.cutoffs(call.now_ms).market(call.exchange.engine.market(ticker)):
        raise Reject(404, "not_found", "market not found", "it is historical")
    return ticker


def _range(call: Call) -> tuple[int, int, int]:
    """First and last second, and the minutes of a period. All three are required."""
    start_s, end_s = call.number("start_ts", 0), call.number("end_ts", 0)
    minutes = call.number("period_interval")
    if start_s is None or end_s is None or minutes is None:
        raise bad_parameter("start_ts, end_ts and period_interval are required")
    if minutes not in PERIODS:
        raise bad_parameter("period_interval must be 1, 60 or 1440")
    if start_s > end_s:
        raise bad_parameter("start_ts must not be after end_ts")
    return start_s, end_s, minutes


def _check_many(start_s: int, end_s: int, minutes: int, markets: int, most: int) -> None:
    if (end_s - start_s) // (minutes * 60) * markets > most:
        raise bad_parameter(f"so long a range has more than {most} candlesticks")


def _read(call: Call, ticker: str, start_s: int, end_s: int, minutes: int) -> list[Candle]:
    candles = call.exchange.candles
    found = candles.read(ticker, start_s, end_s, minutes, call.now_ms)
    if call.flag("include_latest_before_start"):
        latest = candles.latest_before(ticker, start_s, minutes, call.now_ms)
        if latest is not None and (not found or latest.end_ms < found[0].end_ms):
            found.insert(0, latest)
    return found


def _bodies(candles: list[Candle], *, historical: bool = False) -> list[Json]:
    return [candle_shapes.candle(one, historical=historical) for one in candles]


ROUTES = [
    Route("GET", "/markets/candlesticks", of_markets, private=False),
    Route("GET", "/series/{series_ticker}/markets/{ticker}/candlesticks", of_market, private=False),
    Route("GET", "/series/{series_ticker}/events/{ticker}/candlesticks", of_event, private=False),
    Route("GET", "/historical/markets/{ticker}/candlesticks", of_historical, private=False),
]
