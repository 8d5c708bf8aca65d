"""Bootstrap samples of customers, the same for everything that is compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array

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
