"""What is computed of one bucket of customers, on this machine or on another: files in, files out.

Nothing here needs Prefect, Feast or MLflow: a cluster's workers import little, and so start quickly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from config.bank import Bank
from events.log import EventLog
from features.calendar import Calendar
from features.compute import compute_features
from features.engines.engine import Report
from features.journey.lifecycle import stage_history
from features.kernel.columns import EVENT_COLUMNS
from features.moments import Moments
from features.state import compute_states
from features.store.parts import FeatureParts
from features.store.periods import Period, periods_between
from features.store.replacing import replace_parquet
from features.store.state_files import StateFiles
from models.labels import responses
from pipelines.digests import digest_of

COLUMNS = (*EVENT_COLUMNS, "decision_id")
"""What features and the answers to offers are made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketWork:
    """One bucket: what to read, what to compute, and where to put it. Small and complete, for it travels.

    Attributes:
        key: Digest of everything that the files depend on.
        definitions: Digest of whatever decides how events become features.
        as_of: Stage history and moments reach up to here.
        midnight: Of the states: the local one that begins the day of `as_of`.
        anchors: Moments at which churn is asked.
        log: Folder of the event log; every worker sees this and the folders below under the same name.
        parts: Features of past moments.
        states: States of `midnight`.
        stage_history: Stages that customers went through.
    """

    bucket: int
    key: str
    definitions: str
    bank: Bank
    as_of: datetime
    midnight: datetime
    anchors: NDArray[np.datetime64]
    log: Path
    parts: FeatureParts
    states: StateFiles
    stage_history: Path

    @property
    def name(self) -> str:
        """Name of the bucket's files."""
        return part_name(self.bucket)

    @property
    def history_file(self) -> Path:
        """Where its stage history is."""
        return self.stage_history / f"{self.name}.parquet"

    def done(self, fingerprints: dict[str, str]) -> Report | None:
        """Give the report of files that are there and up to date; None where some are not.

        Args:
            fingerprints: Of the parts that are there.
        """
        report = self.states.note(self.name)
        if report is None or report["key"] != self.key or not self.history_file.exists():
            return None
        if any(fingerprints.get(part) != key for part, key in report["parts"].items()):
            return None
        return report


def compute_bucket(work: BucketWork) -> Report:
    """Compute one bucket: stage history, the states of midnight, and those rows for training that are not there yet.

    Returns:
        Its number and key, how many customers and rows there are, how many rows were computed, and the parts in which
        the rows are, with their keys.
    """
    bank, calendar = work.bank, Calendar(work.bank.time_zone)
    features, journey = bank.features, bank.journey
    log = EventLog(work.log)
    # first what the log says of itself, then its events: news that come between are found by the next build
    digests = _digests(log, work)
    events = log.read_bucket(work.bucket, COLUMNS)
    stages = stage_history(events, work.as_of, features, journey, calendar)
    replace_parquet(work.history_file, stages)
    moments = training_moments(bank, events, work.anchors, work.as_of)
    parts = _parts(work, moments, digests)
    missing = [part for part in parts if work.parts.fingerprint(part.name) != part.key]
    customers = customers_in(events)
    report: Report = {
        "bucket": work.bucket,
        "key": work.key,
        "customers": len(customers),
        "rows": len(moments),
        "computed": sum(len(part.rows) for part in missing),
        "parts": {part.name: part.key for part in parts},
    }
    states = compute_states(events, customers, work.midnight, features, journey, calendar, stages)
    work.states.write(work.name, states, report)
    if missing:
        asked = moments.take(np.concatenate([part.rows for part in missing]))
        table = compute_features(events, asked, features, journey, calendar, tuple(work.parts.schema), stages)
        begin = 0
        for part in missing:
            end = begin + len(part.rows)
            work.parts.write(part.name, table.take(np.arange(begin, end)), part.key)
            begin = end
    return report


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one bucket and period, and the key of all that they are made from."""

    name: str
    key: str
    rows: NDArray[np.intp]


def _digests(log: EventLog, work: BucketWork) -> dict[Period, str]:
    """Identify, for each period, what its moments can see of the bucket."""
    first = log.first_occurred_at()
    periods = () if first is None else periods_between(first, work.as_of)
    return {period: log.bucket_digest(work.bucket, period.last_month) for period in periods}


def _parts(work: BucketWork, moments: Moments, digests: dict[Period, str]) -> list[_Part]:
    parts = []
    for period, digest in digests.items():
        rows = np.flatnonzero(period.holds(moments.as_of))
        if len(rows):
            key = digest_of(digest, work.definitions, moments.take(rows).digest)
            parts.append(_Part(f"{work.name}.{period.name}", key, rows))
    return parts


def part_name(bucket: int) -> str:
    """Name of a bucket's files."""
    return f"bucket-{bucket:03d}"


def customers_in(events: pa.Table) -> NDArray[np.object_]:
    """Customers of a bucket, in its order."""
    return np.array(pc.unique(events["customer_id"]).to_pylist(), dtype=object)


def training_moments(bank: Bank, events: pa.Table, asked: NDArray[np.datetime64], until: datetime) -> Moments:
    """Moments that models learn from: every customer known by then at churn's anchors, and every contact's own."""
    encoded = events["customer_id"].combine_chunks().dictionary_encode()
    ids = np.array(encoded.dictionary.to_pylist(), dtype=object)
    # the log is in the order of customers, and so are codes
    begins = np.searchsorted(encoded.indices.to_numpy(), np.arange(len(ids)))
    available = events["available_at"].cast(pa.int64()).to_numpy()
    since = np.minimum.reduceat(available, begins) if len(ids) else available
    here = since[:, None] < asked.astype("datetime64[us]").astype(np.int64)[None, :]
    customer, anchor = np.nonzero(here)
    known = [Moments(ids[customer], asked[anchor])]
    if bank.vocabulary.contacts is not None:
        known.append(responses(events, bank.vocabulary, bank.offers, until).moments)
    return Moments(
        np.concatenate([moments.customer_ids for moments in known]),
        np.concatenate([moments.as_of.astype("datetime64[us]") for moments in known]),
    )
