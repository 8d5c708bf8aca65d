"""Builders that hide what tests of the store do not depend on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from expressions.types import Array, Boolean, Category, ColumnType, Number
from features.catalogue import Feature, FeatureCatalogue
from features.moments import Moments
from features.store.offline import OfflineFeatures
from features.store.repository import FeatureRepository
from features.table import FeatureTable

REGION = Category(("north", "south"))
TYPES: dict[str, ColumnType] = {"activity_count_30d": Number(), "savings_held": Boolean(), "region": REGION}


def feature(name: str, kind: ColumnType, *, internal: bool = False, personal: bool = False) -> Feature:
    return Feature(
        name=name,
        type=kind,
        unit="events",
        description=f"What {name} says",
        topic="activity",
        owner="customer analytics",
        internal=internal,
        personal=personal,
    )


def catalogue(types: Mapping[str, ColumnType] = TYPES, *, internal: Sequence[str] = ()) -> FeatureCatalogue:
    features = {name: feature(name, kind) for name, kind in types.items()}
    features |= {name: feature(name, Number(), internal=True) for name in internal}
    return FeatureCatalogue(features=features, families={}, not_applicable={})


def moments(*pairs: tuple[str, str]) -> Moments:
    return Moments(
        np.array([customer for customer, _ in pairs], dtype=object),
        np.array([as_of for _, as_of in pairs], dtype="datetime64[us]"),
    )


def table(rows: Moments, types: Mapping[str, ColumnType] = TYPES, **columns: Sequence[float]) -> FeatureTable:
    values: dict[str, Array] = {
        name: np.array(columns.get(name, [0.0] * len(rows)), dtype=np.float64) for name in types
    }
    return FeatureTable(rows.customer_ids, rows.as_of, values, dict(types))


def repository(folder: Path, **settings: Any) -> FeatureRepository:
    return FeatureRepository("demo", folder / "feast", folder / "features", **settings)


def offline(folder: Path, features: FeatureCatalogue | None = None, **settings: Any) -> OfflineFeatures:
    features = features or catalogue()
    opened = repository(folder, **settings)
    opened.apply(features, {"churn": ["region", "savings_held"]})
    return OfflineFeatures(opened, features)
