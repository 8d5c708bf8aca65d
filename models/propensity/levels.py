"""Levels of the hierarchy: where each group is placed, and sums over groups spread over the weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.linalg.lapack import dpotri
from scipy.sparse import csr_array

from expressions.types import Array


@dataclass(frozen=True)
class Levels:
    """g groups over h levels, of which some are leaves: a group is on at most one of them, with 1.

    Leaves have no weight in common, so that their weights are eliminated leaf by leaf: the time of a step grows with
    the cube of the other weights, but in proportion to the number of leaves.

    Attributes:
        placed: Each group's row over the levels, shape (g, h).
        leaves: Levels that are leaves.
    """

    placed: Array
    leaves: slice

    @cached_property
    def is_leaf(self) -> NDArray[np.bool_]:
        """Whether each level is a leaf, shape (h,)."""
        found = np.zeros(self.placed.shape[1], dtype=bool)
        found[self.leaves] = True
        return found

    @cached_property
    def upper(self) -> csr_array:
        """The levels that are not leaves, times themselves, shape (u * u, g)."""
        rest = self.placed[:, ~self.is_leaf]
        return _products(rest, rest)

    @cached_property
    def across(self) -> csr_array:
        """The leaves times the levels that are not, shape (l * u, g)."""
        return _products(self.placed[:, self.is_leaf], self.placed[:, ~self.is_leaf])

    @cached_property
    def on_leaf(self) -> csr_array:
        """The leaf of each group, shape (l, g)."""
        return csr_array(self.placed[:, self.is_leaf].T)


def _products(left: Array, right: Array) -> csr_array:
    """Return each group's row times its other row, shape (left levels * right levels, g); a group is on few."""
    group, first, second, values = [], [], [], []
    for place, (one, other) in enumerate(zip(left, right, strict=True)):
        own, others = np.flatnonzero(one), np.flatnonzero(other)
        group.append(np.full(len(own) * len(others), place))
        first.append(np.repeat(own, len(others)))
        second.append(np.tile(others, len(own)))
        values.append(np.outer(one[own], other[others]).ravel())
    rows = np.concatenate(first) * right.shape[1] + np.concatenate(second)
    shape = (left.shape[1] * right.shape[1], len(left))
    return csr_array((np.concatenate(values), (rows, np.concatenate(group))), shape=shape)


@dataclass(frozen=True, slots=True)
class Information:
    """An information matrix of p weights, in which each leaf's weights meet no other leaf's.

    Attributes:
        upper: Places of the weights that are not of leaves, shape (u,).
        leaves: Places of the leaves' weights, shape (l, z).
        corner: Between the former, shape (u, u).
        sides: Between each leaf's weights and the former, shape (l, z, u).
        blocks: Among each leaf's weights, shape (l, z, z).
    """

    upper: NDArray[np.intp]
    leaves: NDArray[np.intp]
    corner: Array
    sides: Array
    blocks: Array

    def plus(self, diagonal: Array) -> Information:
        """Return the matrix with a diagonal added, shape (p,)."""
        corner, blocks, within = self.corner.copy(), self.blocks.copy(), np.arange(self.leaves.shape[1])
        corner[np.diag_indices_from(corner)] += diagonal[self.upper]
        blocks[:, within, within] += diagonal[self.leaves]
        return Information(self.upper, self.leaves, corner, self.sides, blocks)

    def dense(self) -> Array:
        """Return the matrix written out, shape (p, p)."""
        written = np.zeros((len(self.upper) + self.leaves.size,) * 2)
        written[np.ix_(self.upper, self.upper)] = self.corner
        for places, side, block in zip(self.leaves, self.sides, self.blocks, strict=True):
            written[np.ix_(places, places)] = block
            written[np.ix_(places, self.upper)] = side
            written[np.ix_(self.upper, places)] = side.T
        return written

    def factored(self) -> Factored:
        """Eliminate the leaves and decompose what is left (Schur complement); the matrix is positive definite."""
        rows = self.leaves.size, len(self.upper)
        solved = np.asarray(np.linalg.solve(self.blocks, self.sides), dtype=np.float64)
        left = self.corner - self.sides.reshape(rows).T @ solved.reshape(rows)
        factor, _ = cho_factor(left, lower=True, overwrite_a=True, check_finite=False)
        return Factored(self, solved.reshape(rows), factor)


@dataclass(frozen=True, slots=True)
class Factored:
    """A decomposed information matrix.

    Attributes:
        information: The matrix.
        solved: Blocks of the leaves, inverted, times their sides, shape (l * z, u).
        factor: Lower Cholesky factor of what is left of the corner.
    """

    information: Information
    solved: Array
    factor: Array

    def solve(self, vector: Array) -> Array:
        """Return the inverse matrix times a vector, shape (p,)."""
        own, found = self.information, np.empty(len(vector))
        upper, leaves = vector[own.upper], vector[own.leaves]
        found[own.upper] = cho_solve((self.factor, True), upper - self.solved.T @ leaves.ravel(), check_finite=False)
        alone = np.linalg.solve(own.blocks, leaves[:, :, None])[:, :, 0]
        found[own.leaves] = alone - (self.solved @ found[own.upper]).reshape(leaves.shape)
        return found

    def variances(self) -> Array:
        """Return the diagonal of the inverse matrix, shape (p,)."""
        own = self.information
        found = np.empty(len(own.upper) + own.leaves.size)
        inverse, _ = dpotri(self.factor, lower=1)
        found[own.upper] = np.diag(inverse)
        through = solve_triangular(self.factor, self.solved.T, lower=True, check_finite=False)
        alone = np.diagonal(np.linalg.inv(own.blocks), axis1=1, axis2=2)
        found[own.leaves] = alone + np.square(through).sum(axis=0).reshape(own.leaves.shape)
        return found
