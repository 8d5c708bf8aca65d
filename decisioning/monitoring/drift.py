"""Drift: whether a feature or score is distributed as it was, by the population stability index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri

from domain.errors import DataError
from expressions.types import Array

BINS: Final = 10
SMOOTHED: Final = 0.5
"""Added to each count, so that an empty bin has a finite index."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a distribution has moved.

    Attributes:
        index: Population stability index, sum of (q - p) ln(q / p) over bins.
        by_chance: 99 % quantile of the index if nothing has moved: with few rows a high index means nothing.
        bins: Bins with rows.
    """

    index: float
    by_chance: float
    bins: int

    def exceeds(self, limit: float) -> bool:
        """Whether the index is above a limit, and above what chance explains."""
        return self.index > max(limit, self.by_chance)


def drift(reference: ArrayLike, current: ArrayLike, *, bins: int = BINS, confidence: float = 0.99) -> Drift:
    """Compare two samples of a number.

    Bins are the quantiles of the reference; NaN is a bin of its own, and a value with many ties has one, too. Without
    drift the index is distributed like (1/n + 1/m) chi-square with one degree of freedom less than there are bins
    (Yurdakul and Naranjo 2020).

    Args:
        reference: Numbers or codes of categories, shape (n,).
        current: The same later, shape (m,).
        bins: Quantile bins.
        confidence: Of `by_chance`.

    Raises:
        DataError: A sample is empty or not one-dimensional, or there are fewer than two bins.

    Example:
        >>> generator = np.random.default_rng(1)
        >>> before, same = generator.normal(size=3_000), generator.normal(size=2_000)
        >>> moved = generator.normal(1.0, size=2_000)
        >>> drift(before, same).exceeds(0.1), drift(before, moved).exceeds(0.25)
        (False, True)
    """
    before, after = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    for name, sample in (("reference", before), ("current", after)):
        if sample.ndim != 1 or not len(sample):
            raise DataError(f"the {name} sample has no values", got=str(sample.shape), expected="shape (n,), n > 0")
    if bins < 2:
        raise DataError("too few bins", got=str(bins), expected="at least 2")
    known = before[~np.isnan(before)]
    edges = np.unique(np.quantile(known, np.linspace(0.0, 1.0, bins + 1)[1:-1])) if len(known) else np.empty(0)
    places = 2 * len(edges) + 2  # below, at and between the edges, and NaN: ties of one value are a bin
    counts = [np.bincount(_places(sample, edges), minlength=places) for sample in (before, after)]
    seen = (counts[0] + counts[1]) > 0
    p, q = (_shares(count[seen]) for count in counts)
    found = int(seen.sum())
    by_chance = (1.0 / len(before) + 1.0 / len(after)) * (chdtri(found - 1, 1.0 - confidence) if found > 1 else 0.0)
    return Drift(float(((q - p) * np.log(q / p)).sum()), float(by_chance), found)


def _places(sample: Array, edges: Array) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    left, right = np.searchsorted(edges, sample, side="left"), np.searchsorted(edges, sample, side="right")
    return np.where(np.isnan(sample), 2 * len(edges) + 1, left + right)


def _shares(count: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Array:
    smooth = count + SMOOTHED
    shares: Array = smooth / smooth.sum()
    return shares
