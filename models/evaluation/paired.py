"""Noise of paired differences between scores of the same rows, and choices that look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array

Name = TypeVar("Name", bound=str)


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


def better_beyond_noise(losses: Array, than: Array, customers: NDArray[np.object_]) -> bool:
    """Say whether the mean loss is lower by more than the standard error of the paired difference.

    Args:
        losses: Of each row, shape (n,).
        than: Of the same rows, shape (n,).
        customers: Customer of each row, shape (n,).
    """
    gain = than - losses
    return bool(gain.mean() > standard_error(gain, customers))


def first_within_noise(order: Sequence[Name], losses: Mapping[Name, Array], customers: NDArray[np.object_]) -> Name:
    """Return the first name that the one with the lowest mean loss does not beat beyond noise.

    Args:
        order: Names, the preferred one first.
        losses: Name -> loss of each row, shape (n,).
        customers: Customer of each row, shape (n,).

    Example:
        >>> losses = {"simple": np.array([0.5, 0.1, 0.4]), "other": np.array([0.1, 0.4, 0.4])}
        >>> customers = np.array(["a", "b", "c"], dtype=object)
        >>> first_within_noise(("simple", "other"), losses, customers)
        'simple'
        >>> first_within_noise(("simple", "other"), {**losses, "other": np.array([0.1, 0.0, 0.2])}, customers)
        'other'
    """
    best = min(order, key=lambda name: float(losses[name].mean()))
    return next(name for name in order if not better_beyond_noise(losses[best], losses[name], customers))
