"""A trader's journal: at each step, the clock and how far it had read. With the tape and the ledger, its life again.

One file a life, append-only: `momentum-2026-05-13-1778630400000.journal`, with the day and the clock it begins at. It
begins with a JSON header (format, agent, seed, settings, absolute clock and marks) behind its length. The rest is one
deflate stream, synchronised at each flush, of steps. A step is unsigned varints (LEB128):

    flags          which marks moved (bit i: mark i), bit 7 for a clock that struck, bit 8 for a body
    clock          ms since the step before, zigzag-coded: clocks may be set back
    one a set bit  by how much that mark grew, zigzag-coded
    check          one byte of whatever the writer sums up: it tells where two lives part
    body           its length and its bytes, if it has one: what is to be found nowhere else

A usual step is four bytes on the disk. Steps leave whole; an end torn by a power cut is ignored by the reader. A disk
that refuses ends nothing: steps wait in memory, and when they are too many a new file begins as soon as one can; its
header says that it goes on from nothing (`begins` false).
"""

import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

FORMAT = 2  # 1 had neither checks nor bodies, and was not compressed
_CLOCK, _BODY = 1 << 7, 1 << 8
_BUFFER_BYTES = 16_384  # of steps, before compression
_WAITING_BYTES = 1 << 20  # that the disk refuses: about a quarter of a million steps
_LEVEL = 6


class Step(NamedTuple):
    """What one step consumed: everything up to these marks, at this clock."""

    at_ms: int
    marks: tuple[int, ...]
    clock: bool = False
    check: int = 0
    body: bytes = b""


class Journal:
    """Writes one trader's journal. `flush` before an order leaves, so that its decision can be followed.

    failing  why the disk refuses, while it does; "" when all is well
    """

    def __init__(self, folder: Path, agent: str) -> None:
        self._folder, self._agent = folder, agent
        self.failing = ""
        self._file: FileIO | None = None
        self._squeeze = zlib.compressobj(_LEVEL)
        self._steps_bytes = 0  # given to the compressor since the last flush
        self._pending = bytearray()
        self._header: dict[str, Any] = {}
        self._at_ms = 0
        self._marks: tuple[int, ...] = ()

    def begin(self, header: dict[str, Any], at_ms: int, marks: Sequence[int]) -> None:
        """A new life: everything a replay needs to know before its first step."""
        self._header = header
        self._open(at_ms, marks, begins=True)

    def step(self, at_ms: int, marks: Sequence[int], *, clock: bool = False, check: int = 0, body: bytes = b"") -> None:
        """Note what a step consumed. clock: it struck; check: a byte."""
        if self._file is None:
            self._open(at_ms, marks, begins=False)
        if self._file is None:
            return
        grown = [new - old for new, old in zip(marks, self._marks, strict=True)]
        flags = sum(1 << place for place, growth in enumerate(grown) if growth)
        flags |= (_CLOCK if clock else 0) | (_BODY if body else 0)
        step = _varint(flags) + _varint(_zigzag(at_ms - self._at_ms))
        step += b"".join(_varint(_zigzag(growth)) for growth in grown if growth) + bytes((check,))
        if body:
            step += _varint(len(body)) + body
        self._pending += self._squeeze.compress(step)
        self._steps_bytes += len(step)
        self._at_ms, self._marks = at_ms, tuple(marks)
        if self._steps_bytes >= _BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand what was noted to the operating system: a killed process loses nothing after this."""
        if self._steps_bytes:
            self._pending += self._squeeze.flush(zlib.Z_SYNC_FLUSH)
            self._steps_bytes = 0
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
        self._squeeze, self._steps_bytes = zlib.compressobj(_LEVEL), 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, at_ms: int, marks: Sequence[int], *, begins: bool) -> None:
        self.close()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = (self._folder / f"{self._agent}-{_day(at_ms)}-{at_ms}.journal").open("ab", buffering=0)
        except OSError as error:
            self.failing = str(error)
            return
        facts = {"format": FORMAT, "begins": begins, "at_ms": at_ms, "marks": list(marks)}
        body = msgspec.json.encode({**self._header, **facts})
        self._pending += _varint(len(body)) + body
        self.flush()
        self._at_ms, self._marks = at_ms, tuple(marks)


def files(folder: Path, agent: str) -> list[Path]:
    """An agent's journals, oldest first."""
    found = [file for file in folder.glob("*.journal") if file.stem.rsplit("-", 4)[0] == agent]
    return sorted(found, key=began_ms)


def agents(folder: Path) -> list[str]:
    """Every agent with a journal."""
    return sorted({file.stem.rsplit("-", 4)[0] for file in folder.glob("*.journal")})


def began_ms(file: Path) -> int:
    """The clock a file begins at."""
    return int(file.stem.rsplit("-", 1)[1])


def read(file: Path) -> tuple[dict[str, Any], Iterator[Step]]:
    """A journal's header, and its steps up to the end or to where a power cut tore it.

    raises  ValueError when not even the header is whole, or when another build wrote it in a format of its own
    """
    data = file.read_bytes()
    try:
        length, after = _read_varint(data, 0)
        header = msgspec.json.decode(data[after : after + length])
    except (IndexError, msgspec.DecodeError) as error:
        raise ValueError(f"{file} has no whole header") from error
    if header.get("format", 1) != FORMAT:
        raise ValueError(f"{file.name} has format {header.get('format', 1)}, this build reads {FORMAT}")
    return header, _steps(_inflate(data[after + length :]), header["at_ms"], tuple(header["marks"]))


def _inflate(data: bytes) -> bytes:
    """As much as is whole."""
    stream, found = zlib.decompressobj(), bytearray()
    for place in range(0, len(data), _BUFFER_BYTES):
        try:
            found += stream.decompress(data[place : place + _BUFFER_BYTES])
        except zlib.error:
            break
    return bytes(found)


def _steps(data: bytes, at_ms: int, marks: tuple[int, ...]) -> Iterator[Step]:
    place = 0
    while place < len(data):
        moved, length = list(marks), 0
        try:
            flags, after = _read_varint(data, place)
            change, after = _read_varint(data, after)
            for number in range(len(marks)):
                if flags >> number & 1:
                    growth, after = _read_varint(data, after)
                    moved[number] += _unzigzag(growth)
            check = data[after]
            after += 1
            if flags & _BODY:
                length, after = _read_varint(data, after)
        except IndexError:
            return
        body = data[after : after + length]
        if len(body) < length:
            return
        place, at_ms, marks = after + length, at_ms + _unzigzag(change), tuple(moved)
        yield Step(at_ms, marks, bool(flags & _CLOCK), check, body)


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
