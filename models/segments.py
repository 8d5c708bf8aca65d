"""Segment names of rows, for metrics by segment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError, nearest
from expressions.types import Category
from features.table import FeatureTable


def segment_names(features: FeatureTable, feature: str) -> NDArray[np.object_]:
    """Return the value names of a categorical feature, None where it is NULL, shape (n,).

    Raises:
        DataError: If there is no such feature or it is not categorical.

    Example:
        >>> table = FeatureTable(np.array(["c1", "c2"], dtype=object), np.zeros(2, "datetime64[us]"),
        ...                      {"region": np.array([1.0, np.nan])}, {"region": Category(("north", "south"))})
        >>> segment_names(table, "region").tolist()
        ['south', None]
    """
    kind = features.schema.get(feature)
    if not isinstance(kind, Category):
        raise DataError(
            "metrics by segment need a categorical feature",
            got=f"'{feature}'",
            expected=nearest(feature, [name for name, kind in features.schema.items() if isinstance(kind, Category)]),
            remedy="correct `training.segments` in models.yaml",
        )
    values = features.columns[feature]
    missing = np.isnan(values)
    names = np.array([*kind.values, None], dtype=object)
    return names[np.where(missing, len(kind.values), np.where(missing, 0, values)).astype(np.int64)]
