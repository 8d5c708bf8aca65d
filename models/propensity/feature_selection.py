"""Selects the columns of the base model: those that say most about acceptance, without redundant ones."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from expressions.types import Array

Columns: TypeAlias = "NDArray[np.floating[Any]]"

_PRIOR_IMPRESSIONS = 50.0


def select_features(
    columns: Columns, y: Array, group: NDArray[np.int64], *, common: int, varying: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Select columns by score tests against each group's own acceptance rate.

    A column is scored by what it explains over all groups together (for a common weight) and by the sum over single
    groups (for weights that vary). After each choice the scores of correlated columns are reduced.

    Args:
        columns: Standardised columns, shape (n, k).
        y: Outcomes, shape (n,).
        group: Offer of each row, shape (n,).
        common: Maximum number of columns with a common weight; varying ones count among them.
        varying: Maximum number of columns whose weights vary by group.

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
    chosen = _greedy(apart, correlations, varying, _by_chance(columns.shape[1], varying, int((counts > 0).sum())))
    alike = _greedy(together, correlations, common, _by_chance(columns.shape[1], common, 1))
    return np.setdiff1d(alike, chosen), chosen


def _score(columns: Columns, residuals: Array, variances: Array) -> Array:
    score: Array = (columns.T @ residuals) ** 2 / ((columns**2).T @ variances + 1e-9)
    return score


def _by_chance(columns: int, count: int, groups: int) -> float:
    """Return a score that about `count` of many columns without any meaning would exceed.

    A score is then chi-squared with a degree of freedom for each group. Without the bound, the best of thousands of
    meaningless columns would be chosen.
    """
    share = min(1.0, count / max(columns, 1))
    return 0.0 if share == 1.0 else float(chdtri(groups, 0.5 * share))


def _greedy(scores: Array, correlations: Array, count: int, least: float) -> NDArray[np.int64]:
    left = scores.copy()
    chosen: list[int] = []
    if not count:
        return np.empty(0, dtype=np.int64)
    for _ in range(min(count, len(scores))):
        best = int(np.argmax(left))
        if left[best] < least:
            break
        chosen.append(best)
        left *= np.clip(1.0 - correlations[best], 0.0, 1.0)
        left[best] = -1.0
    return np.sort(np.array(chosen, dtype=np.int64))
