"""Kinds of aggregates: what is kept for each, and how it becomes the feature's value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from expressions.types import Array, ColumnType, Number
from features.calendar import MICROSECONDS_PER_DAY
from features.definitions import AggregateFeature, AggregateKind
from features.kernel.aggregates.active_days import DayBits, DayCount
from features.kernel.aggregates.contract import Aggregate
from features.kernel.aggregates.decayed import DecayedCount, DecayedSum, decayed_window
from features.kernel.aggregates.extremes import (
    NOTHING_GREATEST,
    NOTHING_LEAST,
    FirstTime,
    LastTime,
    LastValue,
    Maximum,
    Minimum,
)
from features.kernel.aggregates.sums import Count, Sum
from features.kernel.arrays import Int64Array, Int64Matrix
from features.kernel.columns import SCALE, UNKNOWN
from features.kernel.history import CodedMoments
from features.kernel.selection import Window


@dataclass(frozen=True, slots=True)
class RowValue:
    """A value that comes from one row of the kept numbers; features with equal ones are finished together.

    Attributes:
        nothing: Number that is kept without events; None if it needs no special treatment.
        unit: Divisor of the number; None to compute the days that have passed since it.
        offset: Offset of the row from the slot's first row.
    """

    nothing: int | None
    unit: int | None
    offset: int = 0

    def finish(self, kept: Int64Matrix, moments: CodedMoments) -> Array:
        """Finish several rows, shape (k, m), or one row, shape (m,)."""
        if self.unit is None:
            assert self.nothing is not None, "times can be missing"
            return _days_since(kept, moments.as_of, self.nothing)
        values = kept.astype(np.float64) if self.unit == 1 else kept / self.unit
        if self.nothing is None:
            return values
        return np.where(kept > UNKNOWN if self.nothing == NOTHING_GREATEST else kept != self.nothing, values, np.nan)


@dataclass(frozen=True, slots=True)
class KeptPart:
    """An aggregate, and the numbers kept of it, shape (its rows, m)."""

    aggregate: Aggregate
    rows: Int64Matrix


Finish = Callable[[Sequence[KeptPart], CodedMoments], Array]


@dataclass(frozen=True, slots=True)
class KernelKind:
    """A kind of aggregate in the kernel.

    Attributes:
        keep: Returns the aggregates kept for a declaration in a window; the last argument says whether later events may
            fall on days already counted.
        value: How one row becomes the value, given the feature's type; None if that takes more than a row.
        finish: How all parts become the value; None where one row does.
    """

    keep: Callable[[AggregateFeature, Window, bool], tuple[Aggregate, ...]]
    value: Callable[[ColumnType], RowValue] | None = None
    finish: Finish | None = None


def kept_for(declared: AggregateFeature, *, mergeable_days: bool) -> tuple[Window, tuple[Aggregate, ...]]:
    """Return the window of a declared aggregate, and the aggregates that are kept for it."""
    window = declared.windows_days[0] if declared.windows_days else None
    if declared.half_life_days is not None:
        window = decayed_window(declared.half_life_days, window)
    return window, KINDS[declared.aggregate].keep(declared, window, mergeable_days)


def _kept(*aggregates: Aggregate) -> Callable[[AggregateFeature, Window, bool], tuple[Aggregate, ...]]:
    return lambda declared, window, mergeable: aggregates


def _keep_days(declared: AggregateFeature, window: Window, mergeable: bool) -> tuple[Aggregate, ...]:
    return (DayBits.reaching(window) if mergeable else DayCount(),)


def _keep_last(declared: AggregateFeature, window: Window, mergeable: bool) -> tuple[Aggregate, ...]:
    return (LastValue(least=declared.of_equal_times == "least"),)


def _keep_decayed(
    aggregate: type[DecayedCount | DecayedSum],
) -> Callable[[AggregateFeature, Window, bool], tuple[Aggregate, ...]]:
    def keep(declared: AggregateFeature, window: Window, mergeable: bool) -> tuple[Aggregate, ...]:
        assert window is not None, "half-lives limit the window"
        assert declared.half_life_days is not None, "the declaration was checked"
        return (aggregate.within(window, declared.half_life_days),)

    return keep


def _row(nothing: int | None, unit: int | None) -> Callable[[ColumnType], RowValue]:
    value = RowValue(nothing, unit)
    return lambda kind: value


def _last_value(kind: ColumnType) -> RowValue:
    # the slot keeps the time first, then the value
    return RowValue(NOTHING_GREATEST, SCALE if isinstance(kind, Number) else 1, offset=1)


def _mean(parts: Sequence[KeptPart], moments: CodedMoments) -> Array:
    [total], [count] = parts[0].rows, parts[1].rows
    return np.where(count > 0, total / SCALE / np.maximum(count, 1), np.nan)


def _days(parts: Sequence[KeptPart], moments: CodedMoments) -> Array:
    days, rows = parts[0].aggregate, parts[0].rows
    return (DayBits.count(tuple(rows)) if isinstance(days, DayBits) else rows[0]).astype(np.float64)


def _decayed(unit: int) -> Finish:
    def finish(parts: Sequence[KeptPart], moments: CodedMoments) -> Array:
        blocks = parts[0].aggregate
        assert isinstance(blocks, DecayedCount | DecayedSum), "what decays is kept in blocks"
        return blocks.value(parts[0].rows, moments.day) / unit

    return finish


def _days_since(times: Int64Matrix, as_of: Int64Array, nothing: int) -> Array:
    known = times != nothing
    elapsed = as_of - np.where(known, times, as_of)
    return np.where(known, elapsed / MICROSECONDS_PER_DAY, np.nan)


KINDS: Final[Mapping[AggregateKind, KernelKind]] = {
    "count": KernelKind(_kept(Count()), value=_row(None, 1)),
    "sum": KernelKind(_kept(Sum()), value=_row(None, SCALE)),
    "mean": KernelKind(_kept(Sum(), Count()), finish=_mean),
    "min": KernelKind(_kept(Minimum()), value=_row(NOTHING_LEAST, SCALE)),
    "max": KernelKind(_kept(Maximum()), value=_row(NOTHING_GREATEST, SCALE)),
    "days_since_first": KernelKind(_kept(FirstTime()), value=_row(NOTHING_LEAST, None)),
    "days_since_last": KernelKind(_kept(LastTime()), value=_row(NOTHING_GREATEST, None)),
    "last": KernelKind(_keep_last, value=_last_value),
    "distinct_days": KernelKind(_keep_days, finish=_days),
    "decayed_count": KernelKind(_keep_decayed(DecayedCount), finish=_decayed(1)),
    "decayed_sum": KernelKind(_keep_decayed(DecayedSum), finish=_decayed(SCALE)),
}
