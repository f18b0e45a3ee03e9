"""Recorded time to exchange time: holes taken out, then played at a speed from a start."""

from typing import Literal

Speed = float | Literal["max"]


class Timeline:
    """Played time is recorded time without its holes, in ms; the exchange's clock runs over it.

    speed   played seconds per second of the exchange's clock; "max": whatever is asked for is due now, and times ahead
            (a market's close) are guessed at speed 1
    """

    def __init__(self, start_ms: int, speed: Speed) -> None:
        self._start_ms, self._speed = start_ms, speed
        self._skipped_ms = self._begin_ms = self._reached_ms = 0
        self._asked_ms = start_ms

    def begin(self, at_us: int) -> None:
        """The recording's first instant is the exchange's start."""
        self._begin_ms = self._reached_ms = at_us // 1_000

    def played_ms(self, at_us: int) -> int:
        """Recorded microseconds as played ms."""
        return at_us // 1_000 - self._skipped_ms

    def skip(self, from_us: int, to_us: int) -> None:
        """Leave out what lies between two recorded instants."""
        self._skipped_ms += to_us // 1_000 - from_us // 1_000

    def reach(self, played_ms: int) -> int:
        """Play on to here; returns the exchange's time of it."""
        self._reached_ms = max(self._reached_ms, played_ms)
        return self.exchange_ms(self._reached_ms)

    def ask(self, now_ms: int) -> None:
        """The exchange's clock has come to here."""
        self._asked_ms = max(self._asked_ms, now_ms)

    def exchange_ms(self, played_ms: int) -> int:
        """Played ms on the exchange's clock."""
        if self._speed == "max":
            return self._asked_ms + played_ms - self._reached_ms
        return self._start_ms + round((played_ms - self._begin_ms) / self._speed)
