"""Counts and sums, computed as differences of running totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.kernel.aggregates.contract import Accumulated
from features.kernel.aggregates.rollover import Subtracted, Timeless
from features.kernel.selection import Ranges, Selection


@dataclass(frozen=True, slots=True)
class Count(Subtracted, Timeless):
    """Number of events."""

    @property
    def identity(self) -> tuple[int, ...]:
        """Zero."""
        return (0,)

    def prepare(self, selection: Selection) -> Accumulated:
        """Prepare nothing: ranges know their length."""
        return ()

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Return the length of each range."""
        return (ranges.upper - ranges.lower,)

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Add the numbers."""
        return (left[0] + right[0],)


@dataclass(frozen=True, slots=True)
class Sum(Subtracted, Timeless):
    """Sum of values in fixed point; running totals may wrap around, but their differences are exact."""

    @property
    def identity(self) -> tuple[int, ...]:
        """Zero."""
        return (0,)

    def prepare(self, selection: Selection) -> Accumulated:
        """Compute the running total before each row."""
        total = np.zeros(len(selection) + 1, dtype=np.int64)
        np.cumsum(selection.values, out=total[1:])
        return (total,)

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Return the difference of the running total over each range."""
        (total,) = prepared
        return (total[ranges.upper] - total[ranges.lower],)

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Add the numbers."""
        return (left[0] + right[0],)
