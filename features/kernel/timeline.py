"""Binary search for moments of many customers in one pass."""

from __future__ import annotations

import numpy as np

from features.kernel.arrays import Int64Array

_LARGEST_KEY = 2**62


class Timeline:
    """Times of many customers as one ascending key: customer first, then time.

    A key is `customer * span + time - base`. If that would not fit int64 (many customers times many years), customers
    are searched in blocks that fit; usually there is one.

    Args:
        customer: Codes, ascending, shape (n,).
        time: Microseconds; ascending within a customer, or any order with `running`.
        running: Search the latest time so far, within each customer, instead.

    Example:
        >>> timeline = Timeline(np.array([0, 0, 1]), np.array([10, 20, 10]))
        >>> timeline.position(np.array([0, 0, 1, 2]), np.array([20, 21, 5, 0]))  # the first not before
        array([1, 2, 2, 3])
    """

    def __init__(self, customer: Int64Array, time: Int64Array, *, running: bool = False) -> None:
        self._count = len(time)
        self._base = int(time.min()) if self._count else 0
        # the range plus two: a time before all others and one after all still fit the customer's span
        self._span = (int(time.max()) - self._base if self._count else 0) + 2
        self._per_block = max(1, _LARGEST_KEY // self._span)
        self._keys = (customer % self._per_block) * self._span + (time - self._base)
        last = int(customer[-1]) if self._count else 0
        first_customers = np.arange(last // self._per_block + 2, dtype=np.int64) * self._per_block
        self._blocks = np.searchsorted(customer, first_customers)
        if running:
            for start, end in zip(self._blocks[:-1], self._blocks[1:], strict=True):
                np.maximum.accumulate(self._keys[start:end], out=self._keys[start:end])

    def position(self, customer: Int64Array, time: Int64Array) -> Int64Array:
        """Return the position of the customer's first time that is not before `time`, or the end of that customer."""
        offset = np.clip(time - self._base, 0, self._span - 1)
        keys = (customer % self._per_block) * self._span + offset
        block = customer // self._per_block
        if not block.any() and len(self._blocks) == 2:
            return np.searchsorted(self._keys, keys).astype(np.int64)
        # customers after the last one with events are in no block: their events would be at the end
        positions = np.full(len(keys), self._count, dtype=np.int64)
        for number, (start, end) in enumerate(zip(self._blocks[:-1], self._blocks[1:], strict=True)):
            in_block = block == number
            positions[in_block] = start + np.searchsorted(self._keys[start:end], keys[in_block])
        return positions
