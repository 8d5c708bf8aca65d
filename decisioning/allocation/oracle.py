"""The dual function of the allocation: one pass over all chunks, with the same sums however customers are divided."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from decisioning.allocation.problem import AllocationProblem, CustomerChunk
from decisioning.allocation.scoring import best_of, priced_blocks
from expressions.types import Array

BLOCK = 4096


class OrderedSums:
    """Sums rows of numbers that arrive in pieces.

    Floating-point sums depend on the order of their terms. Here numbers are summed in blocks of `BLOCK` positions,
    counted from the very first customer; an incomplete block waits for the next piece.

    Example:
        >>> numbers = np.random.default_rng(7).random((1, 10_000))
        >>> whole, pieces = OrderedSums(1), OrderedSums(1)
        >>> whole.add(numbers)
        >>> for piece in np.split(numbers, [17, 5_000], axis=1):
        ...     pieces.add(piece)
        >>> bool(whole.total()[0] == pieces.total()[0])
        True
    """

    def __init__(self, rows: int) -> None:
        self._waiting = np.empty((rows, 0))
        self._total = np.zeros(rows)

    def add(self, numbers: Array) -> None:
        """Add the next positions: shape (rows, n)."""
        if self._waiting.shape[1]:
            numbers = np.concatenate([self._waiting, numbers], axis=1)
        whole = numbers.shape[1] // BLOCK * BLOCK
        for first in range(0, whole, BLOCK):
            self._total += np.ascontiguousarray(numbers[:, first : first + BLOCK]).sum(axis=1)
        self._waiting = numbers[:, whole:].copy()

    def total(self) -> Array:
        """Return the sums so far: shape (rows,)."""
        total: Array = self._total + self._waiting.sum(axis=1)
        return total


Result = TypeVar("Result")


def over_chunks(
    compute: Callable[[CustomerChunk, int], Result], chunks: Iterable[CustomerChunk], threads: int
) -> Iterator[Result]:
    """Call a function on every chunk and yield the results.

    The caller's thread fetches chunks one at a time, and at most one more than there are threads is held. numpy
    releases the GIL while it computes, so threads help where chunks have thousands of rows.

    Args:
        compute: Function of a chunk and the position of its first customer; must not keep the chunk.
        chunks: Chunks in the order of positions.
        threads: Number of threads; 1 computes in the caller's thread.
    """
    start = 0
    if threads == 1:
        for chunk in chunks:
            yield compute(chunk, start)
            start += len(chunk)
        return
    with ThreadPoolExecutor(threads) as pool:
        running: deque[Future[Result]] = deque()
        for chunk in chunks:
            running.append(pool.submit(compute, chunk, start))
            start += len(chunk)
            if len(running) > threads:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


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


def evaluate(problem: AllocationProblem, prices: Array, threads: int) -> Dual:
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


def _of_chunk(chunk: CustomerChunk, prices: Array) -> Array:
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
