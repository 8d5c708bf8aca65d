"""The parts of one bucket's rows that new moments or news change: what is kept of them, and what is to be computed."""

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
    """What becomes of parts that are not as they were.

    Attributes:
        parts: These.
        asked: Moments to compute features of.
        dropped: Rows in the files that are not kept.
    """

    parts: tuple[_Part, ...]
    asked: Moments
    dropped: int

    @property
    def keys(self) -> dict[str, str]:
        """Their new keys, by name."""
        return {part.name: part.key for part in self.parts}


def new_rows(
    work: BucketWork, report: Report, midnight: int, contacts: Moments, digests: Mapping[Period, str]
) -> NewRows | None:
    """Find what moments of contacts add to the parts of a report; None where one of these is not there.

    Args:
        midnight: Up to here the rows that are there are right: what they see was there when they were made.
        contacts: Of which news have come since.
        digests: What the moments of each period can see.
    """
    parts, added, dropped = [], [in_order(contacts).take(np.empty(0, dtype=np.int64))], 0
    for period, digest in digests.items():
        name = f"{work.name}.{period.name}"
        mine = contacts.take(np.flatnonzero(period.holds(contacts.as_of)))
        if not len(mine) and period.is_over_before(midnight):
            continue
        kept = None
        if name in report["parts"]:
            rows = work.parts.read(name, report["parts"][name])
            if rows is None:
                return None
            kept = rows.filter(pc.less_equal(rows.column(AS_OF).cast(pa.int64()), midnight))
            dropped += len(rows) - len(kept)
        there = _moments(kept)
        mine = _others(in_order(mine), there)
        both = in_order(there, mine)
        if len(both):
            parts.append(_Part(period, name, part_key(work, digest, both), kept))
            added.append(mine)
    return NewRows(tuple(parts), in_order(*added), dropped)


def write_parts(work: BucketWork, rows: NewRows, tables: Sequence[FeatureTable]) -> None:
    """Write the parts that change, given the features of all that was asked."""
    schema = work.parts.schema
    nothing = np.empty(0, dtype=object), np.empty(0, dtype="datetime64[us]")
    empty = FeatureTable(*nothing, {name: np.empty(0) for name in schema}, schema)
    computed = FeatureTable.concatenate([empty, *tables])
    for part in rows.parts:
        if work.present.get(part.name) != part.key:
            mine = computed.take(np.flatnonzero(part.period.holds(computed.as_of)))
            kept = empty.to_arrow() if part.kept is None else part.kept
            work.parts.write(part.name, mine, part.key, kept)


def _moments(rows: pa.Table | None) -> Moments:
    if rows is None:
        return Moments(np.empty(0, dtype=object), np.empty(0, dtype="datetime64[us]"))
    ids = np.array(rows.column(CUSTOMER_ID).to_pylist(), dtype=object)
    return Moments(ids, rows.column(AS_OF).cast(pa.timestamp("us")).to_numpy())


def _others(moments: Moments, there: Moments) -> Moments:
    """Leave out the moments that are there."""
    known = set(zip(there.customer_ids, there.as_of.tolist(), strict=True))
    pairs = zip(moments.customer_ids, moments.as_of.tolist(), strict=True)
    return moments.take(np.array([row for row, pair in enumerate(pairs) if pair not in known], dtype=np.int64))
