import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from domain.errors import StateError
from features.store.packing import PackedHeader, header_of, pack, stack, unpack

EVERY_INT64 = st.integers(-(2**63), 2**63 - 1)


@given(
    matrix=arrays(np.int64, array_shapes(min_dims=2, max_dims=2), elements=EVERY_INT64),
    layout=st.text(max_size=20),
    midnight=EVERY_INT64,
)
def test_what_is_packed_comes_back(matrix: np.ndarray, layout: str, midnight: int) -> None:
    unpacked = [unpack(packed) for packed in pack(matrix, layout, midnight)]
    assert {header for header, _ in unpacked} == {PackedHeader(layout, midnight)}
    np.testing.assert_array_equal(stack([slots for _, slots in unpacked]), matrix)


def test_no_rows_pack_to_nothing() -> None:
    assert pack(np.empty((0, 3), dtype=np.int64), "a", 0) == []
    assert stack([]).shape == (0, 0)


def test_a_state_mostly_of_zeros_becomes_small() -> None:
    [packed] = pack(np.zeros((1, 400), dtype=np.int64), "a", 0)
    assert len(packed) < 100


@pytest.mark.parametrize(
    "packed", [b"", b"no", zlib.compress(b""), zlib.compress(b"\x05ab"), zlib.compress(b"\x00" * 12)]
)
def test_damaged_bytes_are_a_clear_error(packed: bytes) -> None:
    with pytest.raises(StateError, match="damaged"):
        unpack(packed)


def test_states_of_different_lengths_are_a_clear_error() -> None:
    with pytest.raises(StateError, match="2 slots instead of 3"):
        stack([np.zeros(3, dtype=np.int64), np.zeros(2, dtype=np.int64)])


@given(flipped=st.integers(0, 8 * 60 - 1))
def test_a_flipped_bit_is_always_found(flipped: int) -> None:
    [packed] = pack(np.arange(90)[np.newaxis], "a1", 7)
    damaged = bytearray(packed)
    damaged[flipped // 8] ^= 1 << flipped % 8
    with pytest.raises(StateError, match="damaged"):
        header_of(bytes(damaged))


def test_a_header_is_read_without_the_numbers() -> None:
    [packed] = pack(np.zeros((1, 3), dtype=np.int64), "ü" * 100, -5)
    assert header_of(packed) == PackedHeader("ü" * 100, -5) == unpack(packed)[0]
