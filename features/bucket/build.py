"""Feature computation for one bucket of customers, on this machine or a cluster: files in, files out.

This module does without Prefect, Feast and MLflow, so that a cluster's workers import little and start quickly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from events.log import EventLog
from features.bucket.incremental import continued
from features.bucket.rows import customers_in, training_moments
from features.bucket.work import BucketWork, Record, part_key, periods_of, write_history
from features.compute import compute_features
from features.engines.engine import Report
from features.journey.lifecycle import stage_history
from features.kernel.columns import EVENT_COLUMNS
from features.moments import Moments
from features.state import compute_states
from features.store.periods import StoredPeriod

__all__ = ["BucketWork", "compute_bucket"]

COLUMNS = (*EVENT_COLUMNS, "decision_id")
"""Columns of events that features and responses to offers are computed from."""


def compute_bucket(work: BucketWork) -> Report:
    """Compute one bucket: stage history, the states of midnight, and missing rows for training.

    Files of one of the last midnights are rolled over, others are computed from the log, with the same bytes.

    Returns:
        Number and key of the bucket, counts of customers, rows and computed rows, and the parts with the rows, with
        their keys.
    """
    log = EventLog(work.log)
    report = continued(work, log)
    return _from_log(work, log) if report is None else report


def _from_log(work: BucketWork, log: EventLog) -> Report:
    # first what the log says of itself, then its events: news that come between are found by the next build
    digests = periods_of(log, work)
    _, known = log.read_since(work.bucket, work.midnight_utc)
    events = log.read_bucket(work.bucket, COLUMNS)
    stages = stage_history(events, work.as_of, work.features)
    record = Record(work.foundation, work.as_of, known)
    write_history(work, stages, record)
    moments = training_moments(work, events)
    parts = _parts(work, moments, digests)
    missing = [part for part in parts if work.present.get(part.name) != part.key]
    customers = customers_in(events)
    states = compute_states(events, customers, work.midnight, work.features, stages)
    if missing:
        asked = moments.take(np.concatenate([part.rows for part in missing]))
        table = compute_features(events, asked, work.features, tuple(work.parts.schema), stages)
        begin = 0
        for part in missing:
            end = begin + len(part.rows)
            work.parts.write(part.name, table.take(np.arange(begin, end)), part.key)
            begin = end
    report: Report = {
        "bucket": work.bucket,
        "key": work.key,
        "customers": len(customers),
        "rows": len(moments),
        "computed": sum(len(part.rows) for part in missing),
        "parts": {part.name: part.key for part in parts},
    }
    # last, because the note of the states says that all other files exist
    work.states.write(work.name, states, record.note(report))
    return report


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one bucket and period, and the digest of their inputs."""

    name: str
    key: str
    rows: NDArray[np.intp]


def _parts(work: BucketWork, moments: Moments, digests: dict[StoredPeriod, str]) -> list[_Part]:
    parts = []
    for period, digest in digests.items():
        rows = np.flatnonzero(period.holds(moments.as_of))
        if len(rows):
            key = part_key(work, digest, moments.take(rows))
            parts.append(_Part(f"{work.name}.{period.name}", key, rows))
    return parts
