"""Parts of one bucket's rows that new moments or events change: which rows stay, and which are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.engines.engine import Report
from features.moments import Moments
from features.store.periods import Period
from features.table import AS_OF, CUSTOMER_ID, FeatureTable
from pipelines.bucket_moments import in_order
from pipelines.bucket_record import part_key
from pipelines.bucket_work import BucketWork


@dataclass(frozen=True, slots=True)
class _Part:
    period: Period
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

    parts: tuple[_Part, ...]
    asked: Moments
    dropped: int

    @property
    def keys(self) -> dict[str, str]:
        """New keys of the parts, by name."""
        return {part.name: part.key for part in self.parts}


def new_rows(
    work: BucketWork, report: Report, midnight: int, contacts: Moments, digests: Mapping[Period, str]
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
        existing = _moments(kept)
        new = _others(in_order(new), existing)
        both = in_order(existing, new)
        if len(both):
            parts.append(_Part(period, name, part_key(work, digest, both), kept))
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


def _moments(rows: pa.Table | None) -> Moments:
    if rows is None:
        return Moments(np.empty(0, dtype=object), np.empty(0, dtype="datetime64[us]"))
    ids = np.array(rows.column(CUSTOMER_ID).to_pylist(), dtype=object)
    return Moments(ids, rows.column(AS_OF).cast(pa.timestamp("us")).to_numpy())


def _others(moments: Moments, existing: Moments) -> Moments:
    """Leave out the moments that exist already."""
    known = set(zip(existing.customer_ids, existing.as_of.tolist(), strict=True))
    pairs = zip(moments.customer_ids, moments.as_of.tolist(), strict=True)
    return moments.take(np.array([row for row, pair in enumerate(pairs) if pair not in known], dtype=np.int64))
