"""Convert the kernel's kept integers to feature values: float64, with NaN for NULL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from expressions.types import Array
from features.definitions import Feature
from features.kernel.arrays import Int64Array, Int64Matrix
from features.kernel.history import CodedMoments
from features.kernel.kinds import KINDS, Finish, KeptPart, RowValue
from features.kernel.plan import Slot

FEW_MOMENTS: Final = 4_096
"""Up to this many moments, rows are copied out and finished together; for more, the copies cost more than the steps."""


@dataclass(frozen=True, slots=True)
class Finishing:
    """How features are finished. Features of the same kind take one step, which is fast for a single customer.

    Attributes:
        alike: Value from one row -> names of the features, and their rows in the kept numbers.
        others: Features that are finished one by one: their names, the step, and where their parts are kept.
    """

    alike: tuple[tuple[RowValue, tuple[str, ...], Int64Array], ...]
    others: tuple[tuple[str, Finish, tuple[Slot, ...]], ...]

    @classmethod
    def of(cls, features: Iterable[Feature], parts: Mapping[str, tuple[Slot, ...]]) -> Finishing:
        """Group features that are finished alike; features that are not aggregates are skipped."""
        alike: dict[RowValue, list[tuple[str, int]]] = {}
        others: list[tuple[str, Finish, tuple[Slot, ...]]] = []
        for feature in features:
            if feature.aggregate is None:
                continue
            slots, kind = parts[feature.name], KINDS[feature.aggregate.aggregate]
            if kind.value is not None:
                value = kind.value(feature.type)
                alike.setdefault(value, []).append((feature.name, slots[0].start + value.offset))
            else:
                assert kind.finish is not None, "a kind has a value from one row, or from all"
                others.append((feature.name, kind.finish, slots))
        return cls(
            tuple(
                (value, tuple(name for name, _ in members), np.array([row for _, row in members], dtype=np.int64))
                for value, members in alike.items()
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
        for value, names, rows in self.alike:
            if together:
                finished.update(zip(names, value.finish(kept[rows], moments), strict=True))
            else:
                finished.update((name, value.finish(kept[row], moments)) for name, row in zip(names, rows, strict=True))
        for name, finish, slots in self.others:
            finished[name] = finish([KeptPart(slot.aggregate, kept[slot.rows]) for slot in slots], moments)
        return finished
