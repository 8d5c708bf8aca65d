"""Calibration: maps scores to probabilities that match observed frequencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from domain.errors import DataError, ModelError
from expressions.types import Array
from models.evaluation.paired import better_beyond_noise
from models.evaluation.probability import log_losses

_EDGE = 1e-9
"""Probabilities are kept this far from 0 and 1, where the logarithm is infinite."""
_PRIOR_SD = 1.0
"""Prior standard deviation of a slope around 1; with few positives, scores stay nearly as they are."""
_LEAST_SLOPE = 1e-3


def logit(probability: Array) -> Array:
    """Return log-odds, finite also for 0 and 1.

    Example:
        >>> logit(np.array([0.5, 1.0])).round(1).tolist()
        [0.0, 20.7]
    """
    inside = np.clip(probability, _EDGE, 1.0 - _EDGE)
    odds: Array = np.log(inside) - np.log1p(-inside)
    return odds


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A monotone map of probabilities: `expit(rise * ln p - fall * ln(1 - p) + shift)`.

    With `rise == fall` it is Platt scaling, a line in the log-odds (Platt 1999); otherwise it is beta calibration
    (Kull, Silva Filho & Flach 2017), which can bend one end more than the other. Both slopes are positive, so the
    order of scores never changes.

    Example:
        >>> doubled = Calibration(kind="platt", rise=2.0, fall=2.0, shift=0.0)
        >>> doubled.apply(np.array([0.5, 0.2])).round(4).tolist()
        [0.5, 0.0588]
    """

    kind: Literal["platt", "beta"]
    rise: float
    fall: float
    shift: float

    def apply(self, probability: Array) -> Array:
        """Calibrate probabilities of any shape."""
        inside = np.clip(probability, _EDGE, 1.0 - _EDGE)
        calibrated: Array = expit(self.rise * np.log(inside) - self.fall * np.log1p(-inside) + self.shift)
        return np.clip(calibrated, _EDGE, 1.0 - _EDGE)

    def moved(self, shift: float) -> Calibration:
        """Return the map with its log-odds moved by a shift."""
        return replace(self, shift=self.shift + shift)

    def to_json(self) -> dict[str, str | float]:
        """Return the parameters as JSON-compatible values."""
        return {"kind": self.kind, "rise": self.rise, "fall": self.fall, "shift": self.shift}

    @classmethod
    def from_json(cls, parts: Mapping[str, object]) -> Calibration:
        """Read a calibration from `to_json` output.

        Raises:
            ModelError: If it is not a calibration of a known kind.
        """
        kind = parts.get("kind")
        if kind not in {"platt", "beta"}:
            raise ModelError("unknown kind of calibration", got=repr(kind), expected="platt or beta")
        rise, fall, shift = (float(str(parts[name])) for name in ("rise", "fall", "shift"))
        return cls(kind=kind, rise=rise, fall=fall, shift=shift)


def fit_calibration(probability: Array, y: Array, kind: Literal["platt", "beta"] = "platt") -> Calibration:
    """Fit by maximum likelihood with a weak prior towards no change, on rows that the scores were not fitted on.

    Platt scaling is the default: two parameters are stable with a few hundred positives, and a line in the log-odds
    keeps contributions to a score additive.

    Raises:
        DataError: If there are no rows.
    """
    if not len(y):
        raise DataError("no rows to calibrate on", expected="scores with known outcomes")
    inside = np.clip(probability, _EDGE, 1.0 - _EDGE)
    gains, losses = np.log(inside), -np.log1p(-inside)
    # columns, start and bounds of the linear part: slopes first, shift last
    parts = (
        np.stack([gains + losses, np.ones(len(y))], axis=1)
        if kind == "platt"
        else np.stack([gains, losses, np.ones(len(y))], axis=1)
    )
    slopes = parts.shape[1] - 1
    start = np.append(np.ones(slopes), 0.0)
    precision = np.append(np.full(slopes, _PRIOR_SD**-2), 0.01 * _PRIOR_SD**-2)

    def objective(weights: Array) -> tuple[float, Array]:
        scores = parts @ weights
        loss = np.logaddexp(0.0, scores).sum() - scores @ y + 0.5 * precision @ (weights - start) ** 2
        return float(loss), parts.T @ (expit(scores) - y) + precision * (weights - start)

    bounds = [(_LEAST_SLOPE, None)] * slopes + [(None, None)]
    weights = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    rise, fall = float(weights[0]), float(weights[slopes - 1])
    return Calibration(kind=kind, rise=rise, fall=fall, shift=float(weights[-1]))


UNCALIBRATED = Calibration(kind="platt", rise=1.0, fall=1.0, shift=0.0)
"""Leaves probabilities as they are."""


def calibration_of_folds(
    log_odds: Array, y: Array, fold: NDArray[np.int64], customers: NDArray[np.object_]
) -> Calibration:
    """Fit on out-of-fold scores, or leave scores as they are where that does not help on other folds.

    The map is tried on each fold after fitting it on the others; it is used only if log loss improves by more than the
    standard error of the difference, over customers.

    Args:
        log_odds: Out-of-fold scores, shape (n,).
        y: Outcomes, shape (n,).
        fold: Fold of each row, shape (n,).
        customers: Customer of each row, shape (n,).
    """
    numbers, probability = np.unique(fold), expit(log_odds)
    if len(numbers) < 2:
        return UNCALIBRATED
    tried = np.empty(len(y))
    for number in numbers:
        held = fold == number
        tried[held] = fit_calibration(probability[~held], y[~held]).apply(probability[held])
    if not better_beyond_noise(log_losses(tried, y), log_losses(probability, y), customers):
        return UNCALIBRATED
    return fit_calibration(probability, y)
