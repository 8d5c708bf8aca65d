"""Logistic regression with weights that differ by offer, pooled over product, attributes, offer and channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from expressions.types import Array

_STEPS = 25
_SMALL_STEP = 1e-5
_LEAST_WEIGHT = 1e-6
_PRECISION_RANGE = (0.3, 1e5)
_REESTIMATED_UNTIL = 8
"""Newton steps in which precisions are re-estimated; after that they are fixed, so that the fit converges."""


@dataclass(frozen=True, slots=True)
class Design:
    """Rows sorted by group, as the structured Newton step needs them.

    Attributes:
        varying: Shape (n, z): columns whose weights differ by group, a column of ones first.
        common: Shape (n, c): columns with one weight for all groups.
        placed: Shape (g, h): each group's row over the hierarchy.
        starts: Shape (g + 1,): group k has the rows from `starts[k]` to `starts[k + 1]`.
    """

    varying: Array
    common: Array
    placed: Array
    starts: NDArray[np.int64]

    def take(self, rows: NDArray[np.bool_]) -> Design:
        """Return the rows under a mask; groups stay, even empty ones."""
        kept_before = np.concatenate([[0], np.cumsum(rows)])
        return Design(self.varying[rows], self.common[rows], self.placed, kept_before[self.starts].astype(np.int64))

    def scores(self, weights: Array) -> Array:
        """Return log-odds of the rows, shape (n,)."""
        theta, gamma = self.split(weights)
        by_group = theta @ self.placed.T
        scores: Array = self.common @ gamma
        for group, (start, end) in enumerate(zip(self.starts[:-1], self.starts[1:], strict=True)):
            scores[start:end] += self.varying[start:end] @ by_group[:, group]
        return scores

    def split(self, weights: Array) -> tuple[Array, Array]:
        """Split a weight vector into weights of varying columns, shape (z, h), and of common ones, shape (c,)."""
        size = self.varying.shape[1] * self.placed.shape[1]
        return weights[:size].reshape(self.varying.shape[1], -1), weights[size:]

    def gradient(self, residuals: Array) -> Array:
        """Return the transposed design times residuals, shape (z * h + c,)."""
        theta = np.zeros((self.varying.shape[1], self.placed.shape[1]))
        for group, (start, end) in enumerate(zip(self.starts[:-1], self.starts[1:], strict=True)):
            theta += np.outer(self.varying[start:end].T @ residuals[start:end], self.placed[group])
        return np.concatenate([theta.ravel(), self.common.T @ residuals])

    def information(self, row_weights: Array) -> Array:
        """Return the transposed design times the weighted design, without building the design of interactions.

        A row of group k is the Kronecker product of its varying columns and the group's placement. Sums over rows are
        therefore computed once per group, in the small columns, and then spread over the levels the group is on.
        """
        z, h, c = self.varying.shape[1], self.placed.shape[1], self.common.shape[1]
        total = np.zeros((z * h + c, z * h + c))
        columns = np.arange(z)[:, None] * h
        root = np.sqrt(row_weights)[:, None]
        for group, (start, end) in enumerate(zip(self.starts[:-1], self.starts[1:], strict=True)):
            if start == end:
                continue
            varying, common = self.varying[start:end] * root[start:end], self.common[start:end] * root[start:end]
            levels = np.flatnonzero(self.placed[group])
            size = self.placed[group, levels]
            places = (columns + levels).ravel()
            within, across = varying.T @ varying, varying.T @ common
            spread = within[:, None, :, None] * np.outer(size, size)[None, :, None, :]
            total[places[:, None], places] += spread.reshape(len(places), len(places))
            total[places, z * h :] += (across[:, None] * size[:, None]).reshape(len(places), c)
            total[z * h :, z * h :] += common.T @ common
        total[z * h :, : z * h] = total[: z * h, z * h :].T
        return total


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
        information[np.diag_indices_from(information)] += pull
        factor = cho_factor(information, lower=True, overwrite_a=True, check_finite=False)
        slope = design.gradient(y - probability) - pull * weights
        step = cho_solve(factor, slope, check_finite=False)
        along = design.scores(step)
        before = _objective(weights, scores, y, pull)
        share = 1.0
        # halve the step until the objective does not get worse
        while share > 1e-4:
            proposed = weights + share * step, scores + share * along
            if _objective(*proposed, y, pull) <= before + 1e-9 * abs(before):
                break
            share /= 2.0
        weights, scores = weights + share * step, scores + share * along
        if reestimate and 0 < step_number <= _REESTIMATED_UNTIL:
            variances = np.diag(cho_solve(factor, np.eye(len(weights)), check_finite=False))
            precisions = _reestimated(weights, variances, blocks, precisions)
        elif np.abs(step).max() < _SMALL_STEP:
            break
    return Fitted(weights, precisions)


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
