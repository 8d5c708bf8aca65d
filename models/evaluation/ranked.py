"""Counts of positives and negatives in score order: all that a ranking metric needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from expressions.types import Array


@dataclass(frozen=True, slots=True)
class RankedCounts:
    """Number (or weight) of positives and negatives with each distinct score, highest score first.

    Ranking metrics are functions of these two arrays, over their last axis; leading axes are bootstrap replicates.

    Attributes:
        positives: Shape (..., groups).
        negatives: Shape (..., groups).
    """

    positives: Array
    negatives: Array

    @classmethod
    def of(cls, score: Array, y: Array, weights: Array | None = None) -> RankedCounts:
        """Count by distinct score; ties form one group, so that no order among them is invented.

        Example:
            >>> RankedCounts.of(np.array([0.2, 0.9, 0.2]), np.array([0.0, 1.0, 1.0]))
            RankedCounts(positives=array([1., 1.]), negatives=array([0., 1.]))
        """
        groups, count = descending_groups(score, maximum=None)
        weight: Array = np.ones(len(y)) if weights is None else weights
        return cls(
            np.bincount(groups, weights=weight * y, minlength=count).astype(np.float64),
            np.bincount(groups, weights=weight * (1.0 - y), minlength=count).astype(np.float64),
        )


def descending_groups(score: Array, maximum: int | None) -> tuple[NDArray[np.int64], int]:
    """Return for every row the position of its score among the distinct scores, highest first.

    Args:
        score: Shape (n,).
        maximum: With more distinct scores than this, neighbours share a group of about equal row counts. A tie
            counts half in the area under the ROC curve, so 2,048 groups change it by less than 1e-5.

    Returns:
        Group of every row, shape (n,), and the number of groups.
    """
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    new = np.ones(len(score), dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    rank = np.cumsum(new) - 1
    count = int(rank[-1]) + 1 if len(rank) else 0
    if maximum is not None and count > maximum:
        first_row = np.flatnonzero(new)
        coarse = first_row * maximum // len(score)
        rank = np.unique(coarse, return_inverse=True)[1][rank]
        count = int(rank[-1]) + 1
    groups = np.empty(len(score), dtype=np.int64)
    groups[order] = rank
    return groups, count


@dataclass(frozen=True, slots=True)
class WeightedRanking:
    """Counts by score for any weights of customers, computed as two sparse products.

    Attributes:
        positives: Sparse, shape (groups, customers).
        negatives: Sparse, shape (groups, customers).
    """

    positives: sparse.csr_array
    negatives: sparse.csr_array

    @classmethod
    def of(
        cls, score: Array, y: Array, customers: NDArray[np.int64], of_all: int, maximum_groups: int = 2_048
    ) -> WeightedRanking:
        """Prepare the counts; `customers` holds the position of each row's customer, from 0, among `of_all`."""
        groups, count = descending_groups(score, maximum_groups)
        shape = (count, of_all)

        def by_customer(rows: NDArray[np.bool_]) -> sparse.csr_array:
            ones = np.ones(int(rows.sum()))
            return sparse.csr_array((ones, (groups[rows], customers[rows])), shape=shape)

        return cls(by_customer(y == 1.0), by_customer(y == 0.0))

    def weighted(self, weights: Array) -> RankedCounts:
        """Count under weights of shape (customers, replicates); the result has shape (replicates, groups)."""
        return RankedCounts(
            np.ascontiguousarray((self.positives @ weights).T), np.ascontiguousarray((self.negatives @ weights).T)
        )
