"""How one customer's state is packed for the online store: what a reader must check, then the numbers.

A packed state is the length of the layout's fingerprint (1 byte), the fingerprint (UTF-8), the midnight the state
stands for (int64, microseconds UTC) and the slots (int64), little-endian, deflated at the quickest level. The
header goes with the numbers, instead of into columns of its own, for three reasons: one row in the store for each
customer instead of three; one read that cannot mix old and new; and a midnight that is exact, where SQLite in
Feast keeps whole seconds and shifts them when writer and reader run in different time zones.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import StateError

_MIDNIGHT = struct.Struct("<q")
_SLOT = np.dtype("<i8")


@dataclass(frozen=True, slots=True)
class PackedHeader:
    """What a packed state says of itself.

    Attributes:
        midnight: Microseconds UTC.
    """

    layout: str
    midnight: int


def pack(matrix: NDArray[np.int64], layout: str, midnight: int) -> list[bytes]:
    """Pack states.

    Args:
        matrix: Shape (n, slots).
        layout: Fingerprint of what the slots mean, at most 255 bytes.
        midnight: Microseconds UTC.

    Example:
        >>> [packed] = pack(np.array([[7, -1]]), "a1b2", midnight=1_000)
        >>> header, slots = unpack(packed)
        >>> header, slots.tolist()
        (PackedHeader(layout='a1b2', midnight=1000), [7, -1])
    """
    name = layout.encode()
    header = bytes([len(name)]) + name + _MIDNIGHT.pack(midnight)
    rows = np.ascontiguousarray(matrix, dtype=_SLOT)
    return [zlib.compress(header + row.tobytes(), level=1) for row in rows]


def unpack(packed: bytes) -> tuple[PackedHeader, NDArray[np.int64]]:
    """Unpack one state: its header, and its slots of shape (slots,).

    Raises:
        StateError: Bytes that `pack` has not made.
    """
    try:
        plain = zlib.decompress(packed)
        start = 1 + plain[0]
        layout = plain[1:start].decode()
        (midnight,) = _MIDNIGHT.unpack_from(plain, start)
        slots = np.frombuffer(plain, dtype=_SLOT, offset=start + _MIDNIGHT.size).astype(np.int64, copy=False)
    except (zlib.error, struct.error, ValueError, IndexError) as error:
        raise _damaged(str(error)) from error
    return PackedHeader(layout, midnight), slots


def stack(rows: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Stack the slots of states of one layout into shape (n, slots); (0, 0) without any.

    Raises:
        StateError: States of different lengths.
    """
    if not rows:
        return np.empty((0, 0), dtype=np.int64)
    for row in rows:
        if len(row) != len(rows[0]):
            raise _damaged(f"{len(row)} slots instead of {len(rows[0])}")
    return np.stack(rows)


def _damaged(how: str) -> StateError:
    return StateError("a packed state is damaged", got=how, remedy="build the online state again")
