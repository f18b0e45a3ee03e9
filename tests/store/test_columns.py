"""Columns survive packing exactly, and a damaged blob is never read as something else."""

import zlib
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.errors import InvariantBroken
from outcry.store import columns


def everything(codec: str, blob: bytes, crc: int, rows: int) -> list[list[int]]:
    packed = columns.Columns(codec, blob, crc, rows)
    return [list(packed[index]) for index in range(len(packed))]


HUGE = 1 << 62  # differences of two must still fit


@given(
    st.integers(0, 50).flatmap(
        lambda rows: st.lists(
            st.lists(st.integers(-HUGE, HUGE - 1), min_size=rows, max_size=rows), min_size=1, max_size=5
        )
    ),
    st.data(),
)
def test_what_is_packed_unpacks_to_itself(table: list[list[int]], data: st.DataObject):
    growing = [data.draw(st.booleans()) for _ in table]
    codec, blob, crc = columns.pack(table, growing)
    assert everything(codec, blob, crc, len(table[0])) == table


def test_each_column_is_as_narrow_as_it_can_be():
    some = [1, 2, 4] * 100
    times = [1_000_000 + at + at // 7 for at in range(300)]
    table = [times, [*some[1:], 127], [*some[1:], 128], [*some[1:], -40_000], [*some[1:], 1 << 40]]
    codec, _, _ = columns.pack(table, [True, False, False, False, False])
    assert [part.partition("/")[0] for part in codec.split(":")] == ["zcol1", "s3.40420f0000000000", "b", "h", "i", "q"]


def test_a_column_that_counts_evenly_takes_no_room():
    codec, blob, crc = columns.pack([range(5, 505), [-3] * 500, [9, 7, 5, 3] * 125], [True, False, False])
    assert codec.startswith("zcol1:@5,1:@-3,0:b/")
    assert len(blob) < 40
    assert [column[:3] for column in everything(codec, blob, crc, 500)] == [[5, 6, 7], [-3] * 3, [9, 7, 5]]
    codec, _, _ = columns.pack([[9, 6, 3], [1, 2, 4]], [False, True])
    assert codec.startswith("zcol1:@9,-3:s1.0100000000000000/")


@pytest.mark.parametrize("damage", ["flip", "cut", "rows", "crc"])
def test_damage_is_told(damage: str):
    codec, blob, crc = columns.pack([[1, 2, 4], [5, 6, 8]], [True, False])
    rows = 3
    if damage == "flip":
        blob = blob[:5] + bytes([blob[5] ^ 0xFF]) + blob[6:]
    elif damage == "cut":
        blob = blob[:-3]
    elif damage == "rows":
        rows = 2
    else:
        crc ^= 1
    with pytest.raises(InvariantBroken):
        everything(codec, blob, crc, rows)


def test_a_number_beyond_64_bits_is_refused():
    with pytest.raises(InvariantBroken):
        columns.pack([[1 << 63, 5, 9]], [False])


def test_blobs_of_earlier_tapes_are_read():
    plain = bytes([0, 1, 2]) + array("h", [300, -300, 7]).tobytes()
    blob = zlib.compress(plain, 1)
    assert everything("zlib1:b+500:@9,0:h", blob, zlib.crc32(plain), 3) == [[500, 501, 503], [9, 9, 9], [300, -300, 7]]
    grown = zlib.compress(bytes([0, 1, 2]), 1)
    assert everything(f"zcol1:b+500/{len(grown)}", grown, zlib.crc32(grown), 3) == [[500, 501, 503]]
    with pytest.raises(InvariantBroken, match="which this build cannot read"):
        everything("zcol1:+b", b"", zlib.crc32(b""), 3)
    with pytest.raises(InvariantBroken, match="which this build cannot read"):
        everything("zstd3:b", blob, zlib.crc32(blob), 3)
