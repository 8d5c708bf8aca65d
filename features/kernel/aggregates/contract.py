"""What every aggregate is: a commutative monoid of int64, so that parts of a history merge exactly."""

from __future__ import annotations

from typing import Protocol

from features.kernel.arrays import BoolArray, Int64Array
from features.kernel.selection import Ranges, Selection

Accumulated = tuple[Int64Array, ...]
"""One array of shape (m,) for each number that an aggregate keeps of a moment."""


class Aggregate(Protocol):
    """What is kept of the events in a window.

    `merge` is associative and commutative, and merging `identity` changes nothing: whichever way a history is cut,
    by prefix sums, event by event or at midnight, the merged parts are the same bits.

    What is kept at a midnight moves on to the next one: the events that a window no longer reaches are taken out
    (`without`), the rest is seen from a day later (`roll`), and what became available in between is merged. Where
    what leaves does not tell what stays, as a maximum that leaves does not tell the next one, `can_subtract` says so.
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

    def can_subtract(self, kept: Accumulated, leaving: Accumulated) -> BoolArray:
        """Tell for each moment whether `without` is what is kept of the rest.

        Args:
            kept: Of the events in a window up to a local midnight.
            leaving: Of all of them on the window's first day.
        """
        ...

    def without(self, kept: Accumulated, leaving: Accumulated) -> Accumulated:
        """Take out the events on a window's first day; anything where that cannot be told."""
        ...

    def roll(self, kept: Accumulated, day: Int64Array) -> Accumulated:
        """Say of the same events what is kept a local day later.

        Args:
            kept: Of events that are in the window of the later midnight too.
            day: Local day of each moment, from which the next is seen.
        """
        ...
