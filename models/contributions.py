"""Contributions of features to a prediction, the basis of reasons in words."""

from __future__ import annotations

from dataclasses import dataclass

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
