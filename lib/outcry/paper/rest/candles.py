"""Candlesticks, kept as the market moves: quotes, prices and volume of every minute in which something happened.

A period is named by its end. Minutes and hours end on whole ones; a day ends at midnight in New York. Periods without
news carry the quotes on. What is kept is of this life of the exchange: like the books, it begins anew after a restart.
Pure; times in Unix ms UTC, prices in centicents on the YES scale, counts in hundredths of a contract.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from outcry.domain.units import ONE_DOLLAR_CC
from outcry.paper.engine.records import MarketRecord
from outcry.paper.events import EngineEvent, TickerMoved, Traded
from outcry.paper.generate.windows import eastern

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
DAY_MINUTES = 1_440
MOST_MINUTES = 7 * DAY_MINUTES  # kept for one market
MOST_MARKETS = 500  # beyond that, those go that have been quiet for longest
PERIODS = (1, 60, DAY_MINUTES)  # minutes


@dataclass(slots=True)
class Ohlc:
    """First, highest, lowest and last value."""

    open_cc: int
    high_cc: int
    low_cc: int
    close_cc: int

    def take(self, value_cc: int) -> None:
        self.high_cc, self.low_cc = max(self.high_cc, value_cc), min(self.low_cc, value_cc)
        self.close_cc = value_cc

    def join(self, later: "Ohlc") -> None:
        self.high_cc, self.low_cc = max(self.high_cc, later.high_cc), min(self.low_cc, later.low_cc)
        self.close_cc = later.close_cc

    def copy(self) -> "Ohlc":
        return Ohlc(self.open_cc, self.high_cc, self.low_cc, self.close_cc)


def _flat(value_cc: int) -> Ohlc:
    return Ohlc(value_cc, value_cc, value_cc, value_cc)


@dataclass(slots=True)
class Candle:
    """One period. An empty side of the book is quoted at $0 (bid) or $1 (ask).

    price        of its trades; None without any
    value_micros price times count of its trades
    previous_cc  the last price before it
    """

    end_ms: int
    bid: Ohlc
    ask: Ohlc
    interest_ch: int
    previous_cc: int | None
    price: Ohlc | None = None
    count_ch: int = 0
    value_micros: int = 0

    @property
    def last_cc(self) -> int | None:
        """The last price up to its end."""
        return self.previous_cc if self.price is None else self.price.close_cc

    def trade(self, price_cc: int, count_ch: int) -> None:
        if self.price is None:
            self.price = _flat(price_cc)
        else:
            self.price.take(price_cc)
        self.count_ch += count_ch
        self.value_micros += price_cc * count_ch

    def next(self, end_ms: int) -> "Candle":
        """A period after it in which nothing happened (yet)."""
        return Candle(end_ms, _flat(self.bid.close_cc), _flat(self.ask.close_cc), self.interest_ch, self.last_cc)

    def join(self, later: "Candle") -> None:
        """Take a later piece of the same period in."""
        self.bid.join(later.bid)
        self.ask.join(later.ask)
        if later.price is not None:
            if self.price is None:
                self.price = later.price.copy()
            else:
                self.price.join(later.price)
        self.interest_ch = later.interest_ch
        self.count_ch += later.count_ch
        self.value_micros += later.value_micros


@dataclass(slots=True)
class Candles:
    """Of all markets. Tell it of every step of the engine, right after it."""

    _kept: dict[str, deque[Candle]] = field(default_factory=dict)

    def note(self, event: EngineEvent, record: MarketRecord) -> None:
        """A trade, or a ticker that moved; `record` is its market as it is now."""
        if isinstance(event, Traded):
            self._minute(event.at_ms, record).trade(event.price_cc, event.count_ch)
        elif isinstance(event, TickerMoved):
            candle, (bid_cc, ask_cc) = self._minute(event.at_ms, record), _touch(record)
            candle.bid.take(bid_cc)
            candle.ask.take(ask_cc)
            candle.interest_ch = record.open_interest_ch

    def read(self, ticker: str, start_s: int, end_s: int, minutes: int, now_ms: int) -> list[Candle]:
        """The periods that end within these seconds (both included), as far as the market is known."""
        return [
            candle
            for candle in self._periods(ticker, minutes, now_ms)
            if start_s * 1000 <= candle.end_ms <= end_s * 1000
        ]

    def latest_before(self, ticker: str, start_s: int, minutes: int, now_ms: int) -> Candle | None:
        """The last period that ends before a second, carried on to the first one that ends after it."""
        before = [one for one in self._periods(ticker, minutes, now_ms) if one.end_ms < start_s * 1000]
        return before[-1].next(_end(start_s * 1000, minutes)) if before else None

    def _minute(self, at_ms: int, record: MarketRecord) -> Candle:
        kept = self._kept.setdefault(record.market.ticker, deque(maxlen=MOST_MINUTES))
        end_ms = _end(at_ms, 1)
        if not kept:
            if len(self._kept) > MOST_MARKETS:
                others = (ticker for ticker in self._kept if ticker != record.market.ticker)
                del self._kept[min(others, key=lambda ticker: self._kept[ticker][-1].end_ms)]
            bid_cc, ask_cc = _touch(record)
            kept.append(Candle(end_ms, _flat(bid_cc), _flat(ask_cc), record.open_interest_ch, None))
        elif kept[-1].end_ms < end_ms:
            kept.append(kept[-1].next(end_ms))
        return kept[-1]

    def _periods(self, ticker: str, minutes: int, now_ms: int) -> Iterator[Candle]:
        """All periods from the first minute known to the present one, whether or not something happened in them."""
        kept = self._kept.get(ticker)
        if not kept:
            return
        period: Candle | None = None
        for candle in kept:
            if period is None:
                end_ms = _end(candle.end_ms - 1, minutes)
                period = Candle(end_ms, candle.bid.copy(), candle.ask.copy(), 0, candle.previous_cc)
            while period.end_ms < candle.end_ms:
                yield period
                period = period.next(_end(period.end_ms, minutes))
            period.join(candle)
        assert period is not None
        while period.end_ms < now_ms:
            yield period
            period = period.next(_end(period.end_ms, minutes))
        yield period


def _touch(record: MarketRecord) -> tuple[int, int]:
    shown = record.book.shown
    return (
        0 if shown.bid_cc is None else shown.bid_cc,
        ONE_DOLLAR_CC if shown.ask_cc is None else shown.ask_cc,
    )


def _end(at_ms: int, minutes: int) -> int:
    """When the period ends in which a time lies; at its very end the next one has begun."""
    if minutes < DAY_MINUTES:
        length = minutes * MINUTE_MS
        return at_ms - at_ms % length + length
    hour_ms, today = at_ms - at_ms % HOUR_MS, eastern(at_ms).date()
    while eastern(hour_ms).date() == today:  # a day has 23 to 25 hours
        hour_ms += HOUR_MS
    return hour_ms
