"""Which arm each customer of the log is assigned to, as decisions assign them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from config.bank import Bank
from decisioning.policies.assignment import arms_of, units_of
from decisioning.policies.draws import Arms, Hashes, hashes_of
from events.fingerprints import bucket_of
from events.log import EventLog
from features.compute import compute_features
from features.moments import Moments


def units_in_log(log: EventLog, bank: Bank, customers: Sequence[str], moment: datetime) -> Hashes:
    """Return what is drawn for each customer (`units_of`): the household as known at a moment, or the customer."""
    ids, name = np.array(customers, dtype=object), bank.policy.control.household
    hashes = hashes_of(map(str, customers))
    if name is None or not len(ids):
        return hashes
    household = np.full(len(ids), np.nan)
    buckets = bucket_of(pa.array(ids, pa.string()), log.buckets)
    for bucket in np.unique(buckets).tolist():
        rows = np.flatnonzero(buckets == bucket)
        moments = Moments.at(ids[rows], moment)
        found = compute_features(log.read_bucket(bucket), moments, bank.feature_definitions, [name])
        household[rows] = found.columns[name]
    return units_of(hashes, household)


def arms_in_log(log: EventLog, bank: Bank, customers: Sequence[str], moment: datetime) -> Arms:
    """Return the arm of each customer at a moment, shape (n,)."""
    day = moment.astimezone(bank.time_zone).date()
    return arms_of(units_in_log(log, bank, customers, moment), bank.policy.control, day)


def customers_before(log: EventLog, moment: datetime) -> pa.Array:
    """Return the customers with an event before a moment: those whom an arm could be assigned to."""
    parts = []
    for bucket in range(log.buckets):
        events = log.read_bucket(bucket, ["customer_id", "occurred_at"])
        known = events.filter(pc.less(events["occurred_at"], pa.scalar(moment, events["occurred_at"].type)))
        parts.append(pc.unique(known["customer_id"].cast(pa.string())))
    return pa.concat_arrays(parts)
