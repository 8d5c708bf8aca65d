"""From what is kept to what people read: float64, NaN for nothing."""

from __future__ import annotations

import numpy as np

from expressions.types import Array, ColumnType, Number
from features.calendar import MICROSECONDS_PER_DAY
from features.feature import Feature
from features.kernel.aggregates.active_days import DayBits
from features.kernel.aggregates.decayed import DecayedCount, DecayedSum
from features.kernel.aggregates.extremes import NOTHING_GREATEST, NOTHING_LEAST
from features.kernel.arrays import Int64Array
from features.kernel.columns import SCALE
from features.kernel.history import CodedMoments
from features.kernel.plan import Int64Matrix, Slot


def finish(feature: Feature, slots: tuple[Slot, ...], kept: Int64Matrix, moments: CodedMoments) -> Array:
    """Compute a feature from its slots, shape (m,).

    Args:
        feature: An aggregate.
        slots: Where the plan keeps its parts.
        kept: Shape (rows of the plan, m).
        moments: The m moments.
    """
    assert feature.aggregate is not None, "only aggregates have slots"
    first = kept[slots[0].start]
    finished: Array
    match feature.aggregate.aggregate:
        case "count":
            finished = first.astype(np.float64)
        case "sum":
            finished = first / SCALE
        case "mean":
            count = kept[slots[1].start]
            finished = np.where(count > 0, first / SCALE / np.maximum(count, 1), np.nan)
        case "min":
            finished = np.where(first != NOTHING_LEAST, first / SCALE, np.nan)
        case "max":
            finished = np.where(first != NOTHING_GREATEST, first / SCALE, np.nan)
        case "days_since_first":
            finished = _days_since(first, moments.as_of, NOTHING_LEAST)
        case "days_since_last":
            finished = _days_since(first, moments.as_of, NOTHING_GREATEST)
        case "last":
            finished = _last(kept[slots[0].rows][1], feature.type)
        case "distinct_days":
            days = DayBits.count(tuple(kept[slots[0].rows])) if isinstance(slots[0].aggregate, DayBits) else first
            finished = days.astype(np.float64)
        case "decayed_count":
            assert isinstance(slots[0].aggregate, DecayedCount), "the plan keeps a decayed count in blocks"
            finished = slots[0].aggregate.value(kept[slots[0].rows], moments.day)
        case "decayed_sum":
            assert isinstance(slots[0].aggregate, DecayedSum), "the plan keeps a decayed sum in blocks"
            finished = slots[0].aggregate.value(kept[slots[0].rows], moments.day) / SCALE
    return finished


def _days_since(times: Int64Array, as_of: Int64Array, nothing: int) -> Array:
    known = times != nothing
    elapsed = as_of - np.where(known, times, as_of)
    return np.where(known, elapsed / MICROSECONDS_PER_DAY, np.nan)


def _last(values: Int64Array, kind: ColumnType) -> Array:
    unit = SCALE if isinstance(kind, Number) else 1
    return np.where(values != NOTHING_GREATEST, values / unit, np.nan)
