"""Convert codes and numbers to the columns of files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from simulation.market import IntArray

NOTHING = -1


def names(codes: NDArray[Any], words: tuple[str, ...]) -> pa.Array:
    """Convert codes to words; -1 becomes NULL.

    Example:
        >>> names(np.array([1, -1]), ("app", "web")).to_pylist()
        ['web', None]
    """
    positions = pa.array(np.maximum(codes, 0).astype(np.int32), mask=codes == NOTHING)
    return pa.array(words, pa.string()).take(positions)


def numbered(prefix: str, numbers: NDArray[Any], digits: int) -> pa.Array:
    """Convert numbers to ids.

    Example:
        >>> numbered("C", np.array([7]), 4).to_pylist()
        ['C0007']
    """
    text = pc.utf8_lpad(pa.array(numbers.astype(np.int64)).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(prefix, text, "")


def customer_ids(customers: NDArray[Any]) -> pa.Array:
    """Convert customers' numbers to their ids."""
    return numbered("C", customers, 6)


def decision_ids(decisions: NDArray[Any]) -> pa.Array:
    """Convert decisions' numbers to their ids."""
    return numbered("D", decisions, 8)


def instants(moments: IntArray) -> pa.Array:
    """Convert microseconds UTC to timestamps."""
    return pa.array(moments, pa.timestamp("us", "UTC"))


def wall_clock(local: IntArray) -> pa.Array:
    """Convert local microseconds to ISO text without an offset, in whole seconds.

    Example:
        >>> wall_clock(np.array([0])).to_pylist()
        ['1970-01-01T00:00:00']
    """
    return pc.strftime(pa.array(local // 1_000_000, pa.timestamp("s")), format="%Y-%m-%dT%H:%M:%S")


def with_offset(local: IntArray, moments: IntArray) -> pa.Array:
    """Convert local microseconds to ISO text with their offset from UTC.

    Example:
        >>> with_offset(np.array([0]), np.array([5 * 3600 * 1_000_000])).to_pylist()
        ['1970-01-01T00:00:00-05:00']
    """
    minutes, place = np.unique((local - moments) // 60_000_000, return_inverse=True)
    words = [
        f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}" for offset in minutes.tolist()
    ]
    return pc.binary_join_element_wise(wall_clock(local), pa.array(words).take(pa.array(place)), "")


def amounts(values: NDArray[Any]) -> pa.Array:
    """Convert numbers to a column; NaN becomes NULL."""
    return pa.array(values, mask=np.isnan(values))
