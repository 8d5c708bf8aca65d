"""Features of a bucket's customers as of a midnight, from the states of that midnight or else from the log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from events.log import EventLog
from events.segments import empty_table
from features.bucket.rows import customers_in
from features.bucket.work import part_name
from features.catalogue import FeatureDefinitions
from features.compute import compute_features
from features.moments import Moments, utc_microseconds
from features.state import States, features_at
from features.store.state_files import StateFiles
from features.table import FeatureTable


@dataclass(frozen=True, slots=True)
class MidnightFeatures:
    """Computes the features of a bucket's customers as of a midnight.

    Attributes:
        definitions: The bank's feature definitions.
        log: The event log.
        states: Files of the states, as written by `compute_bucket`.
    """

    definitions: FeatureDefinitions
    log: EventLog
    states: StateFiles

    def of_bucket(
        self,
        bucket: int,
        midnight: datetime,
        customers: NDArray[np.object_] | None = None,
        contacts: pa.Table | None = None,
    ) -> tuple[FeatureTable, int]:
        """Compute the features of a bucket's customers, or some of them, from the states.

        Customers without a state are computed from the log. So are all customers if the file is missing, or has another
        midnight (in a run for an earlier moment, say) or other features. The numbers are the same.

        Args:
            bucket: Number of the bucket.
            midnight: The local midnight.
            customers: Customers of the bucket; None for all.
            contacts: Contacts that states and log of the midnight do not have, as events that became available at
                midnight (`records.open_contacts`). Their customers are computed as of just after midnight, when
                contacts count.

        Returns:
            Features, first from the file in its order, then from the log, and the number of customers from the log.

        Raises:
            StateError: The file is damaged.
        """
        if customers is None:
            customers = customers_in(self.log.read_bucket(bucket, ["customer_id"]))
        known = _states_of(customers, self.states, part_name(bucket), midnight, self.definitions.catalogue.layout)
        later = empty_table() if contacts is None else contacts  # the states end at this midnight
        tables = []
        rest = customers
        if known is not None and len(known):
            moments = _moments(known.customer_ids, midnight, later)
            tables.append(features_at(known, later, moments, self.definitions))
            rest = customers[~_are_in(customers, known.customer_ids)]
        if len(rest) or not tables:
            events = pa.concat_tables([self.log.read_bucket(bucket), later])
            asked = Moments(rest, _moments(rest, midnight, later))
            tables.append(compute_features(events, asked, self.definitions))
        whole = FeatureTable.concatenate(tables)
        return replace(whole, as_of=np.full(len(whole), utc_microseconds(midnight))), len(rest)


def _moments(customers: NDArray[np.object_], midnight: datetime, later: pa.Table) -> NDArray[np.datetime64]:
    """Return midnight for each customer, or the moment after it for customers with contacts since."""
    has_contacts = _are_in(customers, np.array(later["customer_id"].unique().to_pylist(), dtype=object))
    return utc_microseconds(midnight) + has_contacts.astype("timedelta64[us]")


def _states_of(
    customers: NDArray[np.object_], files: StateFiles, part: str, midnight: datetime, layout: str
) -> States | None:
    """Read the states of these customers; None if there are none of this midnight and layout."""
    if files.note(part) is None:
        return None
    states = files.read(part)
    if (states.midnight, states.layout) != (int(utc_microseconds(midnight).astype(np.int64)), layout):
        return None
    rows = np.flatnonzero(_are_in(states.customer_ids, customers))
    return States(states.customer_ids[rows], states.matrix[rows], states.midnight, states.layout)


def _are_in(customers: NDArray[np.object_], others: NDArray[np.object_]) -> NDArray[np.bool_]:
    found = pc.is_in(pa.array(customers, pa.string()), value_set=pa.array(others, pa.string()))
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)
