"""Log-odds and probabilities."""

from __future__ import annotations

import numpy as np

from simulation.market import FloatArray


def logistic(log_odds: FloatArray) -> FloatArray:
    """Convert log-odds to probabilities.

    Example:
        >>> logistic(np.array([0.0])).tolist()
        [0.5]
    """
    return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float64)


def ranking_quality(probabilities: FloatArray, outcomes: FloatArray) -> float:
    """Compute the area under the ROC curve, with ties counted half; NaN if there is only one class.

    Example:
        >>> ranking_quality(np.array([0.1, 0.4, 0.4]), np.array([0, 1, 0]))
        0.75
    """
    positives = int(np.sum(outcomes))
    if positives in (0, len(outcomes)):
        return float("nan")
    values, place, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place] if len(values) else probabilities
    above = ranks[np.asarray(outcomes) == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(outcomes) - positives)))
