"""The outcome model: the reward expected of each action, cross-fitted over customers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from decisioning.off_policy.logged import LoggedDecisions
from expressions.types import Array

FOLDS: Final = 5
"""Customary; more folds change estimates by less than their noise."""

RIDGE: Final = 10.0
"""Rows' worth of evidence by which an action's coefficients are pulled towards those of all actions together."""

ROWS_AT_ONCE: Final = 250_000
"""Rows of the design matrix held in memory at once."""

_BOUND: Final = 5.0
"""Standard deviations at which inputs are cut off, so that one row cannot carry the fit."""


def expected_rewards(logged: LoggedDecisions) -> tuple[Array, Array]:
    """Predict rewards with linear models that have not seen the customer (cross-fitting, Chernozhukov et al. 2018).

    One ridge regression for each action, shrunk towards one for all actions. NULLs count as the mean. The
    cross-products of all folds are computed in one pass; a fold's models are solved from those of the others. Rewards
    that are known are not predicted.

    Returns:
        The reward expected of the evaluated policy and of the action that was chosen, both of shape (n,).
    """
    n, k = logged.target.shape
    scale = _Scale(logged.context)
    fold = _folds(logged)
    width = logged.context.shape[1] + 1
    products, sums = np.zeros((FOLDS, k, width, width)), np.zeros((FOLDS, k, width))
    cell = fold * k + logged.action
    for rows in _slices(n):
        design = scale(logged.context[rows])
        order = np.argsort(cell[rows], kind="stable")
        found, starts = np.unique(cell[rows][order], return_index=True)
        for place, part in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
            some = design[part]
            products[divmod(place, k)] += some.T @ some
            sums[divmod(place, k)] += some.T @ logged.reward[rows][part]
    coefficients = np.stack([_fit(products.sum(0) - products[i], sums.sum(0) - sums[i]) for i in range(FOLDS)])
    policy, chosen = np.empty(n), np.empty(n)
    for rows in _slices(n):
        design = scale(logged.context[rows])
        for one in range(FOLDS):
            inside = np.flatnonzero(fold[rows] == one)
            rewards = design[inside] @ coefficients[one].T
            rewards[:, logged.known] = logged.known_reward[logged.known]
            at = inside + rows.start
            policy[at] = np.einsum("nk,nk->n", rewards, logged.target[at])
            chosen[at] = rewards[np.arange(len(at)), logged.action[at]]
    return policy, chosen


class _Scale:
    """Columns in standard deviations, NULL as the mean, cut off at `_BOUND`, with a column of ones before them."""

    def __init__(self, context: NDArray[np.floating[Any]]) -> None:
        columns = context.shape[1]
        count, self.mean, squares = np.zeros(columns), np.zeros(columns), np.zeros(columns)
        for rows in _slices(len(context)):
            known = _known(context[rows])
            count += np.isfinite(known).sum(axis=0)
            self.mean += np.nansum(known, axis=0)
        self.mean /= np.maximum(count, 1.0)
        for rows in _slices(len(context)):
            squares += np.nansum((_known(context[rows]) - self.mean) ** 2, axis=0)
        deviation = np.sqrt(squares / np.maximum(count, 1.0))
        self.deviation = np.where(deviation > 0.0, deviation, 1.0)

    def __call__(self, context: NDArray[np.floating[Any]]) -> Array:
        scaled: Array = (context - self.mean) / self.deviation
        design: Array = np.ones((len(context), scaled.shape[1] + 1), dtype=np.float64)
        np.clip(np.where(np.isfinite(scaled), scaled, 0.0), -_BOUND, _BOUND, out=design[:, 1:])
        return design


def _known(context: NDArray[np.floating[Any]]) -> Array:
    """Return a slice in double precision, with NaN for all that is not finite."""
    known: Array = context.astype(np.float64)
    known[~np.isfinite(known)] = np.nan
    return known


def _folds(logged: LoggedDecisions) -> NDArray[np.intp]:
    """Assign customers to folds at random, the same in every run."""
    return np.random.default_rng(0).integers(FOLDS, size=logged.units)[logged.unit]


def _slices(n: int) -> Iterator[slice]:
    return (slice(first, min(first + ROWS_AT_ONCE, n)) for first in range(0, n, ROWS_AT_ONCE))


def _fit(products: Array, sums: Array) -> Array:
    """Solve for the coefficients of each action, shape (k, width)."""
    width = products.shape[-1]
    slight = np.eye(width) * 1e-6
    together = np.linalg.solve(products.sum(0) + slight + _penalty(width), sums.sum(0))
    moved = sums - products @ together
    own = np.linalg.solve(products + np.eye(width) * RIDGE, moved[..., None])[..., 0]
    coefficients: Array = (together + own).astype(np.float64)
    return coefficients


def _penalty(width: int) -> Array:
    """Penalise all but the intercept."""
    penalty = np.eye(width) * RIDGE
    penalty[0, 0] = 0.0
    return penalty
