"""Groups of customers for the counts of a run: all, lifecycle stages, and other segments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError, nearest
from expressions.types import Boolean, Category
from features.catalogue import FeatureCatalogue
from features.table import FeatureTable

ALL = "all"
STAGE = "stage"
UNKNOWN = "(unknown)"
"""The group of customers whose feature is NULL; the brackets distinguish it from a category of that name."""

YEARS = "years"
AGE_BANDS = (18, 25, 35, 45, 55, 65, 75)
"""Edges of the bands of features in years, as customary in surveys: `under 18` to `75 and over`."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """A partition of n customers into groups.

    Attributes:
        feature: Feature that defines the groups; `all` for one group of everybody.
        names: Names of the g groups.
        members: Shape (n,), position of each customer's group.
    """

    feature: str
    names: tuple[str, ...]
    members: NDArray[np.intp]


def groupings_of(features: FeatureTable, catalogue: FeatureCatalogue, segments: Iterable[str]) -> list[Grouping]:
    """Group customers as a whole, by stage where there is one, and by each segment.

    Args:
        features: Features of n customers.
        catalogue: Catalogue with the units of features.
        segments: Category features, Boolean features, or numbers of years, which are divided into bands.

    Raises:
        DataError: If a segment is not a feature of the table, or has no groups.
    """
    everybody = Grouping(ALL, (ALL,), np.zeros(len(features), dtype=np.intp))
    stage = (STAGE,) if STAGE in features.columns else ()
    return [everybody, *(_grouping(features, catalogue, name) for name in dict.fromkeys((*stage, *segments)))]


def _grouping(features: FeatureTable, catalogue: FeatureCatalogue, name: str) -> Grouping:
    if name not in features.columns:
        raise DataError(
            "unknown feature to group customers by", got=f"'{name}'", expected=nearest(name, features.columns)
        )
    codes = features.columns[name]
    kind = features.schema[name]
    if isinstance(kind, Category):
        names = kind.values
    elif isinstance(kind, Boolean):
        names = ("no", "yes")
    elif name in catalogue.features and catalogue.features[name].unit == YEARS:
        names = band_names(AGE_BANDS)
        codes = np.where(np.isnan(codes), np.nan, np.searchsorted(AGE_BANDS, codes, side="right"))
    else:
        raise DataError(
            "a number cannot be grouped",
            got=f"'{name}'",
            expected=f"a category, a yes-or-no feature, or a number with the unit {YEARS}",
        )
    members = np.where(np.isnan(codes), len(names), codes).astype(np.intp)
    return Grouping(name, (*names, UNKNOWN), members)


def band_names(edges: tuple[int, ...]) -> tuple[str, ...]:
    """Return the names of the bands between edges.

    Example:
        >>> band_names((18, 25))
        ('under 18', '18 to 24', '25 and over')
    """
    between = (f"{low} to {high - 1}" for low, high in pairwise(edges))
    return (f"under {edges[0]}", *between, f"{edges[-1]} and over")
