"""Distinct local days: counted within a history, kept as bits if more events may fall on a day already counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.kernel.aggregates.contract import Accumulated
from features.kernel.aggregates.rollover import Subtracted, Timeless
from features.kernel.arrays import BoolArray, Int64Array, counted_before, spread
from features.kernel.selection import Ranges, Selection

DAYS_PER_WORD = 63
"""Bits used of an int64; the sign bit is not used."""
MOST_WORDS = 6
"""Together 378 days: a window of a year plus today fits. Older days of longer windows are kept as a count."""


_ALL_DAYS = (1 << DAYS_PER_WORD) - 1


@dataclass(frozen=True, slots=True)
class DayCount(Subtracted, Timeless):
    """Number of local days with events, for parts of a history that share no day.

    Windows begin at local midnights and a history is split at local midnights, so parts never share a day.
    """

    @property
    def identity(self) -> tuple[int, ...]:
        """Zero."""
        return (0,)

    def prepare(self, selection: Selection) -> Accumulated:
        """Count, before each row, the rows that begin a day."""
        return (counted_before(_begins_day(selection)),)

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Count the rows in each range that begin a day."""
        (begun,) = prepared
        return (begun[ranges.upper] - begun[ranges.lower],)

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Add the counts."""
        return (left[0] + right[0],)


@dataclass(frozen=True, slots=True)
class DayBits:
    """Local days before the moment's day that have events: a bit for each, and a count of days too old for bits.

    Merging two parts that share a day counts it once, which late events of a day already counted require. Only days
    more than 377 days back, in windows longer than that, are counted again.

    Attributes:
        words: Number of int64 words with bits; bit b of word w is the day `63 w + b` days before the moment's day.
    """

    words: int

    @classmethod
    def reaching(cls, window_days: int | None) -> DayBits:
        """Make enough words for a window: its days, and the moment's own day."""
        if window_days is None:
            return cls(MOST_WORDS)
        return cls(min(MOST_WORDS, -(-(window_days + 1) // DAYS_PER_WORD)))

    @property
    def identity(self) -> tuple[int, ...]:
        """No old days and no bits."""
        return (0,) * (1 + self.words)

    def prepare(self, selection: Selection) -> Accumulated:
        """Find the rows that begin a day, and count them before each row."""
        begins = _begins_day(selection)
        return (np.flatnonzero(begins), counted_before(begins))

    def over(self, prepared: Accumulated, selection: Selection, ranges: Ranges) -> Accumulated:
        """Set a bit for each day of each range."""
        first_rows, begun = prepared
        moments, positions = spread(begun[ranges.lower], begun[ranges.upper])
        age = ranges.day[moments] - selection.day[first_rows[positions]]
        kept = np.zeros((1 + self.words, len(ranges.lower)), dtype=np.int64)
        old = age >= self.words * DAYS_PER_WORD
        kept[0] = np.bincount(moments[old], minlength=kept.shape[1])
        word, bit = np.divmod(age[~old], DAYS_PER_WORD)
        np.bitwise_or.at(kept, (1 + word, moments[~old]), np.left_shift(np.int64(1), bit))
        return tuple(kept)

    def merge(self, left: Accumulated, right: Accumulated) -> Accumulated:
        """Combine the bits and add the old days."""
        united = (one | other for one, other in zip(left[1:], right[1:], strict=True))
        return (left[0] + right[0], *united)

    def can_subtract(self, kept: Accumulated, leaving: Accumulated) -> BoolArray:
        """Return true everywhere: days leave as a whole."""
        del leaving
        return np.ones(len(kept[0]), dtype=np.bool_)

    def without(self, kept: Accumulated, leaving: Accumulated) -> Accumulated:
        """Clear the bits and subtract the old days."""
        cleared = (one & ~other for one, other in zip(kept[1:], leaving[1:], strict=True))
        return (kept[0] - leaving[0], *cleared)

    def roll(self, kept: Accumulated, day: Int64Array) -> Accumulated:
        """Shift the bits by one day; the last one becomes an old day."""
        del day
        old, *words = kept
        carried = np.zeros_like(old)
        shifted = []
        for word in words:
            shifted.append(((word << 1) & _ALL_DAYS) | carried)
            carried = word >> (DAYS_PER_WORD - 1)
        return (old + carried, *shifted)

    @staticmethod
    def count(kept: Accumulated) -> Int64Array:
        """Count the days."""
        days = kept[0].copy()
        for word in kept[1:]:
            days += np.bitwise_count(word)
        return days


def _begins_day(selection: Selection) -> BoolArray:
    """Flag the first row of each owner's day."""
    if not len(selection):
        return np.zeros(0, dtype=np.bool_)
    return np.append(True, (np.diff(selection.day) != 0) | (np.diff(selection.owner) != 0))
