"""Contract of aggregates: each is a commutative monoid of int64, so that parts of a history merge exactly."""

from __future__ import annotations

from typing import Protocol

from features.kernel.arrays import BoolArray, Int64Array
from features.kernel.selection import Ranges, Selection

Accumulated = tuple[Int64Array, ...]
"""One array of shape (m,) for each number that an aggregate keeps for a moment."""


class Aggregate(Protocol):
    """An aggregate over the events in a window.

    `merge` is associative and commutative, and `identity` is its neutral element: however a history is split (by
    prefix sums, event by event, or at midnight), the merged parts have the same bits.

    Numbers kept at a midnight can move to the next one: the events that leave the window are removed (`without`), the
    rest is seen from a day later (`roll`), and what became available in between is merged. `can_subtract` tells where
    this is exact: if a maximum leaves, for example, the next one is not known.
    """

    @property
    def identity(self) -> tuple[int, ...]:
        """Numbers that are kept without events."""
        ...

    def prepare(self, selection: Selection) -> Accumulated:
        """Do the work that all windows share, once per selection; each aggregate defines its arrays."""
        ...

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Aggregate the selected rows in each range."""
        ...

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Merge the numbers kept of two disjoint parts."""
        ...

    def can_subtract(self, kept: Accumulated, leaving: Accumulated) -> BoolArray:
        """Tell for each moment whether `without` gives exactly the numbers of the remaining events.

        Args:
            kept: Numbers of the events in a window before a local midnight.
            leaving: Numbers of those events that are on the window's first day.
        """
        ...

    def without(self, kept: Accumulated, leaving: Accumulated) -> Accumulated:
        """Remove the events on a window's first day; the result is arbitrary where `can_subtract` is false."""
        ...

    def roll(self, kept: Accumulated, day: Int64Array) -> Accumulated:
        """Return the numbers of the same events, seen from a local day later.

        Args:
            kept: Numbers of events that are also in the window of the later midnight.
            day: Local day of each moment before the move.
        """
        ...
