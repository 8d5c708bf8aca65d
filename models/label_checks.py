"""Checks that there are enough labels of both classes to learn from."""

from __future__ import annotations

from domain.errors import ModelError
from expressions.types import Array

LEAST_OF_EACH = 20
"""Minimum rows of each outcome; with fewer, a model would only learn noise."""


def check_labels(y: Array, meaning: str) -> None:
    """Reject labels of a single class, or with too few rows of one.

    Args:
        y: Labels, 1.0 and 0.0, shape (n,).
        meaning: What 1.0 means, such as `churned`.

    Raises:
        ModelError: If there are too few rows of either outcome.
    """
    positives = int(y.sum())
    negatives = len(y) - positives
    if min(positives, negatives) < LEAST_OF_EACH:
        raise ModelError(
            f"too few rows to learn who {meaning}",
            got=f"{positives} who {meaning} and {negatives} who have not, among {len(y)}",
            expected=f"at least {LEAST_OF_EACH} of each",
            remedy="check the label's definition in models.yaml, or bring more history",
        )
