"""The briefing's two pictures, as PNG: the equity curve and each day's result. Drawn here: a mail needs nothing more.

The background is transparent and the colours are middling: they stand out on white and on black alike. Numbers stand
beside the pictures, in text that a phone can enlarge.
"""

import struct
import zlib
from collections.abc import Sequence

WIDTH, HEIGHT = 1_200, 260  # shown at half of it: sharp on a phone
UP, DOWN, LINE, AXIS = (38, 150, 90, 255), (208, 70, 70, 255), (58, 130, 220, 255), (140, 140, 140, 255)
MARGIN, THICK = 12, 4
Colour = tuple[int, int, int, int]


class _Canvas:
    def __init__(self) -> None:
        self._rows = [bytearray(4 * WIDTH) for _ in range(HEIGHT)]

    def fill(self, left: int, top: int, right: int, bottom: int, colour: Colour) -> None:
        """A box, its right and bottom edges left out; at least a dot."""
        left, top = max(0, left), max(0, top)
        right, bottom = min(WIDTH, max(right, left + 1)), min(HEIGHT, max(bottom, top + 1))
        for row in self._rows[top:bottom]:
            row[4 * left : 4 * right] = bytes(colour) * (right - left)

    def png(self) -> bytes:
        header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 6, 0, 0, 0)
        body = zlib.compress(b"".join(b"\0" + row for row in self._rows), 9)
        parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", body), _chunk(b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def curve(values: Sequence[int]) -> bytes:
    """A line through values at equal distances; the lowest at the bottom, the highest at the top."""
    canvas = _Canvas()
    low, high = min(values), max(values)
    places = [_height(value, low, high) for value in values]
    canvas.fill(0, HEIGHT - 2, WIDTH, HEIGHT, AXIS)
    left, right = MARGIN, WIDTH - MARGIN
    for x in range(left, right):
        at = (x - left) / max(1, right - left - 1) * (len(places) - 1)
        before = min(int(at), len(places) - 1)
        after = min(before + 1, len(places) - 1)
        slope = places[after] - places[before]
        y = places[before] + (at - before) * slope
        rise = abs(slope) * (len(places) - 1) / (right - left)  # steep parts without gaps
        canvas.fill(x, round(y - THICK / 2 - rise / 2), x + 1, round(y + THICK / 2 + rise / 2), LINE)
    return canvas.png()


def bars(values: Sequence[int]) -> bytes:
    """A bar for each value, up from the middle line or down."""
    canvas = _Canvas()
    middle = HEIGHT // 2
    most = max((abs(value) for value in values), default=0) or 1
    room = (WIDTH - 2 * MARGIN) / max(1, len(values))
    for number, value in enumerate(values):
        left = round(MARGIN + number * room + room * 0.1)
        right = round(MARGIN + (number + 1) * room - room * 0.1)
        long = round((middle - MARGIN) * abs(value) / most)
        if value > 0:
            canvas.fill(left, middle - long, right, middle, UP)
        elif value < 0:
            canvas.fill(left, middle, right, middle + long, DOWN)
    canvas.fill(0, middle - 1, WIDTH, middle + 1, AXIS)
    return canvas.png()


def _height(value: int, low: int, high: int) -> float:
    if high == low:
        return HEIGHT / 2
    return HEIGHT - MARGIN - (value - low) / (high - low) * (HEIGHT - 2 * MARGIN)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
