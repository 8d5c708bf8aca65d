"""Least and greatest values of overlapping ranges, times of the first and last event, and the last value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.kernel.aggregates.contract import Accumulated
from features.kernel.aggregates.rollover import Extreme, Latest, Timeless
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


@dataclass(frozen=True, slots=True)
class FirstTime(Extreme, Timeless):
    """Time of the first event, microseconds UTC."""

    @property
    def identity(self) -> tuple[int, ...]:
        """Later than every time."""
        return (NOTHING_LEAST,)

    def prepare(self, selection: Selection) -> Accumulated:
        """Return the times, plus one entry for ranges at the end."""
        return (np.append(selection.occurred, NOTHING_LEAST),)

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Return the time of the first row of each range; rows are ordered by time."""
        (times,) = prepared
        return (np.where(ranges.upper > ranges.lower, times[ranges.lower], NOTHING_LEAST),)

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Take the earlier time."""
        return (np.minimum(left[0], right[0]),)


@dataclass(frozen=True, slots=True)
class LastTime(Latest, Timeless):
    """Time of the last event, microseconds UTC."""

    @property
    def identity(self) -> tuple[int, ...]:
        """Earlier than every time."""
        return (NOTHING_GREATEST,)

    def prepare(self, selection: Selection) -> Accumulated:
        """Return the times, plus one entry at the end, where index -1 finds it."""
        return (np.append(selection.occurred, NOTHING_GREATEST),)

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Return the time of the last row of each range."""
        (times,) = prepared
        return (np.where(ranges.upper > ranges.lower, times[ranges.upper - 1], NOTHING_GREATEST),)

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Take the later time."""
        return (np.maximum(left[0], right[0]),)


@dataclass(frozen=True, slots=True)
class LastValue(Latest, Timeless):
    """Time and value of the last event; of several at the same time, the greatest or the least value.

    This is the maximum of (time, value), or of (time, -value), so it does not depend on the order of merging.
    """

    least: bool = False

    @property
    def identity(self) -> tuple[int, ...]:
        """Earlier than every time, smaller than every value."""
        return (NOTHING_GREATEST, NOTHING_GREATEST)

    def prepare(self, selection: Selection) -> Accumulated:
        """Return the times, and for each row the value that wins at its time; both with an entry for index -1."""
        times = selection.occurred
        if not len(times):
            nothing = np.array([NOTHING_GREATEST])
            return (nothing, nothing)
        changes = np.append(True, (np.diff(times) != 0) | (np.diff(selection.owner) != 0))
        settle = np.minimum if self.least else np.maximum
        settled = settle.reduceat(selection.values, np.flatnonzero(changes))[np.cumsum(changes) - 1]
        return (np.append(times, NOTHING_GREATEST), np.append(settled, NOTHING_GREATEST))

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Return time and value of the last row of each range; a range has all rows of a time or none."""
        times, values = prepared
        last = np.where(ranges.upper > ranges.lower, ranges.upper - 1, -1)
        return (times[last], values[last])

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Take the later pair."""
        (left_time, left_value), (right_time, right_value) = left, right
        wins = right_value < left_value if self.least else right_value > left_value
        right_wins = (right_time > left_time) | ((right_time == left_time) & wins)
        return (np.where(right_wins, right_time, left_time), np.where(right_wins, right_value, left_value))
