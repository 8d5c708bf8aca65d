"""Metrics with confidence intervals, from bootstrap samples that are the same for everything that is compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.estimate import LEVEL, NORMAL, Estimate
from expressions.types import Array
from models.evaluation.metrics import ratio

_ENTRIES_AT_ONCE = 8_000_000
"""Weights held in memory at once (64 MB); replicates are drawn in blocks of this size."""


@dataclass(frozen=True, slots=True)
class CustomerDraws:
    """Bootstrap replicates that draw as many customers as there are, with replacement, each with all its rows.

    Rows of one customer are alike; drawing rows would count their repetition as evidence and give intervals that are
    too narrow (cluster bootstrap, Davison & Hinkley 1997, section 3.8).

    Attributes:
        customers: Position of each row's customer, shape (n,), from 0 without gaps.
        count: Number of customers.
        replicates: Number of replicates; 200 give the bounds of a 95 % interval to about a tenth of its width.
    """

    customers: NDArray[np.int64]
    count: int
    replicates: int
    seed: int

    @classmethod
    def of(cls, customer_ids: NDArray[np.object_], replicates: int, seed: int) -> CustomerDraws:
        """Number the customers in the order of their ids, so that the order of rows does not matter."""
        names, customers = np.unique(customer_ids.astype(str), return_inverse=True)
        return cls(customers.astype(np.int64), len(names), replicates, seed)

    def blocks(self) -> Iterator[Array]:
        """Yield how often each customer was drawn, in arrays of shape (customers, replicates in the block)."""
        generator = np.random.default_rng(self.seed)
        size = max(1, _ENTRIES_AT_ONCE // max(self.count, 1))
        for first in range(0, self.replicates, size):
            replicates = min(size, self.replicates - first)
            drawn = generator.integers(self.count, size=(replicates, self.count))
            weights = np.empty((self.count, replicates))
            for column in range(replicates):
                weights[:, column] = np.bincount(drawn[column], minlength=self.count)
            yield weights


def estimate_of_replicates(value: float, replicates: Array, bounds: tuple[float, float]) -> Estimate:
    """Build a percentile interval, centred on the value.

    Replicates of a metric that noise increases (calibration error) are above the value on average, since resampling
    adds noise a second time; subtracting their mean excess corrects the interval and changes nothing elsewhere.

    Args:
        value: Value on the sample itself.
        replicates: Bootstrap values, shape (replicates,); NaN for draws with one class only.
        bounds: Smallest and largest possible value.

    Example:
        >>> estimate_of_replicates(0.5, np.linspace(0.5, 0.7, 101), (0.0, 1.0))
        Estimate(value=0.5, low=0.405, high=0.595)
    """
    usable = replicates[np.isfinite(replicates)]
    if not np.isfinite(value) or 2 * len(usable) < len(replicates) or not len(usable):
        return Estimate(value, float("nan"), float("nan"))
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(usable, [tail, 1.0 - tail]) - (usable.mean() - value)
    least, most = bounds
    return Estimate(value, round(float(np.clip(low, least, most)), 12), round(float(np.clip(high, least, most)), 12))


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
    safe = np.maximum(count, 1.0)
    scale = 1.0 + NORMAL**2 / safe
    centre = (share + NORMAL**2 / (2.0 * safe)) / scale
    half = NORMAL / scale * np.sqrt(share * (1.0 - share) / safe + NORMAL**2 / (4.0 * safe**2))
    # the share is within, whatever the rounding of the last bit
    return np.clip(centre - half, 0.0, share), np.clip(centre + half, share, 1.0)
