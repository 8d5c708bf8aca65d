"""Counts and sums in which the weight of an event halves with every half-life, exact in integers.

The weight of an event `age` local days before the moment's day is `2^(-age / half_life)`. Seen from the first day of a
block of eight half-lives, the weights of the block's events grow to 2^8 and do not depend on the moment. In fixed point
they are integers, whose sum does not depend on the order. So one total is kept for each block that the window can
touch, the block of the moment's own day first, and only the final number scales the totals to the moment. No weight is
ever larger than 2^8, however long the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np

from expressions.types import Array
from features.kernel.aggregates.contract import Accumulated
from features.kernel.aggregates.rollover import Subtracted
from features.kernel.arrays import Int64Array, spread
from features.kernel.selection import Ranges, Selection, Window

BLOCK_HALF_LIVES: Final = 8
REACH_HALF_LIVES: Final = 40
"""Older events have weights below 1e-12 and do not count; this acts like any other window."""
COUNT_SCALE: Final = 2.0**32
"""A weight of 1 in fixed point: counts are accurate to 2^-33, and 4 million events of one block fit."""
COARSE: Final = 2.0**12
"""Unit of the first part of a sum: 100,000 of the largest amounts in one block fit."""
FINE: Final = 2.0**-30
"""Unit of the second part, which holds the remainder of the first: a billionth of the smallest amount."""


def decayed_window(half_life_days: int, window: Window) -> int:
    """Return the days back to the oldest event that counts: those of the window, limited by the half-life's reach.

    Example:
        >>> decayed_window(30, None), decayed_window(30, 90)
        (1199, 90)
    """
    reach = REACH_HALF_LIVES * half_life_days - 1
    return reach if window is None else min(window, reach)


@dataclass(frozen=True, slots=True)
class _Blocks(Subtracted):
    """Totals of blocks of days, the block of the moment's own day first.

    Attributes:
        half_life_days: Days after which an event weighs half.
        blocks: Number of blocks that a window can touch.
    """

    half_life_days: int
    blocks: int

    @classmethod
    def within(cls, window_days: int, half_life_days: int) -> Self:
        """Keep as many blocks as a window and the moment's day can touch, wherever blocks begin."""
        return cls(half_life_days, window_days // (BLOCK_HALF_LIVES * half_life_days) + 2)

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Add the totals: both parts belong to the same moment, so their blocks are the same."""
        return tuple(one + other for one, other in zip(left, right, strict=True))

    def roll(self, kept: Accumulated, day: Int64Array) -> Accumulated:
        """Move every total one block on if the next day begins a block; no window reaches beyond the last one."""
        begins = (day + 1) % self.days == 0
        newest = range(0, len(kept), self.blocks)  # a sum keeps two rows of blocks
        return tuple(np.where(begins, 0 if row in newest else kept[row - 1], total) for row, total in enumerate(kept))

    @property
    def days(self) -> int:
        """Length of a block in days."""
        return BLOCK_HALF_LIVES * self.half_life_days

    def weights(self, selection: Selection) -> Array:
        """Return the weight of each row, seen from the first day of its block."""
        return _powers(self.half_life_days)[selection.day % self.days]

    def pieces(self, selection: Selection) -> Accumulated:
        """Return each piece's first row (a piece is an owner's rows in one block), each row's piece, the blocks."""
        block = selection.day // self.days
        begins = np.append(True, (np.diff(block) != 0) | (np.diff(selection.owner) != 0))
        first = np.append(np.flatnonzero(begins), len(selection))
        return (first, np.cumsum(begins) - 1, block[first[:-1]])

    def totals(self, running: Int64Array, pieces: Accumulated, ranges: Ranges) -> Accumulated:
        """Return the difference of a running total over each range, block by block."""
        first, piece, block = pieces
        some = ranges.upper > ranges.lower
        begin = np.where(some, piece[np.where(some, ranges.lower, 0)], 0)
        end = np.where(some, piece[np.where(some, ranges.upper - 1, 0)] + 1, 0)
        moments, touched = spread(begin, end)
        lower = np.maximum(first[touched], ranges.lower[moments])
        upper = np.minimum(first[touched + 1], ranges.upper[moments])
        totals = np.zeros((self.blocks, len(ranges.lower)), dtype=np.int64)
        totals[ranges.day[moments] // self.days - block[touched], moments] = running[upper] - running[lower]
        return tuple(totals)

    def scaled(self, totals: Int64Array, day: Int64Array, unit: float) -> Array:
        """Scale the totals of blocks, shape (blocks, m), to the days of their moments, and sum them."""
        value = np.zeros(totals.shape[1])
        for total in totals[::-1]:
            value = value * 2.0**-BLOCK_HALF_LIVES + total
        return value * unit / _powers(self.half_life_days)[day % self.days]


@dataclass(frozen=True, slots=True)
class DecayedCount(_Blocks):
    """Weighted number of events."""

    @property
    def identity(self) -> tuple[int, ...]:
        """Zero in every block."""
        return (0,) * self.blocks

    def prepare(self, selection: Selection) -> Accumulated:
        """Find the pieces, and the running total of weights before each row."""
        weights = np.rint(self.weights(selection) * COUNT_SCALE).astype(np.int64)
        return (*self.pieces(selection), _running(weights))

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Return the total of each block of each range."""
        *pieces, running = prepared
        return self.totals(running, tuple(pieces), ranges)

    def value(self, kept: Int64Array, day: Int64Array) -> Array:
        """Compute the count on the day of each moment from the kept totals, shape (blocks, m)."""
        return self.scaled(kept, day, 1 / COUNT_SCALE)


@dataclass(frozen=True, slots=True)
class DecayedSum(_Blocks):
    """Weighted sum of values.

    A weighted value in 1/10,000 needs more digits than an int64 has, so it is kept in two parts, coarse and fine.
    """

    @property
    def identity(self) -> tuple[int, ...]:
        """Zero in every block, coarse and fine."""
        return (0,) * (2 * self.blocks)

    def prepare(self, selection: Selection) -> Accumulated:
        """Find the pieces, and the running totals of weighted values before each row."""
        weighted = selection.values * self.weights(selection)
        coarse = np.rint(weighted / COARSE)
        fine = np.rint((weighted - coarse * COARSE) / FINE)
        return (*self.pieces(selection), _running(coarse.astype(np.int64)), _running(fine.astype(np.int64)))

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Return the totals of each block of each range: all coarse ones, then all fine ones."""
        *pieces, coarse, fine = prepared
        return (*self.totals(coarse, tuple(pieces), ranges), *self.totals(fine, tuple(pieces), ranges))

    def value(self, kept: Int64Array, day: Int64Array) -> Array:
        """Compute the sum on the day of each moment, in 1/10,000, from the kept totals, shape (2 blocks, m)."""
        coarse, fine = kept[: self.blocks], kept[self.blocks :]
        return self.scaled(coarse, day, COARSE) + self.scaled(fine, day, FINE)


def _running(numbers: Int64Array) -> Int64Array:
    """Return the total before each row; it may wrap around, but its differences are exact."""
    total = np.zeros(len(numbers) + 1, dtype=np.int64)
    np.cumsum(numbers, out=total[1:])
    return total


@lru_cache(maxsize=64)
def _powers(half_life_days: int) -> Array:
    """Return the weight of an event on each day of a block, seen from its first day: from 1 to below 2^8."""
    powers = np.exp2(np.arange(BLOCK_HALF_LIVES * half_life_days) / half_life_days)
    powers.flags.writeable = False
    return powers
