"""Gains after prices, block by block of a chunk: the inner loop of every pass."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from decisioning.allocation.problem import CustomerChunk
from expressions.types import Array

BLOCK_ROWS = 2048
"""With twenty candidates a block is a third of a megabyte, which stays in a core's cache through all steps."""

Positions = NDArray[np.intp]


def priced_blocks(chunk: CustomerChunk, prices: Array) -> Iterator[tuple[slice, Array]]:
    """Subtract the price of what candidates consume: gain - sum_k price_k x consumption_k.

    Args:
        chunk: The chunk.
        prices: Currency per unit, shape (K,).

    Yields:
        Rows of the chunk, and their priced gains, shape (rows, m), -inf or NaN where not allowed. The array is reused
        for the next block. Yields nothing if there are no candidates.
    """
    rows, candidates = chunk.gain.shape
    if not candidates:
        return
    same_for_all = np.zeros(candidates)
    of_each = []
    for price, amounts in zip(prices.tolist(), chunk.consumption, strict=True):
        if price and amounts.ndim == 1:
            with np.errstate(over="ignore"):
                same_for_all += price * amounts
        elif price:
            of_each.append((price, amounts))
    priced = np.empty((min(rows, BLOCK_ROWS), candidates))
    product = np.empty_like(priced)
    for first in range(0, rows, BLOCK_ROWS):
        block = slice(first, min(first + BLOCK_ROWS, rows))
        out, times = priced[: block.stop - first], product[: block.stop - first]
        np.subtract(chunk.gain[block], same_for_all, out=out)
        with np.errstate(over="ignore", invalid="ignore"):  # an infinite price makes a candidate unwanted
            for price, amounts in of_each:
                np.multiply(amounts[block], price, out=times)
                np.subtract(out, times, out=out)
        yield block, out


def best_of(priced: Array) -> tuple[Positions, Array]:
    """Find each row's best candidate; ties go to the first.

    Args:
        priced: Shape (n, m), m at least 1; NaN is replaced by -inf in place, in rows where it hides the maximum.

    Returns:
        Position and priced gain, each of shape (n,); 0 and -inf where nothing is allowed.

    Example:
        >>> [part.tolist() for part in best_of(np.array([[1.0, 3.0, 3.0], [np.nan, 2.0, -np.inf]]))]
        [[1, 1], [3.0, 2.0]]
    """
    rows = np.arange(len(priced))
    best = priced.argmax(axis=1)
    worth = priced[rows, best]
    unclear = np.flatnonzero(np.isnan(worth))  # argmax stops at the first NaN
    if len(unclear):
        cleared = priced[unclear]
        cleared[np.isnan(cleared)] = -np.inf
        priced[unclear] = cleared
        best[unclear] = cleared.argmax(axis=1)
        worth[unclear] = priced[unclear, best[unclear]]
    return best, worth
