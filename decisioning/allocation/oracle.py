"""The dual function of the allocation: the upper bound that prices give, and the consumption at these prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decisioning.allocation.passes import over_chunks
from decisioning.allocation.problem import Chunk, Problem
from decisioning.allocation.scoring import best_of, priced_blocks
from decisioning.allocation.sums import OrderedSums
from expressions.types import Array


@dataclass(frozen=True, slots=True, eq=False)
class Dual:
    """The dual function at one point.

    Attributes:
        prices: Shape (K,).
        bound: Upper bound on the total gain of any allocation within the capacities.
        used: Shape (K,), consumption if everybody takes the best candidate at these prices.
    """

    prices: Array
    bound: float
    used: Array


def evaluate(problem: Problem, prices: Array, threads: int) -> Dual:
    """Evaluate the dual function: let everybody choose at these prices.

    Computes D(prices) = sum_k price_k x capacity_k + sum_i max(0, max_j priced gain_ij), the Lagrangian dual function,
    and used_k, for which capacity - used is a subgradient of D (Fisher 1981). One pass over the chunks; the result
    does not depend on chunks or threads.
    """
    sums = OrderedSums(problem.resources + 1)
    for numbers in over_chunks(lambda chunk, _: _of_chunk(chunk, prices), problem.chunks, threads):
        sums.add(numbers)
    total = sums.total()
    paid = sum(price * amount for price, amount in zip(prices.tolist(), problem.capacity.tolist(), strict=True))
    return Dual(prices, float(total[0]) + paid, total[1:])


def _of_chunk(chunk: Chunk, prices: Array) -> Array:
    """Return each customer's priced gain and consumption: shape (1 + K, n)."""
    numbers = np.zeros((1 + len(prices), len(chunk)))
    nobody = chunk.gain.shape[1]
    chosen = np.full(len(chunk), nobody)
    for block, priced in priced_blocks(chunk, prices):
        best, worth = best_of(priced)
        buys = np.flatnonzero(worth > 0)
        rows, best = buys + block.start, best[buys]
        numbers[0, rows], chosen[rows] = worth[buys], best
        for resource, amounts in enumerate(chunk.consumption, 1):
            if amounts.ndim == 2:  # now, while the block's amounts are still in the cache
                numbers[resource, rows] = amounts[rows, best]
    for resource, amounts in enumerate(chunk.consumption, 1):
        if amounts.ndim == 1:
            np.take(np.append(amounts, 0.0), chosen, out=numbers[resource], mode="clip")
    return numbers
