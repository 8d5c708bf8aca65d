"""Rollover of one bucket's files from an earlier midnight, at the cost of the nights since instead of the history.

States are rolled over night by night. What a state cannot provide is computed from the history of the customers
concerned, by the functions that compute all customers. So the files equal those of a build from the log, byte by byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from events.log import EventLog
from events.news import news_in, total
from events.segments import empty_table
from features.bucket.rows import NewRows, contact_moments, customers_in, new_rows, write_parts
from features.bucket.work import REPORT, BucketWork, Record, periods_of, read_history_of, write_history
from features.compute import compute_features
from features.engines.engine import Report
from features.journey.lifecycle import NO_STAGE, StageChanges, stage_history
from features.journey.stage_rollover import can_continue, continued_history
from features.kernel.arrays import BoolArray, Int64Array
from features.moments import Moments
from features.state import States, compute_states, features_at
from features.state_rollover import far_too_late, first_days, next_midnight
from features.table import FeatureTable

MOST_NIGHTS: Final = 7
"""Most nights to roll over; beyond that, a build from the log is cheaper."""


@dataclass(frozen=True, slots=True)
class _Base:
    """Files to continue from."""

    report: Report
    record: Record
    states: States
    stages: pa.Table
    nights: int


def continued(work: BucketWork, log: EventLog) -> Report | None:
    """Roll the bucket's files over from their midnight; return None if they must be built from the log.

    That is the case if they were made from other definitions, offers or anchors, if one of them is missing, if their
    midnight is later or too long ago, if a quarter has ended since, or if the log has received events that were
    available before their midnight.
    """
    digest = log.bucket_digest(work.bucket)
    digests = periods_of(log, work)
    base = _base(work)
    if base is None or not {f"{work.name}.{period.name}" for period in digests} >= set(base.report["parts"]):
        return None
    news, before = log.read_since(work.bucket, np.datetime64(base.states.midnight, "us"))
    if before != base.record.known:
        return None
    rows = new_rows(work, base.report, base.states.midnight, contact_moments(work, news), digests)
    if rows is None:
        return None
    walk = _Walk(work, log, base, news, rows.asked)
    walk.go()
    if log.bucket_digest(work.bucket) != digest:
        return None  # events arrived while the log was read
    return _written(work, base, walk, rows, news)


def _base(work: BucketWork) -> _Base | None:
    note = work.states.note(work.name)
    if note is None or REPORT not in note or not can_continue(work.features.journey):
        return None
    record, report = Record.read(note), note[REPORT]
    if record.foundation != work.foundation or record.as_of > work.as_of or not work.has(report["parts"]):
        return None
    states, calendar = work.states.read(work.name), work.features.calendar
    midnights = np.array([states.midnight, work.midnight_utc.astype(np.int64)])
    nights = int(np.diff(calendar.day_index(midnights))[0])
    moments_are_old = not len(work.anchors) or work.anchors.max() <= np.datetime64(states.midnight, "us")
    if states.layout != work.features.catalogue.layout or not 0 <= nights <= MOST_NIGHTS or not moments_are_old:
        return None
    stages = read_history_of(work, record)
    return None if stages is None else _Base(report, record, states, stages, nights)


class _Walk:
    """Rollover from the states of one midnight to those of another, with the features of moments in between.

    Args:
        work: The bucket's work.
        log: The event log.
        base: The files to continue from.
        news: All events that became available since the midnight of the base.
        asked: Moments whose features are wanted.
    """

    def __init__(self, work: BucketWork, log: EventLog, base: _Base, news: pa.Table, asked: Moments) -> None:
        self._work, self._log, self._base = work, log, base
        self._features, self._calendar = work.features, work.features.calendar
        self._news = news
        self._asked = asked
        self.states, is_new = self._everybody()
        self._ids = pa.array(self.states.customer_ids, pa.string())
        # customers without a stage enter the process with their first visible event, which may be among the news
        has_news = self._are(np.array(news["customer_id"].unique().to_pylist(), dtype=object))
        self._by_history = is_new | self._are(far_too_late(news, self._calendar))
        if self._features.journey.stages:
            self._by_history |= has_news & (self.states.standing().stage == NO_STAGE)
        self.changes: list[StageChanges] = []
        self.tables: list[FeatureTable] = []
        self.stages = base.stages

    def go(self) -> None:
        """Roll over all nights, then compute the rest from the histories."""
        day = self._day(self.states.midnight)
        customer = self._codes(self._asked.customer_ids)
        asked_day = self._calendar.day_index(self._asked.as_of.astype("datetime64[us]").astype(np.int64))
        since_base = self._asked.as_of > np.datetime64(self._base.states.midnight, "us")
        open_rows = np.ones(len(self._asked), dtype=np.bool_)
        left = self._left(day)
        for night in range(self._base.nights + 1):
            here = self.states
            if night < self._base.nights:
                self._move(left)
            from_states = ~self._by_history[customer]
            rows = np.flatnonzero(since_base & from_states & (asked_day == day + night))
            if len(rows):
                as_of = self._asked.as_of[rows]
                states = here.take(customer[rows])
                found = features_at(states, self._news, as_of, self._features)
                self.tables.append(found.select(self._work.parts.schema))
                open_rows[rows] = False
        self._compute(np.flatnonzero(open_rows), customer)

    def _everybody(self) -> tuple[States, BoolArray]:
        """Return the states with new customers added, in the order of ids, and a mask of the new ones."""
        before = self._base.states
        ids = customers_in(self._news)
        known = pc.is_in(pa.array(ids, pa.string()), value_set=pa.array(before.customer_ids, pa.string()))
        new = ids[~known.to_numpy(zero_copy_only=False)]
        if not len(new):
            return before, np.zeros(len(before), dtype=np.bool_)
        midnight, no_events = np.datetime64(before.midnight, "us"), empty_table()
        initial = compute_states(no_events, new, midnight, self._features)
        customer_ids = np.concatenate([before.customer_ids, new])
        order = pc.sort_indices(pa.array(customer_ids, pa.string())).to_numpy()
        matrix = np.concatenate([before.matrix, initial.matrix])
        return States(customer_ids, matrix, before.midnight, before.layout).take(order), order >= len(before)

    def _left(self, day: int) -> pa.Table:
        """Read the events that leave windows in any of the nights."""
        days = first_days(self._features.catalogue, day, self._base.nights)
        spans = np.column_stack([self._calendar.beginning(days), self._calendar.beginning(days + 1)])
        return self._log.read_days(self._work.bucket, spans)

    def _move(self, left: pa.Table) -> None:
        self.states, from_states = next_midnight(self.states, left, self._news, self._features)
        self._by_history |= ~from_states
        standing = self.states.standing()
        entered = (standing.stage != NO_STAGE) & (standing.day == self._day(self.states.midnight))
        self.changes.append(standing.take(np.flatnonzero(entered)))

    def _compute(self, rows: Int64Array, customer: Int64Array) -> None:
        """Compute what the states cannot provide from the histories of the customers concerned."""
        work, calendar = self._work, self._calendar
        few = self._by_history.copy()
        few[customer[rows]] = True
        ids = self.states.customer_ids[few]
        events = self._log.read_customers(work.bucket, ids) if len(ids) else empty_table()
        stages = stage_history(events, work.as_of, self._features)
        self.stages = continued_history(self._base.stages, self.changes, stages, self._ids, few, calendar)
        if not len(ids):
            return
        computed = compute_states(events, ids, work.midnight, self._features, stages)
        matrix = self.states.matrix.copy(order="K")
        matrix[few] = computed.matrix
        self.states = States(self.states.customer_ids, matrix, self.states.midnight, self.states.layout)
        if len(rows):
            asked, names = self._asked.take(rows), tuple(work.parts.schema)
            table = compute_features(events, asked, self._features, names, stages)
            self.tables.append(table)

    def _day(self, midnight: int) -> int:
        return int(self._calendar.day_index(np.array([midnight]))[0])

    def _codes(self, customer_ids: NDArray[np.object_]) -> Int64Array:
        found = pc.index_in(pa.array(customer_ids, pa.string()), value_set=self._ids)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)

    def _are(self, customer_ids: NDArray[np.object_]) -> BoolArray:
        among = pc.is_in(self._ids, value_set=pa.array(customer_ids, pa.string()))
        return np.asarray(among.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _written(work: BucketWork, base: _Base, walk: _Walk, rows: NewRows, news: pa.Table) -> Report:
    midnight = pa.scalar(walk.states.midnight, pa.int64()).cast(pa.timestamp("us", "UTC"))
    passed = news_in(news.filter(pc.less(news.column("available_at"), midnight)))
    record = Record(work.foundation, work.as_of, total([base.record.known, passed]))
    write_history(work, walk.stages, record)
    write_parts(work, rows, walk.tables)
    report: Report = {
        "bucket": work.bucket,
        "key": work.key,
        "customers": len(walk.states),
        "rows": base.report["rows"] + len(rows.asked) - rows.dropped,
        "computed": len(rows.asked),
        "parts": {**base.report["parts"], **rows.keys},
    }
    work.states.write(work.name, walk.states, record.note(report))
    return report
