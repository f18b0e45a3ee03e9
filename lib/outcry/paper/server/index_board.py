"""Index values as the exchange's index channel tells them: one a second, with the averages that contracts settle on.

avg_60s                          mean of the values in [t - 60 s, t), this one not counted; this one when there is none
last_60s_windowed_average_15min  in the last minute before a quarter hour only: mean of the values in (close - 60 s, t]
"""

import json
from collections import deque

from outcry.domain.units import format_decimal
from outcry.paper.events import IndexTick
from outcry.paper.rest import text
from outcry.venue.indices import index_id

WINDOW_MS = 60_000
QUARTER_MS = 900_000


class IndexBoard:
    """The last minute of each index."""

    def __init__(self, symbols: list[str]) -> None:
        self._values: dict[str, deque[tuple[int, int]]] = {symbol: deque() for symbol in symbols}
        self.last: dict[str, IndexTick] = {}

    @property
    def ids(self) -> list[str]:
        return sorted(index_id(symbol) for symbol in self._values)

    def take(self, tick: IndexTick) -> dict[str, object] | None:
        """The channel's message for a value; None for a second value within one second, or one out of order."""
        self.last[tick.symbol] = tick
        values = self._values.setdefault(tick.symbol, deque())
        if values and tick.at_ms // 1000 <= values[-1][0] // 1000:
            return None
        while values and values[0][0] < tick.at_ms - WINDOW_MS:
            values.popleft()
        name, average = index_id(tick.symbol), _mean([value for _, value in values] or [tick.value_micros])
        data = {"type": "value", "id": name, "time": tick.at_ms, "value": text.decimal(tick.value_micros)}
        message: dict[str, object] = {
            "index_id": name,
            "received_at": tick.at_ms,
            "data": json.dumps(data, separators=(",", ":")),
            "avg_60s_data": _window(average, len(values), tick.at_ms - WINDOW_MS, tick.at_ms),
        }
        values.append((tick.at_ms, tick.value_micros))
        start = -(-tick.at_ms // QUARTER_MS) * QUARTER_MS - WINDOW_MS
        if tick.at_ms > start:
            last = [value for at_ms, value in values if at_ms > start]
            message["last_60s_windowed_average_15min"] = _window(_mean(last), len(last), start, tick.at_ms)
        return message


def _mean(micros: list[int]) -> str:
    return format_decimal(sum(micros) * 100 // len(micros), 8)


def _window(value: str, size: int, start_ms: int, end_ms: int) -> dict[str, object]:
    return {"value": value, "window_size": size, "window_start_ts_ms": start_ms, "window_end_ts_exclusive": end_ms}
