"""Contributions of features to a prediction, the basis of reasons in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expressions.types import Array


@dataclass(frozen=True, slots=True)
class Contributions:
    """Calibrated log-odds split into parts: `logit(prediction) = intercept + values.sum(axis=1)`.

    Attributes:
        names: Names of the parts: features, and for propensity also `offer`, `channel`, `product` and attributes.
        values: Shape (n, len(names)), log-odds relative to the average of the training rows.
        intercept: Shape (n,).
    """

    names: tuple[str, ...]
    values: Array
    intercept: Array

    def strongest(self, count: int) -> list[list[tuple[str, float]]]:
        """Return each row's contributions furthest from zero, strongest first; ties keep the order of the names.

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
