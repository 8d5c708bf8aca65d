"""Training rows of churn: a customer's features at an anchor, with the label and when it was complete."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array
from features.table import FeatureTable


@dataclass(frozen=True, slots=True)
class ChurnRows:
    """n customers of the label's population at anchors.

    Attributes:
        features: Their features; columns other than `names` are fine.
        y: Labels, 1.0 churned, 0.0 not, NaN not mature, shape (n,).
        known_at: When each label is complete, shape (n,).
        names: Features that the model may read.
    """

    features: FeatureTable
    y: Array
    known_at: NDArray[np.datetime64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> ChurnRows:
        """Return the rows at some positions or under a mask."""
        return ChurnRows(self.features.take(rows), self.y[rows], self.known_at[rows], self.names)
