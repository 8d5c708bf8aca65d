"""The metrics by name, with their ranges and the direction that is better, and those of discrimination."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np

from expressions.types import Array
from models.evaluation.ranked import RankedCounts


def ratio(numerator: Array | float, denominator: Array | float, otherwise: float = np.nan) -> Array:
    """Divide where the denominator is positive.

    Args:
        numerator: Any shape.
        denominator: A shape that broadcasts with it.
        otherwise: The result where the denominator is not positive.

    Example:
        >>> ratio(np.array([1.0, 1.0]), np.array([4.0, 0.0])).tolist()
        [0.25, nan]
    """
    above, below = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    result: Array = np.full(above.shape, otherwise)
    np.divide(above, below, out=result, where=below > 0.0)
    return result


def area_under_roc(counts: RankedCounts) -> Array:
    """Share of (positive, negative) pairs in which the positive has the higher score; a tie counts half.

    Returns:
        Shape of the leading axes; NaN with one class only.

    Example:
        >>> float(area_under_roc(RankedCounts.of(np.array([0.9, 0.8, 0.3]), np.array([1.0, 0.0, 1.0]))))
        0.5
    """
    positives, negatives = counts.positives, counts.negatives
    all_negatives = negatives.sum(axis=-1, keepdims=True)
    below = all_negatives - np.cumsum(negatives, axis=-1) + negatives / 2.0
    pairs = positives.sum(axis=-1) * all_negatives[..., 0]
    return ratio((positives * below).sum(axis=-1), pairs)


def average_precision(counts: RankedCounts) -> Array:
    """Mean precision over the positives, each at its own score; without interpolation, as in scikit-learn.

    Returns:
        Shape of the leading axes; NaN without positives. A random order gives about the prevalence.

    Example:
        >>> round(float(average_precision(RankedCounts.of(np.array([0.9, 0.8, 0.3]), np.array([1.0, 0.0, 1.0])))), 4)
        0.8333
    """
    found = np.cumsum(counts.positives, axis=-1)
    seen = found + np.cumsum(counts.negatives, axis=-1)
    precision = ratio(found, seen, otherwise=0.0)
    return ratio((counts.positives * precision).sum(axis=-1), counts.positives.sum(axis=-1))


@dataclass(frozen=True, slots=True)
class Metric:
    """Title, range and direction of a metric.

    Attributes:
        better: `higher`, `lower`, or `none` if it should be near a value (a slope near 1).
        least: Smallest possible value.
        most: Largest possible value.
    """

    title: str
    better: Literal["higher", "lower", "none"]
    least: float = 0.0
    most: float = 1.0


AUC = "auc"
LOG_LOSS = "log_loss"
BRIER_SKILL = "brier_skill"
CALIBRATION_ERROR = "calibration_error"

METRICS: Mapping[str, Metric] = {
    AUC: Metric("Area under the ROC curve", "higher"),
    "average_precision": Metric("Average precision", "higher"),
    "brier": Metric("Brier score", "lower"),
    BRIER_SKILL: Metric("Brier skill", "higher", least=-inf),
    LOG_LOSS: Metric("Log loss", "lower", most=inf),
    CALIBRATION_ERROR: Metric("Expected calibration error", "lower"),
    "calibration_ratio": Metric("Observed positives per predicted positive", "none", most=inf),
    "calibration_intercept": Metric("Calibration intercept", "none", least=-inf, most=inf),
    "calibration_slope": Metric("Calibration slope", "none", least=-inf, most=inf),
    "lift_10": Metric("Lift in the best 10 %", "higher", most=10.0),
    "alift": Metric("Area under the gain curve (ALIFT)", "higher"),
    "expected_maximum_profit": Metric("Expected maximum profit per customer", "higher", most=inf),
}
"""In display order; the last one is computed only with a bank's economics (churn)."""


def improvement_sign(metric: str) -> int:
    """Return 1 if higher is better, -1 if lower is, 0 if neither.

    Example:
        >>> improvement_sign("log_loss")
        -1
    """
    return {"higher": 1, "lower": -1, "none": 0}[METRICS[metric].better]
