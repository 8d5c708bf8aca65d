"""Encodes features as standardised columns for a linear model: no outliers, no missing values, one-hot categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from expressions.types import Array, Category, Schema

_OFTEN_MISSING = 0.02
"""Share of missing values above which a feature gets a missing-value indicator column."""
_LEAST_SD = 1e-9
_ROWS = 30_000
"""Medians and scales from about this many evenly spaced rows are as good as from all."""
_MOST_CATEGORIES = 40
"""Values of a category with a column of their own: the most frequent ones."""
_FURTHEST_RAW = 1e15
"""Scaled values are cut here before they are compressed, so that no amount overflows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How features become columns, learned on training rows.

    Missing numbers are replaced by the median. Numbers are centred at the median, divided by a robust scale and
    compressed by arcsinh, so that an amount a thousand times larger is a few units away, not a thousand. Columns are
    then standardised. They come in three blocks: values, missing indicators, category values.

    Attributes:
        features: Feature of each column, shape (k,).
        kinds: `value`, `missing` or `category`, shape (k,), blocks in that order.
        codes: Code of the value of a category column; 0 elsewhere.
        fills: Median of a value column, also the centre of its scale; 0 elsewhere.
        scales: Robust scale of a value column; 1 elsewhere.
        means: Mean of the transformed column over training rows.
        sds: Standard deviation of the transformed column over training rows.
        limit: Largest distance from a column's mean, in standard deviations; what is further away counts as that far.
    """

    features: tuple[str, ...]
    kinds: tuple[str, ...]
    codes: Array
    fills: Array
    scales: Array
    means: Array
    sds: Array
    limit: float = inf

    def __len__(self) -> int:
        return len(self.features)

    def matrix(self, columns: Mapping[str, Array]) -> Array:
        """Encode n rows: shape (n, k), C order; each row is encoded independently of the others."""
        standardised = self._transformed(columns)  # in place from here: temporary arrays cost more than sums
        standardised -= self.means
        standardised /= self.sds
        if isfinite(self.limit):
            np.clip(standardised, -self.limit, self.limit, out=standardised)
        return standardised

    def limited(self, limit: float) -> Encoding:
        """Return the same encoding with another limit."""
        return replace(self, limit=limit)

    def _transformed(self, columns: Mapping[str, Array]) -> Array:
        count = len(next(iter(columns.values()), ()))
        raw = np.empty((count, len(self)))
        for position, name in enumerate(self.features):
            raw[:, position] = columns[name]
        values, missing = self.kinds.count("value"), self.kinds.count("missing")
        block = raw[:, :values]
        np.copyto(block, self.fills[:values], where=np.isnan(block))
        with np.errstate(over="ignore"):
            block -= self.fills[:values]
            block /= self.scales[:values]
        np.arcsinh(np.clip(block, -_FURTHEST_RAW, _FURTHEST_RAW, out=block), out=block)
        raw[:, values : values + missing] = np.isnan(raw[:, values : values + missing])
        raw[:, values + missing :] = raw[:, values + missing :] == self.codes[values + missing :]
        return raw

    def select(self, positions: NDArray[np.integer]) -> Encoding:
        """Keep some columns, in ascending order of position."""
        kept = np.sort(positions)
        return Encoding(
            features=tuple(self.features[position] for position in kept),
            kinds=tuple(self.kinds[position] for position in kept),
            codes=self.codes[kept],
            fills=self.fills[kept],
            scales=self.scales[kept],
            means=self.means[kept],
            sds=self.sds[kept],
            limit=self.limit,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the encoding as JSON-compatible values."""
        arrays = {name: getattr(self, name).tolist() for name in ("codes", "fills", "scales", "means", "sds")}
        limit = {"limit": self.limit} if isfinite(self.limit) else {}
        return {"features": list(self.features), "kinds": list(self.kinds), **arrays, **limit}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> Encoding:
        """Read an encoding from `to_json` output."""
        arrays = {
            name: np.array(parts[name], dtype=np.float64) for name in ("codes", "fills", "scales", "means", "sds")
        }
        limit = float(parts.get("limit", inf))
        return cls(features=tuple(parts["features"]), kinds=tuple(parts["kinds"]), **arrays, limit=limit)


def fit_encoding(columns: Mapping[str, Array], schema: Schema, names: Sequence[str]) -> Encoding:
    """Learn the encoding of the named features; constant columns and the rarest of many categories are left out.

    Example:
        >>> from expressions.types import Number
        >>> columns = {"age": np.array([20.0, 40.0, np.nan, 60.0]), "constant": np.ones(4)}
        >>> encoding = fit_encoding(columns, {"age": Number(), "constant": Number()}, ["age", "constant"])
        >>> list(zip(encoding.features, encoding.kinds))
        [('age', 'value'), ('age', 'missing')]
        >>> encoding.matrix(columns)[:, 0].round(2).tolist()
        [-1.41, 0.0, 0.0, 1.41]
    """
    step = max(1, len(next(iter(columns.values()), ())) // _ROWS)
    columns = {name: columns[name][::step] for name in names}
    values: list[tuple[str, str, float, float, float]] = []
    indicators: list[tuple[str, str, float, float, float]] = []
    categories: list[tuple[str, str, float, float, float]] = []
    for name in names:
        kind = schema[name]
        gaps = np.isnan(columns[name])
        present = columns[name][~gaps]
        if isinstance(kind, Category):
            categories += [(name, "category", code, 0.0, 1.0) for code in _frequent(present)]
        elif len(present):
            median = float(np.median(present))
            values.append((name, "value", 0.0, median, _robust_scale(present, median)))
        if gaps.mean() > _OFTEN_MISSING:
            indicators.append((name, "missing", 0.0, 0.0, 1.0))
    entries = values + indicators + categories
    count = len(entries)
    draft = Encoding(
        features=tuple(entry[0] for entry in entries),
        kinds=tuple(entry[1] for entry in entries),
        codes=np.array([entry[2] for entry in entries]),
        fills=np.array([entry[3] for entry in entries]),
        scales=np.array([entry[4] for entry in entries]),
        means=np.zeros(count),
        sds=np.ones(count),
    )
    if not entries:
        return draft
    transformed = draft._transformed(columns)
    means, sds = transformed.mean(axis=0), transformed.std(axis=0)
    learned = Encoding(
        features=draft.features,
        kinds=draft.kinds,
        codes=draft.codes,
        fills=draft.fills,
        scales=draft.scales,
        means=means,
        sds=np.maximum(sds, _LEAST_SD),
    )
    return learned.select(np.flatnonzero(sds > _LEAST_SD))


def _frequent(codes: Array) -> list[float]:
    """Return the most frequent codes of a category, ascending."""
    values, rows = np.unique(codes, return_counts=True)
    return sorted(values[np.argsort(-rows, kind="stable")[:_MOST_CATEGORIES]].tolist())


def _robust_scale(present: Array, median: float) -> float:
    """Return half the interquartile range, or the mean distance from the median where that is 0."""
    low, high = np.quantile(present, [0.25, 0.75])
    with np.errstate(over="ignore"):
        scale = float(high - low) / 2.0
        scale = scale or float(np.abs(present - median).mean())
    return scale if scale and isfinite(scale) else 1.0
