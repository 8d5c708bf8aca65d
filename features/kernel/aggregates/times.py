"""Times of the first and the last event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.kernel.aggregates.contract import Accumulated
from features.kernel.aggregates.extremes import NOTHING_GREATEST, NOTHING_LEAST
from features.kernel.aggregates.rollover import Extreme, Latest, Timeless
from features.kernel.selection import Ranges, Selection


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
