"""Columns survive packing exactly, and a damaged blob is never read as something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.errors import InvariantBroken
from outcry.store import columns

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
    assert columns.unpack(codec, blob, crc, len(table[0])) == table


def test_each_column_is_as_narrow_as_it_can_be():
    codec, blob, _crc = columns.pack(
        [range(1_000_000, 1_000_500), [127] * 500, [128] * 500, [-40_000] * 500, [1 << 40] * 500],
        [True, False, False, False, False],
    )
    assert codec == "zlib1:+i:b:h:i:q"
    assert len(blob) < 200


@pytest.mark.parametrize("damage", ["flip", "cut", "rows", "crc"])
def test_damage_is_told(damage: str):
    codec, blob, crc = columns.pack([[1, 2, 3], [5, 6, 7]], [True, False])
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
        columns.unpack(codec, blob, crc, rows)


def test_a_number_beyond_64_bits_is_refused():
    with pytest.raises(InvariantBroken):
        columns.pack([[1 << 63]], [False])
