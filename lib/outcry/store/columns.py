"""Columns of integers as one small compressed blob, and back.

Each column is stored in the narrowest array type that holds it; columns that only grow (sequence numbers, times) as
differences, which are mostly 0 and 1 and compress to almost nothing. The codec says how to read a blob:
`zlib1:+b:+h:i` is zlib, level 1, of three columns: differences in 1 byte, differences in 2 bytes, values in 4 bytes,
little-endian, one after the other.
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
    parts, codes = [], []
    for column, grows in zip(columns, growing, strict=True):
        values = [column[0], *map(sub, column[1:], column)] if grows and column else column
        packed = array(_width(values), values)
        if _SWAP:
            packed.byteswap()
        parts.append(packed.tobytes())
        codes.append(f"{'+' if grows else ''}{packed.typecode}")
    plain = b"".join(parts)
    return f"zlib{_LEVEL}:{':'.join(codes)}", zlib.compress(plain, _LEVEL), zlib.crc32(plain)


def unpack(codec: str, blob: bytes, crc: int, rows: int) -> list[list[int]]:
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
    columns, at = [], 0
    for code in codes:
        values = array(code.lstrip("+"))
        end = at + rows * values.itemsize
        values.frombytes(plain[at:end])
        at = end
        if _SWAP:
            values.byteswap()
        columns.append(list(accumulate(values)) if code.startswith("+") else values.tolist())
    if at != len(plain):
        raise InvariantBroken(f"chunk holds {len(plain)} bytes, {rows} rows of {codec} are {at}")
    return columns


def _width(values: Sequence[int]) -> str:
    low, high = min(values, default=0), max(values, default=0)
    for code, limit in _WIDTHS:
        if -limit <= low and high < limit:
            return code
    raise InvariantBroken(f"{low} … {high} does not fit into 64 bits")
