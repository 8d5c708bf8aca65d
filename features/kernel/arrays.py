"""Array operations that numpy lacks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Int64Array = NDArray[np.int64]
Int64Matrix = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def counted_before(flags: BoolArray) -> Int64Array:
    """Count the flags before each position, shape (n + 1,); the difference of two entries counts the flags between.

    Example:
        >>> counted_before(np.array([True, False, True]))
        array([0, 1, 1, 2])
    """
    counts = np.zeros(len(flags) + 1, dtype=np.int64)
    np.cumsum(flags, out=counts[1:])
    return counts


def spread(lower: Int64Array, upper: Int64Array) -> tuple[Int64Array, Int64Array]:
    """List every position of every range, with the number of its range.

    Example:
        >>> spread(np.array([3, 0, 7]), np.array([5, 0, 8]))
        (array([0, 0, 2]), array([3, 4, 7]))
    """
    lengths = np.maximum(upper - lower, 0)
    owners = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    ends = np.cumsum(lengths)
    positions = np.arange(len(owners), dtype=np.int64) + np.repeat(lower - (ends - lengths), lengths)
    return owners, positions
