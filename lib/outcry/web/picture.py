"""The equity curve as points of an inline picture. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 160
MARGIN = 8


@dataclass(frozen=True, slots=True)
class Curve:
    """`line` and `area` are SVG points; low and high what its edges stand for, in micro-dollars."""

    line: str
    area: str
    low_micros: int
    high_micros: int
    from_ms: int
    to_ms: int


def curve(points: Sequence[tuple[int, int]]) -> Curve | None:
    """Scale (at_ms, micros) into the picture; None below two points in time.

    >>> curve([(0, 10), (10, 20)]).line
    '0.0,152.0 720.0,8.0'
    """
    if len(points) < 2 or points[0][0] >= points[-1][0]:
        return None
    (first_ms, _), (last_ms, _) = points[0], points[-1]
    values = [micros for _, micros in points]
    low, high = min(values), max(values)
    spread = high - low or 1
    placed = [
        (
            (at_ms - first_ms) / (last_ms - first_ms) * WIDTH,
            HEIGHT - MARGIN - (micros - low) / spread * (HEIGHT - 2 * MARGIN),
        )
        for at_ms, micros in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    return Curve(line, f"0,{HEIGHT} {line} {WIDTH},{HEIGHT}", low, high, first_ms, last_ms)
