"""The events and stages of some customers, as all journey figures read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa

from events.vocabulary import ATTRIBUTES_TYPE, Vocabulary
from expressions.types import Category
from features.building.journeys import STAGES
from features.calendar import Calendar
from features.inputs import history_of
from features.journey.lifecycle import NO_STAGE, StageChanges, read_history
from features.journey.settings import Journey
from features.kernel.arrays import Int64Array
from features.kernel.columns import MISSING, CodedColumn, EventColumns
from features.kernel.timeline import Timeline
from features.moments import utc_microseconds
from journeys.settings import Analytics
from journeys.tally import Key

T = TypeVar("T")

NONE: Final = "none"
"""Name of a missing channel, stage or segment, which is a group like any other."""
ALL: Final = "all"
DAY: Final = 86_400_000_000
"""Microseconds of 24 hours."""


@dataclass(frozen=True, slots=True)
class AnalyticsContext:
    """What figures of a bank depend on, besides events and stages.

    Attributes:
        vocabulary: The bank's event types and attributes.
        journey: Its stages.
        analytics: What the figures count.
        calendar: Its local days.
        as_of: A local midnight; only what was available before it counts.
    """

    vocabulary: Vocabulary
    journey: Journey
    analytics: Analytics
    calendar: Calendar
    as_of: datetime

    @property
    def as_of_utc(self) -> int:
        """The moment, microseconds UTC."""
        return int(utc_microseconds(self.as_of).astype(np.int64))

    @property
    def today(self) -> int:
        """Local day that begins at the moment, counted from 1970."""
        return int(self.calendar.day_index(np.array([self.as_of_utc]))[0])

    @property
    def this_month(self) -> int:
        """Month of that day, counted from January 1970; it is not over."""
        return int(np.array([self.today]).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)[0])


class Histories:
    """Events and stages of k customers before a moment, with what several figures share.

    Args:
        events: Events of these customers, each customer's as a whole.
        stages: Their stage history up to the moment or later, as `features.journey.lifecycle.stage_history` returns it.
        context: What the figures depend on.
    """

    def __init__(self, events: pa.Table, stages: pa.Table, context: AnalyticsContext) -> None:
        self.context = context
        history = history_of(events, context.calendar, before=np.datetime64(context.as_of_utc, "us"))
        self.columns: EventColumns = history.columns
        self.day: Int64Array = history.event_day
        changes = read_history(stages, self.columns.customer_ids, context.calendar)
        self._computed: dict[Callable[[Histories], Any], Any] = {}
        self.stages: StageChanges = changes.take(np.flatnonzero(changes.day <= context.today))

    @property
    def customer_count(self) -> int:
        """Number of customers with an event."""
        return len(self.columns.customer_ids)

    @cached_property
    def month(self) -> Int64Array:
        """Local month of each event, counted from January 1970."""
        return months_of(self.day)

    def of_types(self, types: Iterable[str]) -> Int64Array:
        """Return the positions of events of some types."""
        return np.flatnonzero(self.columns.type.equal(frozenset(types), None))

    def of_group(self, group: str) -> Int64Array:
        """Return the positions of events of a group; none for a group that the vocabulary lacks."""
        return self.of_types(self.context.vocabulary.groups.get(group, ()))

    def channel(self, rows: Int64Array) -> Key:
        """Return the channel of events, `none` for a missing one."""
        return _with_none(self.columns.channel, rows)

    def type(self, rows: Int64Array) -> Key:
        """Return the type of events."""
        return _with_none(self.columns.type, rows)

    def stage(self, customer: Int64Array, day: Int64Array) -> Key:
        """Return the stage of customers on local days, `none` before the first."""
        codes = self.stages.at(customer, day).stage
        return Key(np.where(codes == NO_STAGE, len(STAGES.values), codes), (*STAGES.values, NONE))

    @cached_property
    def segment(self) -> Key:
        """Each customer's last known segment, shape (k,); `none` where it is unknown or none is configured."""
        name, vocabulary = self.context.analytics.segment, self.context.vocabulary
        found = np.full(self.customer_count, -1, dtype=np.int64)
        if name is None:
            return Key(found + 1, (NONE,))
        values = vocabulary.attributes[name].values
        rows = self.of_types((ATTRIBUTES_TYPE,))
        if len(rows):
            codes = self.columns.values(name, Category(values), frozenset((ATTRIBUTES_TYPE,)))[rows]
            rows, codes = rows[codes != MISSING], codes[codes != MISSING]
            # in order of time, so that the last one stays; one that became unknown is negative
            found[self.columns.customer[rows]] = np.maximum(codes, -1)
        return Key(np.where(found < 0, len(values), found), (*values, NONE))

    def once(self, compute: Callable[[Histories], T]) -> T:
        """Return what a function computes from this; figures that share it compute it once."""
        if compute not in self._computed:
            self._computed[compute] = compute(self)
        found: T = self._computed[compute]
        return found

    def timeline(self, rows: Int64Array) -> Timeline:
        """Return a search over the times of some events, which are given in their order."""
        return Timeline(self.columns.customer[rows], self.columns.occurred[rows])


def months_of(days: Int64Array) -> Int64Array:
    """Return the month of local days, both counted from 1970.

    Example:
        >>> months_of(np.array([0, 31]))
        array([0, 1])
    """
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def first_days(months: Int64Array) -> Int64Array:
    """Return the first local day of months, both counted from 1970."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _with_none(coded: CodedColumn, rows: Int64Array) -> Key:
    codes = coded.codes[rows]
    return Key(np.where(codes < 0, len(coded.names), codes), (*coded.names, NONE))
