"""Packed states: one customer's state in the online store, first a header to check, then the numbers.

A packed state is a checksum (CRC-32 of the rest), the midnight of the state (int64, microseconds UTC), the number of
slots (uint16), the length of the layout's fingerprint (uint8), the fingerprint (UTF-8), and the slots (int64)
compressed as one LZ4 block; everything little-endian. LZ4 packs 15 times faster than deflate here and is a quarter
larger, well below 1 kB a customer. The header is not compressed, so that checking whether a state is newer costs next
to nothing.

The header is stored with the numbers rather than in columns of its own for three reasons: the store has one row per
customer instead of three; one read cannot mix old and new; and the midnight is exact, whereas SQLite in Feast keeps
whole seconds and shifts them if writer and reader run in different time zones.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.errors import StateError

_CHECKSUM = struct.Struct("<I")
_HEADER = struct.Struct("<qHB")
_LAYOUT = _CHECKSUM.size + _HEADER.size
_SLOT = np.dtype("<i8")
_LZ4 = pa.Codec("lz4_raw")


@dataclass(frozen=True, slots=True)
class PackedHeader:
    """Header of a packed state.

    Attributes:
        layout: Fingerprint of the meaning of the slots.
        midnight: Microseconds UTC.
    """

    layout: str
    midnight: int


def pack(matrix: NDArray[np.int64], layout: str, midnight: int) -> list[bytes]:
    """Pack states.

    Args:
        matrix: Shape (n, slots), at most 65,535 slots.
        layout: Fingerprint of the meaning of the slots, at most 255 bytes.
        midnight: Microseconds UTC.

    Example:
        >>> [packed] = pack(np.array([[7, -1]]), "a1b2", midnight=1_000)
        >>> header_of(packed)
        PackedHeader(layout='a1b2', midnight=1000)
        >>> unpack(packed)[1].tolist()
        [7, -1]
    """
    name = layout.encode()
    header = _HEADER.pack(midnight, matrix.shape[1], len(name)) + name
    rows = np.ascontiguousarray(matrix, dtype=_SLOT)
    bodies = [header + _LZ4.compress(row, asbytes=True) for row in rows] if rows.size else [header] * len(rows)
    return [_CHECKSUM.pack(crc32(body)) + body for body in bodies]


def header_of(packed: bytes) -> PackedHeader:
    """Read the header of a packed state, without its numbers.

    Raises:
        StateError: If the bytes were not made by `pack`.
    """
    return _opened(packed)[0]


def unpack(packed: bytes) -> tuple[PackedHeader, NDArray[np.int64]]:
    """Unpack one state: its header, and its slots, shape (slots,).

    Raises:
        StateError: If the bytes were not made by `pack`.
    """
    header, slots, body = _opened(packed)
    if not slots:
        return header, np.empty(0, dtype=np.int64)
    try:
        plain = _LZ4.decompress(body, slots * _SLOT.itemsize, asbytes=True)
    except (OSError, ValueError) as error:
        raise _damaged(str(error)) from error
    return header, np.frombuffer(plain, dtype=_SLOT).astype(np.int64, copy=False)


def stack(rows: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Stack the slots of states of one layout into shape (n, slots); (0, 0) if there are none.

    Raises:
        StateError: If the states have different lengths.
    """
    if not rows:
        return np.empty((0, 0), dtype=np.int64)
    for row in rows:
        if len(row) != len(rows[0]):
            raise _damaged(f"{len(row)} slots instead of {len(rows[0])}")
    return np.stack(rows)


def _opened(packed: bytes) -> tuple[PackedHeader, int, bytes]:
    """Check a packed state and split it into header, number of slots, and compressed slots."""
    try:
        (checksum,) = _CHECKSUM.unpack_from(packed)
        if checksum != crc32(memoryview(packed)[_CHECKSUM.size :]):
            raise _damaged("a wrong checksum")
        midnight, slots, length = _HEADER.unpack_from(packed, _CHECKSUM.size)
        layout = packed[_LAYOUT : _LAYOUT + length].decode()
    except (struct.error, ValueError) as error:
        raise _damaged(str(error)) from error
    return PackedHeader(layout, midnight), slots, packed[_LAYOUT + length :]


def _damaged(how: str) -> StateError:
    return StateError("a packed state is damaged", got=how, remedy="build the online state again")
