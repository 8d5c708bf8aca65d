"""Selections: the events that satisfy a filter, with the range of each moment's window among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.kernel.arrays import BoolArray, Int64Array, counted_before
from features.kernel.columns import CodedColumn, EventColumns

Window = int | None
"""In whole days; None is the whole history."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """A range of rows for each of m moments.

    Attributes:
        lower: First row, shape (m,).
        upper: Row after the last.
        day: Local day of the moment, counted from 1970.
    """

    lower: Int64Array
    upper: Int64Array
    day: Int64Array


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of events ordered by owner, then time, and each moment's windows among them.

    Attributes:
        columns: The events.
        events: Event of each row; None if the rows are the events themselves.
        owner: Owner of each row, ascending: a customer, or a moment. A range never crosses owners.
        event_day: Local day of every event of the columns.
        windows: Ranges by window.
    """

    columns: EventColumns
    events: Int64Array | None
    owner: Int64Array
    event_day: Int64Array
    windows: Mapping[Window, Ranges]

    @property
    def moments(self) -> int:
        """Number of moments."""
        return len(next(iter(self.windows.values())).lower) if self.windows else 0


class Selection:
    """Some rows of a section.

    Args:
        section: The section of the rows.
        rows: Their positions in the section, ascending.
        parent: The selection of which this is a part; None for the whole section.
        counts: For each row of the parent, the number of selected rows before it.
        values: Measured values of the rows, if anything is measured.
    """

    def __init__(
        self,
        section: Section,
        rows: Int64Array,
        parent: Selection | None = None,
        counts: Int64Array | None = None,
        values: Int64Array | None = None,
    ) -> None:
        self.section = section
        self.rows = rows
        self._parent = parent
        self._counts = counts
        self._values = values
        self._ranges: dict[Window, Ranges] = {}

    @classmethod
    def whole(cls, section: Section) -> Selection:
        """Select every row."""
        return cls(section, np.arange(len(section.owner), dtype=np.int64))

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def events(self) -> Int64Array:
        """Event of each row."""
        return self.rows if self.section.events is None else self.section.events[self.rows]

    @cached_property
    def owner(self) -> Int64Array:
        """Owner of each row."""
        return self.section.owner[self.rows]

    @cached_property
    def occurred(self) -> Int64Array:
        """Time of each row."""
        return self.section.columns.occurred[self.events]

    @cached_property
    def day(self) -> Int64Array:
        """Local day of each row."""
        return self.section.event_day[self.events]

    @property
    def values(self) -> Int64Array:
        """Measured value of each row."""
        assert self._values is not None, "the plan measures before it aggregates values"
        return self._values

    def ranges(self, window: Window) -> Ranges:
        """Return the range of each moment's window among the selected rows."""
        if self._parent is None:
            return self.section.windows[window]
        if window not in self._ranges:
            ranges = self._parent.ranges(window)
            if self._counts is not None:
                ranges = Ranges(self._counts[ranges.lower], self._counts[ranges.upper], ranges.day)
            self._ranges[window] = ranges
        return self._ranges[window]

    def having(self, coded: CodedColumn, wanted: frozenset[str]) -> Selection:
        """Keep the rows with one of the names. Few events rarely have any of them, which is checked first."""
        if wanted.isdisjoint(coded.names):
            return Selection(self.section, self.rows[:0])
        return self.narrow(coded.equal(wanted, self.events))

    def narrow(self, keep: BoolArray, values: Int64Array | None = None) -> Selection:
        """Keep some of the rows; `values`, if given, holds a measured value for each row before narrowing."""
        if keep.all():
            return Selection(self.section, self.rows, self, None, values)
        places = np.flatnonzero(keep)
        kept = None if values is None else values.take(places)
        return Selection(self.section, self.rows.take(places), self, counted_before(keep), kept)
