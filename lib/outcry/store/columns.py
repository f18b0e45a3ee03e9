"""Columns of integers as one small compressed blob, and back.

Each column is stored in the narrowest array type that holds it; columns that only grow (sequence numbers, times) as
differences, which are mostly 0 and 1 and compress to almost nothing. A column that is the same throughout, or counts
evenly, is not stored at all. The codec says how to read a blob: `zlib1:@7,1:h+500:i` is zlib, level 1, of three:
7, 8, 9, …; differences in 2 bytes that begin at 500; values in 4 bytes; little-endian, one after the other.
"""

import sys
import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate
from operator import sub

from outcry.domain.errors import InvariantBroken

_WIDTHS = (("b", 1 << 7), ("h", 1 << 15), ("i", 1 << 31), ("q", 1 << 63))
_LEVEL = 1
_SWAP = sys.byteorder == "big"


def pack(columns: Sequence[Sequence[int]], growing: Sequence[bool]) -> tuple[str, bytes, int]:
    """Columns of equal length as (codec, blob, crc32 of what the blob unpacks to).

    growing  which columns to store as differences; the first difference is the first value
    """
    parts: list[bytes] = []
    codes: list[str] = []
    for column, grows in zip(columns, growing, strict=True):
        if even := _even(column):
            codes.append(even)
            continue
        first = column[0] if grows and column else 0
        values = [0, *map(sub, column[1:], column)] if grows and column else column
        packed = array(_width(values), values)
        if _SWAP:
            packed.byteswap()
        parts.append(packed.tobytes())
        codes.append(f"{packed.typecode}+{first}" if grows else packed.typecode)
    plain = b"".join(parts)
    return f"zlib{_LEVEL}:{':'.join(codes)}", zlib.compress(plain, _LEVEL), zlib.crc32(plain)


def unpack(codec: str, blob: bytes, crc: int, rows: int) -> list[Sequence[int]]:
    """The columns of a blob.

    raises  InvariantBroken when the blob is not what was written
    """
    name, *codes = codec.split(":")
    try:
        plain = zlib.decompress(blob)
    except zlib.error as error:
        raise InvariantBroken(f"chunk cannot be decompressed: {error}") from error
    if not name.startswith("zlib") or zlib.crc32(plain) != crc:
        raise InvariantBroken(f"chunk of codec {codec} does not match its checksum")
    columns: list[Sequence[int]] = []
    at = 0
    for code in codes:
        if code.startswith("@"):
            first, step = map(int, code[1:].split(","))
            columns.append(_count(first, step, rows) if step else [first] * rows)
            continue
        values = array(code[0])
        end = at + rows * values.itemsize
        values.frombytes(plain[at:end])
        at = end
        if _SWAP:
            values.byteswap()
        if code[1:] and rows:
            columns.append(list(accumulate(values[1:], initial=int(code[2:]))))
        else:
            columns.append(values.tolist())
    if at != len(plain):
        raise InvariantBroken(f"chunk holds {len(plain)} bytes, {rows} rows of {codec} are {at}")
    return columns


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
