"""The last minutes of each market's touch, second by second, as far back as the strategy looks."""

from bisect import bisect_right
from dataclasses import replace

from outcry.domain.view import Quote, Touch
from outcry.signals.touch import pushed_ch, touch_of


class Touches:
    """Fed with quotes as they are published. After a book that was not trusted, what came before says nothing more.

    span_ms  how far back is kept; the touch that held when that began is kept too
    """

    def __init__(self, span_ms: int) -> None:
        self.span_ms = span_ms
        self._seconds: dict[str, list[Touch]] = {}

    def hear(self, quote: Quote, at_ms: int) -> None:
        if not quote.trusted:
            self._seconds.pop(quote.ticker, None)
            return
        seconds, now = self._seconds.setdefault(quote.ticker, []), touch_of(quote, at_ms)
        if not seconds:
            seconds.append(now)
            return
        before = seconds[-1]
        pushed = pushed_ch(before, now)
        if now.at_ms <= before.at_ms:  # the same second, or a clock that was set back
            seconds[-1] = replace(now, at_ms=before.at_ms, ofi_ch=before.ofi_ch + pushed)
        elif pushed or _sides(now) != _sides(before):
            seconds.append(replace(now, ofi_ch=pushed))
            if seconds[0].at_ms < now.at_ms - 2 * self.span_ms:  # trimmed rarely, so that it costs nothing a quote
                del seconds[: self._first(seconds, now.at_ms)]

    def until(self, ticker: str, now_ms: int) -> tuple[Touch, ...]:
        """The touches of the last `span_ms`, and the one that held when that began."""
        seconds = self._seconds.get(ticker, [])
        return tuple(seconds[self._first(seconds, now_ms) :])

    def forget(self, ticker: str) -> None:
        self._seconds.pop(ticker, None)

    def _first(self, seconds: list[Touch], now_ms: int) -> int:
        return max(0, bisect_right(seconds, now_ms - self.span_ms, key=lambda kept: kept.at_ms) - 1)


def _sides(touch: Touch) -> tuple[int | None, int, int | None, int]:
    return touch.bid_cc, touch.bid_ch, touch.ask_cc, touch.ask_ch
