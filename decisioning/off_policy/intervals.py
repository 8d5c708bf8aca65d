"""Intervals of values and of their differences, with customers as the unit of evidence."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.estimate import LEVEL, NORMAL, Estimate
from expressions.types import Array

REPLICATES: Final = 1_000
"""Enough for the bounds of a 95 % interval to about a twentieth of its width."""

BLOCKS: Final = 2_000
"""More customers than this are put together at random into so many blocks, which are resampled as customers are: sums
over random groups of independent customers are as independent as they, and the work does not grow with their number."""

SOON: Final = 1_000
"""Customers after which the confidence sequence is tightest; before and after it is valid, and wider."""


def ratio_estimate(numerator: Array, denominator: Array, unit: NDArray[np.intp], units: int) -> Estimate:
    """Estimate sum(numerator) / sum(denominator); see `difference_estimate`."""
    nothing = np.zeros(len(numerator))
    return difference_estimate(numerator, denominator, nothing, np.ones(len(numerator)), unit, units)


def difference_estimate(
    numerator: Array, denominator: Array, less: Array, over: Array, unit: NDArray[np.intp], units: int
) -> Estimate:
    """Estimate sum(numerator) / sum(denominator) - sum(less) / sum(over) over rows, by a studentised cluster bootstrap.

    Customers are drawn with replacement, each with all its rows; the interval inverts the distribution of
    (replicate - estimate) / standard error of the replicate (bootstrap-t, Davison & Hinkley 1997, sections 2.4 and
    3.8), because importance weights are skewed and the customary percentile interval misses too often on one side.

    Args:
        numerator: Shape (n,).
        denominator: Shape (n,).
        less: Shape (n,).
        over: Shape (n,).
        unit: Customer of each row, shape (n,), from 0 to `units` - 1.
        units: Number of customers.

    Example:
        >>> ones, unit = np.ones(400), np.arange(400)
        >>> found = difference_estimate(np.tile([0.0, 2.0], 200), ones, np.zeros(400), ones, unit, 400)
        >>> found.value, round(found.low, 1), round(found.high, 1)
        (1.0, 0.9, 1.1)
    """
    if units > BLOCKS:
        unit, units = (np.random.default_rng(1).permutation(units) % BLOCKS)[unit], BLOCKS
    columns = (numerator, denominator, less, over)
    sums: Array = np.stack([np.bincount(unit, column, units) for column in columns], axis=1).astype(np.float64)
    value, error = _value_and_error(sums.sum(0), (sums.T @ sums)[None], units)
    if units < 2 or not np.isfinite(value) or not error > 0.0:
        known = float(value[0])
        # rows that are all alike have no noise, which is not evidence of none if there are few
        return Estimate(known, *((known, known) if units >= 30 and error == 0.0 else (float("nan"),) * 2))
    products = (sums[:, :, None] * sums[:, None, :]).reshape(units, 16)
    drawn = _draws(units)
    totals = drawn @ sums
    values, errors = _value_and_error(totals.T, (drawn @ products).reshape(-1, 4, 4), units)
    with np.errstate(divide="ignore", invalid="ignore"):
        student = (values - value) / errors
    usable = student[np.isfinite(student)]
    if 2 * len(usable) < REPLICATES:
        return Estimate(float(value[0]), float("nan"), float("nan"))
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(usable, [tail, 1.0 - tail])
    # where rewards have no tail the bootstrap is too sure of itself: never narrower than the normal interval
    low, high = min(low, -NORMAL), max(high, NORMAL)
    return Estimate(float(value[0]), float((value - high * error)[0]), float((value - low * error)[0]))


@lru_cache(maxsize=2)
def _draws(units: int) -> Array:
    """Return how often each customer is drawn, shape (replicates, units); estimates that are compared share draws."""
    generator = np.random.default_rng(2)
    counts = [np.bincount(generator.integers(units, size=units), minlength=units) for _ in range(REPLICATES)]
    return np.stack(counts).astype(np.float64)


def _value_and_error(totals: Array, products: Array, units: int) -> tuple[Array, Array]:
    """Return the difference of ratios and its standard error by the delta method, each of shape (replicates,).

    Args:
        totals: Sums over customers, shape (4,) or (4, replicates).
        products: Sums of outer products of customers' sums, shape (replicates, 4, 4).
        units: Number of customers.
    """
    top, bottom, less, over = np.atleast_2d(totals.T).T
    with np.errstate(divide="ignore", invalid="ignore"):
        value = top / bottom - less / over
        slope = np.stack([1.0 / bottom, -top / bottom**2, -1.0 / over, less / over**2], axis=1)
        # slopes times totals add up to nothing, so that the second moment is the variance
        variance = np.einsum("ri,rij,rj->r", slope, products, slope) * units / max(units - 1, 1)
    return value, np.sqrt(np.maximum(variance, 0.0))


def confidence_sequence(rows: Array, unit: NDArray[np.intp], units: int) -> Estimate:
    """Estimate the mean of rows with an interval that holds at every moment at which somebody may look.

    The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), with customers as its
    steps: looking every day and stopping at the first good day keeps the promised share of errors.

    Args:
        rows: Shape (n,), for example differences of `decisioning.off_policy.estimators`.
        unit: Customer of each row, shape (n,).
        units: Number of customers.

    Example:
        >>> found = confidence_sequence(np.tile([0.0, 2.0], 200), np.arange(400), 400)
        >>> round(found.low, 1), round(found.high, 1)
        (0.8, 1.2)
    """
    mean = float(rows.mean())
    if units < 2:
        return Estimate(mean, float("nan"), float("nan"))
    sums = np.bincount(unit, rows - mean, units) * (units / len(rows))
    alpha = 1.0 - LEVEL
    rate = (-2.0 * np.log(alpha) + np.log(-2.0 * np.log(alpha) + 1.0)) / SOON
    spread = units * rate + 1.0
    half = float(sums.std() * np.sqrt(2.0 * spread / (units**2 * rate) * np.log(np.sqrt(spread) / alpha)))
    return Estimate(mean, mean - half, mean + half)
