"""Checks that there are enough labels of both classes to learn from."""

from __future__ import annotations

from domain.errors import ModelError
from expressions.types import Array

LEAST_OF_EACH = 20
"""Minimum rows of each outcome; with fewer, a model would only learn noise."""


def check_labels(y: Array, meaning: str, *, model: str, least: int = 1, column: str | None = None) -> None:
    """Reject labels of a single class, or with too few rows of one.

    Args:
        y: Labels, 1.0 and 0.0, shape (n,).
        meaning: What 1.0 means, such as `churned`.
        model: Name of the model, for the message.
        least: Minimum rows of each outcome.
        column: Column that the labels come from, for the message.

    Raises:
        ModelError: If there are too few rows of either outcome.
    """
    positives = int(y.sum())
    negatives = len(y) - positives
    if min(positives, negatives) < least:
        raise ModelError(
            f"the {model} model has too few rows to learn who {meaning}"
            + (f" from column '{column}'" if column is not None else ""),
            got=f"{positives} who {meaning} and {negatives} who have not, among {len(y)}",
            expected=f"at least {least} of each",
            remedy="check how the outcome is defined, or bring more history",
        )
