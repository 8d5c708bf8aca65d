"""Feature importance: how much each feature moves a model's predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from expressions.types import Array


def mean_absolute_shap(shap_values: Array, names: Sequence[str]) -> dict[str, float]:
    """Return each feature's mean absolute SHAP value, in log odds, largest first.

    Args:
        shap_values: Shape (n, features), without the column of the expected value.
        names: Names of the features.

    Example:
        >>> mean_absolute_shap(np.array([[0.1, -2.0], [-0.3, 1.0]]), ["age", "region"])
        {'region': 1.5, 'age': 0.2}
    """
    means = dict(zip(names, np.abs(shap_values).mean(axis=0).tolist(), strict=True))
    return dict(sorted(means.items(), key=lambda item: (-item[1], item[0])))
