"""Estimates: metrics with confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from expressions.types import Array
from models.evaluation.ratio import ratio

LEVEL = 0.95
"""Confidence level of every interval of evaluations: what readers expect of an interval without a label."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric with its confidence interval; NaN if undefined (one class only, a constant score).

    Attributes:
        low: Lower bound at `LEVEL`.
        high: Upper bound at `LEVEL`.
    """

    value: float
    low: float
    high: float

    @classmethod
    def from_replicates(cls, value: float, replicates: Array, bounds: tuple[float, float]) -> Estimate:
        """Build a percentile interval, centred on the value.

        Replicates of a metric that noise increases (calibration error) are above the value on average, since resampling
        adds noise a second time; subtracting their mean excess corrects the interval and changes nothing elsewhere.

        Args:
            value: Value on the sample itself.
            replicates: Bootstrap values, shape (replicates,); NaN for draws with one class only.
            bounds: Smallest and largest possible value.

        Example:
            >>> Estimate.from_replicates(0.5, np.linspace(0.5, 0.7, 101), (0.0, 1.0))
            Estimate(value=0.5, low=0.405, high=0.595)
        """
        usable = replicates[np.isfinite(replicates)]
        if not np.isfinite(value) or 2 * len(usable) < len(replicates) or not len(usable):
            return cls(value, float("nan"), float("nan"))
        tail = (1.0 - LEVEL) / 2.0
        low, high = np.quantile(usable, [tail, 1.0 - tail]) - (usable.mean() - value)
        least, most = bounds
        return cls(value, round(float(np.clip(low, least, most)), 12), round(float(np.clip(high, least, most)), 12))


def wilson_interval(positives: Array | float, rows: Array | float) -> tuple[Array, Array]:
    """Return the Wilson score interval of a share (Wilson 1927), for independent rows.

    Returns:
        Lower and upper bound, of the arguments' shape; NaN where there are no rows.

    Example:
        >>> low, high = wilson_interval(10, 100)
        >>> round(float(low), 4), round(float(high), 4)
        (0.0552, 0.1744)
    """
    count = np.asarray(rows, dtype=np.float64)
    share = ratio(positives, count)
    z = float(ndtri(0.5 + LEVEL / 2.0))
    safe = np.maximum(count, 1.0)
    scale = 1.0 + z**2 / safe
    centre = (share + z**2 / (2.0 * safe)) / scale
    half = z / scale * np.sqrt(share * (1.0 - share) / safe + z**2 / (4.0 * safe**2))
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)
