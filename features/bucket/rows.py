"""Rows of one bucket's customers: their training moments, and the parts of rows that new moments or events change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.bucket.work import BucketWork, part_key
from features.engines.engine import Report
from features.moments import Moments
from features.responses import responses
from features.store.periods import StoredPeriod
from features.table import AS_OF, CUSTOMER_ID, FeatureTable


def customers_in(events: pa.Table) -> NDArray[np.object_]:
    """Return the customers of a bucket, in its order."""
    return np.array(pc.unique(events["customer_id"]).to_pylist(), dtype=object)


def training_moments(work: BucketWork, events: pa.Table) -> Moments:
    """List the training moments: the anchors of churn for every customer known by then, and the moments of contacts.

    Returns:
        Moments in the order of time, then customer, without repetitions.
    """
    encoded = events["customer_id"].combine_chunks().dictionary_encode()
    ids = np.array(encoded.dictionary.to_pylist(), dtype=object)
    # the log is ordered by customer, and so are the codes
    begins = np.searchsorted(encoded.indices.to_numpy(), np.arange(len(ids)))
    available = events["available_at"].cast(pa.int64()).to_numpy()
    since = np.minimum.reduceat(available, begins) if len(ids) else available
    here = since[:, None] < work.anchors.astype("datetime64[us]").astype(np.int64)[None, :]
    customer, anchor = np.nonzero(here)
    return in_order(Moments(ids[customer], work.anchors[anchor]), contact_moments(work, events))


def contact_moments(work: BucketWork, events: pa.Table) -> Moments:
    """List the moments at which offers were presented to customers, as far as known at the end of the work."""
    if work.vocabulary.contacts is None:
        return Moments(np.empty(0, dtype=object), np.empty(0, dtype="datetime64[us]"))
    return responses(events, work.vocabulary, work.offers, work.as_of).moments


def in_order(*parts: Moments) -> Moments:
    """Merge moments in the order of time, then customer, without repetitions."""
    ids = np.concatenate([part.customer_ids for part in parts])
    as_of = np.concatenate([part.as_of.astype("datetime64[us]") for part in parts])
    encoded = pa.array(ids, pa.string()).dictionary_encode()
    rank = np.argsort(pc.sort_indices(encoded.dictionary).to_numpy())
    customer = rank[encoded.indices.to_numpy()]
    order = np.lexsort((customer, as_of))
    same = (np.diff(customer[order]) == 0) & (np.diff(as_of[order]) == np.timedelta64(0, "us"))
    first = order[np.append(True, ~same)] if len(order) else order
    return Moments(ids[first], as_of[first])


@dataclass(frozen=True, slots=True)
class _ChangedPart:
    period: StoredPeriod
    name: str
    key: str
    kept: pa.Table | None


@dataclass(frozen=True, slots=True)
class NewRows:
    """Changes of a bucket's parts.

    Attributes:
        parts: The parts that change.
        asked: Moments whose features are to be computed.
        dropped: Number of rows in the files that are not kept.
    """

    parts: tuple[_ChangedPart, ...]
    asked: Moments
    dropped: int

    @property
    def keys(self) -> dict[str, str]:
        """New keys of the parts, by name."""
        return {part.name: part.key for part in self.parts}


def new_rows(
    work: BucketWork, report: Report, midnight: int, contacts: Moments, digests: Mapping[StoredPeriod, str]
) -> NewRows | None:
    """Find what moments of contacts add to the parts of a report; None if one of these parts is missing.

    Args:
        work: The bucket's work.
        report: Report of the existing files.
        midnight: Existing rows up to this moment (UTC microseconds) are valid: all that they depend on was known.
        contacts: Moments of contacts with new events since.
        digests: For each period, the digest of the events that its moments can see.
    """
    parts, added, dropped = [], [in_order(contacts).take(np.empty(0, dtype=np.int64))], 0
    for period, digest in digests.items():
        name = f"{work.name}.{period.name}"
        new = contacts.take(np.flatnonzero(period.holds(contacts.as_of)))
        if not len(new) and period.is_over_before(midnight):
            continue
        kept = None
        if name in report["parts"]:
            rows = work.parts.read(name, report["parts"][name])
            if rows is None:
                return None
            kept = rows.filter(pc.less_equal(rows.column(AS_OF).cast(pa.int64()), midnight))
            dropped += len(rows) - len(kept)
        existing = _moments_of(kept)
        new = _others(in_order(new), existing)
        both = in_order(existing, new)
        if len(both):
            parts.append(_ChangedPart(period, name, part_key(work, digest, both), kept))
            added.append(new)
    return NewRows(tuple(parts), in_order(*added), dropped)


def write_parts(work: BucketWork, rows: NewRows, tables: Sequence[FeatureTable]) -> None:
    """Write the parts that change, given the features of the moments that were to be computed."""
    schema = work.parts.schema
    nothing = np.empty(0, dtype=object), np.empty(0, dtype="datetime64[us]")
    empty = FeatureTable(*nothing, {name: np.empty(0) for name in schema}, schema)
    computed = FeatureTable.concatenate([empty, *tables])
    for part in rows.parts:
        if work.present.get(part.name) != part.key:
            rows_of_period = computed.take(np.flatnonzero(part.period.holds(computed.as_of)))
            kept = empty.to_arrow() if part.kept is None else part.kept
            work.parts.write(part.name, rows_of_period, part.key, kept)


def _moments_of(rows: pa.Table | None) -> Moments:
    if rows is None:
        return Moments(np.empty(0, dtype=object), np.empty(0, dtype="datetime64[us]"))
    ids = np.array(rows.column(CUSTOMER_ID).to_pylist(), dtype=object)
    return Moments(ids, rows.column(AS_OF).cast(pa.timestamp("us")).to_numpy())


def _others(moments: Moments, existing: Moments) -> Moments:
    """Leave out the moments that exist already."""
    known = set(zip(existing.customer_ids, existing.as_of.tolist(), strict=True))
    pairs = zip(moments.customer_ids, moments.as_of.tolist(), strict=True)
    return moments.take(np.array([row for row, pair in enumerate(pairs) if pair not in known], dtype=np.int64))
