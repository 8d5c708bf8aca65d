"""Calibration metrics: do predicted probabilities match observed frequencies?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from expressions.types import Array
from models.evaluation.estimate import wilson_interval
from models.evaluation.probability import equal_count_bins, logit

BINS = 10
"""Bins of the calibration error: enough to show the shape, with hundreds of rows in each."""

_STEEPEST = 50.0
"""Maximum slope; beyond it a threshold separates the classes, and there is no finite fit."""


def calibration_error(bin_probability: Array, bin_positives: Array) -> Array:
    """Expected calibration error over equal-count bins (Naeini et al. 2015): mean distance of predicted and observed.

    Noise alone makes it positive: with n rows in a bin, about sqrt(p (1 - p) / n).

    Args:
        bin_probability: Sum of probabilities in each bin, shape (..., bins).
        bin_positives: Positives in each bin, shape (..., bins).

    Returns:
        Sum of absolute differences, shape (...,), to be divided by the number of rows.
    """
    distance: Array = np.abs(bin_probability - bin_positives).sum(axis=-1)
    return distance


@dataclass(frozen=True, slots=True)
class Recalibration:
    """The logistic regression of outcomes on the log odds of probabilities (Cox 1958).

    Attributes:
        intercept: 0 if calibrated, negative if probabilities are too high around one half.
        slope: 1 if calibrated, below 1 if probabilities are too extreme; NaN if it cannot be fitted.
    """

    intercept: float
    slope: float

    @classmethod
    def fit(cls, probability: Array, y: Array) -> Recalibration:
        """Fit by Newton's method.

        Example:
            >>> said = np.repeat([0.2, 0.8], 10)
            >>> seen = np.array([1.0] * 2 + [0.0] * 8 + [1.0] * 8 + [0.0] * 2)
            >>> fitted = Recalibration.fit(said, seen)
            >>> abs(round(fitted.intercept, 6)), round(fitted.slope, 6)
            (0.0, 1.0)
        """
        odds = logit(probability)
        if len(y) == 0 or np.ptp(odds) < 1e-9 or np.ptp(y) == 0.0:
            return cls(float("nan"), float("nan"))
        intercept, slope = 0.0, 1.0
        for _ in range(50):
            terms = cls(intercept, slope).terms(probability, y).sum(axis=0)
            change_intercept, change_slope = newton_step(terms)
            # a full step from far away can overshoot; steps of at most 1 still arrive within the iterations
            largest = max(abs(float(change_intercept)), abs(float(change_slope)), 1.0)
            intercept += float(change_intercept) / largest
            slope += float(change_slope) / largest
            if not np.isfinite(slope) or abs(slope) > _STEEPEST:
                return cls(float("nan"), float("nan"))
            if abs(float(change_intercept)) + abs(float(change_slope)) < 1e-9:
                break
        return cls(intercept, slope)

    def terms(self, probability: Array, y: Array) -> Array:
        """Return gradient and curvature of each row at this fit, shape (n, 5); `newton_step` takes sums of rows."""
        odds = logit(probability)
        fitted = expit(self.intercept + self.slope * odds)
        curvature = fitted * (1.0 - fitted)
        rest = y - fitted
        return np.column_stack([rest, rest * odds, curvature, curvature * odds, curvature * odds * odds])


def newton_step(terms: Array) -> tuple[Array, Array]:
    """Return the change of intercept and slope in one Newton step.

    One step from the fit on all rows gives the fit on a bootstrap sample up to second order, for the cost of a sum.

    Args:
        terms: Sums of `Recalibration.terms`, shape (..., 5).
    """
    gradient_0, gradient_1, h_00, h_01, h_11 = np.moveaxis(terms, -1, 0)
    determinant = h_00 * h_11 - h_01**2
    usable = determinant > 1e-12 * np.maximum(h_00 * h_11, 1e-300)
    safe = np.where(usable, determinant, np.nan)
    return (h_11 * gradient_0 - h_01 * gradient_1) / safe, (h_00 * gradient_1 - h_01 * gradient_0) / safe


@dataclass(frozen=True, slots=True)
class Reliability:
    """Predicted and observed frequencies, bin by bin.

    Attributes:
        rows: Rows of each bin, shape (bins,).
        said: Mean predicted probability.
        seen: Share of positives.
        seen_low: Lower bound of the Wilson interval of `seen`.
        seen_high: Upper bound of the Wilson interval of `seen`.
    """

    rows: NDArray[np.int64]
    said: Array
    seen: Array
    seen_low: Array
    seen_high: Array

    @classmethod
    def of(cls, probability: Array, y: Array, bins: int = BINS) -> Reliability:
        """Compute the frequencies in equal-count bins of the probability."""
        bin_of_row, count = equal_count_bins(probability, bins)
        rows = np.bincount(bin_of_row, minlength=count)
        positives = np.bincount(bin_of_row, weights=y, minlength=count).astype(np.float64)
        low, high = wilson_interval(positives, rows.astype(np.float64))
        said = np.bincount(bin_of_row, weights=probability, minlength=count) / rows
        return cls(rows.astype(np.int64), said, positives / rows, low, high)
