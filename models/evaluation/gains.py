"""Gains from contacting only the best customers: lift, the gain curve, and the area below it."""

from __future__ import annotations

import numpy as np

from expressions.types import Array
from models.evaluation.ranked import RankedCounts
from models.evaluation.ratio import ratio


def lift_at(counts: RankedCounts, share: float) -> Array:
    """Positives among the `share` with the highest scores, relative to a random choice of that size.

    If the cut falls into a tie, the tied rows count by the part that fits.

    Returns:
        Shape of the leading axes; 1 is random, NaN without positives.

    Example:
        >>> counts = RankedCounts.of(np.linspace(1, 0, 10), np.array([1.0, 1, 0, 0, 0, 0, 0, 0, 0, 0]))
        >>> float(lift_at(counts, 0.1)), float(lift_at(counts, 0.4))
        (5.0, 2.5)
    """
    rows = counts.positives + counts.negatives
    before = np.cumsum(rows, axis=-1) - rows
    wanted = share * rows.sum(axis=-1, keepdims=True)
    inside: Array = np.clip(ratio(wanted - before, rows, otherwise=0.0), 0.0, 1.0)
    return ratio((counts.positives * inside).sum(axis=-1), share * counts.positives.sum(axis=-1))


def area_under_gain(counts: RankedCounts) -> Array:
    """Area under the cumulative gain curve, known as ALIFT (Moro, Cortez & Rita 2014, Decision Support Systems 62).

    The curve shows the share of positives found by the share contacted. Random is 0.5 and perfect 1 - prevalence / 2.
    The area equals prevalence / 2 + (1 - prevalence) x AUC: the share of positives found, on average over all sizes
    of a campaign.

    Returns:
        Shape of the leading axes; NaN without positives.

    Example:
        >>> float(area_under_gain(RankedCounts.of(np.array([0.9, 0.5, 0.2, 0.1]), np.array([1.0, 0.0, 0.0, 0.0]))))
        0.875
    """
    rows = counts.positives + counts.negatives
    found = np.cumsum(counts.positives, axis=-1) - counts.positives / 2.0
    return ratio((rows * found).sum(axis=-1), rows.sum(axis=-1) * counts.positives.sum(axis=-1))


def gain_curve(counts: RankedCounts, points: int = 101) -> tuple[Array, Array]:
    """Share of positives found by share of rows contacted, at evenly spaced shares.

    Returns:
        Shares contacted and shares found (NaN without positives), each of shape (points,), both from 0 to 1.

    Example:
        >>> contacted, found = gain_curve(RankedCounts.of(np.array([0.9, 0.1]), np.array([1.0, 0.0])), points=3)
        >>> found.tolist()
        [0.0, 1.0, 1.0]
    """
    rows = np.concatenate([[0.0], np.cumsum(counts.positives + counts.negatives)])
    found = np.concatenate([[0.0], np.cumsum(counts.positives)])
    contacted = np.linspace(0.0, 1.0, points)
    return contacted, ratio(np.interp(contacted, rows / rows[-1], found), found[-1])
