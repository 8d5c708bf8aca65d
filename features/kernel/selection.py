"""The events that satisfy a filter, and where each moment's window begins and ends among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.kernel.arrays import BoolArray, Int64Array, counted_before
from features.kernel.columns import Coded, EventColumns

Window = int | None
"""Whole days; None is all history."""


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
    """Rows of events in the order of an owner, then time, and each moment's windows among them.

    Attributes:
        events: Event of each row; None where rows are the events themselves.
        owner: Who a row belongs to, ascending: a customer, or a moment. A range never crosses owners.
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
        """How many moments there are."""
        return len(next(iter(self.windows.values())).lower) if self.windows else 0


class Selection:
    """Some rows of a section.

    Args:
        section: Where the rows are from.
        rows: Their positions in the section, ascending.
        parent: The selection this is a part of; None for the whole section.
        counts: How many rows of the parent were kept before each of its rows.
        values: Measured values of the rows, where something is measured.
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
        """Where each moment's window is among the selected rows."""
        if self._parent is None:
            return self.section.windows[window]
        if window not in self._ranges:
            ranges = self._parent.ranges(window)
            if self._counts is not None:
                ranges = Ranges(self._counts[ranges.lower], self._counts[ranges.upper], ranges.day)
            self._ranges[window] = ranges
        return self._ranges[window]

    def having(self, coded: Coded, wanted: frozenset[str]) -> Selection:
        """Keep the rows with one of the names; of a day's few events most filters keep none, which is quick to see."""
        if wanted.isdisjoint(coded.names):
            return Selection(self.section, self.rows[:0])
        return self.narrow(coded.equal(wanted, self.events))

    def narrow(self, keep: BoolArray, values: Int64Array | None = None) -> Selection:
        """Keep some of the rows; `values`, where given, are measured for all of them."""
        if keep.all():
            return Selection(self.section, self.rows, self, None, values)
        kept = None if values is None else values[keep]
        return Selection(self.section, self.rows[keep], self, counted_before(keep), kept)
