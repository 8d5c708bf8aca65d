"""Sums over customers that are bit for bit independent of how customers are divided into chunks."""

from __future__ import annotations

import numpy as np

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
