"""Features of a bucket's customers as of a midnight, from the online store or else from the log."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from events.segments import empty_table
from features.compute import compute_features
from features.moments import Moments
from features.state import features_from_states
from features.table import FeatureTable
from pipelines.bucket_files import customers_in
from wiring.parts import Parts


def current_features(parts: Parts, bucket: int, midnight: datetime) -> tuple[FeatureTable, int]:
    """Read a bucket's customers from the online store.

    Who is not there as of this midnight (a run for an earlier moment, say) is computed from the log, which gives the
    same numbers.

    Returns:
        Features in the order of the bucket, and for how many customers they had to be computed.
    """
    bank = parts.bank
    customers = customers_in(parts.log.read_bucket(bucket, ["customer_id"]))
    read = parts.online.read(list(customers), midnight)
    tables = []
    if len(read.states):
        nothing = empty_table()  # the states are of this very midnight
        tables.append(features_from_states(read.states, nothing, midnight, bank.features, bank.journey, parts.calendar))
    rest = np.array([*read.missing, *read.stale], dtype=object)
    if len(rest) or not tables:
        events = parts.log.read_bucket(bucket)
        moments = Moments.at(rest, midnight)
        tables.append(compute_features(events, moments, bank.features, bank.journey, parts.calendar))
    return FeatureTable.concatenate(tables), len(rest)
