"""Leakage check: a single feature that predicts the outcome was probably recorded after the outcome was known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError
from expressions.types import Array, Category
from features.table import FeatureTable
from models.evaluation.metrics import area_under_roc, ratio
from models.evaluation.ranked import RankedCounts

_ROWS = 50_000
"""Rows used: all positives and evenly spaced negatives up to this. AUC does not depend on the prevalence."""


def single_feature_aucs(features: FeatureTable, y: Array, names: Sequence[str] | None = None) -> Mapping[str, float]:
    """Compute the AUC of every feature alone, in whichever direction is better.

    NULL is tried as the lowest and as the highest value, since missingness leaks too; categories are ordered by their
    share of positives.

    Args:
        features: Features of n rows.
        y: Outcomes, 1.0 and 0.0; NaN (not known yet) is left out; shape (n,).
        names: Features to check; None for all.

    Returns:
        Feature -> AUC between 0.5 and 1, highest first; empty if there is one class only.

    Raises:
        DataError: If features and outcomes differ in length.

    Example:
        >>> from expressions.types import Number
        >>> table = FeatureTable(np.array(["a", "b"], dtype=object), np.array(["2026-01-01"] * 2, "datetime64[us]"),
        ...                      {"balance": np.array([5.0, np.nan])}, {"balance": Number()})
        >>> dict(single_feature_aucs(table, np.array([0.0, 1.0])))
        {'balance': 1.0}
    """
    if len(features) != len(y):
        raise DataError("features and outcomes differ in length", got=f"{len(features)} and {len(y)}")
    rows = _thinned(y)
    answers = y[rows]
    if len(answers) == 0 or np.ptp(answers) == 0.0:
        return {}
    found = {}
    for name in names or tuple(features.columns):
        values = features.columns[name][rows]
        ordered = _by_share(values, answers) if isinstance(features.schema[name], Category) else values
        found[name] = _either_way(ordered, answers)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _thinned(y: Array) -> NDArray[np.int64]:
    if len(y) <= _ROWS:
        return np.flatnonzero(~np.isnan(y))
    positives, negatives = np.flatnonzero(y == 1.0), np.flatnonzero(y == 0.0)
    step = max(1, len(negatives) // max(_ROWS - len(positives), _ROWS // 2))
    return np.concatenate([positives, negatives[::step]])


def _by_share(codes: Array, y: Array) -> Array:
    known = ~np.isnan(codes)
    positions = codes[known].astype(np.int64)
    rows = np.bincount(positions).astype(np.float64)
    share = ratio(np.bincount(positions, weights=y[known]).astype(np.float64), rows)
    ordered = codes.copy()
    ordered[known] = share[positions]
    return ordered


def _either_way(values: Array, y: Array) -> float:
    missing = np.isnan(values)
    best = 0.5
    for end in (-np.inf, np.inf) if missing.any() else (0.0,):
        auc = float(area_under_roc(RankedCounts.of(np.where(missing, end, values), y)))
        best = max(best, auc, 1.0 - auc)
    return best
