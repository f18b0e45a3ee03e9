"""The last minutes of index prices and prints, one bar a second, as far back as the strategy looks."""

from bisect import bisect_left

from outcry.domain.view import Bar

BAR_MS = 1_000


class History:
    """Bars by symbol, oldest first, each second once.

    span_ms  how far back is kept; older bars go
    """

    def __init__(self, span_ms: int) -> None:
        self.span_ms = span_ms
        self._bars: dict[str, list[Bar]] = {}

    def add(self, bar: Bar) -> None:
        """Take a bar; one of a second that is here already replaces it."""
        bars = self._bars.setdefault(bar.symbol, [])
        if not bars or bar.at_ms > bars[-1].at_ms:
            bars.append(bar)
        else:
            place = bisect_left(bars, bar.at_ms, key=lambda kept: kept.at_ms)
            if bars[place].at_ms == bar.at_ms:
                bars[place] = bar
            else:
                bars.insert(place, bar)
        if bars[0].at_ms < bars[-1].at_ms - 2 * self.span_ms:  # trimmed rarely, so that it costs nothing a bar
            del bars[: bisect_left(bars, bars[-1].at_ms - self.span_ms, key=lambda kept: kept.at_ms)]

    def complete(self, symbol: str, now_ms: int) -> tuple[Bar, ...]:
        """The bars of the last `span_ms` whose second is over; a second still going on is not to be known yet."""
        bars = self._bars.get(symbol)
        if not bars:
            return ()
        first = bisect_left(bars, now_ms - self.span_ms, key=lambda kept: kept.at_ms)
        after = bisect_left(bars, now_ms - BAR_MS + 1, key=lambda kept: kept.at_ms)
        return tuple(bars[first:after])

    def forget(self, symbol: str) -> None:
        """Drop a symbol that nobody will ask for again."""
        self._bars.pop(symbol, None)
