"""What is computed of one bucket of customers, on this machine or on another: files in, files out.

Nothing here needs Prefect, Feast or MLflow: a cluster's workers import little, and so start quickly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from events.log import EventLog
from features.calendar import Calendar
from features.compute import compute_features
from features.engines.engine import Report
from features.journey.lifecycle import stage_history
from features.kernel.columns import EVENT_COLUMNS
from features.moments import Moments
from features.state import compute_states
from features.store.periods import Period
from pipelines.bucket_moments import customers_in, training_moments
from pipelines.bucket_nights import continued
from pipelines.bucket_record import Record, part_key, periods_of, write_history
from pipelines.bucket_work import BucketWork

__all__ = ["BucketWork", "compute_bucket"]

COLUMNS = (*EVENT_COLUMNS, "decision_id")
"""What features and the answers to offers are made from."""


def compute_bucket(work: BucketWork) -> Report:
    """Compute one bucket: stage history, the states of midnight, and those rows for training that are not there yet.

    Where its files are of one of the last midnights they move on from there, else they are computed from the log:
    the bytes are the same.

    Returns:
        Its number and key, how many customers and rows there are, how many rows were computed, and the parts in which
        the rows are, with their keys.
    """
    log = EventLog(work.log)
    report = continued(work, log)
    return _from_log(work, log) if report is None else report


def _from_log(work: BucketWork, log: EventLog) -> Report:
    bank, calendar = work.bank, Calendar(work.bank.time_zone)
    features, journey = bank.features, bank.journey
    # first what the log says of itself, then its events: news that come between are found by the next build
    digests = periods_of(log, work)
    _, known = log.read_since(work.bucket, work.midnight_utc)
    events = log.read_bucket(work.bucket, COLUMNS)
    stages = stage_history(events, work.as_of, features, journey, calendar)
    record = Record(work.foundation, work.as_of, known)
    write_history(work, stages, record)
    moments = training_moments(bank, events, work.anchors, work.as_of)
    parts = _parts(work, moments, digests)
    missing = [part for part in parts if work.present.get(part.name) != part.key]
    customers = customers_in(events)
    states = compute_states(events, customers, work.midnight, features, journey, calendar, stages)
    if missing:
        asked = moments.take(np.concatenate([part.rows for part in missing]))
        table = compute_features(events, asked, features, journey, calendar, tuple(work.parts.schema), stages)
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
    # last, for their note says that all other files are there
    work.states.write(work.name, states, record.note(report))
    return report


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one bucket and period, and the key of all that they are made from."""

    name: str
    key: str
    rows: NDArray[np.intp]


def _parts(work: BucketWork, moments: Moments, digests: dict[Period, str]) -> list[_Part]:
    parts = []
    for period, digest in digests.items():
        rows = np.flatnonzero(period.holds(moments.as_of))
        if len(rows):
            key = part_key(work, digest, moments.take(rows))
            parts.append(_Part(f"{work.name}.{period.name}", key, rows))
    return parts
