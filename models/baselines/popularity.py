"""Popularity baselines: each offer's acceptance rate, or one share of positives, the same for every customer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array

_PRIOR_IMPRESSIONS = 100.0
"""With this many impressions an offer's own rate counts half; the rest is the rate of all offers."""


def offer_rates(offer: NDArray[np.object_], y: Array, asked: NDArray[np.object_]) -> Array:
    """Predict each requested offer's acceptance rate in training, shrunk to the rate of all offers.

    Args:
        offer: Offers of the training rows, shape (n,).
        y: Outcomes, 1.0 accepted, shape (n,).
        asked: Offers to predict for, shape (m,); one that was never presented gets the rate of all.

    Example:
        >>> offers = np.array(["loan"] * 100 + ["card"] * 100, dtype=object)
        >>> rates = offer_rates(offers, np.repeat([0.0, 0.2], 100), np.array(["loan", "card", "new"], dtype=object))
        >>> rates.round(3).tolist()
        [0.051, 0.151, 0.102]
    """
    overall = (y.sum() + 0.5) / (len(y) + 1.0)
    names, positions = np.unique(offer.astype(str), return_inverse=True)
    counts = np.bincount(positions, minlength=len(names))
    accepted = np.bincount(positions, weights=y, minlength=len(names))
    rates = (accepted + _PRIOR_IMPRESSIONS * overall) / (counts + _PRIOR_IMPRESSIONS)
    by_name = dict(zip(names.tolist(), rates.tolist(), strict=True))
    return np.array([by_name.get(name, overall) for name in asked.tolist()], dtype=np.float64)


def prevalence(y: Array, rows: int) -> Array:
    """Predict the training share for a number of rows; half a row of each outcome keeps it off 0 and 1.

    Example:
        >>> prevalence(np.array([0.0, 0.0, 1.0]), 2).tolist()
        [0.375, 0.375]
    """
    return np.full(rows, (y.sum() + 0.5) / (len(y) + 1.0))
