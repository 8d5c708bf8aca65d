"""Logistic regression with weights that differ by offer, pooled over product, attributes, offer and channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from expressions.types import Array
from models.propensity.levels import Information, Levels

_STEPS = 25
_SMALL_STEP = 1e-4
"""Newton's error after a step is about the square of the step."""
_TOLERANCE = 1e-7
"""Relative loss of the objective that is rounding: designs may be in single precision."""
_LEAST_WEIGHT = 1e-6
_PRECISION_RANGE = (0.3, 1e5)
_REESTIMATED_UNTIL = 8
"""Newton steps in which precisions are re-estimated; after that they are fixed, so that the fit converges."""
_BLOCK = 65_536
"""Rows whose products are summed in the design's own precision; sums of blocks are in double precision."""


Matrix: TypeAlias = "NDArray[np.floating[Any]]"
"""In double or single precision."""


@dataclass(frozen=True, slots=True)
class Design:
    """Rows sorted by group, as the structured Newton step needs them.

    Attributes:
        varying: Shape (n, z): columns whose weights differ by group, a column of ones first.
        common: Shape (n, c): columns with one weight for all groups.
        levels: Each group's place in the hierarchy, shape (g, h).
        starts: Shape (g + 1,): group k has the rows from `starts[k]` to `starts[k + 1]`.
    """

    varying: Matrix
    common: Matrix
    levels: Levels
    starts: NDArray[np.int64]

    def take(self, rows: NDArray[np.bool_]) -> Design:
        """Return the rows under a mask; groups stay, even empty ones."""
        kept_before = np.concatenate([[0], np.cumsum(rows)])
        return Design(self.varying[rows], self.common[rows], self.levels, kept_before[self.starts].astype(np.int64))

    def limited(self, limit: float) -> Design:
        """Return the same rows with no value further from 0 than a limit of at least 1."""
        return Design(
            np.clip(self.varying, -limit, limit), np.clip(self.common, -limit, limit), self.levels, self.starts
        )

    def scores(self, weights: Array) -> Array:
        """Return log-odds of the rows, shape (n,)."""
        theta, gamma = self.split(weights)
        by_group = (theta @ self.levels.placed.T).astype(self.varying.dtype)
        scores: Array = (self.common @ gamma.astype(self.common.dtype)).astype(np.float64)
        for group, rows in self._groups():
            scores[rows] += self.varying[rows] @ by_group[:, group]
        return scores

    def split(self, weights: Array) -> tuple[Array, Array]:
        """Split a weight vector into weights of varying columns, shape (z, h), and of common ones, shape (c,)."""
        size = self.varying.shape[1] * self.levels.placed.shape[1]
        return weights[:size].reshape(self.varying.shape[1], -1), weights[size:]

    def gradient(self, residuals: Array) -> Array:
        """Return the transposed design times residuals, shape (z * h + c,)."""
        own = residuals.astype(self.varying.dtype)
        by_group = np.zeros((len(self.levels.placed), self.varying.shape[1]))
        for group, rows in self._groups():
            by_group[group] = own[rows] @ self.varying[rows]
        return np.concatenate([(by_group.T @ self.levels.placed).ravel(), own @ self.common])

    def information(self, row_weights: Array) -> Information:
        """Return the transposed design times the weighted design, without building the design of interactions.

        A row of group k is the Kronecker product of its varying columns and the group's placement. Sums over rows are
        therefore computed once per group, in the small columns, and then spread over the levels the group is on.
        """
        levels, groups = self.levels, len(self.levels.placed)
        z, h, c = self.varying.shape[1], levels.placed.shape[1], self.common.shape[1]
        leaves, u = int(levels.is_leaf.sum()), int((~levels.is_leaf).sum())
        root = np.sqrt(row_weights).astype(self.varying.dtype)[:, None]
        within, across = np.zeros((groups, z * z)), np.zeros((groups, z * c))
        for group, rows in self._groups():
            varying, common = self.varying[rows] * root[rows], self.common[rows] * root[rows]
            within[group] = (varying.T @ varying).ravel()
            across[group] = (varying.T @ common).ravel()
        place = np.arange(z * h).reshape(z, h)
        corner = np.zeros((z * u + c, z * u + c))
        corner[: z * u, : z * u] = _spread(levels.upper @ within, u, u, z)
        upper = levels.placed[:, ~levels.is_leaf]
        corner[: z * u, z * u :] = (upper.T @ across).reshape(u, z, c).swapaxes(0, 1).reshape(z * u, c)
        corner[z * u :, : z * u] = corner[: z * u, z * u :].T
        for start in range(0, len(root), _BLOCK):
            block = self.common[start : start + _BLOCK] * root[start : start + _BLOCK]
            corner[z * u :, z * u :] += block.T @ block
        sides = np.empty((leaves, z, z * u + c))
        met = (levels.across @ within).reshape(leaves, u, z, z)
        sides[:, :, : z * u] = met.transpose(0, 2, 3, 1).reshape(leaves, z, z * u)
        sides[:, :, z * u :] = (levels.on_leaf @ across).reshape(leaves, z, c)
        return Information(
            upper=np.concatenate([place[:, ~levels.is_leaf].ravel(), z * h + np.arange(c)]),
            leaves=place[:, levels.is_leaf].T,
            corner=corner,
            sides=sides,
            blocks=(levels.on_leaf @ within).reshape(leaves, z, z),
        )

    def _groups(self) -> Iterator[tuple[int, slice]]:
        """Yield each group that has rows, and its rows."""
        for group in np.flatnonzero(self.starts[1:] > self.starts[:-1]).tolist():
            yield group, slice(self.starts[group], self.starts[group + 1])


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights at the optimum, shape (p,), and the precision of the prior of each block."""

    weights: Array
    precisions: Array


def fit_hierarchical(
    design: Design,
    y: Array,
    blocks: NDArray[np.int64],
    precisions: Array,
    *,
    reestimate: bool,
    start: Array | None = None,
) -> Fitted:
    """Maximise the likelihood with a normal prior of mean 0 on every block of weights, by Newton's method.

    With `reestimate` the precision of each block is estimated from the data (evidence framework, MacKay 1992): offers
    that behave alike are pooled more, offers that differ are pooled less.

    Args:
        design: The rows.
        y: Outcomes, 0.0 or 1.0, shape (n,).
        blocks: Block of each weight, shape (p,); -1 for a weight without a prior (the intercept).
        precisions: Precisions of the prior, or their initial values, shape (blocks,).
        reestimate: Whether to re-estimate them.
        start: Weights to start from, shape (p,); the optimum does not depend on them, only the time to find it.
    """
    precisions = precisions.copy()
    weights = np.zeros(len(blocks)) if start is None else start.copy()
    if start is None:
        weights[0] = np.log(y.sum() + 0.5) - np.log(len(y) - y.sum() + 0.5)
    scores = design.scores(weights)
    for step_number in range(_STEPS):
        pull = np.where(blocks < 0, _LEAST_WEIGHT, precisions[np.maximum(blocks, 0)])
        probability = expit(scores)
        information = design.information(np.maximum(probability * (1.0 - probability), _LEAST_WEIGHT))
        factored = information.plus(pull).factored()
        slope = design.gradient(y - probability) - pull * weights
        step = factored.solve(slope)
        along = design.scores(step)
        before = _objective(weights, scores, y, pull)
        share = 1.0
        # halve the step until the objective does not get worse
        while share > 1e-4:
            proposed = weights + share * step, scores + share * along
            if _objective(*proposed, y, pull) <= before + _TOLERANCE * abs(before):
                break
            share /= 2.0
        weights, scores = weights + share * step, scores + share * along
        if reestimate and 0 < step_number <= _REESTIMATED_UNTIL:
            precisions = _reestimated(weights, factored.variances(), blocks, precisions)
        elif np.abs(step).max() < _SMALL_STEP:
            break
    return Fitted(weights, precisions)


def _spread(sums: Array, first: int, second: int, z: int) -> Array:
    """Order sums by pairs of levels and of columns as weights are ordered, shape (z * first, z * second)."""
    ordered: Array = sums.reshape(first, second, z, z).transpose(2, 0, 3, 1).reshape(z * first, z * second)
    return ordered


def _objective(weights: Array, scores: Array, y: Array, pull: Array) -> float:
    return float(np.logaddexp(0.0, scores).sum() - scores @ y + 0.5 * pull @ weights**2)


def _reestimated(weights: Array, variances: Array, blocks: NDArray[np.int64], precisions: Array) -> Array:
    updated = precisions.copy()
    for block in range(len(precisions)):
        members = blocks == block
        if members.any():
            determined = members.sum() - precisions[block] * variances[members].sum()
            size = float((weights[members] ** 2).sum())
            updated[block] = np.clip(max(determined, 0.1) / max(size, 1e-9), *_PRECISION_RANGE)
    return updated
