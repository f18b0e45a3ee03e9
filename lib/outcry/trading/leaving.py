"""Which positions are to be left now, and how often that is tried. The rules themselves are in `exits`."""

from dataclasses import dataclass

from outcry.domain.view import Quote
from outcry.trading import exits
from outcry.trading.positions import Position
from outcry.trading.tempo import Tempo


@dataclass(frozen=True, slots=True)
class _Try:
    """The last attempt to leave a position: what was held then, and when the next attempt may follow."""

    position_ch: int
    tries: int
    next_at_ms: int


class Leaving:
    """An exit is tried again at each quote, with short pauses, until nothing is held."""

    def __init__(self, tempo: Tempo) -> None:
        self._tempo = tempo
        self._tries: dict[str, _Try] = {}
        self._turned: dict[str, tuple[int, str]] = {}

    def reason(self, position: Position, quote: Quote, untrusted_ms: int | None, now_ms: int) -> str:
        """Why this position is to be left now; "" to stay.

        untrusted_ms  how long the book has been untrusted: for a moment its prices are no reason to leave, but a
                      position is not held hostage by a feed that stays broken. None while it is trusted
        """
        opened_at_ms, why = self._turned.get(position.ticker, (0, ""))
        if why and opened_at_ms == position.opened_at_ms:
            return why
        price_counts = untrusted_ms is None or untrusted_ms >= self._tempo.distrust_ms
        return (exits.price_exit(position, quote) if price_counts else "") or exits.time_exit(position, now_ms)

    def turned(self, position: Position, why: str) -> None:
        """The strategy now wants the other side: one attempt to leave, repeated as long as it says so."""
        self._turned[position.ticker] = (position.opened_at_ms, why)

    def review_due(self, position: Position, now_ms: int) -> bool:
        """Whether the strategy is to be asked again about a position it has held for long."""
        return now_ms - position.reviewed_at_ms >= self._tempo.rebalance_ms

    def may_try(self, position: Position, now_ms: int) -> bool:
        """Whether the pause after the last attempt is over; an attempt that closed something costs no pause."""
        last = self._tries.get(position.ticker)
        return last is None or last.position_ch != position.position_ch or now_ms >= last.next_at_ms

    def tried(self, position: Position, now_ms: int) -> None:
        """An exit was asked for."""
        last = self._tries.get(position.ticker)
        tries = last.tries + 1 if last and last.position_ch == position.position_ch else 0
        pause_ms = self._tempo.exit_ms * 2 ** min(tries, 2)
        self._tries[position.ticker] = _Try(position.position_ch, tries, now_ms + pause_ms)
        self._turned.pop(position.ticker, None)

    def clock_stepped_back(self) -> None:
        self._tries.clear()

    def forget(self, ticker: str) -> None:
        self._tries.pop(ticker, None)
        self._turned.pop(ticker, None)
