"""Columns of integers as one small compressed blob, and back.

Each column is stored in the narrowest array type that holds it. A column that is the same throughout, or counts evenly,
is not stored at all. Of one that only grows (sequence numbers, times), values differ in their lowest bytes only: those
are stored, all lowest ones first, then all second ones. Every column is compressed by itself, so that a reader pays
only for those it looks at.

The codec says how to read a blob: `zcol1:@7,1:s3.f401000000000000/83:i/912` is zlib, level 1, of three columns: 7, 8,
9, …; the two lowest bytes (mask 3) of values whose others are those of 500, in the first 83 bytes; values in 4 bytes,
in the next 912; little-endian. Earlier tapes have `h+500`, differences that begin at 500, and `zlib1:…`, without
lengths: all columns one after the other, compressed in one piece.
"""

import sys
import zlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate

from outcry.domain.errors import InvariantBroken

_WIDTHS = (("b", 1 << 7), ("h", 1 << 15), ("i", 1 << 31), ("q", 1 << 63))
_SIZES = {"@": 0, "s": 0} | {code: array(code).itemsize for code, _ in _WIDTHS}
_LEVEL = 1
_NAME, _OLD_NAME = f"zcol{_LEVEL}", f"zlib{_LEVEL}"
_SWAP = sys.byteorder == "big"


def pack(columns: Sequence[Sequence[int]], growing: Sequence[bool]) -> tuple[str, bytes, int]:
    """Columns of equal length as (codec, blob, crc32 of the blob).

    growing  which columns only grow
    """
    parts: list[bytes] = []
    codes = [_NAME]
    for column, grows in zip(columns, growing, strict=True):
        if even := _even(column):
            codes.append(even)
            continue
        code, plain = _planes(column) if grows and column else _whole(column)
        parts.append(zlib.compress(plain, _LEVEL))
        codes.append(f"{code}/{len(parts[-1])}")
    blob = b"".join(parts)
    return ":".join(codes), blob, zlib.crc32(blob)


class Columns:
    """The columns of a blob; each is decompressed when it is first asked for.

    rows    how many rows the blob has
    raises  InvariantBroken, from here and from asking, when the blob is not what was written
    """

    def __init__(self, codec: str, blob: bytes, crc: int, rows: int) -> None:
        name, *codes = codec.split(":")
        if name not in (_NAME, _OLD_NAME):
            raise InvariantBroken(f"chunk of codec {name}, which this build cannot read")
        plain = blob if name == _NAME else _inflate(blob)
        if zlib.crc32(plain) != crc:
            raise InvariantBroken(f"chunk of codec {codec} does not match its checksum")
        self._rows, self._parts = rows, _split(codes, plain, rows)
        self._whole = name == _OLD_NAME
        self._known: dict[int, Sequence[int]] = {}

    def __len__(self) -> int:
        return len(self._parts)

    def __iter__(self) -> Iterator[Sequence[int]]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, index: int) -> Sequence[int]:
        known = self._known.get(index)
        if known is None:
            known = self._known[index] = self._column(*self._parts[index])
        return known

    def _column(self, code: str, part: bytes) -> Sequence[int]:
        if code.startswith("@"):
            first, step = map(int, code[1:].split(","))
            return _count(first, step, self._rows) if step else [first] * self._rows
        plain = part if self._whole else _inflate(part)
        if code.startswith("s"):
            return _joined(code, plain, self._rows)
        values = array(code[0])
        values.frombytes(plain)
        if len(values) != self._rows:
            raise InvariantBroken(f"chunk holds {len(values)} values of {code}, {self._rows} expected")
        if _SWAP:
            values.byteswap()
        if code[1:] and self._rows:
            return list(accumulate(values[1:], initial=int(code[2:])))
        return values


def _whole(column: Sequence[int]) -> tuple[str, bytes]:
    """A column as it is, in the narrowest type."""
    packed = array(_width(column), column)
    if _SWAP:
        packed.byteswap()
    return packed.typecode, packed.tobytes()


def _planes(column: Sequence[int]) -> tuple[str, bytes]:
    """Those bytes of the values that are not the same throughout, and the code that has the others."""
    _width(column)
    packed = array("q", column)
    if _SWAP:
        packed.byteswap()
    plain = packed.tobytes()
    planes = [plain[byte::8] for byte in range(8)]
    varying = [byte for byte in range(8) if planes[byte].count(planes[byte][0]) != len(column)]
    mask = sum(1 << byte for byte in varying)
    return f"s{mask:x}.{plain[:8].hex()}", b"".join(planes[byte] for byte in varying)


def _joined(code: str, plain: bytes, rows: int) -> Sequence[int]:
    """The column that `_planes` took apart."""
    mask, _, first = code[1:].partition(".")
    varying = [byte for byte in range(8) if int(mask, 16) >> byte & 1]
    if len(plain) != rows * len(varying):
        raise InvariantBroken(f"chunk holds {len(plain)} bytes of {code}, {rows * len(varying)} expected")
    joined = bytearray(bytes.fromhex(first) * rows)
    for number, byte in enumerate(varying):
        joined[byte::8] = plain[number * rows : (number + 1) * rows]
    values = array("q")
    values.frombytes(joined)
    if _SWAP:
        values.byteswap()
    return values


def _split(codes: list[str], plain: bytes, rows: int) -> list[tuple[str, bytes]]:
    """(code without its length, bytes) of each column."""
    parts: list[tuple[str, bytes]] = []
    at = 0
    for code in codes:
        bare, _, length = code.partition("/")
        if bare[:1] not in _SIZES:
            raise InvariantBroken(f"chunk with a column of code {code!r}, which this build cannot read")
        size = int(length) if length else rows * _SIZES[bare[0]]
        parts.append((bare, plain[at : at + size]))
        at += size
    if at != len(plain):
        raise InvariantBroken(f"chunk holds {len(plain)} bytes, {rows} rows of {':'.join(codes)} are {at}")
    return parts


def _inflate(part: bytes) -> bytes:
    try:
        return zlib.decompress(part)
    except zlib.error as error:
        raise InvariantBroken(f"chunk cannot be decompressed: {error}") from error


def _even(column: Sequence[int]) -> str:
    """The code of a column that is constant or counts evenly, else ""."""
    if len(column) < 2:
        return ""
    first, step = column[0], column[1] - column[0]
    same = column.count(first) == len(column) if step == 0 else tuple(column) == tuple(_count(first, step, len(column)))
    return f"@{first},{step}" if same else ""


def _count(first: int, step: int, rows: int) -> range:
    return range(first, first + step * rows, step)


def _width(values: Sequence[int]) -> str:
    low, high = min(values, default=0), max(values, default=0)
    for code, limit in _WIDTHS:
        if -limit <= low and high < limit:
            return code
    raise InvariantBroken(f"{low} … {high} does not fit into 64 bits")
