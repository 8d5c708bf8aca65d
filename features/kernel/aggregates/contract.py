"""What every aggregate is: a commutative monoid of int64, so that parts of a history merge exactly."""

from __future__ import annotations

from typing import Protocol

from features.kernel.arrays import Int64Array
from features.kernel.selection import Ranges, Selection

Accumulated = tuple[Int64Array, ...]
"""One array of shape (m,) for each number that an aggregate keeps of a moment."""


class Aggregate(Protocol):
    """What is kept of the events in a window.

    `merge` is associative and commutative, and merging `identity` changes nothing: whichever way a history is cut,
    by prefix sums, event by event or at midnight, the merged parts are the same bits.
    """

    @property
    def identity(self) -> tuple[int, ...]:
        """What is kept of no events."""
        ...

    def prepare(self, selection: Selection) -> Accumulated:
        """Do once per selection what all windows share; the meaning of the arrays is the aggregate's own."""
        ...

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Aggregate the selected rows in each range."""
        ...

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Put what is kept of two disjoint parts together."""
        ...
