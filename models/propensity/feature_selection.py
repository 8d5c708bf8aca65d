"""Which columns the base model sees: those that say most about acceptance, and not the same thing twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array

_PRIOR_IMPRESSIONS = 50.0


def select_features(
    columns: Array, y: Array, group: NDArray[np.int64], *, common: int, varying: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose columns by score tests against each group's own acceptance rate.

    A column is scored by what it explains in all groups together (for one common weight) and summed over the groups
    one by one (for weights that vary). After each choice the others lose the share they have in common with it.

    Args:
        columns: Shape (n, k), standardised.
        y: Shape (n,).
        group: Shape (n,), the offer of each row.
        common: How many columns get a common weight, at most; those that vary are among them.
        varying: How many columns get weights that vary by group, at most.

    Returns:
        Positions of common columns that do not vary, and of varying ones, ascending.
    """
    counts = np.bincount(group)
    overall = (y.sum() + 0.5) / (len(y) + 1.0)
    rates = (np.bincount(group, weights=y) + _PRIOR_IMPRESSIONS * overall) / (counts + _PRIOR_IMPRESSIONS)
    expected = rates[group]
    residuals, variances = y - expected, expected * (1.0 - expected)
    together = _score(columns, residuals, variances)
    apart = np.zeros(columns.shape[1])
    for number in np.flatnonzero(counts):
        rows = group == number
        apart += _score(columns[rows], residuals[rows], variances[rows])
    lengths = np.maximum(np.linalg.norm(columns, axis=0), 1e-9)
    correlations = (columns.T @ columns / np.outer(lengths, lengths)) ** 2
    chosen = _greedy(apart, correlations, varying)
    alike = _greedy(together, correlations, common)
    return np.setdiff1d(alike, chosen), chosen


def _score(columns: Array, residuals: Array, variances: Array) -> Array:
    score: Array = (columns.T @ residuals) ** 2 / ((columns**2).T @ variances + 1e-9)
    return score


def _greedy(scores: Array, correlations: Array, count: int) -> NDArray[np.int64]:
    left = scores.copy()
    chosen: list[int] = []
    for _ in range(min(count, len(scores))):
        best = int(np.argmax(left))
        chosen.append(best)
        left *= np.clip(1.0 - correlations[best], 0.0, 1.0)
        left[best] = -1.0
    return np.sort(np.array(chosen, dtype=np.int64))
