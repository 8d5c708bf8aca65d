"""The dual function of the allocation: what prices promise at most, and what they make people use."""

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
        bound: No allocation within the capacities has a higher total gain.
        used: Shape (K,), what is consumed when everybody takes the best candidate at these prices.
    """

    prices: Array
    bound: float
    used: Array


def evaluate(problem: Problem, prices: Array, threads: int) -> Dual:
    """Let everybody choose at these prices.

    Computes D(prices) = sum_k price_k x capacity_k + sum_i max(0, max_j priced gain_ij), the Lagrangian dual function,
    and used_k, for which capacity - used is a subgradient of D (Fisher 1981). One pass over the chunks; the result
    depends neither on the chunks nor on the number of threads.
    """
    sums = OrderedSums(problem.resources + 1)
    for numbers in over_chunks(lambda chunk, _: _of_chunk(chunk, prices), problem.chunks, threads):
        sums.add(numbers)
    total = sums.total()
    paid = sum(price * amount for price, amount in zip(prices.tolist(), problem.capacity.tolist(), strict=True))
    return Dual(prices, float(total[0]) + paid, total[1:])


def _of_chunk(chunk: Chunk, prices: Array) -> Array:
    """Give each customer's priced gain and consumption: shape (1 + K, n)."""
    numbers = np.zeros((1 + len(prices), len(chunk)))
    nobody = chunk.gain.shape[1]
    chosen = np.full(len(chunk), nobody)
    for block, priced in priced_blocks(chunk, prices):
        best, worth = best_of(priced)
        buys = np.flatnonzero(worth > 0)
        rows, best = buys + block.start, best[buys]
        numbers[0, rows], chosen[rows] = worth[buys], best
        for resource, amounts in enumerate(chunk.consumption, 1):
            if amounts.ndim == 2:  # here, where the block's amounts are still in the cache
                numbers[resource, rows] = amounts[rows, best]
    for resource, amounts in enumerate(chunk.consumption, 1):
        if amounts.ndim == 1:
            np.take(np.append(amounts, 0.0), chosen, out=numbers[resource], mode="clip")
    return numbers
