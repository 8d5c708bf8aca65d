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
from features.moments import Moments
from features.state import compute_states
from features.store.parts import FeatureParts
from features.store.replacing import replace_parquet
from features.store.state_files import StateFiles
from models.labels import responses


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketWork:
    """One bucket: what to read, what to compute, and where to put it. Small and complete, for it travels.

    Attributes:
        key: Digest of everything that the files depend on; they carry it.
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
        if report["rows"] and fingerprints.get(self.name) != self.key:
            return None
        return report


def compute_bucket(work: BucketWork) -> Report:
    """Compute one bucket: stage history, the states of midnight, and rows for training.

    Returns:
        Its number and key, and how many customers and rows there are.
    """
    bank, calendar = work.bank, Calendar(work.bank.time_zone)
    features, journey = bank.features, bank.journey
    events = EventLog(work.log).read_bucket(work.bucket)
    moments = training_moments(bank, events, work.anchors, work.as_of)
    customers = customers_in(events)
    report: Report = {"bucket": work.bucket, "key": work.key, "customers": len(customers), "rows": len(moments)}
    replace_parquet(work.history_file, stage_history(events, work.as_of, features, journey, calendar))
    work.states.write(work.name, compute_states(events, customers, work.midnight, features, journey, calendar), report)
    # the part comes last: its fingerprint says that all of the bucket is there
    if len(moments):
        names = tuple(work.parts.schema)
        work.parts.write(work.name, compute_features(events, moments, features, journey, calendar, names), work.key)
    return report


def part_name(bucket: int) -> str:
    """Name of a bucket's files."""
    return f"bucket-{bucket:03d}"


def customers_in(events: pa.Table) -> NDArray[np.object_]:
    """Customers of a bucket, in its order."""
    return np.array(pc.unique(events["customer_id"]).to_pylist(), dtype=object)


def training_moments(bank: Bank, events: pa.Table, asked: NDArray[np.datetime64], until: datetime) -> Moments:
    """Moments that models learn from: every customer of the time at churn's anchors, and every contact's own."""
    first = events.group_by("customer_id").aggregate([("occurred_at", "min")])
    since = first["occurred_at_min"].combine_chunks().cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
    ids = np.array(first["customer_id"].to_pylist(), dtype=object)
    here = since[:, None] < asked[None, :]
    customer, anchor = np.nonzero(here)
    known = [Moments(ids[customer], asked[anchor])]
    if bank.vocabulary.contacts is not None:
        known.append(responses(events, bank.vocabulary, bank.offers, until).moments)
    return Moments(
        np.concatenate([moments.customer_ids for moments in known]),
        np.concatenate([moments.as_of.astype("datetime64[us]") for moments in known]),
    )
