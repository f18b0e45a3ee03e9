"""A trader's journal: at each step, the clock and how far it had read. With the tape and the ledger, its life again.

One file a trader and UTC day, append-only. A life begins with the byte 0 and a JSON header (agent, seed, settings,
warm state, absolute clock and marks). Each step is then one record of unsigned varints (LEB128):

    1 + flags      which marks moved (bit i: mark i), and bit 7 for a halt file that is there
    clock          ms since the record before, zigzag-coded: clocks may be set back
    one a set bit  by how much that mark grew, zigzag-coded

A usual step is four bytes. A torn end (power cut) is ignored by the reader; the writer begins a new life at each start.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BufferedWriter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

_HEADER = 0
_HALTED = 1 << 7


class Step(NamedTuple):
    """What one step consumed: everything up to these marks, at this clock. `life` counts the headers before it."""

    life: int
    at_ms: int
    marks: tuple[int, ...]
    halted: bool


class Journal:
    """Writes one trader's journal. `flush` before an order leaves, so that its decision can be followed."""

    def __init__(self, folder: Path, agent: str) -> None:
        self._folder, self._agent = folder, agent
        self._file: BufferedWriter | None = None
        self._day = ""
        self._header: dict[str, Any] = {}
        self._at_ms = 0
        self._marks: tuple[int, ...] = ()

    def begin(self, header: dict[str, Any], at_ms: int, marks: Sequence[int]) -> None:
        """A new life: everything a replay needs to know before its first step."""
        self._header = header
        self._open(at_ms, marks)

    def step(self, at_ms: int, marks: Sequence[int], *, halted: bool) -> None:
        """Note what a step consumed. On a new UTC day the file changes and the header is written again."""
        if _day(at_ms) != self._day:
            self._open(at_ms, marks)
        assert self._file is not None
        grown = [new - old for new, old in zip(marks, self._marks, strict=True)]
        flags = sum(1 << place for place, growth in enumerate(grown) if growth) | (_HALTED if halted else 0)
        record = _varint(1 + flags) + _varint(_zigzag(at_ms - self._at_ms))
        self._file.write(record + b"".join(_varint(_zigzag(growth)) for growth in grown if growth))
        self._at_ms, self._marks = at_ms, tuple(marks)

    def flush(self) -> None:
        """Hand what was noted to the operating system: a killed process loses nothing after this."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, at_ms: int, marks: Sequence[int]) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._day = _day(at_ms)
        self._file = path(self._folder, self._agent, at_ms).open("ab")
        body = msgspec.json.encode({**self._header, "at_ms": at_ms, "marks": list(marks)})
        self._file.write(bytes([_HEADER]) + _varint(len(body)) + body)
        self._file.flush()
        self._at_ms, self._marks = at_ms, tuple(marks)


def path(folder: Path, agent: str, at_ms: int) -> Path:
    """The journal of an agent's UTC day."""
    return folder / f"{agent}-{_day(at_ms)}.journal"


def read(file: Path) -> Iterator[dict[str, Any] | Step]:
    """Headers and steps as written, up to the end or to where a power cut tore it."""
    data, place, life = file.read_bytes(), 0, 0
    at_ms, marks = 0, [0]
    while place < len(data):
        try:
            kind, after = _read_varint(data, place)
            if kind == _HEADER:
                length, after = _read_varint(data, after)
                if after + length > len(data):
                    return
                header = msgspec.json.decode(data[after : after + length])
                place, life, at_ms, marks = after + length, life + 1, header["at_ms"], list(header["marks"])
                yield header
                continue
            change, after = _read_varint(data, after)
            moved = list(marks)
            for number in range(len(marks)):
                if (kind - 1) >> number & 1:
                    growth, after = _read_varint(data, after)
                    moved[number] += _unzigzag(growth)
        except IndexError:
            return
        place, at_ms, marks = after, at_ms + _unzigzag(change), moved
        yield Step(life, at_ms, tuple(marks), bool((kind - 1) & _HALTED))


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d")


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _unzigzag(value: int) -> int:
    return value >> 1 if not value & 1 else -(value + 1 >> 1)


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value, place, shift = value | (byte & 0x7F) << shift, place + 1, shift + 7
        if byte < 0x80:
            return value, place
