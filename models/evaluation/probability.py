"""Proper scores of probabilities, row by row, and helpers for them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array
from models.evaluation.metrics import ratio

SMALLEST = 1e-12
"""Probabilities are kept this far from 0 and 1, so that one wrong certainty does not make a log loss infinite."""


def squared_errors(probability: Array, y: Array) -> Array:
    """Brier score of each row (Brier 1950); its mean is the Brier score."""
    errors: Array = np.square(probability - y)
    return errors


def log_losses(probability: Array, y: Array) -> Array:
    """Negative log likelihood of each row, in nats; its mean is the log loss.

    Example:
        >>> log_losses(np.array([0.5, 0.9]), np.array([1.0, 1.0])).round(4).tolist()
        [0.6931, 0.1054]
    """
    safe = np.clip(probability, SMALLEST, 1.0 - SMALLEST)
    losses: Array = -np.where(y == 1.0, np.log(safe), np.log1p(-safe))
    return losses


def brier_skill(squared_error_sum: Array, fold_positives: Array, fold_rows: Array) -> Array:
    """Share of the squared error that the model removes, relative to each test fold's own share of positives.

    That reference could not have been known before the fold. It is the best possible constant, and it keeps a drift of
    the base rate from counting for or against the model's discrimination.

    Args:
        squared_error_sum: Shape (...,).
        fold_positives: Shape (..., folds).
        fold_rows: Shape (..., folds).

    Returns:
        Shape (...,); 1 is perfect, 0 as good as the reference, NaN if no fold has both classes.

    Example:
        >>> float(brier_skill(np.array(9.0), np.array([10.0]), np.array([100.0])))
        0.0
    """
    negatives = fold_rows - fold_positives
    errors = ratio(fold_positives * negatives, fold_rows, otherwise=0.0)
    return 1.0 - ratio(squared_error_sum, errors.sum(axis=-1))


def logit(probability: Array) -> Array:
    """Return log odds, finite for every probability."""
    safe = np.clip(probability, SMALLEST, 1.0 - SMALLEST)
    odds: Array = np.log(safe) - np.log1p(-safe)
    return odds


def equal_count_bins(probability: Array, bins: int) -> tuple[NDArray[np.int64], int]:
    """Assign rows to bins of about equal counts by their probability; equal probabilities share a bin.

    Returns:
        Bin of every row, from 0 (lowest), and the number of bins, which is lower than `bins` with many ties.

    Example:
        >>> equal_count_bins(np.array([0.1, 0.1, 0.1, 0.4]), 2)
        (array([0, 0, 0, 1]), 2)
    """
    _, group_of_row, rows = np.unique(probability, return_inverse=True, return_counts=True)
    middle = (np.cumsum(rows) - rows / 2.0) / max(len(probability), 1)
    used, bin_of_group = np.unique((middle * bins).astype(np.int64), return_inverse=True)
    return bin_of_group[group_of_row].astype(np.int64), len(used)
