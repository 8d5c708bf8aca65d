"""Discrimination metrics: do positives have higher scores than negatives?"""

from __future__ import annotations

import numpy as np

from expressions.types import Array
from models.evaluation.ranked import RankedCounts
from models.evaluation.ratio import ratio


def area_under_roc(counts: RankedCounts) -> Array:
    """Share of (positive, negative) pairs in which the positive has the higher score; a tie counts half.

    Returns:
        Shape of the leading axes; NaN with one class only.

    Example:
        >>> float(area_under_roc(RankedCounts.of(np.array([0.9, 0.8, 0.3]), np.array([1.0, 0.0, 1.0]))))
        0.5
    """
    positives, negatives = counts.positives, counts.negatives
    all_negatives = negatives.sum(axis=-1, keepdims=True)
    below = all_negatives - np.cumsum(negatives, axis=-1) + negatives / 2.0
    pairs = positives.sum(axis=-1) * all_negatives[..., 0]
    return ratio((positives * below).sum(axis=-1), pairs)


def average_precision(counts: RankedCounts) -> Array:
    """Mean precision over the positives, each at its own score; without interpolation, as in scikit-learn.

    Returns:
        Shape of the leading axes; NaN without positives. A random order gives about the prevalence.

    Example:
        >>> round(float(average_precision(RankedCounts.of(np.array([0.9, 0.8, 0.3]), np.array([1.0, 0.0, 1.0])))), 4)
        0.8333
    """
    found = np.cumsum(counts.positives, axis=-1)
    seen = found + np.cumsum(counts.negatives, axis=-1)
    precision = ratio(found, seen, otherwise=0.0)
    return ratio((counts.positives * precision).sum(axis=-1), counts.positives.sum(axis=-1))
