"""Least and greatest values of arbitrarily overlapping ranges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.kernel.aggregates.contract import Accumulated
from features.kernel.aggregates.rollover import Extreme, Timeless
from features.kernel.arrays import Int64Array
from features.kernel.selection import Ranges, Selection

NOTHING_LEAST = int(np.iinfo(np.int64).max)
NOTHING_GREATEST = int(np.iinfo(np.int64).min)


@dataclass(frozen=True, slots=True)
class Minimum(Extreme, Timeless):
    """Least value."""

    @property
    def identity(self) -> tuple[int, ...]:
        """Greater than every value."""
        return (NOTHING_LEAST,)

    def prepare(self, selection: Selection) -> Accumulated:
        """Return the values."""
        return (selection.values,)

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Return the least value of each range."""
        return (extreme_of_ranges(np.minimum, prepared[0], ranges, NOTHING_LEAST),)

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Take the lesser value."""
        return (np.minimum(left[0], right[0]),)


@dataclass(frozen=True, slots=True)
class Maximum(Extreme, Timeless):
    """Greatest value."""

    @property
    def identity(self) -> tuple[int, ...]:
        """Less than every value."""
        return (NOTHING_GREATEST,)

    def prepare(self, selection: Selection) -> Accumulated:
        """Return the values."""
        return (selection.values,)

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Return the greatest value of each range."""
        return (extreme_of_ranges(np.maximum, prepared[0], ranges, NOTHING_GREATEST),)

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Take the greater value."""
        return (np.maximum(left[0], right[0]),)


def extreme_of_ranges(function: np.ufunc, values: Int64Array, ranges: Ranges, nothing: int) -> Int64Array:
    """Compute every range from two overlapping blocks of a power of two (a sparse table, one level at a time).

    Time is O(k log L + m) for k values, m ranges, and the longest range L: many long overlapping windows of one
    customer cost no more than short ones. Memory is O(k).

    Example:
        >>> ranges = Ranges(np.array([0, 1, 2]), np.array([4, 3, 2]), np.zeros(3, dtype=np.int64))
        >>> extreme_of_ranges(np.maximum, np.array([5, 1, 4, 9]), ranges, -1)
        array([ 9,  4, -1])
    """
    lengths = ranges.upper - ranges.lower
    found = np.full(len(lengths), nothing, dtype=np.int64)
    longest = int(lengths.max(initial=0))
    # level of a range: the largest power of two that fits; frexp gives the exponent exactly for such small integers
    levels = np.frexp(lengths.astype(np.float64))[1] - 1
    block = values
    for level in range(longest.bit_length()):
        width = 1 << level
        if level:
            block = function(block[: -width // 2], block[width // 2 :])
        at_level = np.flatnonzero((levels == level) & (lengths > 0))
        found[at_level] = function(block[ranges.lower[at_level]], block[ranges.upper[at_level] - width])
    return found
