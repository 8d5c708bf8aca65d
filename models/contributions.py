"""What each feature contributed to a prediction, so that a reason can be put in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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

    def strongest(self, count: int) -> list[list[tuple[str, float]]]:
        """Name the contributions of each row that are furthest from zero, the strongest first; of equals the first.

        Example:
            >>> parts = Contributions(("age", "region"), np.array([[0.1, -0.7]]), np.zeros(1))
            >>> parts.strongest(1)
            [[('region', -0.7)]]
        """
        order = np.argsort(-np.abs(self.values), axis=1, kind="stable")[:, :count]
        values = np.take_along_axis(self.values, order, axis=1)
        return [
            [(self.names[place], value) for place, value in zip(places, row, strict=True)]
            for places, row in zip(order.tolist(), values.tolist(), strict=True)
        ]
