"""Noise of paired differences between scores of the same rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array


def standard_error(differences: Array, customers: NDArray[np.object_]) -> float:
    """Return the standard error of the mean of row-by-row differences; rows of one customer count as one draw.

    Args:
        differences: Shape (n,).
        customers: Customer of each row, shape (n,).

    Example:
        >>> one_each = np.array(["a", "b", "c", "d"], dtype=object)
        >>> float(standard_error(np.array([1.0, -1.0, 1.0, -1.0]), one_each))
        0.5
        >>> float(standard_error(np.array([1.0, -1.0, 1.0, -1.0]), np.array(["a", "a", "b", "b"], dtype=object)))
        0.0
    """
    _, customer = np.unique(customers.astype(str), return_inverse=True)
    sums = np.bincount(customer, weights=differences - differences.mean())
    return float(np.sqrt(np.square(sums).sum()) / len(differences))
