"""One-second bars from prices as they come: of an index, or of a market's public prints. No clock of its own."""

from dataclasses import astuple, dataclass

from outcry.domain.order import Side
from outcry.domain.view import Bar

KEPT_S = 10  # so long may a print come late and still change its bar


@dataclass(slots=True)
class _Second:
    open: int
    high: int
    low: int
    close: int
    volume_ch: int = 0
    buy_ch: int = 0
    sell_ch: int = 0
    trades: int = 0
    unpublished: bool = True


@dataclass(frozen=True, slots=True)
class SecondsKept:
    """`SecondBars` as plain values: (symbol, source, start_ms, then the second's own), and the newest of each."""

    seconds: list[tuple[str, str, int, int, int, int, int, int, int, int, int, bool]]
    newest: list[tuple[str, str, int]]


class SecondBars:
    """Seconds under construction. What comes more than 10 s late is counted and left out: its bar may be gone."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, str, int], _Second] = {}
        self._newest_ms: dict[tuple[str, str], int] = {}
        self.too_late = 0

    def kept(self) -> SecondsKept:
        """All that counts from here on."""
        return SecondsKept(
            [(*key, *astuple(second)) for key, second in self._seconds.items()],
            [(*key, newest_ms) for key, newest_ms in self._newest_ms.items()],
        )

    @staticmethod
    def of(kept: SecondsKept) -> "SecondBars":
        """Those that were kept."""
        found = SecondBars()
        found._seconds = {one[:3]: _Second(*one[3:]) for one in kept.seconds}
        found._newest_ms = {(symbol, source): at_ms for symbol, source, at_ms in kept.newest}
        return found

    def add(
        self, symbol: str, source: str, value: int, at_ms: int, count_ch: int = 0, taker: Side | None = None
    ) -> None:
        """A price at a moment; for a print also how much, and who crossed where that is known."""
        start_ms = at_ms - at_ms % 1000
        newest_ms = max(self._newest_ms.get((symbol, source), start_ms), start_ms)
        if start_ms < newest_ms - KEPT_S * 1000:
            self.too_late += 1
            return
        self._newest_ms[symbol, source] = newest_ms
        second = self._seconds.get((symbol, source, start_ms))
        if second is None:
            second = self._seconds[symbol, source, start_ms] = _Second(value, value, value, value)
        second.high, second.low, second.close = max(second.high, value), min(second.low, value), value
        second.volume_ch += count_ch
        second.trades += 1 if count_ch else 0
        if taker is Side.BID:
            second.buy_ch += count_ch
        elif taker is Side.ASK:
            second.sell_ch += count_ch
        second.unpublished = True

    def due(self, now_ms: int) -> list[Bar]:
        """Bars of seconds that are over and were not published as they stand, oldest first."""
        found = [
            Bar(symbol, start_ms, second.open, second.high, second.low, second.close, second.volume_ch, second.buy_ch,
                second.sell_ch, second.trades, source)
            for (symbol, source, start_ms), second in self._seconds.items()
            if second.unpublished and start_ms + 1000 <= now_ms
        ]  # fmt: skip
        return sorted(found, key=lambda bar: bar.at_ms)

    def published(self, bars: list[Bar]) -> None:
        """These went out as they were; forget what can no longer change."""
        for bar in bars:
            self._seconds[bar.symbol, bar.source, bar.at_ms].unpublished = False
        for (symbol, source, start_ms), second in list(self._seconds.items()):
            if not second.unpublished and start_ms < self._newest_ms[symbol, source] - KEPT_S * 1000:
                del self._seconds[symbol, source, start_ms]
