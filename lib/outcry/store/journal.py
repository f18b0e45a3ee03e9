"""A trader's journal: at each step, the clock and how far it had read. With the tape and the ledger, its life again.

One file a life and UTC day, append-only: `momentum-2026-05-13-1778630400000.journal`, with the clock it begins at. It
begins with a JSON header (agent, seed, settings, warm state, absolute clock and marks) behind its length. Each step is
then one record of unsigned varints (LEB128):

    flags          which marks moved (bit i: mark i), and bit 7 for a halt file that is there
    clock          ms since the record before, zigzag-coded: clocks may be set back
    one a set bit  by how much that mark grew, zigzag-coded

A usual step is four bytes. Records leave whole; an end torn by a power cut is ignored by the reader. A disk that
refuses ends nothing: steps wait in memory, and when they are too many a new file begins as soon as one can.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

_HALTED = 1 << 7
_BUFFER_BYTES = 4_096
_WAITING_BYTES = 1 << 20  # of steps that the disk refuses: about a quarter of a million


class Step(NamedTuple):
    """What one step consumed: everything up to these marks, at this clock."""

    at_ms: int
    marks: tuple[int, ...]
    halted: bool


class Journal:
    """Writes one trader's journal. `flush` before an order leaves, so that its decision can be followed.

    failing  why the disk refuses, while it does; "" when all is well
    """

    def __init__(self, folder: Path, agent: str) -> None:
        self._folder, self._agent = folder, agent
        self.failing = ""
        self._file: FileIO | None = None
        self._pending = bytearray()
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
        if self._file is None or _day(at_ms) != self._day:
            self._open(at_ms, marks)
        if self._file is None:
            return
        grown = [new - old for new, old in zip(marks, self._marks, strict=True)]
        flags = sum(1 << place for place, growth in enumerate(grown) if growth) | (_HALTED if halted else 0)
        self._pending += _varint(flags) + _varint(_zigzag(at_ms - self._at_ms))
        self._pending += b"".join(_varint(_zigzag(growth)) for growth in grown if growth)
        self._at_ms, self._marks = at_ms, tuple(marks)
        if len(self._pending) >= _BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand what was noted to the operating system: a killed process loses nothing after this."""
        if self._file is None or not self._pending:
            return
        try:
            del self._pending[: self._file.write(self._pending)]
        except OSError as error:
            self.failing = str(error)
            if len(self._pending) > _WAITING_BYTES:
                self._give_up()
            return
        self.failing = "the disk took a part" if self._pending else ""

    def close(self) -> None:
        self.flush()
        self._give_up()

    def _give_up(self) -> None:
        """Close the file; what did not reach it is gone, and the next one begins with marks of its own."""
        self._pending.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, at_ms: int, marks: Sequence[int]) -> None:
        self.close()
        day = _day(at_ms)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = (self._folder / f"{self._agent}-{day}-{at_ms}.journal").open("ab", buffering=0)
        except OSError as error:
            self.failing = str(error)
            return
        body = msgspec.json.encode({**self._header, "at_ms": at_ms, "marks": list(marks)})
        self._pending += _varint(len(body)) + body
        self.flush()
        self._day, self._at_ms, self._marks = day, at_ms, tuple(marks)


def files(folder: Path, agent: str) -> list[Path]:
    """An agent's journals, oldest first."""
    found = [file for file in folder.glob("*.journal") if file.stem.rsplit("-", 4)[0] == agent]
    return sorted(found, key=lambda file: int(file.stem.rsplit("-", 1)[1]))


def read(file: Path) -> tuple[dict[str, Any], Iterator[Step]]:
    """A journal's header, and its steps up to the end or to where a power cut tore it.

    raises  ValueError when not even the header is whole
    """
    data = file.read_bytes()
    try:
        length, after = _read_varint(data, 0)
        header = msgspec.json.decode(data[after : after + length])
    except (IndexError, msgspec.DecodeError) as error:
        raise ValueError(f"{file} has no whole header") from error
    return header, _steps(data, after + length, header["at_ms"], tuple(header["marks"]))


def _steps(data: bytes, place: int, at_ms: int, marks: tuple[int, ...]) -> Iterator[Step]:
    while place < len(data):
        moved = list(marks)
        try:
            flags, after = _read_varint(data, place)
            change, after = _read_varint(data, after)
            for number in range(len(marks)):
                if flags >> number & 1:
                    growth, after = _read_varint(data, after)
                    moved[number] += _unzigzag(growth)
        except IndexError:
            return
        place, at_ms, marks = after, at_ms + _unzigzag(change), tuple(moved)
        yield Step(at_ms, marks, bool(flags & _HALTED))


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
