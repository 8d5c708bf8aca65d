"""Convert the kernel's kept integers to feature values: float64, with NaN for NULL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from expressions.types import Array, Number
from features.calendar import MICROSECONDS_PER_DAY
from features.definitions import AggregateKind, Feature
from features.kernel.aggregates.active_days import DayBits
from features.kernel.aggregates.decayed import DecayedCount, DecayedSum
from features.kernel.aggregates.extremes import NOTHING_GREATEST, NOTHING_LEAST
from features.kernel.arrays import Int64Array
from features.kernel.columns import SCALE, UNKNOWN
from features.kernel.history import CodedMoments
from features.kernel.plan import Int64Matrix, Slot

FEW_MOMENTS: Final = 4_096
"""Up to this many moments, rows are copied out and finished together; for more, the copies cost more than the steps."""


@dataclass(frozen=True, slots=True)
class Finishing:
    """How features are finished. Features of the same kind take one step, which is fast for a single customer.

    Attributes:
        alike: Way of finishing -> names of the features, and their rows in the kept numbers.
        others: Features that are finished one by one.
    """

    alike: tuple[tuple[Alike, tuple[str, ...], Int64Array], ...]
    others: tuple[tuple[Feature, tuple[Slot, ...]], ...]

    @classmethod
    def of(cls, features: Iterable[Feature], parts: Mapping[str, tuple[Slot, ...]]) -> Finishing:
        """Group features that are finished alike; features that are not aggregates are skipped."""
        alike: dict[Alike, list[tuple[str, int]]] = {}
        others: list[tuple[Feature, tuple[Slot, ...]]] = []
        for feature in features:
            if feature.aggregate is None:
                continue
            slots = parts[feature.name]
            way = _alike(feature)
            if way is None:
                others.append((feature, slots))
            else:
                alike.setdefault(way, []).append((feature.name, slots[0].start + way.offset))
        return cls(
            tuple(
                (way, tuple(name for name, _ in members), np.array([row for _, row in members], dtype=np.int64))
                for way, members in alike.items()
            ),
            tuple(others),
        )

    def columns(self, kept: Int64Matrix, moments: CodedMoments) -> dict[str, Array]:
        """Compute the features, shape (m,) each.

        Args:
            kept: Shape (rows of the plan, m).
            moments: The m moments.
        """
        finished: dict[str, Array] = {}
        together = kept.shape[1] <= FEW_MOMENTS
        for way, names, rows in self.alike:
            if together:
                finished.update(zip(names, way.finish(kept[rows], moments), strict=True))
            else:
                finished.update((name, way.finish(kept[row], moments)) for name, row in zip(names, rows, strict=True))
        for feature, slots in self.others:
            finished[feature.name] = finish(feature, slots, kept, moments)
        return finished


@dataclass(frozen=True, slots=True)
class Alike:
    """A way of finishing single rows of the kept numbers.

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


_ALIKE: Final[Mapping[AggregateKind, Alike]] = {
    "count": Alike(None, 1),
    "sum": Alike(None, SCALE),
    "min": Alike(NOTHING_LEAST, SCALE),
    "max": Alike(NOTHING_GREATEST, SCALE),
    "days_since_first": Alike(NOTHING_LEAST, None),
    "days_since_last": Alike(NOTHING_GREATEST, None),
}


def _alike(feature: Feature) -> Alike | None:
    assert feature.aggregate is not None, "only aggregates have slots"
    if feature.aggregate.aggregate == "last":
        # the slot keeps the time first, then the value
        return Alike(NOTHING_GREATEST, SCALE if isinstance(feature.type, Number) else 1, offset=1)
    return _ALIKE.get(feature.aggregate.aggregate)


def finish(feature: Feature, slots: tuple[Slot, ...], kept: Int64Matrix, moments: CodedMoments) -> Array:
    """Compute a feature that needs more than one row of the kept numbers, shape (m,).

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
        case "mean":
            count = kept[slots[1].start]
            finished = np.where(count > 0, first / SCALE / np.maximum(count, 1), np.nan)
        case "distinct_days":
            days = DayBits.count(tuple(kept[slots[0].rows])) if isinstance(slots[0].aggregate, DayBits) else first
            finished = days.astype(np.float64)
        case "decayed_count":
            assert isinstance(slots[0].aggregate, DecayedCount), "the plan keeps a decayed count in blocks"
            finished = slots[0].aggregate.value(kept[slots[0].rows], moments.day)
        case "decayed_sum":
            assert isinstance(slots[0].aggregate, DecayedSum), "the plan keeps a decayed sum in blocks"
            finished = slots[0].aggregate.value(kept[slots[0].rows], moments.day) / SCALE
        case other:
            raise AssertionError(f"{other} is finished in a group")
    return finished


def _days_since(times: Int64Matrix, as_of: Int64Array, nothing: int) -> Array:
    known = times != nothing
    elapsed = as_of - np.where(known, times, as_of)
    return np.where(known, elapsed / MICROSECONDS_PER_DAY, np.nan)
