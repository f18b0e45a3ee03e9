"""The daily markets on the S&P 500's close: what their tickers say.

`KXINXU-26JAN02H1600-T6899.9999`: the index is above 6899.9999 at 16:00 US Eastern time. `KXINX-26JAN02H1600-B6912`: it
lies in a range that the ticker only names by a number inside it, so such a market cannot be settled from the index.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from outcry.domain.errors import SchemaDrift
from outcry.domain.market import Market, PriceRange, Status
from outcry.domain.units import parse_decimal

CENT = (PriceRange(0, 10_000, 100),)
DAY_MS = 86_400_000
EASTERN = ZoneInfo("America/New_York")


def daily_market(ticker: str) -> Market:
    """A market's facts from its ticker.

    raises  SchemaDrift when the ticker says something else

    >>> market = daily_market("KXINXU-26JAN02H1600-T6899.9999")
    >>> market.close_at_ms, market.strike_micros, market.strike_type
    (1767387600000, 6899999900, 'greater')
    """
    parts = ticker.split("-")
    try:
        series, stamp, level = parts
        local = datetime.strptime(stamp.upper(), "%y%b%dH%H%M").replace(tzinfo=EASTERN)
        above = level[0] == "T"
        strike = parse_decimal(level[1:], 6) if above else None
    except (ValueError, IndexError) as error:
        raise SchemaDrift(f"{ticker} is no daily index market: {error}") from error
    close_ms = int(local.timestamp()) * 1_000
    return Market(
        ticker, f"{series}-{stamp}", series, 0, Status.ACTIVE, close_ms - DAY_MS, close_ms, CENT,
        underlying="SPX", strike_type="greater" if above else "between", strike_micros=strike,
    )  # fmt: skip
