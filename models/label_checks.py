"""Whether labels are fit to learn from."""

from __future__ import annotations

from domain.errors import ModelError
from expressions.types import Array

LEAST_OF_EACH = 20
"""Rows of either outcome below which a model would only repeat chance."""


def check_labels(y: Array, meaning: str) -> None:
    """Refuse labels of one class, or with too few rows of one.

    Args:
        y: Shape (n,), 1.0 and 0.0.
        meaning: What 1.0 says, as `churned`.

    Raises:
        ModelError: Saying how many rows of which outcome there are.
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
