"""The calendar of the short crypto markets: which windows there are, and how each market is named and described.

A window of the series `KXBTC15M` closes on the quarter hour. Its event is `KXBTC15M-26NOV201215`: year, month, day,
hour and minute of the close in US Eastern time; its one market adds the minute of the close, `-15`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from outcry.domain.errors import Misconfigured
from outcry.domain.market import FeeTerms, Market, Status
from outcry.paper.events import SeriesInfo
from outcry.paper.generate.tapered import TAPERED_DECI_CENT

CRYPTO_SHARD = 2
FREQUENCY = "fifteen_min"
QUARTER_HOUR_MS = 900_000

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum", "SOL": "Solana", "XRP": "XRP", "DOGE": "Dogecoin", "BNB": "BNB"}


def underlying_of(series: str) -> str:
    """The index symbol that a 15-minute crypto series settles on, "" when it is none.

    >>> underlying_of("KXBTC15M"), underlying_of("KXHIGHNY")
    ('BTC-USD', '')
    """
    asset = series.removeprefix("KX").removesuffix("15M")
    return f"{asset}-USD" if series == f"KX{asset}15M" and asset else ""


def series_of(symbol: str) -> str:
    """The 15-minute crypto series that settles on an index.

    >>> series_of("BTC-USD")
    'KXBTC15M'
    """
    return f"KX{symbol.removesuffix('-USD')}15M"


def series_info(ticker: str) -> SeriesInfo:
    """A series as the exchange describes it."""
    underlying = underlying_of(ticker)
    asset = underlying.removesuffix("-USD")
    title = f"{_NAMES.get(asset, asset)} price up or down in 15 minutes" if asset else ticker
    return SeriesInfo(ticker, title, "Crypto", FREQUENCY, FeeTerms(), CRYPTO_SHARD, underlying)


def names(series: str, close_at_ms: int, window_ms: int = QUARTER_HOUR_MS) -> tuple[str, str]:
    """Event and market ticker of a window.

    Seconds are added where the minute alone would name two markets: in windows that are no whole minutes, and in the
    hour that clocks repeat in autumn.

    >>> names("KXBTC15M", 1_778_679_900_000)
    ('KXBTC15M-26MAY130945', 'KXBTC15M-26MAY130945-45')
    >>> names("KXBTC15M", 1_778_679_945_000, 45_000)
    ('KXBTC15M-26MAY13094545', 'KXBTC15M-26MAY13094545-4545')
    """
    local, repeated = _eastern(close_at_ms)
    seconds = f"{local:%S}" if repeated or window_ms % 60_000 else ""
    event = f"{series}-{local:%y}{_MONTHS[local.month - 1]}{local:%d%H%M}{seconds}"
    return event, f"{event}-{local:%M}{seconds}"


def close_of(ticker: str) -> int:
    """When the market with this ticker closes, in ms UTC.

    raises  Misconfigured when the ticker carries no such time

    >>> close_of("KXBTC15M-26MAY130945-45")
    1778679900000
    """
    stamp = ticker.split("-")[1] if "-" in ticker else ""
    try:
        digits = stamp[:2] + f"{_MONTHS.index(stamp[2:5]) + 1:02d}" + stamp[5:]
        local = datetime.strptime(digits.ljust(12, "0"), "%y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise Misconfigured(f"{ticker} does not say when it closes") from None
    summer = local + timedelta(hours=4)
    start, end = _summer_time(local.year)
    utc = summer if start <= summer < end else local + timedelta(hours=5)
    return int(utc.timestamp()) * 1_000


def strike_text(strike_micros: int) -> str:
    """An index level as people write it: `$80,128.27`, and `$0.17231` where cents say too little."""
    return f"${strike_micros / 1_000_000:,.{2 if strike_micros >= 10_000_000 else 5}f}"


@dataclass(frozen=True, slots=True)
class Window:
    """One market's span, in ms of the exchange's clock; its ticker says when it closes."""

    series: str
    event_ticker: str
    ticker: str
    open_at_ms: int
    close_at_ms: int

    def market(self, status: Status, strike_micros: int | None) -> Market:
        """The market as the exchange lists it; without a strike it is still to be determined."""
        underlying = underlying_of(self.series)
        asset = underlying.removesuffix("-USD")
        level = "TBD" if strike_micros is None else strike_text(strike_micros)
        return Market(
            self.ticker,
            self.event_ticker,
            self.series,
            CRYPTO_SHARD,
            status,
            self.open_at_ms,
            self.close_at_ms,
            TAPERED_DECI_CENT,
            title=f"{asset} price up in this window? Target: {level}",
            underlying=underlying,
            strike_type="greater_or_equal",
            strike_micros=strike_micros,
        )


def window_at(series: str, at_ms: int, window_ms: int) -> Window:
    """The window that is open at an instant: it opens on a multiple of its length since 1970."""
    open_at_ms = at_ms // window_ms * window_ms
    event, ticker = names(series, open_at_ms + window_ms, window_ms)
    return Window(series, event, ticker, open_at_ms, open_at_ms + window_ms)


def eastern(at_ms: int) -> datetime:
    """The wall clock in New York."""
    return _eastern(at_ms)[0]


def _eastern(at_ms: int) -> tuple[datetime, bool]:
    """US Eastern wall clock, and whether it shows this hour for the second time that day (rules since 2007)."""
    utc = datetime.fromtimestamp(at_ms // 1_000, UTC)
    start, end = _summer_time(utc.year)
    offset = 4 if start <= utc < end else 5
    return utc - timedelta(hours=offset), end <= utc < end + timedelta(hours=1)


def _summer_time(year: int) -> tuple[datetime, datetime]:
    """Second Sunday of March, 2:00 standard time, to first Sunday of November, 2:00 summer time; both in UTC."""
    march, november = datetime(year, 3, 1, 7, tzinfo=UTC), datetime(year, 11, 1, 6, tzinfo=UTC)
    return (
        march + timedelta(days=(6 - march.weekday()) % 7 + 7),
        november + timedelta(days=(6 - november.weekday()) % 7),
    )
