"""The last known value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.kernel.aggregates.contract import Accumulated
from features.kernel.aggregates.extremes import NOTHING_GREATEST
from features.kernel.aggregates.rollover import Latest, Timeless
from features.kernel.selection import Ranges, Selection


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
