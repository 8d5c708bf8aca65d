"""Turning scores into probabilities that mean what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from domain.errors import DataError, ModelError
from expressions.types import Array

_EDGE = 1e-9
"""Probabilities are kept this far from 0 and 1, where the logarithm ends."""
_PRIOR_SD = 1.0
"""A slope further than this from 1 needs data to show it: few positives leave the scores nearly as they are."""
_LEAST_SLOPE = 1e-3


def logit(probability: Array) -> Array:
    """Log-odds; 0 and 1 are kept finite.

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

    With `rise == fall` it is Platt's, a line in the log-odds (Platt 1999); otherwise it is beta calibration
    (Kull, Silva Filho & Flach 2017), which can also bend one end more than the other. Both slopes are positive,
    so that the order of scores never changes.

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

    def to_json(self) -> dict[str, str | float]:
        """Give the parameters as JSON can hold them."""
        return {"kind": self.kind, "rise": self.rise, "fall": self.fall, "shift": self.shift}

    @classmethod
    def from_json(cls, parts: Mapping[str, object]) -> Calibration:
        """Read what `to_json` gave.

        Raises:
            ModelError: If it is not a calibration of a known kind.
        """
        kind = parts.get("kind")
        if kind not in {"platt", "beta"}:
            raise ModelError("unknown kind of calibration", got=repr(kind), expected="platt or beta")
        rise, fall, shift = (float(str(parts[name])) for name in ("rise", "fall", "shift"))
        return cls(kind=kind, rise=rise, fall=fall, shift=shift)


def fit_calibration(probability: Array, y: Array, kind: Literal["platt", "beta"] = "platt") -> Calibration:
    """Fit on rows the scores were not fitted on, by maximum likelihood with a weak pull towards no change.

    Platt is the default: two parameters stay stable with a few hundred positives, and a line in the log-odds keeps
    contributions to a score additive.

    Raises:
        DataError: If there are no rows.
    """
    if not len(y):
        raise DataError("no rows to calibrate on", expected="scores with known answers")
    inside = np.clip(probability, _EDGE, 1.0 - _EDGE)
    gains, losses = np.log(inside), -np.log1p(-inside)
    # columns of the linear part, its start and its bounds: slopes first, the shift last
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
