"""Each customer's history as it was visible at each moment: a settled part, and a tail of single events.

An event is visible at a moment if it was available before. A hidden event occurred before the moment but became
available at or after it. Everything before the local midnight that precedes the first hidden event is visible, so
running totals hold there; later visible events are listed one by one. Both parts are aggregated alike and merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from features.calendar import Calendar
from features.kernel.arrays import Int64Array, counted_before, spread
from features.kernel.columns import EventColumns
from features.kernel.selection import Ranges, Section, Window
from features.kernel.timeline import Timeline

LARGEST_TAIL: Final = 2_000_000
"""Rows of tails that are listed at once; limits memory to a few tens of megabytes."""


@dataclass(frozen=True, slots=True)
class CodedMoments:
    """Moments with customers as codes.

    Attributes:
        customer: Customer codes, shape (m,).
        as_of: Microseconds UTC.
        day: Local day of each moment, counted from 1970.
    """

    customer: Int64Array
    as_of: Int64Array
    day: Int64Array

    @property
    def is_in_order(self) -> bool:
        """Whether they are ordered by customer, then time."""
        customer, as_of = self.customer, self.as_of
        follows = (customer[1:] > customer[:-1]) | ((customer[1:] == customer[:-1]) & (as_of[1:] >= as_of[:-1]))
        return bool(follows.all())

    def take(self, rows: Int64Array) -> CodedMoments:
        """Select moments by position."""
        return CodedMoments(self.customer[rows], self.as_of[rows], self.day[rows])


@dataclass(frozen=True, slots=True)
class Tail:
    """The visible events after the settled part, for the moments that have hidden events.

    Attributes:
        moments: Positions of these moments.
    """

    moments: Int64Array
    section: Section


class History:
    """Events, with queries for what was visible at which moment.

    Args:
        columns: The events.
        calendar: The bank's local days.
    """

    def __init__(self, columns: EventColumns, calendar: Calendar) -> None:
        self.columns = columns
        self.calendar = calendar

    @cached_property
    def event_day(self) -> Int64Array:
        """Local day of every event."""
        return self.calendar.day_index(self.columns.occurred)

    @cached_property
    def _occurred(self) -> Timeline:
        return Timeline(self.columns.customer, self.columns.occurred)

    @cached_property
    def _available(self) -> Timeline:
        """Latest availability so far: where it first reaches a moment is the first event not yet available."""
        return Timeline(self.columns.customer, self.columns.available, running=True)

    def visible(self, moments: CodedMoments, windows: Iterable[Window]) -> tuple[Section, Iterator[Tail]]:
        """Split the history of every moment into a settled part and a tail.

        Returns:
            The settled part for all moments, and the tails of those that have one.
        """
        upper = self._occurred.position(moments.customer, moments.as_of)
        first_hidden = self._available.position(moments.customer, moments.as_of)
        unsettled = np.flatnonzero(first_hidden < upper)
        settled = upper
        if len(unsettled):
            hidden_since = self.calendar.beginning(self.event_day[first_hidden[unsettled]])
            settled = upper.copy()
            settled[unsettled] = self._occurred.position(moments.customer[unsettled], hidden_since)
        edges = {window: self._edge(moments, window) for window in windows}
        section = Section(
            self.columns,
            None,
            self.columns.customer,
            self.event_day,
            {window: Ranges(np.minimum(edge, settled), settled, moments.day) for window, edge in edges.items()},
        )
        return section, self._tails(moments, unsettled, settled, upper, edges)

    def listed(self, moments: CodedMoments, windows: Iterable[Window]) -> Section:
        """List every visible event of every moment; meant for histories of about a day."""
        lower, upper = self.columns.ranges(moments.customer)
        return self._list(moments, lower, upper, self._edges(moments, windows, lower))

    def leaving(self, moments: CodedMoments, windows: Iterable[Window]) -> Section:
        """List the visible events on the first day of every window, which leave it at the next midnight."""
        lower, upper = self.columns.ranges(moments.customer)
        edges = {window: self._edge(moments, window) for window in windows}
        ends = {window: self._edge(moments, window, later=1) for window in windows}
        return self._list(moments, lower, upper, edges, ends)

    def _edge(self, moments: CodedMoments, window: Window, *, later: int = 0) -> Int64Array:
        """Return the first event of each moment's window, or of the window `later` days later."""
        if window is None:
            return self.columns.ranges(moments.customer)[0]
        return self._occurred.position(moments.customer, self.calendar.beginning(moments.day + later - window))

    def _edges(self, moments: CodedMoments, windows: Iterable[Window], lower: Int64Array) -> dict[Window, Int64Array]:
        """Return the first events of all windows in one search: with few moments the searches dominate the cost."""
        days = [window for window in windows if window is not None]
        since = self.calendar.beginning(moments.day - np.array(days, dtype=np.int64)[:, None]).reshape(-1)
        found = self._occurred.position(np.tile(moments.customer, len(days)), since)
        return {**dict(zip(days, found.reshape(len(days), -1), strict=True)), None: lower}

    def _tails(
        self,
        moments: CodedMoments,
        unsettled: Int64Array,
        lower: Int64Array,
        upper: Int64Array,
        edges: Mapping[Window, Int64Array],
    ) -> Iterator[Tail]:
        rows_before = np.cumsum(upper[unsettled] - lower[unsettled])
        chunk = rows_before // LARGEST_TAIL
        for part in np.split(unsettled, np.flatnonzero(np.diff(chunk)) + 1):
            if len(part):
                near = {window: edge[part] for window, edge in edges.items()}
                yield Tail(part, self._list(moments.take(part), lower[part], upper[part], near))

    def _list(
        self,
        moments: CodedMoments,
        lower: Int64Array,
        upper: Int64Array,
        edges: Mapping[Window, Int64Array],
        ends: Mapping[Window, Int64Array] | None = None,
    ) -> Section:
        """List visible events from `lower` to `upper`; windows reach from their edge to the upper end, or to `ends`."""
        owner, events = spread(lower, upper)
        seen = self.columns.available[events] < moments.as_of[owner]
        owner, events = owner[seen], events[seen]
        starts = np.searchsorted(owner, np.arange(len(lower) + 1))
        start, end = starts[:-1], starts[1:]

        def at(edge: Int64Array) -> Int64Array:
            before = counted_before(events < edge[owner])
            return start + before[end] - before[start]

        windows = {
            window: Ranges(at(edge), end if ends is None else at(ends[window]), moments.day)
            for window, edge in edges.items()
        }
        return Section(self.columns, events, owner, self.event_day, windows)
