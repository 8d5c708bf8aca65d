"""The value last known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.kernel.aggregates.contract import Accumulated
from features.kernel.aggregates.extremes import NOTHING_GREATEST
from features.kernel.aggregates.rollover import Latest, Timeless
from features.kernel.selection import Ranges, Selection


@dataclass(frozen=True, slots=True)
class LastValue(Latest, Timeless):
    """Time and value of the last event; of several at the same time the greatest value, or the least.

    That makes it the maximum of (time, value), or of (time, -value), which does not depend on the order of what is
    merged.
    """

    least: bool = False

    @property
    def identity(self) -> tuple[int, ...]:
        """Before every time, below every value."""
        return (NOTHING_GREATEST, NOTHING_GREATEST)

    def prepare(self, selection: Selection) -> Accumulated:
        """Times, and for each row the value of its owner's time; both with a place for -1 at the end."""
        times = selection.occurred
        if not len(times):
            nothing = np.array([NOTHING_GREATEST])
            return (nothing, nothing)
        changes = np.append(True, (np.diff(times) != 0) | (np.diff(selection.owner) != 0))
        settle = np.minimum if self.least else np.maximum
        settled = settle.reduceat(selection.values, np.flatnonzero(changes))[np.cumsum(changes) - 1]
        return (np.append(times, NOTHING_GREATEST), np.append(settled, NOTHING_GREATEST))

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Time and value of the last row of each range; a range holds all rows of a time or none."""
        times, values = prepared
        last = np.where(ranges.upper > ranges.lower, ranges.upper - 1, -1)
        return (times[last], values[last])

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Take the later pair."""
        (left_time, left_value), (right_time, right_value) = left, right
        wins = right_value < left_value if self.least else right_value > left_value
        right_wins = (right_time > left_time) | ((right_time == left_time) & wins)
        return (np.where(right_wins, right_time, left_time), np.where(right_wins, right_value, left_value))
