"""What each feature contributed to a prediction, so that a reason can be put in words."""

from __future__ import annotations

from dataclasses import dataclass

from expressions.types import Array


@dataclass(frozen=True, slots=True)
class Contributions:
    """Calibrated log-odds taken apart: `logit(prediction) = intercept + values.sum(axis=1)`.

    Attributes:
        names: What contributed: features, and for propensity also `offer`, `channel`, `product` and attributes.
        values: Shape (n, len(names)), log-odds against the average of the training rows.
        intercept: Shape (n,).
    """

    names: tuple[str, ...]
    values: Array
    intercept: Array

    def strongest(self, row: int, count: int) -> list[tuple[str, float]]:
        """Name the contributions of one row that are furthest from zero, the strongest first.

        Example:
            >>> import numpy as np
            >>> parts = Contributions(("age", "region"), np.array([[0.1, -0.7]]), np.zeros(1))
            >>> parts.strongest(0, 1)
            [('region', -0.7)]
        """
        ordered = sorted(zip(self.names, self.values[row].tolist(), strict=True), key=lambda part: -abs(part[1]))
        return ordered[:count]
